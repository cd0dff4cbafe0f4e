"""Words that the shop's data uses: names of events, their properties, and traits."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, text

_MOST = 300
_EVENTS = text("""
    WITH newest AS (
        SELECT name, properties FROM event ORDER BY received_at DESC, id DESC LIMIT 2000
    )
    SELECT s.name, array_agg(DISTINCT k.key) FILTER (WHERE k.key IS NOT NULL) AS keys
    FROM newest s LEFT JOIN LATERAL jsonb_object_keys(s.properties) AS k (key) ON true
    GROUP BY s.name ORDER BY s.name LIMIT :most
""")
_TRAITS = text("""
    SELECT DISTINCT k.key FROM (SELECT traits FROM customer ORDER BY id DESC LIMIT 500) AS newest
    CROSS JOIN LATERAL jsonb_object_keys(newest.traits) AS k (key) ORDER BY k.key LIMIT :most
""")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What events are called, what each of the last ones said, and what is known of customers."""

    events: tuple[str, ...] = ()
    properties: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    traits: tuple[str, ...] = ()


def vocabulary(connection: Connection) -> Vocabulary:
    """Look through the newest events and customers; rare words may be missing."""
    events = connection.execute(_EVENTS, {"most": _MOST}).all()
    return Vocabulary(
        events=tuple(row.name for row in events),
        properties={row.name: tuple(sorted(row.keys or ())) for row in events},
        traits=tuple(connection.execute(_TRAITS, {"most": _MOST}).scalars()),
    )
