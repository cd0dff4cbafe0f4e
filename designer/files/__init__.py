"""Journeys as files: taken from the pages, and brought back."""
