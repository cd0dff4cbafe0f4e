"""Orders as the shop's own systems write them: the row, and the events that journeys wait for.

Each event is stored once: its message id is made from the order's.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection
from uuid_utils.compat import uuid7

from engine.errors import Conflict, InvalidInput
from engine.flow import history, intake
from engine.flow.customers import check_identity
from engine.flow.intake import AT_ONCE, Incoming
from engine.flow.shopping import SOURCE
from engine.model.order import WEB, Line, Order, Refund, Return
from engine.names import Wake
from engine.run.orders import CANCELLED, COMPLETED, REFUNDED, RETURNED, properties_of
from engine.store import customers, documents, orders, search
from engine.store.customers import Identity, Owner
from engine.store.session import Database

_ADDRESSES: Final = frozenset({"email", "phone"})

Store = Callable[[Database, Sequence[Incoming], Connection], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """How many orders are new, and which runs Temporal has to be told of."""

    created: int
    wakes: list[Wake]


def put_orders(database: Database, some: Sequence[Order]) -> Put:
    """Create or replace orders, and let journeys know of those that are new or cancelled.

    They are stored some at a time, each of them with its events; nothing is stored when one of
    the customers cannot be found.
    """
    with database.read() as connection:
        for reference in {order.customer for order in some}:
            _check_customer(connection, reference)
    created, wakes = 0, []
    for start in range(0, len(some), AT_ONCE):
        part = some[start : start + AT_ONCE]

        def work(connection: Connection, part: Sequence[Order] = part) -> Put:
            made, events = _put(connection, part)
            return Put(created=made, wakes=intake.store(database, events, connection))

        put = database.transact(work)
        created += put.created
        wakes += put.wakes
    return Put(created=created, wakes=wakes)


def add_past(database: Database, some: Sequence[Order]) -> int:
    """Bring in orders of the past, which start no journey; return how many are new."""

    def work(connection: Connection, part: Sequence[Order]) -> int:
        made, events = _put(connection, part)
        history.store_events(database, events, connection)
        return made

    return sum(
        database.transact(lambda connection, part=part: work(connection, part))  # type: ignore[misc]
        for part in (
            some[start : start + history.AT_ONCE] for start in range(0, len(some), history.AT_ONCE)
        )
    )


def _put(connection: Connection, some: Sequence[Order]) -> tuple[int, list[Incoming]]:
    """Write orders; return how many are new, and the events that this makes."""
    given = {(order.source, order.id): order for order in some}  # the last one named counts
    whose = _customers(connection, {order.customer for order in given.values()})
    customers.lock(connection, set(whose.values()))
    before = orders.locked(connection, list(given))
    currency = documents.workspace(connection).currency
    rows: list[dict[str, Any]] = []
    events: list[Incoming] = []
    for key, order in given.items():
        known = before.get(key)
        row = _row(order, whose[order.customer], currency)
        row["told"] = order.state == "placed" or (known is not None and known["told"])
        if order.state == "cancelled":
            row["cancelled_at"] = order.cancelled_at or (known or {}).get("cancelled_at")
            row["cancelled_at"] = row["cancelled_at"] or order.placed_at
        rows.append(row)
        events += _events(row, known)
    orders.put(connection, rows)
    return len(given) - len(before), events


def _events(row: Mapping[str, Any], known: Mapping[str, Any] | None) -> Iterable[Incoming]:
    if row["state"] == "placed" and not (known is not None and known["told"]):
        yield _event(row, COMPLETED, "completed", properties_of(row), row["placed_at"])
    if row["state"] == "cancelled" and not (known is not None and known["state"] == "cancelled"):
        yield _event(row, CANCELLED, "cancelled", properties_of(row), row["cancelled_at"])


def _event(
    row: Mapping[str, Any], name: str, what: str, properties: Mapping[str, Any], at: datetime
) -> Incoming:
    return Incoming(
        source=SOURCE,
        message_id=f"{row['source']}/{row['id']}/{what}",
        kind="track",
        name=name,
        customer=row["customer_id"],
        properties=properties,
        occurred_at=at,
    )


def _row(order: Order, customer: UUID, currency: str) -> dict[str, Any]:
    return {
        "customer_id": customer,
        "source": order.source,
        "id": order.id,
        "state": order.state,
        "currency": order.currency or currency,
        "shop": None if order.shop is None or order.shop.lower() == WEB else order.shop,
        "total": order.total,
        "discount": order.discount,
        "shipping": order.shipping,
        "tax": order.tax,
        "lines": _lines(order.lines),
        "skus": sorted({line.sku for line in order.lines if line.sku is not None}),
        "payments": [
            payment.model_dump(mode="json", exclude_none=True) for payment in order.payments
        ],
        "placed_at": order.placed_at,
        "cancelled_at": None,
        "data": order.data,
        "by_api": True,
    }


def _lines(lines: Iterable[Line]) -> list[dict[str, Any]]:
    return [line.model_dump(mode="json", exclude_none=True) for line in lines]


def _check_customer(connection: Connection, reference: str) -> None:
    namespace, colon, value = reference.partition(":")
    if not colon or namespace in _ADDRESSES:
        search.find(connection, reference)
    else:
        check_identity(namespace, value)


def _customers(connection: Connection, references: Iterable[str]) -> dict[str, UUID]:
    """Find the customers of orders; one whom nobody knows by her identity is made."""
    found: dict[str, UUID] = {}
    wanted: dict[Identity, str] = {}
    for reference in sorted(references):
        namespace, colon, value = reference.partition(":")
        if not colon or namespace in _ADDRESSES:
            found[reference] = search.find(connection, reference)
        else:
            wanted[namespace, value] = reference
    known = customers.identified(connection, list(wanted)) if wanted else {}
    new = {identity: uuid7() for identity in wanted if identity not in known}
    if new:
        customers.create(connection, sorted(new.values()))
        customers.identify(connection, {who: Owner(id) for who, id in new.items()})
    return found | {reference: (known | new)[who] for who, reference in wanted.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversed:
    """What came back of an order, by its id; `created` when it was not known before."""

    id: str
    created: bool
    wakes: list[Wake]


def refund(database: Database, order: str, source: str, given: Refund, now: datetime) -> Reversed:
    """Give money back for an order; the same id again changes nothing."""

    def row(known: Mapping[str, Any], before: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        left = _left(known, before)
        amount = given.amount if given.amount is not None else left
        if amount is None:
            raise InvalidInput(
                f"The order {order!r} has no total: name the amount that is given back."
            )
        if left is not None and amount > left:
            raise InvalidInput(
                f"amount: of the order {order!r} only {left} {known['currency'] or ''} are left "
                "to give back.".replace("  ", " ")
            )
        if left is not None and not amount:
            raise Conflict(f"Everything of the order {order!r} has been given back already.")
        return {"amount": amount, "method": given.method, **_common(given, now)}

    return _reverse(database, order, source, "refund", given.id, row)


def take_back(
    database: Database, order: str, source: str, given: Return, now: datetime
) -> Reversed:
    """Take goods of an order back; the same id again changes nothing."""

    def row(known: Mapping[str, Any], before: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        common = _common(given, now)
        return {
            "amount": None,
            "method": None,
            **common,
            "lines": common["lines"] or known["lines"],
        }

    return _reverse(database, order, source, "return", given.id, row)


def _common(given: Refund | Return, now: datetime) -> dict[str, Any]:
    return {"at": given.at or now, "reason": given.reason, "lines": _lines(given.lines)}


def _left(known: Mapping[str, Any], before: Iterable[Mapping[str, Any]]) -> Decimal | None:
    """Return how much of an order has not been given back; None when nobody knows its total."""
    if known["total"] is None:
        return None
    back = sum((Decimal(str(one["amount"] or 0)) for one in before), Decimal(0))
    return max(Decimal(known["total"]) - back, Decimal(0))


def _reverse(
    database: Database,
    order: str,
    source: str,
    kind: str,
    given: str | None,
    row: Callable[[Mapping[str, Any], Sequence[Mapping[str, Any]]], dict[str, Any]],
) -> Reversed:
    id = given or uuid7().hex

    def work(connection: Connection) -> Reversed:
        found = orders.one(connection, order, source)
        customers.lock(connection, [UUID(found["customer"])])
        known = orders.locked(connection, [(source, order)]).get((source, order))
        if known is None:
            raise orders.missing(order, source)
        found = orders.one(connection, order, source)
        before = found["refunds" if kind == "refund" else "returns"]
        if any(one["id"] == id for one in before):
            return Reversed(id=id, created=False, wakes=[])
        new = {"source": source, "order_id": order, "kind": kind, "id": id, **row(known, before)}
        orders.reverse(connection, [new])
        event = _event(
            known,
            REFUNDED if kind == "refund" else RETURNED,
            f"{kind}/{id}",
            _told(known, new),
            new["at"],
        )
        return Reversed(id=id, created=True, wakes=intake.store(database, [event], connection))

    return database.transact(work)


def _told(known: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return a refund or return as the properties of its event."""
    order = properties_of({**known, "total": new["amount"], "lines": new["lines"]})
    for name in ("discount", "shipping", "tax", "payments"):
        order.pop(name, None)
    more = {f"{new['kind']}_id": new["id"], "reason": new["reason"], "method": new["method"]}
    return order | {key: value for key, value in more.items() if value is not None}
