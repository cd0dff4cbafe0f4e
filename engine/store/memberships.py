"""Who is in which segment, and what is being built anew."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from engine.compile.mentions import mentions
from engine.model.customer import Customer
from engine.run.conditions import holds
from engine.run.world import MemoryWorld
from engine.store import documents
from engine.store.documents import touch


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Whether a customer is in a segment, since when, and when time alone may change that."""

    inside: bool
    since: datetime
    next_change_at: datetime | None


_DUE = text("""
SELECT customer_id FROM membership WHERE next_change_at <= clock_timestamp()
ORDER BY next_change_at LIMIT :most
""")


def due(connection: Connection, most: int) -> list[UUID]:
    """Return customers of whom time may have changed something, in the order of their ids."""
    return sorted(set(connection.execute(_DUE, {"most": most}).scalars()))


_FORGET = text("""
DELETE FROM membership WHERE customer_id = :customer AND segment_id = ANY(:segments)
""")


def forget(connection: Connection, customer: UUID, segments: Collection[str]) -> None:
    """Forget how a customer stands to segments that do not exist any more."""
    connection.execute(_FORGET, {"customer": customer, "segments": sorted(segments)})


_FORGET_SEGMENT = text("DELETE FROM membership WHERE segment_id = :segment")


def forget_segment(connection: Connection, segment: str) -> None:
    """Forget who is in a segment that is deleted."""
    connection.execute(_FORGET_SEGMENT, {"segment": segment})


_BUILD_AGAIN = text("""
UPDATE segment SET build = build + 1, state = 'building' WHERE id = ANY(:segments)
""")


def build_again(connection: Connection, segments: Collection[str]) -> None:
    """Have everybody looked at for these segments; nobody's entering or leaving is told."""
    if segments:
        connection.execute(_BUILD_AGAIN, {"segments": sorted(segments)})
        touch(connection)


def build_mentioning(connection: Connection, changed: Collection[str]) -> None:
    """Have the segments built anew that mention one of these (see `engine.compile.mentions`).

    For changes to many customers at once, such as an import; a few are followed one by one.
    """
    rules = {id: segment.rule for id, segment in documents.segments(connection).items()}
    asked = {id for id, rule in rules.items() if mentions(rule, rules) & frozenset(changed)}
    build_again(connection, asked)


# Until the planner knows what has come in, it takes a large shop for an empty one. Looking at a
# large one takes longer than any other statement may.
_ANALYZE = text("""
SET LOCAL statement_timeout = '10min'; ANALYZE (SKIP_LOCKED) event, customer, identity
""")


def build_imported(connection: Connection, changed: Collection[str]) -> None:
    """Have the segments built anew that an import may have changed; `changed` are its mentions.

    Beside those that mention what came in, a newcomer is in those that hold of somebody of whom
    nothing is known, such as "has never ordered".
    """
    connection.execute(_ANALYZE)
    rules = {id: segment.rule for id, segment in documents.segments(connection).items()}
    nobody = MemoryWorld(
        now=connection.execute(text("SELECT now()")).scalar_one(),
        seq=0,
        zone=documents.workspace(connection).time_zone,
        customer=Customer(id=UUID(int=0)),
        segments=rules,
        topics=documents.topics(connection),
    )
    build_mentioning(connection, changed)
    build_again(connection, {id for id, rule in rules.items() if holds(rule, nobody)})


_EVERY = text("UPDATE segment SET build = build + 1, state = 'building' RETURNING id")


def build_every(connection: Connection) -> None:
    """Have all segments built anew: many customers are new, and any rule may mean them."""
    connection.execute(_ANALYZE)
    if connection.execute(_EVERY).all():
        touch(connection)


_SIZES = text("""
INSERT INTO segment_size (segment_id, day, size)
SELECT s.id, CAST(now() AT TIME ZONE 'UTC' AS date), count(m.customer_id)
FROM segment s LEFT JOIN membership m ON m.segment_id = s.id AND m.inside
WHERE s.state = 'ready' GROUP BY s.id
ON CONFLICT (segment_id, day) DO UPDATE SET size = excluded.size
""")


def note_sizes(connection: Connection) -> None:
    """Note how many customers are in each segment today."""
    connection.execute(_SIZES)
