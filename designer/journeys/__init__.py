"""The list of journeys, and what one does with a journey as a whole."""
