"""Who cares for which product: found by the product, without looking through everybody's events."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import orjson
from sqlalchemy import Connection, text

ASKED_FOR: Final = timedelta(days=365)
"""For how long it holds that somebody asked to be told."""

_AT_ONCE: Final = 10_000

# One who looks at the same thing again within the hour is as interested as before.
_NOTE = text("""
INSERT INTO product_interest (sku, customer_id, kind, shop, at)
SELECT sku, customer_id, kind, shop, at
FROM json_populate_recordset(NULL::product_interest, CAST(:rows AS json))
ORDER BY sku, customer_id, kind, shop
ON CONFLICT (sku, customer_id, kind, shop) DO UPDATE SET at = excluded.at
WHERE excluded.at > product_interest.at
  AND (excluded.kind <> 'viewed' OR excluded.at > product_interest.at + interval '1 hour')
""")

_FORGET = text("""
DELETE FROM product_interest WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM product_interest
    WHERE at < now() - CASE kind WHEN 'viewed' THEN CAST(:viewed AS interval)
                                 ELSE CAST(:asked AS interval) END
    LIMIT :limit
))
""")

_COUNTS = text("""
SELECT count(DISTINCT customer_id) FILTER (WHERE kind = 'viewed') AS viewed,
       count(DISTINCT customer_id) FILTER (WHERE kind = 'stock') AS stock,
       count(DISTINCT customer_id) FILTER (WHERE kind = 'price') AS price
FROM product_interest WHERE sku = :sku
""")

_WHO = text("""
SELECT i.customer_id, max(i.at) AS at, array_agg(DISTINCT i.kind ORDER BY i.kind) AS kinds,
       c.traits, c.addresses
FROM product_interest i JOIN customer c ON c.id = i.customer_id
WHERE i.sku = :sku GROUP BY i.customer_id, c.traits, c.addresses
ORDER BY at DESC LIMIT :limit
""")


def note(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write down interests, each (sku, customer, kind, shop) once."""
    connection.execute(_NOTE, {"rows": orjson.dumps(list(rows), default=str).decode()})


def forget(connection: Connection, viewed: timedelta) -> bool:
    """Forget some interests that are too long ago; return whether there may be more."""
    given = {"viewed": viewed, "asked": ASKED_FOR, "limit": _AT_ONCE}
    return connection.execute(_FORGET, given).rowcount == _AT_ONCE


def counts(connection: Connection, sku: str) -> dict[str, int]:
    """Return how many customers looked at a product, wait for its stock, or for its price."""
    return dict(connection.execute(_COUNTS, {"sku": sku}).mappings().one())


def who(connection: Connection, sku: str, limit: int) -> list[dict[str, Any]]:
    """Return those who cared for a product last, and for what of it."""
    rows = connection.execute(_WHO, {"sku": sku, "limit": limit}).mappings()
    return [dict(row) for row in rows]
