"""Orders, with what came back of them. Amounts of different currencies are kept apart."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import Connection, RowMapping, text

from engine.errors import NotFound
from engine.store.paging import Page, limited, page, read_cursor

_COLUMNS: Final = (
    "customer_id", "source", "id", "state", "currency", "shop", "total", "discount", "shipping",
    "tax", "lines", "skus", "payments", "placed_at", "cancelled_at", "told",
)  # fmt: skip
_FILLED: Final = ("currency", "shop", "total", "discount", "shipping", "tax")
_LISTS: Final = ("lines", "skus", "payments")

# An event says what it knows: an order that the interface has written keeps that, and neither a
# cancellation nor the customer is undone. What comes before its order leaves a row to be filled.
_TELL = text(f"""
INSERT INTO purchase ({", ".join(_COLUMNS)})
SELECT {", ".join(_COLUMNS)} FROM json_populate_recordset(NULL::purchase, CAST(:rows AS json))
ORDER BY source, id
ON CONFLICT (source, id) DO UPDATE SET
    {
    ", ".join(
        f"{name} = CASE WHEN purchase.by_api THEN purchase.{name} "
        f"ELSE coalesce(excluded.{name}, purchase.{name}) END"
        for name in _FILLED
    )
},
    {
    ", ".join(
        f"{name} = CASE WHEN purchase.by_api OR excluded.lines = '[]' THEN purchase.{name} "
        f"ELSE excluded.{name} END"
        for name in _LISTS
    )
},
    state = CASE WHEN excluded.state = 'cancelled' OR purchase.state = 'cancelled'
                 THEN 'cancelled' ELSE excluded.state END,
    cancelled_at = coalesce(purchase.cancelled_at, excluded.cancelled_at),
    placed_at = CASE WHEN purchase.by_api OR NOT excluded.told THEN purchase.placed_at
                     WHEN purchase.told THEN least(purchase.placed_at, excluded.placed_at)
                     ELSE excluded.placed_at END,
    told = purchase.told OR excluded.told,
    updated_at = now()
""")  # noqa: S608 - names of columns

_WRITTEN: Final = (*_COLUMNS, "data", "by_api")
_PUT = text(f"""
INSERT INTO purchase ({", ".join(_WRITTEN)})
SELECT {", ".join(_WRITTEN)} FROM json_populate_recordset(NULL::purchase, CAST(:rows AS json))
ORDER BY source, id
ON CONFLICT (source, id) DO UPDATE SET
    {", ".join(f"{name} = excluded.{name}" for name in _WRITTEN if name not in {"source", "id"})},
    updated_at = now()
""")  # noqa: S608

_REVERSE = text("""
INSERT INTO purchase_reversal
    (customer_id, source, order_id, kind, id, at, amount, method, reason, lines)
SELECT p.customer_id, r.source, r.order_id, r.kind, r.id, r.at, r.amount, r.method, r.reason, r.lines
FROM json_populate_recordset(NULL::purchase_reversal, CAST(:rows AS json)) r
JOIN purchase p ON p.source = r.source AND p.id = r.order_id
ON CONFLICT DO NOTHING
RETURNING id
""")

_KNOWN = text("""
SELECT p.* FROM purchase p
JOIN unnest(CAST(:sources AS text[]), CAST(:ids AS text[])) AS wanted (source, id)
  ON p.source = wanted.source AND p.id = wanted.id
ORDER BY p.source, p.id FOR UPDATE OF p
""")

_SHOWN: Final = """
    p.*,
    (SELECT coalesce(jsonb_agg(to_jsonb(r) - 'customer_id' - 'source' - 'order_id'
                               ORDER BY r.at, r.kind, r.id), '[]')
     FROM purchase_reversal r
     WHERE r.customer_id = p.customer_id AND r.source = p.source AND r.order_id = p.id
    ) AS reversals
"""
_ONE = text(f"SELECT {_SHOWN} FROM purchase p WHERE p.source = :source AND p.id = :id")  # noqa: S608


def tell(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write what events say of orders, each order once; what is known better stays."""
    connection.execute(_TELL, {"rows": _json(rows)})


def put(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Create or replace orders, each named once."""
    connection.execute(_PUT, {"rows": _json(rows)})


def reverse(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Write refunds and returns of orders that are there; return the ids of the new ones."""
    return list(connection.execute(_REVERSE, {"rows": _json(rows)}).scalars())


def locked(
    connection: Connection, keys: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], dict[str, Any]]:
    """Return those of these orders (source, id) that are there, and keep others from them."""
    wanted = {"sources": [source for source, _ in keys], "ids": [id for _, id in keys]}
    rows = connection.execute(_KNOWN, wanted).mappings()
    return {(row["source"], row["id"]): dict(row) for row in rows}


def one(connection: Connection, order: str, source: str) -> dict[str, Any]:
    """Return an order with its refunds and returns."""
    row = connection.execute(_ONE, {"source": source, "id": order}).mappings().one_or_none()
    if row is None:
        raise missing(order, source)
    return _document(row)


