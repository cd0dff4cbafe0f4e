"""An event arrives: stored, given to the customer's runs, journeys opened, in one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Connection
from uuid_utils.compat import uuid7

from engine.errors import NotFound
from engine.flow import advance, deriving, shopping
from engine.flow.enter import open_journey, open_journeys
from engine.flow.traits import mark_suppressed
from engine.flow.turn import Turn, Writes, finish
from engine.model.event import Event
from engine.names import Wake
from engine.run.changes import learned
from engine.run.entry import Refused
from engine.store import customers, events, rollups, runs
from engine.store.customers import EXTERNAL_ID, Identity, Locked
from engine.store.session import Database

Kind = Literal["track", "identify", "page", "screen", "alias", "group", "entry"]

AT_ONCE = 100
"""Events stored in one transaction, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """An event as it was sent, checked for its form.

    `user_id` is an id in `namespace`. `journey` and `entry_key` are set by a request to open that
    journey.
    """

    source: str
    message_id: str
    kind: Kind
    name: str
    user_id: str | None = None
    namespace: str = EXTERNAL_ID
    anonymous_id: str | None = None
    previous_id: str | None = None
    customer: UUID | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)
    traits: Mapping[str, Any] = field(default_factory=dict)
    occurred_at: datetime | None = None
    locale: str | None = None
    time_zone: str | None = None
    device_token: str | None = None
    journey: str | None = None
    entry_key: str | None = None


def receive(database: Database, incoming: Sequence[Incoming]) -> list[Wake]:
    """Store events and decide what follows; they are durable when this returns.

    An event whose (source, message id) was stored before is left out. Returns the runs whose
    workflows have to be told, for the caller to tell Temporal.
    """
    told: list[Wake] = []
    for start in range(0, len(incoming), AT_ONCE):
        told += database.transact(partial(store, database, incoming[start : start + AT_ONCE]))
    return told


def store(database: Database, some: Sequence[Incoming], connection: Connection) -> list[Wake]:
    """Do what `receive` does, for `AT_ONCE` events at most, in a transaction."""
    fresh = events.claim_keys(connection, [(item.source, item.message_id) for item in some])
    taken: list[Incoming] = []
    for item in some:
        if (item.source, item.message_id) in fresh:
            fresh.discard((item.source, item.message_id))
            taken.append(item)
    if not taken:
        return []
    whose, locked = lock_customers(connection, taken)
    writes = Writes()
    turns = {id: Turn(database, connection, customer, writes) for id, customer in locked.items()}
    bought: list[shopping.Happened] = []
    earliest = min(turn.now for turn in turns.values())
    for id, found in runs.open_runs(connection, list(turns), earliest).items():
        turns[id].open_with(found)
    _read_rollups(connection, zip(whose, taken, strict=True), turns)
    for id, item in zip(whose, taken, strict=True):
        turn = turns[id]
        event = _event(turn, item)
        turn.fresh.append(event)
        future = item.occurred_at is not None and item.occurred_at > event.received_at
        writes.events.append(row(id, event, source=item.source, kind=item.kind, future=future))
        if learn(turn, item):
            mark_suppressed(connection, [turn])
        give(turn, event, journey=item.journey, key=item.entry_key)
        if item.name in shopping.ABOUT:
            bought.append(happened(id, item, event.occurred_at))
    told = finish(turns.values(), writes, connection)
    if bought:
        some_turn = next(iter(turns.values()))
        looked = some_turn.catalogue.workspace.looked
        shopping.keep(connection, bought, now=some_turn.now, looked=looked)
    return told


def happened(customer: UUID, item: Incoming, at: datetime) -> shopping.Happened:
    """Return an event as what it tells of the shop's things is read from it."""
    return shopping.Happened(
        customer, item.name, item.properties, at, f"{item.source}/{item.message_id}", item.source
    )


def _read_rollups(
    connection: Connection, some: Iterable[tuple[UUID, Incoming]], turns: Mapping[UUID, Turn]
) -> None:
    """Read what is kept of those whose computed traits these events concern, all at once."""
    asked = {
        id
        for id, item in some
        if item.name in turns[id].catalogue.derivation.by_event and not turns[id].new
    }
    for id, found in (rollups.of(connection, asked) if asked else {}).items():
        turns[id].begin_with(found)


def lock_customers(
    connection: Connection, some: Sequence[Incoming]
) -> tuple[list[UUID], dict[UUID, Locked]]:
    """Find or make the customer of each event, and lock them all."""
    whose, linked = _find_or_make(connection, some)
    locked = customers.lock(connection, set(whose))
    if len(locked) < len(set(whose)):
        raise NotFound("There is no such customer.")
    if linked:
        namespaces = {item.namespace for item in some}
        customers.check_named_once(connection, linked, namespaces)
    return whose, locked


