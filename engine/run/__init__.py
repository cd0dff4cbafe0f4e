"""Deciding: pure code that is told the time and everything else it may know."""
