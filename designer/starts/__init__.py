"""Starts: the page on who enters when, and a journey started for many by hand."""
