"""Starting a journey for many customers: those in a segment, or all of them.

A start is kept when it is asked for. The dispatcher carries it out, some customers in a transaction
in the order of their ids, at a pace; how far it is is written in the same transaction, so that it
goes on where it was when a process is killed, and nobody has her turn twice.
"""

import logging
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection

from engine.errors import Conflict, Contended, InvalidInput, Unavailable, said, without_words
from engine.flow.internal import ask_to_enter
from engine.flow.turn import Turn, Writes, finish
from engine.model.actor import Actor
from engine.model.document import stored_journey
from engine.model.journey import Journey
from engine.model.opening import DEFAULT_PACE, Pace
from engine.run.pacing import allowance
from engine.store import audit, customers, documents, kept, starts, versions
from engine.store import catalogue as catalogues
from engine.store.session import Database
from engine.store.starts import Going, Source, Start

_log = logging.getLogger(__name__)

AT_ONCE: Final = 100
"""Customers who have their turn in one transaction, at most."""

GROUPS: Final = 5
"""Transactions for one start in one round of the dispatcher, at most: it has more to do."""

PROPERTIES: Final = ("start", "segment", "name")
"""What an entry by a start has as properties; without a segment, `start` alone."""


def pace_of(journey: Journey) -> Pace:
    """Return at which pace a start of the journey goes when it names none."""
    return journey.entry.pace or DEFAULT_PACE


def begin(
    database: Database,
    id: UUID,
    journey: str,
    segment: str | None,
    pace: Pace | None,
    *,
    actor: Actor,
) -> Start:
    """Start a journey for everybody in a segment, or for all customers; the same `id`, once.

    Raises `Conflict` when nobody can enter the journey, `InvalidInput` for an unknown segment.
    """

    def work(connection: Connection) -> Start:
        documents.one_at_a_time(connection)
        live = check(connection, journey, segment)
        keep(connection, id, live, segment, pace, source="hand", actor=actor)
        return starts.one(connection, journey, id)

    return database.transact(work)


def check(connection: Connection, journey: str, segment: str | None) -> Journey:
    """Return the journey as published, if it can be started for these; else raise why not."""
    stored = documents.journey(connection, journey)
    if stored.version is None:
        raise Conflict(
            said("The journey %(journey)s is not published: nobody can enter it.", journey=journey)
        )
    if stored.state == "archived":
        raise Conflict(
            said("The journey %(journey)s is archived: nobody can enter it.", journey=journey)
        )
    live = stored_journey(versions.document(connection, journey, stored.version))
    key = live.entry.reentry.key
    if key is not None and key not in PROPERTIES[: 3 if segment is not None else 1]:
        raise Conflict(
            said(
                "The journey %(journey)s lets in once for each %(key)s, which a start has not.",
                journey=journey,
                key=key,
            )
        )
    if segment is not None and starts.is_ready(connection, segment) is None:
        raise InvalidInput(said("There is no segment %(segment)s.", segment=segment))
    return live


def keep(
    connection: Connection,
    id: UUID,
    journey: Journey,
    segment: str | None,
    pace: Pace | None,
    *,
    source: Source,
    actor: Actor,
) -> None:
    """Keep a start in the transaction of whoever asks for it, and record who did."""
    chosen = pace or pace_of(journey)
    if starts.add(connection, id, journey.id, segment, chosen, source=source, actor=actor):
        told = {"segment": segment, "pace": chosen, "number": str(id), "source": source}
        audit.add(connection, actor, "start", "journey", journey.id, None, told)


def stop(database: Database, journey: str, id: UUID, *, actor: Actor) -> Start:
    """Let nobody more in; who has entered stays. Stopping twice is as good as once."""

    def work(connection: Connection) -> Start:
        documents.one_at_a_time(connection)
        found = starts.one(connection, journey, id)
        if starts.end(connection, id, "stopped", "by_hand"):
            told = {"number": str(id), "entered": found.entered}
            audit.add(connection, actor, "stop start", "journey", journey, None, told)
        return starts.one(connection, journey, id)

    return database.transact(work)


