"""An event arrives: stored, given to the customer's runs, journeys opened, in one transaction."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Connection
from uuid_utils.compat import uuid7

from engine.compile.mentions import of_event
from engine.errors import NotFound
from engine.flow import advance, aliasing, deriving, shopping
from engine.flow.enter import open_journey, open_journeys
from engine.flow.traits import mark_suppressed
from engine.flow.turn import Turn, Writes, finish
from engine.model.event import Event
from engine.model.identity import ANONYMOUS_ID, EXTERNAL_ID
from engine.names import Wake
from engine.run.changes import learned
from engine.run.entry import Refused
from engine.store import customers, events, kept, suggestions
from engine.store.customers import Identity, Locked, Owner
from engine.store.session import Database, RaceLost
from engine.store.suggestions import Reason

Kind = Literal["track", "identify", "page", "screen", "alias", "group", "entry"]

AT_ONCE = 100
"""Events stored in one transaction, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """An event as it was sent, checked for its form.

    `user_id` is an id in `namespace`. `identities` are further names of the customer whom it or
    `anonymous_id` finds. `journey` and `entry_key` are set by a request to open that journey.
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
    identities: tuple[Identity, ...] = ()
    journey: str | None = None
    entry_key: str | None = None


def receive(database: Database, incoming: Sequence[Incoming]) -> list[Wake]:
    """Store events and decide what follows; they are durable when this returns.

    An event whose (source, message id) was stored before is left out. An alias that says of two
    customers that they are one has them merged first. Returns the runs whose workflows have to be
    told, for the caller to tell Temporal.
    """
    told: list[Wake] = []
    for some in _together(incoming):
        if some[0].kind == "alias":
            told += aliasing.follow(database, some[0].user_id, some[0].previous_id)
        told += database.transact(partial(store, database, some))
    return told


def _together(incoming: Sequence[Incoming]) -> Iterator[Sequence[Incoming]]:
    """Divide events into those of one transaction each; an alias begins a new one."""
    start = 0
    for n in range(1, len(incoming) + 1):
        if n == len(incoming) or n - start == AT_ONCE or incoming[n].kind == "alias":
            yield incoming[start:n]
            start = n


def store(database: Database, some: Sequence[Incoming], connection: Connection) -> list[Wake]:
    """Do what `receive` does, for `AT_ONCE` events at most, in a transaction."""
    taken, known = take(connection, some)
    if not taken:
        return []
    whose, locked = lock_customers(connection, taken, known)
    writes = Writes()
    turns = {id: Turn(database, connection, customer, writes) for id, customer in locked.items()}
    bought: list[shopping.Happened] = []
    _begin(connection, turns, {item.name for item in taken})
    moved: dict[UUID, Turn] = {}
    for owner, item in zip(whose, taken, strict=True):
        turn = turns[owner.customer]
        turn.origin = owner.origin
        event = _event(turn, item)
        turn.fresh.append(event)
        future = item.occurred_at is not None and item.occurred_at > event.received_at
        writes.events.append(row(owner, event, source=item.source, kind=item.kind, future=future))
        if learn(turn, item):
            mark_suppressed(connection, [turn])
            moved[owner.customer] = turn
        give(turn, event, journey=item.journey, key=item.entry_key)
        if item.name in shopping.ABOUT:
            bought.append(happened(owner.customer, item, event.occurred_at, event.id))
    if moved:
        having = [turn.customer for turn in moved.values()]
        suggestions.suggest(connection, suggestions.sharing(connection, having))
    told = finish(turns.values(), writes, connection)
    if bought:
        some_turn = next(iter(turns.values()))
        looked = some_turn.catalogue.workspace.looked
        shopping.keep(connection, bought, now=some_turn.now, looked=looked)
    return told


def happened(customer: UUID, item: Incoming, at: datetime, event: UUID) -> shopping.Happened:
    """Return an event as what it tells of the shop's things is read from it."""
    return shopping.Happened(customer, item.name, item.properties, at, str(event), item.source)


def _begin(connection: Connection, turns: Mapping[UUID, Turn], names: Collection[str]) -> None:
    """Read what is kept of these customers, as far as events of these names concern it."""
    some = next(iter(turns.values())).catalogue
    found = kept.read(
        connection,
        list(turns),
        min(turn.now for turn in turns.values()),
        rollups=any(name in some.derivation.by_event for name in names),
        standings=any(of_event(name) in some.mentioned for name in names),
    )
    for id, turn in turns.items():
        turn.begin_with(found[id])


def take(
    connection: Connection, some: Sequence[Incoming]
) -> tuple[list[Incoming], dict[Identity, Owner]]:
    """Return those events that were not stored before, and whose their identities are so far."""
    keys = [(item.source, item.message_id) for item in some]
    wanted = sorted({identity for item in some for identity in identities(item)})
    fresh, known = events.take(connection, keys, wanted)
    taken: dict[tuple[str, str], Incoming] = {}
    for key, item in zip(keys, some, strict=True):
        if key in fresh:
            taken.setdefault(key, item)
    return list(taken.values()), known


