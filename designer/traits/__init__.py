"""Traits: what was told of customers, and what is computed of what they do."""
