"""The domain of Parcours: knows neither the web nor workflows."""
