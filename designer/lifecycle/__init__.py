"""A journey's life beyond its draft: its versions, the archive."""
