"""Gift cards: a code is kept as a hash, and shown by its end alone."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, select, text
from sqlalchemy.dialects.postgresql import insert

from engine.errors import NotFound
from engine.model.order import GiftCard
from engine.store import tables
from engine.store.paging import Page, limited, page, read_cursor

_SHOWN: Final = 4


def code_hash(code: str) -> bytes:
    """Return what of a code is kept; how it is spaced and spelt makes no difference."""
    plain = "".join(sign for sign in code.upper() if sign.isalnum())
    return hashlib.sha256(plain.encode()).digest()


def put(connection: Connection, card: GiftCard, customer: UUID | None, currency: str) -> bool:
    """Create or replace a card; return whether it is new. Without a code it keeps its own."""
    values: dict[str, Any] = {
        "balance": card.balance,
        "currency": card.currency or currency,
        "customer_id": customer,
        "expires_at": card.expires_at,
        "active": card.active,
        "updated_at": text("now()"),
    }
    if card.code is not None:
        values |= {"code_hash": code_hash(card.code), "code_end": card.code[-_SHOWN:]}
    # xmax is zero in a row that no transaction has replaced: the row is new.
    is_new: bool = connection.execute(
        insert(tables.gift_card)
        .values(id=card.id, **values)
        .on_conflict_do_update(index_elements=["id"], set_=values)
        .returning(text("xmax = 0"))
    ).scalar_one()
    return is_new


def one(connection: Connection, id: str) -> dict[str, Any]:
    """Return a card."""
    table = tables.gift_card
    row = connection.execute(select(table).where(table.c.id == id)).one_or_none()
    if row is None:
        raise NotFound(f"There is no gift card {id!r}.")
    return _document(row._asdict())


def by_code(connection: Connection, code: str) -> dict[str, Any]:
    """Return the card that has a code."""
    table = tables.gift_card
    query = select(table).where(table.c.code_hash == code_hash(code)).order_by(table.c.id).limit(1)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound("There is no gift card with this code.")
    return _document(row._asdict())


def cards(
    connection: Connection,
    *,
    customer: UUID | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page:
    """List cards by id: all, or a customer's."""
    limit = limited(limit)
    table = tables.gift_card
    query = select(table).order_by(table.c.id).limit(limit + 1)
    if customer is not None:
        query = query.where(table.c.customer_id == customer)
    if cursor is not None:
        query = query.where(table.c.id > read_cursor(cursor, str)[0])
    rows = connection.execute(query).all()
    return page(rows, limit, [_document(row._asdict()) for row in rows], "id")


def _document(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "code": None if row["code_end"] is None else f"•••• {row['code_end']}",
        "balance": float(row["balance"]),
        "currency": row["currency"],
        "customer": None if row["customer_id"] is None else str(row["customer_id"]),
        "expires_at": row["expires_at"],
        "active": row["active"],
        "updated_at": row["updated_at"],
    }
