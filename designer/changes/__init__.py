"""The record of changes, and what is different after each."""