def lock_customers(
    connection: Connection, some: Sequence[Incoming], known: dict[Identity, Owner]
) -> tuple[list[Owner], dict[UUID, Locked]]:
    """Find or make the customer of each event, and lock them all; `known` is by `take`."""
    found = _find_or_make(connection, some, known)
    ids = {owner.customer for owner in found.owners}
    locked = customers.lock(connection, ids)
    if len(locked) < len(ids):
        raise NotFound("There is no such customer.")
    if any(one.merges for one in locked.values()):
        # She may have been parted again between the look and the lock.
        now = customers.owners(connection, list(found.known)) if found.known else {}
        if now != found.known:
            raise RaceLost
    if found.linked:
        customers.check_named_once(connection, found.linked, {item.namespace for item in some})
    suggestions.suggest(connection, found.doubts)
    return found.owners, locked


@dataclass(slots=True)
class _Found:
    """Whose events these are, what was `known` before, and which customers may be one.

    `linked` are those who were given an id of the shop's, and had none.
    """

    owners: list[Owner] = field(default_factory=list)
    known: dict[Identity, Owner] = field(default_factory=dict)
    linked: set[UUID] = field(default_factory=set)
    doubts: defaultdict[tuple[UUID, UUID], set[Reason]] = field(
        default_factory=lambda: defaultdict(set)
    )


def _find_or_make(
    connection: Connection, some: Sequence[Incoming], known: dict[Identity, Owner]
) -> _Found:
    """Return each event's customer, made when nobody has its identities.

    `user_id` decides, else `anonymous_id`. A new `user_id` goes to the anonymous customer it
    comes with, unless she is known by another one; that of an alias, to whom its former id names.
    """
    found = _Found(known=dict(known))
    whole = [owner.customer for owner in known.values()]
    named = (
        customers.named(connection, whole, {item.namespace for item in some})
        if _linking(some, known)
        else set()
    )
    standing = customers.standing(connection, [item.customer for item in some if item.customer])
    made: set[UUID] = set()
    given: dict[Identity, Owner] = {}
    for item in some:
        if item.customer is not None:
            found.owners.append(standing.get(item.customer, Owner(item.customer)))
            continue
        user = _user(item)
        owner, linking = _owner(item, known, named)
        if owner is None:
            owner = Owner(uuid7())
            made.add(owner.customer)
        elif linking:
            found.linked.add(owner.customer)
        for identity in identities(item):
            if identity not in known and identity != _former(item):
                known[identity] = given[identity] = owner
            elif (
                identity in known
                and known[identity].customer != owner.customer
                and (reason := _doubt(item, identity)) is not None
            ):
                found.doubts[owner.customer, known[identity].customer].add(reason)
        if user is not None:
            named.add((item.namespace, owner.customer))
        found.owners.append(owner)
    if made:
        customers.create(connection, sorted(made))
    if given:
        customers.identify(connection, given)
    return found


def _owner(
    item: Incoming, known: Mapping[Identity, Owner], named: Collection[tuple[str, UUID]]
) -> tuple[Owner | None, bool]:
    """Return whose an event is, and whether its `user_id` is the first that she is known by."""
    user, anonymous, former = _user(item), _anonymous(item), _former(item)
    if user is not None and user in known:
        return known[user], False
    by_anonymous = known.get(anonymous) if anonymous else None
    by_former = known.get(former) if former else None
    if by_former is not None and by_anonymous in {None, by_former}:
        return by_former, False
    if by_anonymous is not None and not (user and (item.namespace, by_anonymous.customer) in named):
        return by_anonymous, user is not None
    return None, False


def _doubt(item: Incoming, identity: Identity) -> Reason | None:
    """Return why an event speaks for its customer and another one being the same, if it does."""
    if identity in item.identities:
        return "identities"
    if item.kind == "alias":
        return "alias"
    # A browser sends its own id along with every call: only who tells who she is says something.
    return "login" if item.kind == "identify" else None


def _linking(some: Sequence[Incoming], known: Mapping[Identity, Owner]) -> bool:
    """Whether an unknown `user_id` comes with an anonymous customer who is known."""
    return any(
        (user := _user(item)) and user not in known and _anonymous(item) in known for item in some
    )


def _user(item: Incoming) -> Identity | None:
    return (item.namespace, item.user_id) if item.user_id else None


def _anonymous(item: Incoming) -> Identity | None:
    # An alias is about the former id; a browser sends its own along with every call.
    anonymous = item.previous_id or item.anonymous_id
    return (ANONYMOUS_ID, anonymous) if anonymous else None


def _former(item: Incoming) -> Identity | None:
    """Return the id of the shop's that an alias's former id may be, instead of a browser's."""
    return (EXTERNAL_ID, item.previous_id) if item.previous_id else None


def identities(item: Incoming) -> tuple[Identity, ...]:
    """Return the identities that an event names, the deciding one first."""
    named = (_user(item), _anonymous(item), _former(item))
    return (*(one for one in named if one is not None), *item.identities)


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
    whose: Owner, event: Event, *, source: str, kind: Kind, future: bool = False
) -> dict[str, Any]:
    """Return an event's row; `future` marks one whose sender's clock was ahead."""
    return {
        "customer_id": whose.customer,
        "origin_customer": whose.origin,
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
        turn.writes.events.append(
            row(Owner(turn.customer.id, turn.origin), event, source="parcours", kind="track")
        )
        give(turn, event)
