"""Attempts to log in: so many in so long a time, for all web processes together."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection, text

WINDOW: Final = timedelta(minutes=15)

_COUNT: Final = text("""
    INSERT INTO login_attempt AS a (key, count, until) VALUES (:key, 1, now() + :window)
    ON CONFLICT (key) DO UPDATE SET
        count = CASE WHEN a.until < now() THEN 1 ELSE a.count + 1 END,
        until = CASE WHEN a.until < now() THEN excluded.until ELSE a.until END
    RETURNING count
""")

_FORGET_OLD: Final = text("DELETE FROM login_attempt WHERE until < now()")
_FORGET: Final = text("DELETE FROM login_attempt WHERE key = :key")


def counted(connection: Connection, keys: Iterable[str]) -> list[int]:
    """Count one more attempt for each key, and return how many each has had in its window."""
    connection.execute(_FORGET_OLD)
    # In one order, so that two attempts don't wait for each other.
    found = {key: connection.execute(_COUNT, {"key": key, "window": WINDOW}).scalar_one()
             for key in sorted(keys)}  # fmt: skip
    return [found[key] for key in keys]


def forget(connection: Connection, key: str) -> None:
    """Begin anew for a key."""
    connection.execute(_FORGET, {"key": key})
