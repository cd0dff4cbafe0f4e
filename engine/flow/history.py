"""The past, taken in by the thousand: events and customers, by COPY.

History starts no journey and is no input to a run; for the rest it is as if it had arrived one
by one (see `engine.flow.intake`): once for each message id, with the customer's own order.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final
from uuid import UUID

import orjson
import psycopg
from sqlalchemy import Connection
from uuid_utils.compat import uuid7

from engine.errors import Unavailable
from engine.flow import shopping
from engine.flow.intake import Incoming, happened, learn, lock_customers, take
from engine.flow.traits import mark_suppressed
from engine.flow.turn import Turn, Writes, finish
from engine.model.customer import Customer
from engine.store import consent, customers, definitions, rollups, tables
from engine.store.customers import Identity, Owner
from engine.store.session import Database, RaceLost
from engine.store.writing import write

AT_ONCE: Final = 10_000
"""Events or customers in one transaction, at most."""

_COPY_EVENTS: Final = """
COPY event (customer_id, seq, received_at, id, occurred_at, name, properties, source, kind, future,
            origin_customer)
FROM STDIN
"""
_ID: Final = 3
_OCCURRED: Final = 4
"""Where in such a row these stand."""

_COPY_CUSTOMERS: Final = (
    "COPY customer (id, traits, derived, addresses, locale, time_zone, suppressed) FROM STDIN"
)
_COPY_IDENTITIES: Final = "COPY identity (namespace, value, customer_id) FROM STDIN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a file tells of one customer.

    Traits are added to those she has, a null takes one away; of the addresses likewise. The
    first identity finds her, or she is made with all of them.
    """

    identities: tuple[Identity, ...]
    traits: Mapping[str, Any] = field(default_factory=dict)
    addresses: Mapping[str, Any] = field(default_factory=dict)
    locale: str | None = None
    time_zone: str | None = None


def add_events(database: Database, some: Sequence[Incoming]) -> int:
    """Store events of the past, and return how many of them were new."""
    return sum(
        database.transact(partial(store_events, database, some[start : start + AT_ONCE]))
        for start in range(0, len(some), AT_ONCE)
    )


def add_customers(database: Database, some: Sequence[Profile]) -> int:
    """Make customers, or add to what is known of them; return how many are new."""
    return sum(
        database.transact(partial(store_customers, some[start : start + AT_ONCE]))
        for start in range(0, len(some), AT_ONCE)
    )


def store_events(database: Database, some: Sequence[Incoming], connection: Connection) -> int:
    """Store events of the past, `AT_ONCE` at most, in a transaction; return how many were new."""
    taken, known = take(connection, some)
    if not taken:
        return 0
    whose, locked = lock_customers(connection, taken, known)
    turns = {id: Turn(database, connection, one) for id, one in locked.items()}
    moved: dict[UUID, Turn] = {}
    rows = []
    ids = [owner.customer for owner in whose]
    bought: list[shopping.Happened] = []
    for owner, item in zip(whose, taken, strict=True):
        id = owner.customer
        row = _row(owner, turns[id], item)
        rows.append(row)
        if item.name in shopping.ABOUT:
            event, occurred = row[_ID], row[_OCCURRED]
            bought.append(happened(id, item, occurred, event))
        if learn(turns[id], item):
            moved[id] = turns[id]
    mark_suppressed(connection, moved.values())
    _copy(connection, _COPY_EVENTS, rows)
    _leave_to_be_derived(connection, turns, zip(ids, taken, strict=True))
    finish(turns.values(), Writes(), connection, follow=False)
    if bought:
        turn = next(iter(turns.values()))
        looked = turn.catalogue.workspace.looked
        shopping.keep(connection, bought, now=turn.now, looked=looked)
    return len(taken)


def _leave_to_be_derived(
    connection: Connection, turns: Mapping[UUID, Turn], some: Iterable[tuple[UUID, Incoming]]
) -> None:
    """Have those computed anew whose traits and scores these events concern."""
    concerned = {id for id, item in some if turns[id].catalogue.derivation.concerned(item.name)}
    if concerned:
        rollups.mark_stale(connection, concerned)


def _row(whose: Owner, turn: Turn, item: Incoming) -> tuple[Any, ...]:
    seq = turn.stamp()
    now = turn.now
    occurred = item.occurred_at or now
    properties = (
        {**item.properties, "traits": dict(item.traits)} if item.traits else item.properties
    )
    return (
        whose.customer,
        seq,
        now,
        uuid7(),
        min(occurred, now),
        item.name,
        orjson.dumps(properties).decode(),
        item.source,
        item.kind,
        occurred > now,
        whose.origin,
    )


def store_customers(some: Sequence[Profile], connection: Connection) -> int:
    """Make or add to customers, `AT_ONCE` at most, in a transaction; return how many are new."""
    empty = definitions.for_reading(connection).empty
    wanted = sorted({identity for profile in some for identity in profile.identities})
    owners = customers.identified(connection, wanted)
    existing = customers.lock(connection, set(owners.values()))
    known: dict[UUID, Customer] = {id: one.customer for id, one in existing.items()}
    identities: dict[Identity, UUID] = {}
    for profile in some:
        id = next((owners[one] for one in profile.identities if one in owners), None)
        if id is None:
            id = uuid7()
        for identity in profile.identities:
            if identity not in owners:
                owners[identity] = identities[identity] = id
        known[id] = _told(known.get(id) or Customer(id=id, derived=empty), profile)
    marks = consent.marks(connection, known.values())
    known = {id: replace(one, suppressed=marks.get(id, {})) for id, one in known.items()}
    new = [customer for id, customer in known.items() if id not in existing]
    _copy(connection, _COPY_CUSTOMERS, (_columns(customer) for customer in new))
    pairs = ((namespace, value, id) for (namespace, value), id in identities.items())
    _copy(connection, _COPY_IDENTITIES, pairs)
    changed = [
        {
            "id": id,
            "traits": known[id].traits,
            "addresses": known[id].addresses,
            "locale": known[id].locale,
            "time_zone": known[id].time_zone,
            "suppressed": known[id].suppressed,
        }
        for id, one in existing.items()
        if known[id] != one.customer
    ]
    write(connection, {}, {tables.customer: changed})
    return len(new)


def _told(customer: Customer, profile: Profile) -> Customer:
    return replace(
        customer,
        traits=_added(customer.traits, profile.traits),
        addresses=_added(customer.addresses, profile.addresses),
        locale=profile.locale or customer.locale,
        time_zone=profile.time_zone or customer.time_zone,
    )


def _added(before: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in {**before, **more}.items() if value is not None}


def _columns(customer: Customer) -> tuple[Any, ...]:
    return (
        customer.id,
        orjson.dumps(customer.traits).decode(),
        orjson.dumps(customer.derived).decode(),
        orjson.dumps(customer.addresses).decode(),
        customer.locale,
        customer.time_zone,
        orjson.dumps(customer.suppressed).decode(),
    )


def _copy(connection: Connection, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except psycopg.errors.UniqueViolation as error:
        raise RaceLost from error
    except psycopg.OperationalError as error:
        raise Unavailable(f"The database does not answer: {str(error).strip()}") from error
