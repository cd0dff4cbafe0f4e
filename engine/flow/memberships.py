"""Customers enter and leave segments: by what happens to them, and by time alone.

Whatever changes a customer in her turn makes the segments that mention it be asked again, for her
only. Entering and leaving are events of hers. What time alone changes is found by `sweep`, which
looks at those whose membership says that it may change about now.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection

from engine.compile.mentions import ADDRESSES, CONSENT, ZONE, of_event, of_traits
from engine.flow.turn import StoreWorld, Turn, Writes, finish
from engine.model.clock import EARLIEST
from engine.model.customer import Customer
from engine.model.opening import SEGMENT_ENTERED, SEGMENT_LEFT
from engine.names import Wake
from engine.run.changing import turn as stands
from engine.store import customers, kept, memberships
from engine.store.memberships import Standing
from engine.store.session import Database

AT_ONCE: Final = 50
"""Customers in one transaction of a sweep."""

A_ROUND: Final = 1000
"""Customers in one round of the dispatcher."""


def follow(turn: Turn, *, tell: bool = True) -> None:
    """Ask the segments again that what has changed since the last time may concern.

    Without `tell`, entering and leaving are no events: too much has followed from one another.
    """
    changed = _changed(turn)
    asked = (
        turn.catalogue.segments
        if changed is None
        else {id for mention in changed for id in turn.catalogue.mentioned.get(mention, ())}
    )
    if asked:
        look(turn, asked, tell=tell)


def pending(turn: Turn) -> bool:
    """Whether something has changed that the customer's segments may not know yet."""
    return bool(turn.catalogue.segments) and (
        turn.new or turn.customer is not turn.followed or len(turn.fresh) > turn.followed_events
    )


def _changed(turn: Turn) -> set[str] | None:
    """Return what has changed, by mention, and take note of it; None for a new customer."""
    new, before = turn.new, turn.followed
    events = turn.fresh[turn.followed_events :]
    turn.new, turn.followed, turn.followed_events = False, turn.customer, len(turn.fresh)
    if new:
        return None
    return {of_event(event.name) for event in events} | set(_differences(before, turn.customer))


def _differences(before: Customer, after: Customer) -> Iterator[str]:
    if before is after:
        return
    yield from of_traits(_other(before.traits, after.traits))
    yield from of_traits(_other(before.derived, after.derived))
    if before.addresses != after.addresses or before.suppressed != after.suppressed:
        yield ADDRESSES
    if before.consent != after.consent:
        yield CONSENT
    if before.time_zone != after.time_zone:
        yield ZONE


def _other(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[str]:
    if before is after:
        return set()
    return {
        name
        for name in before.keys() | after.keys()
        if name not in before or name not in after or before[name] != after[name]
    }


def look(turn: Turn, segments: Iterable[str], *, tell: bool = True) -> None:
    """Ask these segments of a customer; tell of those that she enters or leaves by it.

    While a segment is being built it is not told who is in it: that is how it was defined, and
    not what she did.
    """
    from engine.flow.internal import happen  # it gives events to runs, and so leads back to here

    shop = turn.catalogue
    moved: list[tuple[str, str]] = []
    turn.read_ahead(segments)
    world = turn.world()
    for id in sorted(segments):
        entered = _ask(turn, world, id)
        if entered is not None and tell and id not in shop.building:
            moved.append((SEGMENT_ENTERED if entered else SEGMENT_LEFT, id))
    for name, id in moved:
        happen(turn, name, {"segment": id, "name": shop.segment_names.get(id, id)}, "parcours")


def _ask(turn: Turn, world: StoreWorld, id: str) -> bool | None:
    """Ask one segment; return whether she has entered or left it, None when neither."""
    inside, due = stands(turn.catalogue.segments[id], world)
    before = turn.standings().get(id)
    was = before is not None and before.inside
    if before is None and not inside and due is None:
        return None
    if before is None or (before.inside, before.next_change_at) != (inside, due):
        since = turn.now if before is None or inside != was else before.since
        turn.stand(id, Standing(inside=inside, since=since, next_change_at=due))
    return None if inside == was else inside


def sweep(database: Database) -> list[Wake]:
    """Look at the customers whose membership time may have changed; return whom to tell."""
    with database.read() as connection:
        due = memberships.due(connection, A_ROUND)
    told: list[Wake] = []
    for first in range(0, len(due), AT_ONCE):
        told += database.transact(partial(_sweep, database, due[first : first + AT_ONCE]))
    return told


def _sweep(database: Database, some: Collection[UUID], connection: Connection) -> list[Wake]:
    writes = Writes()
    turns = lock_turns(database, connection, some, writes)
    for turn in turns:
        turn.stamp()
        known = turn.catalogue.segments
        over = {
            id
            for id, standing in turn.standings().items()
            if standing.next_change_at is not None and standing.next_change_at <= turn.now
        }
        if gone := over - known.keys():
            memberships.forget(connection, turn.customer.id, gone)
        look(turn, over & known.keys())
    return finish(turns, writes, connection)


def note_sizes(database: Database) -> None:
    """Note how many customers are in each segment today."""
    database.transact(memberships.note_sizes)


def look_again(
    database: Database, connection: Connection, some: Collection[UUID], segments: Collection[str]
) -> list[Wake]:
    """Ask these segments of customers who have changed while a build was looking at everybody."""
    writes = Writes()
    turns = lock_turns(database, connection, some, writes)
    for turn in turns:
        look(turn, segments)
    return finish(turns, writes, connection)


def lock_turns(
    database: Database, connection: Connection, some: Collection[UUID], writes: Writes
) -> list[Turn]:
    """Lock these customers, and return their turns with what they all have to be asked for."""
    locked = customers.lock(connection, some)
    turns = [Turn(database, connection, one, writes) for one in locked.values()]
    earliest = min((turn.now for turn in turns), default=EARLIEST)
    found = kept.read(connection, list(locked), earliest, standings=True)
    for turn in turns:
        turn.begin_with(found[turn.customer.id])
    return turns
