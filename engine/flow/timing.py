"""Journeys that open by themselves: what is noted of them follows what is published.

At each look of the dispatcher, what is live is compared with what is noted, so that publishing,
archiving and a new time zone of the shop count without knowing of it.
"""

from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection
from uuid_utils.compat import uuid7

from engine.flow.starting import pace_of
from engine.model.actor import PRODUCT
from engine.model.journey import Journey
from engine.model.opening import OnDate, OnSchedule
from engine.store import catalogue as catalogues
from engine.store import documents, starts, timed
from engine.store.catalogue import Catalogue
from engine.store.session import Database
from engine.store.timed import Timed


def keep_up(database: Database) -> None:
    """Note which journeys open on a schedule or a date now."""
    with database.read() as connection:
        due = _differs(database, connection)
    if due:
        database.transact(partial(_keep_up, database))


def _differs(database: Database, connection: Connection) -> bool:
    wanted = _wanted(catalogues.current(database, connection))
    return wanted != {id: dict(found.rule) for id, found in timed.every(connection).items()}


def _wanted(catalogue: Catalogue) -> dict[str, dict[str, Any]]:
    """Return what opens the journeys that open by themselves."""
    found = {}
    for id, live in catalogue.live.items():
        on = live.machine.plan.journey.entry.on
        if isinstance(on, OnSchedule):
            found[id] = {"schedule": on.schedule, "zone": on.zone or catalogue.workspace.time_zone}
        elif isinstance(on, OnDate):
            found[id] = on.document()
    return found


def _keep_up(database: Database, connection: Connection) -> None:
    documents.one_at_a_time(connection)
    catalogue = catalogues.current(database, connection)
    wanted, noted = _wanted(catalogue), timed.every(connection)
    other = [id for id, found in noted.items() if _trait(wanted.get(id)) != found.trait]
    timed.drop(connection, [*other, *(noted.keys() - wanted.keys())])
    now = documents.clock(connection)
    for id, rule in wanted.items():
        if id in noted and id not in other and noted[id].rule == rule:
            continue
        on = catalogue.live[id].machine.plan.journey.entry.on
        following = _next(on, rule, now) if isinstance(on, OnSchedule) else None
        timed.put(connection, id, rule, since=now, next_at=following, trait=_trait(rule))


def _trait(rule: dict[str, Any] | None) -> str | None:
    return rule.get("date") if rule is not None else None


def _next(on: OnSchedule, rule: dict[str, Any], after: datetime) -> datetime | None:
    return on.schedule.next_after(after, rule["zone"])


def begin_due(database: Database) -> None:
    """Begin a start for each schedule whose time has come."""
    database.transact(partial(_begin_due, database))


def _begin_due(database: Database, connection: Connection) -> None:
    for found in timed.due_schedules(connection):
        live = catalogues.current(database, connection).live.get(found.journey)
        on = live.machine.plan.journey.entry.on if live is not None else None
        if live is None or not isinstance(on, OnSchedule) or found.next_at is None:
            timed.set_next(connection, found.journey, None)
            continue
        journey = live.machine.plan.journey
        came = _came(journey, on, found)
        for at, late in came:
            reason: starts.Reason | None = "late" if late else ("paused" if live.paused else None)
            starts.add(
                connection, uuid7(), journey.id, on.segment, pace_of(journey),
                source="schedule", actor=PRODUCT, reason=reason, due_at=at,
            )  # fmt: skip
        following = on.schedule.next_after(found.now, found.rule["zone"])
        timed.set_next(connection, found.journey, following)


def _came(journey: Journey, on: OnSchedule, found: Timed) -> list[tuple[datetime, bool]]:
    """Return the times that have come, and whether they are too old.

    Of several that were missed, the first that is not too old stands for all: it is for the same
    customers.
    """
    assert found.next_at is not None  # noqa: S101 - it has come
    zone = found.rule["zone"]
    oldest = journey.entry.max_age.before(found.now, zone)
    if found.next_at >= oldest:
        return [(found.next_at, False)]
    recent = on.schedule.next_after(oldest, zone)
    late = [(found.next_at, True)]
    return [*late, (recent, False)] if recent is not None and recent <= found.now else late
