"""The newest events of all customers."""

from typing import Any

from sqlalchemy import Connection, text

# The bound lets the database look at the newest months' partitions alone.
_NEWEST = text("""
    SELECT e.id, e.name, e.kind, e.properties, e.occurred_at, e.received_at, e.source,
           e.customer_id, c.traits, c.addresses
    FROM event e JOIN customer c ON c.id = e.customer_id
    WHERE e.received_at > now() - interval '62 days'
      AND (:name = '' OR e.name = :name)
    ORDER BY e.received_at DESC, e.id DESC LIMIT :most
""")

_NAMES = text("""
    SELECT DISTINCT name FROM (
        SELECT name FROM event WHERE received_at > now() - interval '62 days'
        ORDER BY received_at DESC, id DESC LIMIT 2000
    ) AS newest WHERE name <> '' ORDER BY name
""")


def newest(connection: Connection, name: str, limit: int) -> list[dict[str, Any]]:
    """Return the newest events, all of them or those of a name."""
    rows = connection.execute(_NEWEST, {"name": name.replace("\0", ""), "most": limit}).mappings()
    return [dict(row) for row in rows]


def names(connection: Connection) -> list[str]:
    """Return the names among the newest events."""
    return [row.name for row in connection.execute(_NAMES)]
