"""Bringing in files: read line by line, with what is wrong put aside and the rest kept."""
