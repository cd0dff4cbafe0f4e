"""What journeys, conditions, customers, events and messages are: frozen pydantic models."""
