"""What the dispatcher does at intervals: nobody is forgotten, whatever was killed."""

import logging
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from engine.errors import Contended, Unavailable, without_words
from engine.flow.advance import advance
from engine.flow.record import settle_expired
from engine.names import Wake
from engine.store import migrate, wakes
from engine.store.session import Database

_log = logging.getLogger(__name__)

LEFT_FOR = 2.0
"""Seconds after which the outbox is swept of what the committing process has not told."""

AGAIN = 120.0
"""Seconds until an overdue run is looked at again."""

AT_ONCE = 200


def left(database: Database) -> list[Wake]:
    """Take up the wakes of which Temporal has not been told; they come back until it is."""
    return database.transact(
        lambda connection: wakes.left(connection, older=LEFT_FOR, limit=AT_ONCE)
    )


def told(database: Database, some: list[Wake]) -> None:
    """Forget wakes of which Temporal has been told."""
    database.transact(lambda connection: wakes.told(connection, some))


def overdue(database: Database) -> int:
    """Look after runs past their time; return how many there were.

    A claim whose lease has ended is settled; a held-out run, which has no workflow, advances
    here; any other run is woken, without a hint, so that its workflow asks.
    """
    late = database.transact(_take_overdue)
    for row in late:
        try:
            if row.held_out:
                advance(database, row.id, row.revision, "time_reached")
            elif row.claimed:
                settle_expired(database, row.id)
        except Exception as error:
            if isinstance(error, Unavailable) and not isinstance(error, Contended):
                raise
            # One run that cannot go on must not hold up the others; it comes back in a while.
            _log.error("The run %s could not be looked after: %s", row.id, without_words(error))
    return len(late)


def _take_overdue(connection: Connection) -> list[Any]:
    late = wakes.overdue(connection, again=AGAIN, limit=AT_ONCE)
    wakes.wake(connection, [row.id for row in late if not row.held_out and not row.claimed])
    return late


def partitions(database: Database) -> None:
    """Make the partitions of the months ahead."""
    today = datetime.now(UTC).date()
    database.transact(lambda connection: migrate.ensure_partitions(connection, today))
