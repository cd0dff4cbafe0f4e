"""Who works with the pages, and in which role."""
