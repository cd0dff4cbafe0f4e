"""What events tell of orders and of interests in products, kept in the event's transaction.

An event is stored whatever it says; what of it makes no order is left out here.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection

from engine.run.orders import (
    ABOUT_ORDERS,
    INTERESTS,
    Reversal,
    order_told,
    shop_of,
    sku_of,
)
from engine.store import documents, events, interests, orders
from engine.store.session import Database

SOURCE: Final = "orders"
"""The source of events that an order's own record has made: they say nothing new of it."""

AT_ONCE: Final = 5_000
"""How many events are read in one transaction when all are read anew."""

ABOUT: Final = ABOUT_ORDERS | INTERESTS.keys()
"""The names of the events that are looked at here."""


@dataclass(frozen=True, slots=True)
class Happened:
    """An event that was stored, with its id."""

    customer: UUID
    name: str
    properties: Mapping[str, Any]
    at: datetime
    id: str
    source: str


def keep(
    connection: Connection, happened: Iterable[Happened], *, now: datetime, looked: timedelta
) -> None:
    """Keep what these events tell; a look longer than `looked` ago is no interest any more."""
    some = [one for one in happened if one.name in ABOUT]
    if some:
        _orders(connection, some)
        _interests(connection, some, now, looked)


def rebuild(database: Database, told: Callable[[int], None]) -> int:
    """Read orders and interests anew out of every event there is; return how many were read.

    For a shop that has events from before orders were kept. Doing it again changes nothing.
    """
    after: events.Place | None = None
    read = 0
    while True:

        def work(connection: Connection, after: events.Place | None = after) -> list[Any]:
            some = events.named(connection, sorted(ABOUT), after=after, limit=AT_ONCE)
            looked = documents.workspace(connection).looked
            if some:
                keep(connection, map(_of_row, some), now=some[-1].now, looked=looked)
            return some

        some = database.transact(work)
        if not some:
            return read
        after = (some[-1].received_at, some[-1].id)
        read += len(some)
        told(read)


def _of_row(row: Any) -> Happened:
    return Happened(
        row.customer_id, row.name, row.properties, row.occurred_at, str(row.id), row.source
    )


def _orders(connection: Connection, some: Iterable[Happened]) -> None:
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    reversals: dict[tuple[str, str, str, str], dict[str, Any]] = {}
    for one in some:
        if one.name not in ABOUT_ORDERS or one.source == SOURCE:
            continue
        told = order_told(one.name, one.properties, at=one.at, event=one.id)
        if told is None:
            continue
        key = (told.row["source"], told.row["id"])
        row = {"customer_id": one.customer, **told.row}
        rows[key] = _both(rows[key], row) if key in rows else row
        if told.reversal is not None:
            reversals[*key, told.reversal.kind, told.reversal.id] = reversal_row(
                *key, told.reversal
            )
    if rows:
        orders.tell(connection, list(rows.values()))
    if reversals:
        orders.reverse(connection, list(reversals.values()))


def _both(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Return what two events of one transaction say of an order, as if they had come apart."""
    both = {**before, **{key: value for key, value in after.items() if value not in (None, [])}}
    both["customer_id"] = before["customer_id"]
    if "cancelled" in {before["state"], after["state"]}:
        both["state"] = "cancelled"
    both["told"] = before["told"] or after["told"]
    completed = [one["placed_at"] for one in (before, after) if one["told"]]
    both["placed_at"] = min(completed or [before["placed_at"]])
    both["cancelled_at"] = before["cancelled_at"] or after["cancelled_at"]
    return both


def reversal_row(source: str, order: str, reversal: Reversal) -> dict[str, Any]:
    """Return the row of a refund or a return."""
    return {
        "source": source,
        "order_id": order,
        "kind": reversal.kind,
        "id": reversal.id,
        "at": reversal.at,
        "amount": reversal.amount,
        "method": reversal.method,
        "reason": reversal.reason,
        "lines": reversal.lines,
    }


def _interests(
    connection: Connection, some: Iterable[Happened], now: datetime, looked: timedelta
) -> None:
    rows: dict[tuple[str, UUID, str, str], dict[str, Any]] = {}
    for one in some:
        kind = INTERESTS.get(one.name)
        if kind is None or (sku := sku_of(one.properties)) is None:
            continue
        if one.at < now - (looked if kind == "viewed" else interests.ASKED_FOR):
            continue
        shop = (shop_of(one.properties) or "") if kind == "stock" else ""
        key = (sku, one.customer, kind, shop)
        if key not in rows or rows[key]["at"] < one.at:
            names = ("sku", "customer_id", "kind", "shop")
            rows[key] = {**dict(zip(names, key, strict=True)), "at": one.at}
    if rows:
        interests.note(connection, list(rows.values()))
