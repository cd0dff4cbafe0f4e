"""Segments: the list, one's page, and the builder of its rule."""
