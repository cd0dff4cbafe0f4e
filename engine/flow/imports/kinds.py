"""What files can be about: how a record of each is read, and how some are stored.

Another kind is another `Kind` in `KINDS`, and its targets in `engine/flow/imports/mapping.py`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import Connection

from engine.flow import history, intake
from engine.flow.history import Profile
from engine.flow.imports import customers, events, mentions
from engine.flow.imports.lines import Format, Record
from engine.flow.imports.mapped import Place, Rows
from engine.flow.imports.mapping import About, Assigned
from engine.flow.imports.portions import AT_ONCE
from engine.flow.intake import Incoming
from engine.store import events as stored
from engine.store.customers import Identity
from engine.store.session import Database

T = TypeVar("T")

Read = Callable[[Record], T]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a job's records are read: by a mapping, else as imports are written."""

    format: Format
    mapping: Assigned | None
    place: Place
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Storing(Generic[T]):
    """How some records are stored in one transaction, `at_once` at most.

    `store` returns how many of them are new.
    """

    store: Callable[[Database, Sequence[T], Connection], int]
    at_once: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Generic[T]):
    """What a file is about. `starting` stores what may start journeys, where that is possible."""

    about: About
    reader: Callable[[Way], Read[T]]
    native: Callable[[Mapping[str, Any]], bool]
    """Whether a record of JSON is written as imports are."""
    storing: Storing[T]
    starting: Storing[T] | None
    owners: Callable[[T], tuple[Identity, ...]]
    """The identities of whom a record is about."""
    known: Callable[[Connection, Sequence[T]], int]
    """How many records are stored already."""
    mentions: Callable[[Sequence[T]], set[str]]


def _profiles(way: Way) -> Read[Profile]:
    if way.mapping is not None:
        return Rows(way.mapping, way.place).profile
    return partial(customers.profile_of, kind=way.format)


def _events(way: Way) -> Read[Incoming]:
    if way.mapping is not None:
        return partial(Rows(way.mapping, way.place).event, now=way.now)
    return partial(events.event_of, kind=way.format, now=way.now)


def _into_history(database: Database, some: Sequence[Incoming], connection: Connection) -> int:
    return history.store_events(database, some, connection)


def _through_intake(database: Database, some: Sequence[Incoming], connection: Connection) -> int:
    before = _stored_already(connection, some)
    intake.store(database, some, connection)  # the dispatcher tells Temporal
    return len({(item.source, item.message_id) for item in some}) - before


def _stored_already(connection: Connection, some: Sequence[Incoming]) -> int:
    return stored.claimed(connection, [(item.source, item.message_id) for item in some])


def _customers(_: Database, some: Sequence[Profile], connection: Connection) -> int:
    return history.store_customers(some, connection)


KINDS: Final[dict[str, Kind[Any]]] = {
    "customers": Kind(
        about="customers",
        reader=_profiles,
        native=customers.is_native,
        storing=Storing(store=_customers, at_once=AT_ONCE),
        starting=None,
        owners=lambda profile: profile.identities,
        known=lambda connection, some: 0,
        mentions=mentions.of_customers,
    ),
    "events": Kind(
        about="events",
        reader=_events,
        native=events.is_native,
        storing=Storing(store=_into_history, at_once=AT_ONCE),
        starting=Storing(store=_through_intake, at_once=intake.AT_ONCE),
        owners=intake.identities,
        known=_stored_already,
        mentions=mentions.of_events,
    ),
}
