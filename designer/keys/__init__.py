"""Access keys of programs."""
