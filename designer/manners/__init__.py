"""Frequency caps and the shop's other manners, and what they did."""
