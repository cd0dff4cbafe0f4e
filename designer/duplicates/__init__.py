"""Customers who may be one: pairs side by side, merging, and undoing it."""
