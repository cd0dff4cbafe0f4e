"""What only the demonstration shop has."""
