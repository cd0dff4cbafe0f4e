"""Products that are back in stock or cost less, and who has to be told of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final, Literal
from uuid import UUID

import orjson
from sqlalchemy import Connection, text

Kind = Literal["stock", "price"]
Why = Literal["asked", "viewed"]
Outcome = Literal["told", "bought", "over", "gone"]

KEPT: Final = timedelta(days=90)
"""For how long it can be looked up who was told."""

_COLUMNS: Final = "id, kind, sku, shop, old_price, price, currency"
_ADD = text(f"""
INSERT INTO product_change ({_COLUMNS})
SELECT {_COLUMNS} FROM json_populate_recordset(NULL::product_change, CAST(:rows AS json))
""")  # noqa: S608 - names of columns

_ASKED = text("""
SELECT DISTINCT sku FROM product_interest WHERE sku = ANY(:skus) AND kind = 'stock'
""")

_NEXT = text("""
SELECT id FROM product_change WHERE ended_at IS NULL AND spread_at IS NULL
ORDER BY at, id LIMIT 1 FOR UPDATE SKIP LOCKED
""")

# Whoever has bought it since she asked or looked does not wait for it any more. What comes back
# to one shop concerns those who asked for that shop; what comes back altogether, those too who
# asked for a shop that has it now.
_SPREAD = text("""
INSERT INTO product_telling (change_id, customer_id, why, since)
SELECT c.id, i.customer_id,
       CASE WHEN bool_or(i.kind <> 'viewed') THEN 'asked' ELSE 'viewed' END, min(i.at)
FROM product_change c JOIN product_interest i ON i.sku = c.sku
WHERE c.id = :id
  AND (i.kind = c.kind OR i.kind = 'viewed' AND i.at > c.at - CAST(:looked AS interval))
  AND i.at <= c.at
  AND CASE WHEN c.shop IS NOT NULL THEN i.shop = c.shop
           WHEN i.shop <> '' THEN EXISTS (
               SELECT 1 FROM stock s WHERE s.sku = c.sku AND s.shop = i.shop AND s.quantity > 0)
           ELSE true END
  AND NOT EXISTS (
      SELECT 1 FROM purchase p
      WHERE p.customer_id = i.customer_id AND p.state <> 'cancelled' AND p.placed_at > i.at
        AND p.skus @> ARRAY[i.sku])
GROUP BY c.id, i.customer_id
ON CONFLICT DO NOTHING
""")
_SPREADED = text("UPDATE product_change SET spread_at = now() WHERE id = :id")

# Of all that are under way in turn, so that a large one does not hold up a small one; who takes
# a customer has her for a while.
_TAKE = text("""
WITH due AS (
    SELECT c.id, w.customer_id FROM product_change c CROSS JOIN LATERAL (
        SELECT customer_id, due_at FROM product_telling
        WHERE change_id = c.id AND outcome IS NULL AND due_at <= now()
        ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED
    ) w
    WHERE c.ended_at IS NULL AND c.spread_at IS NOT NULL
    ORDER BY row_number() OVER (PARTITION BY c.id ORDER BY w.due_at), c.at LIMIT :limit
)
UPDATE product_telling t SET due_at = now() + interval '1 minute'
FROM due WHERE t.change_id = due.id AND t.customer_id = due.customer_id
RETURNING t.change_id, t.customer_id
""")

# In the transaction that tells them: who is left, what it is about, and whether it still holds.
_LEFT = text("""
SELECT t.change_id, t.customer_id, t.why, coalesce(k.merged_into, k.id) AS customer,
       c.kind, c.sku, c.shop, c.old_price, c.price, c.currency,
       p.name, p.link, p.picture, p.price AS price_now,
       coalesce(p.active, true) AND CASE c.kind
           WHEN 'price' THEN p.price <= c.price
           ELSE EXISTS (SELECT 1 FROM stock s WHERE s.sku = c.sku AND s.quantity > 0
                        AND (c.shop IS NULL OR s.shop = c.shop)) END AS holds,
       EXISTS (SELECT 1 FROM purchase b
               WHERE b.customer_id = k.id AND b.state <> 'cancelled' AND b.placed_at > t.since
                 AND b.skus @> ARRAY[c.sku]) AS bought
FROM product_telling t
JOIN unnest(CAST(:changes AS uuid[]), CAST(:customers AS uuid[])) AS due (change, customer)
  ON t.change_id = due.change AND t.customer_id = due.customer