def _find_or_make(connection: Connection, some: Sequence[Incoming]) -> tuple[list[UUID], set[UUID]]:
    """Return each event's customer, made when nobody has its identities.

    `user_id` decides, else `anonymous_id`. A new `user_id` goes to the anonymous customer it
    comes with, unless she is known by another one. Those to whom that happened are returned too.
    """
    wanted = sorted({identity for item in some for identity in identities(item)})
    known = customers.identified(connection, wanted) if wanted else {}
    named = (
        customers.named(connection, list(known.values()), {item.namespace for item in some})
        if _linking(some, known)
        else set()
    )
    made: set[UUID] = set()
    linked: set[UUID] = set()
    given: dict[Identity, UUID] = {}
    found: list[UUID] = []
    for item in some:
        if item.customer is not None:
            found.append(item.customer)
            continue
        user, anonymous = _user(item), _anonymous(item)
        owner = known.get(user) if user else None
        if owner is None and anonymous in known:
            theirs = known[anonymous]
            owner = None if user and (item.namespace, theirs) in named else theirs
        if owner is None:
            owner = uuid7()
            made.add(owner)
        if user is not None and user not in known and owner not in made:
            linked.add(owner)
        for identity in (user, anonymous):
            if identity is not None and identity not in known:
                known[identity] = given[identity] = owner
        if user is not None:
            named.add((item.namespace, owner))
        found.append(owner)
    if made:
        customers.create(connection, sorted(made))
    if given:
        customers.identify(connection, given)
    return found, linked


def _linking(some: Sequence[Incoming], known: Mapping[Identity, UUID]) -> bool:
    """Whether an unknown `user_id` comes with an anonymous customer who is known."""
    return any(
        (user := _user(item)) and user not in known and _anonymous(item) in known for item in some
    )


def _user(item: Incoming) -> Identity | None:
    return (item.namespace, item.user_id) if item.user_id else None


def _anonymous(item: Incoming) -> Identity | None:
    # An alias is about the former id; a browser sends its own along with every call.
    anonymous = item.previous_id or item.anonymous_id
    return ("anonymous_id", anonymous) if anonymous else None


def identities(item: Incoming) -> tuple[Identity, ...]:
    """Return the identities that an event names, the deciding one first."""
    return tuple(one for one in (_user(item), _anonymous(item)) if one is not None)


def _event(turn: Turn, item: Incoming) -> Event:
    seq = turn.stamp()
    occurred = item.occurred_at or turn.now
    return Event(
        id=uuid7(),
        seq=seq,
        name=item.name,
        properties={**item.properties, **({"traits": dict(item.traits)} if item.traits else {})},
        occurred_at=min(occurred, turn.now),
        received_at=turn.now,
    )


def row(
    customer: UUID, event: Event, *, source: str, kind: Kind, future: bool = False
) -> dict[str, Any]:
    """Return an event's row; `future` marks one whose sender's clock was ahead."""
    return {
        "customer_id": customer,
        "seq": event.seq,
        "received_at": event.received_at,
        "id": event.id,
        "occurred_at": event.occurred_at,
        "name": event.name,
        "properties": event.properties,
        "source": source,
        "kind": kind,
        "future": future,
    }


def learn(turn: Turn, item: Incoming) -> bool:
    """Take over what the event tells about the customer herself.

    Returns whether she has other addresses now, of which some may be suppressed.
    """
    customer = turn.customer
    if item.kind == "identify" and item.traits:
        after = learned(customer, item.traits)
        turn.change(traits=after.traits, addresses=after.addresses)
    tokens = turn.customer.addresses.get("push", [])
    if item.device_token and item.device_token not in tokens:
        added = {"push": [*tokens, item.device_token]}
        turn.change(addresses={**turn.customer.addresses, **added})
    if item.locale and item.locale != customer.locale:
        turn.change(locale=item.locale)
    if item.time_zone and item.time_zone != customer.time_zone:
        turn.change(time_zone=item.time_zone)
    return turn.customer.addresses != customer.addresses


def give(
    turn: Turn,
    event: Event,
    *,
    journey: str | None = None,
    key: str | None = None,
    source: str = "api",
) -> Refused | None:
    """Give the event to the runs that it concerns, then open the journeys that it starts.

    With `journey`, only that one is opened, for the entry named `key`, because `source` asks for
    it; returned is why it was not. What is computed of her is brought up to date before that, and
    told after it, where a score has come to a threshold.
    """
    deriving.derive(turn, event)
    for run in turn.runs():
        if turn.machine(run.plan_hash).interested(run.state, event.name):
            advance.happen(turn, run, event)
    refused = None
    if journey is None:
        open_journeys(turn, event)
    else:
        refused = open_journey(turn, event, journey, key, source=source)
    tell_scores(turn)
    advance.carry_out(turn)
    return refused


def tell_scores(turn: Turn) -> None:
    """Store an event for each threshold that her scores have come to or left, and give it."""
    for name, properties in deriving.crossed(turn):
        seq = turn.stamp()
        event = Event(
            id=uuid7(),
            seq=seq,
            name=name,
            properties=properties,
            occurred_at=turn.now,
            received_at=turn.now,
        )
        turn.fresh.append(event)
        turn.writes.events.append(row(turn.customer.id, event, source="parcours", kind="track"))
        give(turn, event)
