"""Topics: what customers agree to get, and how many of them do."""
