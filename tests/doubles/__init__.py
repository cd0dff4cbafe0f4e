"""Providers on loopback: they check requests as the vendors do, and fail when told to.

Each is a context manager with `url`, what it has accepted in `messages`, and `order(...)` for what
happens to the next sendings. `tell(url)` makes it call back by itself, with its signatures.
"""
