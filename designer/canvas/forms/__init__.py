"""Settings of steps and journeys as forms: read, shown again as typed, and turned into documents."""
