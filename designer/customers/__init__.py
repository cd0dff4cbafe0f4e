"""Customers: finding one, and everything that is known of her."""
