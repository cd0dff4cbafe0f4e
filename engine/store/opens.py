"""At what hours of the day messages are opened, by people."""

import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, text

from engine.run.calendar import local
from engine.store.session import Database

Hours = tuple[int, ...]
"""24 counts, by the hour of the local day."""

_OWN_SINCE: Final = timedelta(days=180)
_EVERYBODYS_SINCE: Final = timedelta(days=90)
_REMEMBERED: Final = 3600.0

_OWN: Final = text("""
    SELECT occurred_at FROM event
    WHERE customer_id = :customer AND name = 'Message Opened' AND occurred_at > :since
    ORDER BY occurred_at DESC LIMIT 200
""")

# By the quarter of an hour, because that is what zones differ by.
_EVERYBODYS: Final = text("""
    SELECT date_bin(INTERVAL '15 minutes', opened_at, TIMESTAMPTZ 'epoch') AS opened_at, count(*) AS n
    FROM message WHERE opened_at > :since GROUP BY 1
""")

_MEMORY: WeakKeyDictionary[Database, dict[str, tuple[float, Hours]]] = WeakKeyDictionary()


def own(connection: Connection, customer: UUID, zone: str, now: datetime) -> Hours:
    """Return a customer's opens of the last 180 days, the latest 200, by the hour in her zone."""
    parameters = {"customer": customer, "since": now - _OWN_SINCE}
    found = connection.execute(_OWN, parameters).scalars()
    return _by_hour(((at, 1) for at in found), zone)


def everybodys(
    database: Database,
    connection: Connection,
    zone: str,
    now: datetime,
    clock: Callable[[], float] = time.monotonic,
) -> Hours:
    """Return the first opens of all messages in the last 90 days, by the hour in this zone.

    A process remembers them for an hour: they change slowly, and are read in every claim.
    """
    memory = _MEMORY.setdefault(database, {})
    known = memory.get(zone)
    if known is None or clock() - known[0] > _REMEMBERED:
        rows = connection.execute(_EVERYBODYS, {"since": now - _EVERYBODYS_SINCE}).all()
        known = clock(), _by_hour(((row.opened_at, row.n) for row in rows), zone)
        memory[zone] = known
    return known[1]


def _by_hour(opens: Iterable[tuple[datetime, int]], zone: str) -> Hours:
    counts = [0] * 24
    for at, n in opens:
        counts[local(at, zone).hour] += n
    return tuple(counts)
