"""Runs whose journey's state has something to say of them: held ones, and those to be ended."""

from uuid import UUID

from sqlalchemy import Connection, text

# From the journeys to their runs, so that the many of one that stays paused are not read.
_LET_GO = text("""
    SELECT held.id FROM journey j CROSS JOIN LATERAL (
        SELECT id, held_at FROM run WHERE journey_id = j.id AND held_at IS NOT NULL
        ORDER BY held_at LIMIT :limit
    ) held
    WHERE j.state <> 'paused' AND NOT j.ending ORDER BY held.held_at LIMIT :limit
""")

# A claimed message is settled first: its run comes a little later.
_TO_END = text("""
    SELECT inside.id FROM journey j CROSS JOIN LATERAL (
        SELECT id FROM run WHERE journey_id = j.id AND ended_at IS NULL
        ORDER BY entered_at LIMIT :limit
    ) inside
    WHERE j.state = 'archived' AND j.ending LIMIT :limit
""")

# Somebody may have entered by a transaction that began before the journey was archived.
_DONE = text("""
    UPDATE journey SET ending = false
    WHERE state = 'archived' AND ending AND updated_at < now() - interval '1 minute'
      AND NOT EXISTS (SELECT 1 FROM run WHERE journey_id = journey.id AND ended_at IS NULL)
""")

_INSIDE = text("SELECT count(*) FROM run WHERE journey_id = :journey AND ended_at IS NULL")


def to_let_go(connection: Connection, limit: int) -> list[UUID]:
    """Return runs that are held although their journey is not paused any more, oldest first."""
    return list(connection.execute(_LET_GO, {"limit": limit}).scalars())


def to_end(connection: Connection, limit: int) -> list[UUID]:
    """Return runs that are inside an archived journey which takes everybody out."""
    return list(connection.execute(_TO_END, {"limit": limit}).scalars())


def all_ended(connection: Connection) -> None:
    """Forget that journeys take everybody out of which nobody is inside any more."""
    connection.execute(_DONE)


def inside(connection: Connection, journey: str) -> int:
    """Return how many customers are inside, those held out for comparison included."""
    found: int = connection.execute(_INSIDE, {"journey": journey}).scalar_one()
    return found