JOIN product_change c ON c.id = t.change_id
LEFT JOIN product p ON p.sku = c.sku
LEFT JOIN customer k ON k.id = t.customer_id
WHERE t.outcome IS NULL
ORDER BY t.change_id, t.customer_id FOR UPDATE OF t
""")

_DECIDED = text("""
UPDATE product_telling t SET outcome = done.outcome
FROM unnest(CAST(:changes AS uuid[]), CAST(:customers AS uuid[]), CAST(:outcomes AS text[]))
     AS done (change, customer, outcome)
WHERE t.change_id = done.change AND t.customer_id = done.customer AND t.outcome IS NULL
""")

_FINISH = text("""
UPDATE product_change SET ended_at = now()
WHERE ended_at IS NULL AND spread_at IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM product_telling WHERE change_id = product_change.id AND outcome IS NULL
)
""")
_FORGET = text("DELETE FROM product_change WHERE ended_at < now() - CAST(:kept AS interval)")

_LATEST = text("""
SELECT c.*, w.left, w.told, w.passed FROM product_change c CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE outcome IS NULL) AS left,
           count(*) FILTER (WHERE outcome = 'told') AS told,
           count(*) FILTER (WHERE outcome <> 'told') AS passed
    FROM product_telling WHERE change_id = c.id
) w
WHERE c.sku = :sku ORDER BY c.at DESC, c.id DESC LIMIT :limit
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A customer who has to be told of a change, and what is to be told."""

    change: UUID
    telling: UUID
    customer: UUID | None
    why: Why
    kind: Kind
    sku: str
    shop: str | None
    old_price: Decimal | None
    price: Decimal | None
    currency: str | None
    name: str | None
    link: str | None
    picture: str | None
    holds: bool
    bought: bool


def add(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write down what has changed; who is concerned is found afterwards."""
    connection.execute(_ADD, {"rows": orjson.dumps(list(rows), default=str).decode()})


def asked_for(connection: Connection, skus: Sequence[str]) -> set[str]:
    """Return those of these products whose stock somebody asked to be told of."""
    return set(connection.execute(_ASKED, {"skus": list(skus)}).scalars())


def spread(connection: Connection, looked: timedelta) -> bool:
    """Write down whom the oldest change concerns that nobody has looked at; False without one."""
    id = connection.execute(_NEXT).scalar()
    if id is None:
        return False
    connection.execute(_SPREAD, {"id": id, "looked": looked})
    connection.execute(_SPREADED, {"id": id})
    return True


def take(connection: Connection, limit: int) -> list[tuple[UUID, UUID]]:
    """Take some customers who are due, as pairs of change and customer."""
    return [tuple(row) for row in connection.execute(_TAKE, {"limit": limit})]


def left(connection: Connection, some: Sequence[tuple[UUID, UUID]]) -> list[Left]:
    """Return those of these who have not been told, and keep others from them."""
    given = {"changes": [change for change, _ in some], "customers": [who for _, who in some]}
    return [
        Left(
            change=row.change_id,
            telling=row.customer_id,
            customer=row.customer,
            why=row.why,
            kind=row.kind,
            sku=row.sku,
            shop=row.shop,
            old_price=row.old_price,
            price=row.price if row.kind == "price" else row.price_now,
            currency=row.currency,
            name=row.name,
            link=row.link,
            picture=row.picture,
            holds=bool(row.holds),
            bought=row.bought,
        )
        for row in connection.execute(_LEFT, given)
    ]


def decided(connection: Connection, some: Sequence[tuple[Left, Outcome]]) -> None:
    """Write what became of customers."""
    connection.execute(
        _DECIDED,
        {
            "changes": [one.change for one, _ in some],
            "customers": [one.telling for one, _ in some],
            "outcomes": [outcome for _, outcome in some],
        },
    )


def finish(connection: Connection) -> None:
    """End those whose customers have all been decided."""
    connection.execute(_FINISH)


def forget(connection: Connection) -> None:
    """Forget what ended long ago."""
    connection.execute(_FORGET, {"kept": KEPT})


def latest(connection: Connection, sku: str, limit: int) -> list[dict[str, Any]]:
    """Return a product's latest changes, and how many customers were told, passed over, are left."""
    rows = connection.execute(_LATEST, {"sku": sku, "limit": limit}).mappings()
    return [dict(row) for row in rows]
