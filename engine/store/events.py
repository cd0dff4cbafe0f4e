"""Events: append-only, and taken in once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, column, select, text

from engine.model.event import Event
from engine.store import tables
from engine.store.customers import Identity, Owner

# Both at once: this is done for every event.
_TAKE = text("""
WITH claimed AS (
    INSERT INTO event_key (source, message_id)
    SELECT * FROM unnest(CAST(:sources AS text[]), CAST(:ids AS text[])) AS given (source, id)
    ON CONFLICT DO NOTHING RETURNING source, message_id
)
SELECT source AS of, message_id AS name, CAST(NULL AS uuid) AS customer, CAST(NULL AS uuid) AS origin
FROM claimed UNION ALL
SELECT namespace, value, customer_id, origin_customer FROM identity
JOIN unnest(CAST(:namespaces AS text[]), CAST(:values AS text[])) AS wanted (n, v)
ON namespace = wanted.n AND value = wanted.v
""").columns(*(column(name) for name in ("of", "name", "customer", "origin")))


def take(
    connection: Connection, keys: Sequence[tuple[str, str]], wanted: Sequence[Identity]
) -> tuple[set[tuple[str, str]], dict[Identity, Owner]]:
    """Claim (source, message id) pairs; return those that nobody had claimed before.

    With them comes whose these identities are so far.
    """
    distinct = sorted(set(keys))
    parameters = {
        "sources": [source for source, _ in distinct],
        "ids": [id for _, id in distinct],
        "namespaces": [namespace for namespace, _ in wanted],
        "values": [value for _, value in wanted],
    }
    claimed: set[tuple[str, str]] = set()
    known: dict[Identity, Owner] = {}
    for of, name, customer, origin in connection.execute(_TAKE, parameters):
        if customer is None:
            claimed.add((of, name))
        else:
            known[of, name] = Owner(customer, origin)
    return claimed, known


def claim(connection: Connection, source: str, message_id: str) -> bool:
    """Claim a source's message id; return whether nobody had claimed it before."""
    claimed, _ = take(connection, [(source, message_id)], [])
    return bool(claimed)


_KNOWN_KEYS = text("""
SELECT count(*) FROM event_key
JOIN unnest(CAST(:sources AS text[]), CAST(:ids AS text[])) AS given (s, i)
ON source = given.s AND message_id = given.i
""")


def claimed(connection: Connection, keys: Sequence[tuple[str, str]]) -> int:
    """Return how many of these (source, message id) pairs are claimed."""
    distinct = sorted(set(keys))
    parameters = {"sources": [s for s, _ in distinct], "ids": [m for _, m in distinct]}
    return int(connection.execute(_KNOWN_KEYS, parameters).scalar_one())


_E = tables.event.c
_COLUMNS = (_E.id, _E.seq, _E.name, _E.properties, _E.occurred_at, _E.received_at)
_PAST = (
    select(*_COLUMNS)
    .where(
        _E.customer_id == tables.bound("customer"),
        _E.name == tables.bound("name"),
        _E.seq <= tables.bound("until"),
        _E.seq > tables.bound("after"),
        _E.occurred_at > tables.bound("since"),
    )
    .order_by(_E.seq)
)
_BY_SEQ = select(*_COLUMNS).where(
    _E.customer_id == tables.bound("customer"), _E.seq == tables.bound("seq")
)


def past(
    connection: Connection, customer: UUID, name: str, *, since: datetime, after: int, until: int
) -> list[Event]:
    """Return a customer's events of a name: occurred after `since`, numbered in (after, until]."""
    parameters = {
        "customer": customer, "name": name, "since": since, "after": after, "until": until,
    }  # fmt: skip
    return [_event(row) for row in connection.execute(_PAST, parameters)]


def by_seq(connection: Connection, customer: UUID, seq: int) -> Event:
    """Return the customer's event with this number."""
    return _event(connection.execute(_BY_SEQ, {"customer": customer, "seq": seq}).one())


_LAST = (
    select(*_COLUMNS)
    .where(_E.customer_id == tables.bound("customer"), ~_E.future)
    .order_by(_E.name.in_(bindparam("names", expanding=True)).desc(), _E.occurred_at.desc())
    .limit(1)
)


def last(connection: Connection, customer: UUID, names: Sequence[str]) -> Event | None:
    """Return the customer's last event of one of these names, else her last of any."""
    row = connection.execute(_LAST, {"customer": customer, "names": list(names)}).one_or_none()
    return _event(row) if row is not None else None


# Written like the index `ix_event_order`, which it is answered by.
_WHOSE_ORDER = text("""
SELECT customer_id FROM event
WHERE name = 'Order Completed' AND properties ->> 'order_id' = :order
ORDER BY received_at DESC LIMIT 1
""")


def whose_order(connection: Connection, order: str) -> UUID | None:
    """Return the customer of whom an "Order Completed" with this `order_id` was told."""
    found: UUID | None = connection.execute(_WHOSE_ORDER, {"order": order}).scalar()
    return found


Place = tuple[datetime, UUID]
"""Where in the order of arrival an event stands."""

_NAMED = text("""
SELECT customer_id, id, name, properties, occurred_at, received_at, source, now() AS now
FROM event WHERE name = ANY(:names) AND (received_at, id) > (:at, :id)
ORDER BY received_at, id LIMIT :limit
""")
_FIRST: Place = (datetime.fromisoformat("0001-01-02T00:00:00+00:00"), UUID(int=0))


def named(
    connection: Connection, names: Sequence[str], *, after: Place | None, limit: int
) -> list[Any]:
    """Return everybody's events of these names, in the order they arrived."""
    at, id = after or _FIRST
    given = {"names": list(names), "at": at, "id": id, "limit": limit}
    return list(connection.execute(_NAMED, given))


def _event(row: Any) -> Event:
    return Event(
        id=row.id,
        seq=row.seq,
        name=row.name,
        properties=row.properties,
        occurred_at=row.occurred_at,
        received_at=row.received_at,
    )
