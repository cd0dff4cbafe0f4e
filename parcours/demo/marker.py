"""Whether the demonstration shop is there: asked at every start, so without loading much."""

from typing import Final

SOURCE: Final = "demo"
"""The source of the shop's events; what it sends is stored once under each message id."""

LOADED: Final = "loaded"
"""The message id under which it is noted that everything is there."""

VISITS: Final = "demo_visits"
"""The setting that lets made-up customers visit; that it is there at all marks the shop."""


def is_loaded(url: str) -> bool:
    """Whether everything is there; False too when the database cannot tell."""
    import psycopg

    dsn = url.replace("postgresql+psycopg://", "postgresql://", 1)
    question = "SELECT FROM event_key WHERE source = %s AND message_id = %s"
    try:
        with psycopg.connect(dsn, connect_timeout=5) as connection:
            return connection.execute(question, (SOURCE, LOADED)).fetchone() is not None
    except psycopg.Error:
        return False