def missing(order: str, source: str) -> NotFound:
    """Return what is raised when there is no such order."""
    of = "" if source == "shop" else f" of the source {source!r}"
    return NotFound(f"There is no order {order!r}{of}.")


def orders(
    connection: Connection,
    *,
    customer: UUID | None = None,
    since: datetime | None = None,
    query: str = "",
    sku: str = "",
    limit: int = 100,
    cursor: str | None = None,
) -> Page:
    """List orders, newest first: a customer's, those since an instant, those with a product.

    `query` is how an order's id begins.
    """
    limit = limited(limit)
    wheres, given = ["true"], {"limit": limit + 1}
    parameters: dict[str, Any] = given
    if customer is not None:
        wheres.append("p.customer_id = :customer")
        parameters["customer"] = customer
    if since is not None:
        wheres.append("p.placed_at >= :since")
        parameters["since"] = since
    if query:
        wheres.append("starts_with(p.id, :query)")
        parameters["query"] = query.replace("\0", "")
    if sku:
        wheres.append("p.skus @> ARRAY[CAST(:sku AS text)]")
        parameters["sku"] = sku
    if cursor is not None:
        at, source, id = read_cursor(cursor, datetime, str, str)
        wheres.append("(p.placed_at, p.source, p.id) < (:at, :source, :id)")
        parameters |= {"at": at, "source": source, "id": id}
    rows = connection.execute(
        text(
            f"SELECT {_SHOWN} FROM purchase p WHERE {' AND '.join(wheres)} "  # noqa: S608
            "ORDER BY p.placed_at DESC, p.source DESC, p.id DESC LIMIT :limit"
        ),
        parameters,
    ).all()
    return page(
        rows, limit, [_document(row._asdict()) for row in rows], "placed_at", "source", "id"
    )


_SALES = text("""
SELECT p.currency, count(DISTINCT (p.source, p.id)) AS orders,
       sum(CAST(line ->> 'quantity' AS numeric)) AS quantity,
       sum(CAST(line ->> 'quantity' AS numeric) * CAST(line ->> 'price' AS numeric)) AS amount
FROM purchase p CROSS JOIN LATERAL jsonb_array_elements(p.lines) AS line
WHERE p.skus @> ARRAY[CAST(:sku AS text)] AND line ->> 'sku' = :sku
  AND p.state = 'placed' AND p.placed_at >= :since
GROUP BY p.currency ORDER BY orders DESC, p.currency
""")


def sales(connection: Connection, sku: str, since: datetime) -> list[dict[str, Any]]:
    """Return how much of a product was sold since an instant, for each currency."""
    rows = connection.execute(_SALES, {"sku": sku, "since": since}).mappings()
    return [dict(row) for row in rows]


_SPENT = text("""
SELECT p.currency, count(*) AS orders, coalesce(sum(p.total), 0) AS total,
       coalesce(sum(back.amount), 0) AS refunded, max(p.placed_at) AS last_at
FROM purchase p LEFT JOIN LATERAL (
    SELECT sum(r.amount) AS amount FROM purchase_reversal r
    WHERE r.customer_id = p.customer_id AND r.source = p.source AND r.order_id = p.id
      AND r.kind = 'refund'
) back ON true
WHERE p.customer_id = :customer AND p.state = 'placed'
GROUP BY p.currency ORDER BY orders DESC, p.currency
""")


def spent(connection: Connection, customer: UUID) -> list[dict[str, Any]]:
    """Return what a customer has bought and was given back, for each currency."""
    rows = connection.execute(_SPENT, {"customer": customer}).mappings()
    return [dict(row) for row in rows]


_BUYERS = text("SELECT id, traits, addresses FROM customer WHERE id = ANY(:ids)")


def buyers(connection: Connection, ids: Iterable[UUID]) -> dict[str, RowMapping]:
    """Return by what people know these customers: their traits and addresses."""
    rows = connection.execute(_BUYERS, {"ids": list(ids)}).mappings()
    return {str(row["id"]): row for row in rows}


def _document(row: Mapping[Any, Any]) -> dict[str, Any]:
    reversals = row["reversals"]
    return {
        "id": row["id"],
        "source": row["source"],
        "customer": str(row["customer_id"]),
        "state": row["state"],
        "currency": row["currency"],
        "shop": row["shop"],
        **{name: _float(row[name]) for name in ("total", "discount", "shipping", "tax")},
        "lines": row["lines"],
        "payments": row["payments"],
        "placed_at": row["placed_at"],
        "cancelled_at": row["cancelled_at"],
        "data": row["data"],
        "refunds": [_reversal(one) for one in reversals if one["kind"] == "refund"],
        "returns": [_reversal(one) for one in reversals if one["kind"] == "return"],
    }


def _reversal(one: Mapping[str, Any]) -> dict[str, Any]:
    hidden = {"kind"} if one["kind"] == "refund" else {"kind", "amount", "method"}
    return {key: value for key, value in one.items() if key not in hidden}


def _float(value: Any) -> float | None:
    return None if value is None else float(value)


def _json(rows: Sequence[Mapping[str, Any]]) -> str:
    return orjson.dumps(list(rows), default=str).decode()
