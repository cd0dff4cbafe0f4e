"""Dates of customers that come, and open journeys.

`upcoming` tells when to look at whom. It is filled for everybody when a journey is published, by
the day alone and some days early; who is looked at is told the exact instant, in her zone and
under her lock. What changes a date or a zone makes her be looked at again at once.
"""

import logging
from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from engine.errors import Contended, Unavailable, without_words
from engine.flow.internal import ask_to_enter
from engine.flow.starting import pace_of
from engine.flow.turn import Turn, Writes, finish
from engine.model.duration import Duration
from engine.model.opening import OnDate
from engine.run.calendar import local
from engine.run.conditions import look_up
from engine.run.occurrences import next_occurrence
from engine.run.pacing import allowance
from engine.store import catalogue as catalogues
from engine.store import customers, kept, timed
from engine.store.session import Database
from engine.store.timed import Timed

_log = logging.getLogger(__name__)

FILLED_AT_ONCE: Final = 10_000
"""Customers whose dates are noted in one round of the dispatcher: about half a second."""

AT_ONCE: Final = 100
"""Customers who are looked at in one transaction, at most."""


def fill(database: Database, *, limit: int = FILLED_AT_ONCE) -> bool:
    """Note when the dates of some customers come; return whether there are more."""
    database.transact(timed.note_known)
    return database.transact(partial(_fill, limit))


def _fill(limit: int, connection: Connection) -> bool:
    found = timed.to_fill(connection)
    if found is None:
        return False
    on = OnDate.model_validate(found.rule)
    offset = on.offset or Duration("0d")
    about = local(offset.before(found.since, "UTC"), "UTC").year
    months, length = _length(offset)
    timed.fill(
        connection, found, limit=limit, yearly=on.yearly, about=about, months=months, length=length
    )
    return True


def _length(offset: Duration) -> tuple[int, timedelta]:
    if offset.calendar is not None:
        months, days = offset.calendar
        return months, timedelta(days=days)
    return 0, offset.at_most


def come(database: Database) -> bool:
    """Have customers enter whose date has come; return whether there are more to look at."""
    with database.read() as connection:
        found = [one.journey for one in timed.every(connection).values() if one.trait is not None]
    return sum(_some(database, journey) for journey in found) > 0


def _some(database: Database, journey: str) -> bool:
    try:
        return _group(database, journey, AT_ONCE) == AT_ONCE
    except Exception as error:
        if isinstance(error, Unavailable) and not isinstance(error, Contended):
            raise
        return _one(database, journey) > 0


def _one(database: Database, journey: str) -> int:
    """Look at one customer; one who cannot be decided comes again in a while."""
    try:
        return _group(database, journey, 1)
    except Exception as error:
        if isinstance(error, Unavailable):
            raise
        _log.error("A date for %s was not decided: %s", journey, without_words(error))
        database.transact(partial(_later, journey))
        return 1


def _later(journey: str, connection: Connection) -> None:
    for customer in timed.due(connection, journey, 1):
        timed.look_later(connection, journey, customer)


def _group(database: Database, journey: str, limit: int) -> int:
    return database.transact(partial(_look, database, journey, limit))


def _look(database: Database, journey: str, limit: int, connection: Connection) -> int:
    """Look at some customers, and have those enter whose date has come; return how many they were."""
    held = timed.take(connection, journey)
    live = catalogues.current(database, connection).live.get(journey)
    on = live.machine.plan.journey.entry.on if live is not None else None
    if held is None or live is None or not isinstance(on, OnDate):
        return 0
    allowed = allowance(held.paced_at, held.now, pace_of(live.machine.plan.journey).per_second)
    some = timed.due(connection, journey, limit) if allowed.customers else []
    if not some:
        return 0
    locked = customers.lock(connection, some)
    writes = Writes()
    turns = {id: Turn(database, connection, one, writes) for id, one in locked.items()}
    earliest = min(turn.now for turn in turns.values())
    for id, found in kept.read(connection, list(turns), earliest).items():
        turns[id].begin_with(found)
    asked = _decide(connection, held, on, turns, allowed.customers)
    if asked:
        timed.paced(connection, journey, allowed.used(asked))
    finish([turn for turn in turns.values() if turn.fresh], writes, connection)
    return len(some)


def _decide(
    connection: Connection, held: Timed, on: OnDate, turns: dict[UUID, Turn], most: int
) -> int:
    """Have those enter whose time has come, `most` of them; note of all when to look again."""
    asked, seen = 0, []
    for known in timed.still_due(connection, held.journey, list(turns)):
        turn = turns[known.customer]
        value = look_up(turn.customer.known, on.date)
        after, done = known.after or known.due_at, known.done
        found = next_occurrence(on, value, turn.zone, after=after, done=done)
        if found is not None and found.at <= turn.now:
            if asked == most:
                continue
            asked += 1
            told = {"trait": on.date, "date": value, "on": found.on.isoformat()}
            ask_to_enter(turn, held.journey, told, source="date", occurred_at=found.at)
            done = found.n
            found = next_occurrence(on, value, turn.zone, after=after, done=done)
        seen.append(
            {
                "customer": known.customer, "after": after, "done": done,
                "due_at": found.at if found is not None else None,
                "due_on": found.on if found is not None else None,
            }
        )  # fmt: skip
    timed.looked(connection, held.journey, seen)
    return asked