def go_on(database: Database, *, at: datetime | None = None) -> int:
    """Give the customers of each running start their turn, as many as its pace allows.

    `at` is the instant by which the pace counts, the database's when None. Returns how many had
    their turn.
    """
    with database.read() as connection:
        found = starts.running(connection)
    return sum(_some(database, id, at) for id in found)


def _some(database: Database, id: UUID, at: datetime | None) -> int:
    had = 0
    for _ in range(GROUPS):
        try:
            now = _group(database, id, at, AT_ONCE)
        except Exception as error:
            if isinstance(error, Unavailable) and not isinstance(error, Contended):
                raise
            now = _one(database, id, at)
        had += now
        if now < AT_ONCE:
            break
    return had


def _one(database: Database, id: UUID, at: datetime | None) -> int:
    """Give one customer her turn; one who cannot be decided is passed over."""
    try:
        return _group(database, id, at, 1)
    except Exception as error:
        if isinstance(error, Unavailable):
            raise
        _log.error("Somebody of the start %s was not decided: %s", id, without_words(error))
        return database.transact(partial(_pass_over, id))


def _pass_over(id: UUID, connection: Connection) -> int:
    going = starts.take(connection, id)
    some = starts.following(connection, going, 1) if going is not None else []
    for customer in some:
        assert going is not None  # noqa: S101 - there is somebody of it
        starts.advance(connection, id, cursor=customer, paced_at=going.paced_at, failed=1)
    return len(some)


def _group(database: Database, id: UUID, at: datetime | None, limit: int) -> int:
    return database.transact(lambda connection: _decide(database, connection, id, at, limit))


def _decide(
    database: Database, connection: Connection, id: UUID, at: datetime | None, limit: int
) -> int:
    going = starts.take(connection, id)
    if going is None or not _goes_on(database, connection, going):
        return 0
    start = going.start
    if start.begun_at is None:
        total, until = starts.size(connection, start.segment)
        starts.begin(connection, id, total, until)
        going = Going(start=start, cursor=None, until=until, paced_at=going.paced_at, now=going.now)
    allowed = allowance(going.paced_at, at or going.now, start.pace.per_second)
    limit = min(allowed.customers, limit)
    if limit < 1:
        return 0
    some = starts.following(connection, going, limit)
    if not some:
        starts.end(connection, id, "done")
        return 0
    entered, refused = _enter(database, connection, start, some)
    starts.advance(
        connection, id, cursor=some[-1], paced_at=allowed.used(len(some)),
        entered=entered, refused=refused,
    )  # fmt: skip
    return len(some)


def _goes_on(database: Database, connection: Connection, going: Going) -> bool:
    """Whether it is its turn; one that can never go on is stopped."""
    start = going.start
    live = catalogues.current(database, connection).live.get(start.journey)
    if live is None:
        starts.end(connection, start.id, "stopped", "archived")
        return False
    ready = starts.is_ready(connection, start.segment) if start.segment is not None else True
    if ready is None:
        starts.end(connection, start.id, "stopped", "no_segment")
        return False
    return ready and not live.paused


def _enter(
    database: Database, connection: Connection, start: Start, some: list[UUID]
) -> tuple[int, int]:
    """Have customers ask to enter; return how many do, and how many may not."""
    locked = customers.lock(connection, some)
    inside = starts.still_inside(connection, start.segment, some)
    writes = Writes()
    turns = {
        id: Turn(database, connection, one, writes) for id, one in locked.items() if id in inside
    }
    if not turns:
        return 0, 0
    earliest = min(turn.now for turn in turns.values())
    for id, found in kept.read(connection, list(turns), earliest).items():
        turns[id].begin_with(found)
    source = "schedule" if start.source == "schedule" else "start"
    properties = _properties(connection, start)
    answers = [
        ask_to_enter(turn, start.journey, properties, source=source) for turn in turns.values()
    ]
    finish(turns.values(), writes, connection)
    refused = sum(answer is not None for answer in answers)
    return len(answers) - refused, refused


def _properties(connection: Connection, start: Start) -> dict[str, Any]:
    found: dict[str, Any] = {"start": str(start.id)}
    if start.segment is not None:
        name = documents.get(connection, "segment", start.segment)["name"]
        found |= {"segment": start.segment, "name": name}
    return found
