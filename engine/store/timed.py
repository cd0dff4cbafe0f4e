"""Journeys that open on a schedule or on customers' dates, and which dates come when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import Connection, delete, select, text
from sqlalchemy.dialects.postgresql import insert

from engine.store import tables

_T = tables.timed_journey.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """A journey that opens on a schedule or a date, as its row tells."""

    journey: str
    rule: Mapping[str, Any]
    since: datetime
    next_at: datetime | None
    trait: str | None
    cursor: UUID | None
    paced_at: datetime | None
    now: datetime


def every(connection: Connection) -> dict[str, Timed]:
    """Return all of them by the journey's id."""
    rows = connection.execute(select(tables.timed_journey, text("clock_timestamp() AS now")))
    return {row.journey_id: _timed(row) for row in rows}


def drop(connection: Connection, journeys: Sequence[str]) -> None:
    """Forget that these open so, and all that was to come."""
    upcoming = tables.upcoming.c.journey_id
    connection.execute(delete(tables.timed_journey).where(_T.journey_id.in_(journeys)))
    connection.execute(delete(tables.upcoming).where(upcoming.in_(journeys)))


def put(
    connection: Connection,
    journey: str,
    rule: Mapping[str, Any],
    *,
    since: datetime,
    next_at: datetime | None = None,
    trait: str | None = None,
) -> None:
    """Note what opens a journey; what is known of a date's past stays, and is filled anew."""
    values = {"rule": dict(rule), "next_at": next_at, "trait": trait, "cursor": None,
              "filled_at": None, "known_from": None}  # fmt: skip
    connection.execute(
        insert(tables.timed_journey)
        .values(journey_id=journey, since=since, **values)
        .on_conflict_do_update(index_elements=[_T.journey_id], set_=values)
    )


_DUE_SCHEDULES = text("""
SELECT t.*, clock_timestamp() AS now FROM timed_journey t WHERE next_at <= now()
FOR UPDATE SKIP LOCKED
""")
_NEXT = text("UPDATE timed_journey SET next_at = :next_at WHERE journey_id = :journey")


def due_schedules(connection: Connection) -> list[Timed]:
    """Hold the journeys whose time has come."""
    return [_timed(row) for row in connection.execute(_DUE_SCHEDULES)]


def set_next(connection: Connection, journey: str, next_at: datetime | None) -> None:
    """Note when the schedule comes next."""
    connection.execute(_NEXT, {"journey": journey, "next_at": next_at})


# Filling: everybody is looked at once, in the order of their ids

# Whoever began before this number may not know of the row, and so not have noted a change.
_KNOWN = text("""
UPDATE timed_journey SET known_from = CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint)
WHERE trait IS NOT NULL AND known_from IS NULL
""")
_UNFILLED = text("""
SELECT t.*, clock_timestamp() AS now FROM timed_journey t
WHERE trait IS NOT NULL AND filled_at IS NULL
  AND CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint) >= known_from
ORDER BY journey_id LIMIT 1 FOR UPDATE SKIP LOCKED
""")
_BOUND = text("""
SELECT id FROM customer WHERE CAST(:cursor AS uuid) IS NULL OR id > :cursor
ORDER BY id OFFSET :limit LIMIT 1
""")
_FILLED = text("""
UPDATE timed_journey SET cursor = :cursor, filled_at = CASE WHEN :last THEN now() END
WHERE journey_id = :journey
""")

# The day is exact for a plain date; the instant to look at her is days early, and the exact one is
# told then. What is no such date and may be one by other rules is looked at now.
_FILL = text(r"""
WITH whose AS MATERIALIZED (
    SELECT id, trait_of(traits, derived, :trait) AS value FROM customer
    WHERE merged_into IS NULL AND (CAST(:cursor AS uuid) IS NULL OR id > :cursor)
      AND (CAST(:bound AS uuid) IS NULL OR id <= :bound)
),
parsed AS MATERIALIZED (
    SELECT id, CAST(parts[1] AS int) AS y, CAST(parts[2] AS int) AS m, CAST(parts[3] AS int) AS d
    FROM whose CROSS JOIN LATERAL (SELECT regexp_match(
        value, '^([0-9]{4})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])'
    ) AS parts) AS read WHERE value ~ '^[0-9]{4}'
),
coming AS MATERIALIZED (
    SELECT p.id, CASE WHEN p.y > 0 THEN (
        SELECT min(on_) FROM (
            SELECT CAST(
                month + (least(p.d, EXTRACT(day FROM month + interval '1 month' - interval '1 day')) - 1)
                        * interval '1 day'
                + make_interval(months => :months, days => :days, secs => :seconds) AS date
            ) AS on_
            FROM (
                SELECT CAST(make_date(CAST(year AS int), p.m, 1) AS timestamp) AS month
                FROM generate_series(
                    CASE WHEN :yearly THEN greatest(p.y, :about - 1) ELSE p.y END,
                    CASE WHEN :yearly THEN greatest(p.y, :about + 2) ELSE p.y END
                ) AS year
            ) AS months
        ) AS days WHERE on_ + 2 >= CAST(:since AS date)
    ) END AS on_, coalesce(p.y, 0) > 0 AS told
    FROM parsed p
)
INSERT INTO upcoming AS u (customer_id, journey_id, due_at, due_on, after)
SELECT id, :journey, coalesce(on_ - interval '2 days', :since), on_, :since
FROM coming WHERE on_ IS NOT NULL OR NOT told
ON CONFLICT (customer_id, journey_id) DO UPDATE
SET due_at = least(u.due_at, excluded.due_at), due_on = excluded.due_on
""")

_LONGEST: Final = "SET LOCAL statement_timeout = '5min'"


def note_known(connection: Connection) -> None:
    """Note from which transaction on everybody knows of the journeys noted before."""
    connection.execute(_KNOWN)


def to_fill(connection: Connection) -> Timed | None:
    """Hold a journey of which not everybody has been looked at, when there is one."""
    row = connection.execute(_UNFILLED).one_or_none()
    return _timed(row) if row is not None else None


def fill(
    connection: Connection,
    timed: Timed,
    *,
    limit: int,
    yearly: bool,
    about: int,
    months: int,
    length: timedelta,
) -> bool:
    """Note when the dates of the next customers come; return whether that were all.

    `about` is the year in which a date lies that is due now, `months` and `length` the offset.
    """
    connection.execute(text(_LONGEST))
    bound = connection.execute(_BOUND, {"cursor": timed.cursor, "limit": limit - 1}).scalar()
    connection.execute(
        _FILL,
        {
            "journey": timed.journey, "trait": timed.trait, "cursor": timed.cursor, "bound": bound,
            "yearly": yearly, "about": max(about, 2), "months": months, "days": length.days,
            "seconds": length.seconds, "since": timed.since,
        },
    )  # fmt: skip
    given = {"journey": timed.journey, "cursor": bound or timed.cursor, "last": bound is None}
    connection.execute(_FILLED, given)
    return bound is None


# Dates that come

_TAKE = text("""
SELECT t.*, clock_timestamp() AS now FROM timed_journey t
WHERE journey_id = :journey FOR UPDATE SKIP LOCKED
""")
_DUE = text("""
SELECT u.customer_id FROM upcoming u JOIN customer c ON c.id = u.customer_id
WHERE u.journey_id = :journey AND u.due_at <= clock_timestamp() AND c.merged_into IS NULL
ORDER BY u.due_at LIMIT :limit
""")
_STILL_DUE = text("""
SELECT customer_id, due_at, after, done FROM upcoming
WHERE journey_id = :journey AND customer_id = ANY(:customers) AND due_at <= clock_timestamp()
""")
_LOOKED = text("""
UPDATE upcoming SET due_at = :due_at, due_on = :due_on, after = :after, done = :done
WHERE journey_id = :journey AND customer_id = :customer
""")
_LATER = text("""
UPDATE upcoming SET due_at = clock_timestamp() + interval '1 minute'
WHERE journey_id = :journey AND customer_id = :customer
""")
_PACED = text("UPDATE timed_journey SET paced_at = :paced_at WHERE journey_id = :journey")


@dataclass(frozen=True, slots=True, kw_only=True)
class Upcoming:
    """What is known of a customer's date: when to look, and what has been."""

    customer: UUID
    due_at: datetime
    after: datetime | None
    done: int | None


def take(connection: Connection, journey: str) -> Timed | None:
    """Hold a journey, so that no other process looks after its dates meanwhile."""
    row = connection.execute(_TAKE, {"journey": journey}).one_or_none()
    return _timed(row) if row is not None else None


def due(connection: Connection, journey: str, limit: int) -> list[UUID]:
    """Return the customers who have to be looked at now, those first who are due longest."""
    return list(connection.execute(_DUE, {"journey": journey, "limit": limit}).scalars())


def still_due(connection: Connection, journey: str, customers: Sequence[UUID]) -> list[Upcoming]:
    """Return what is known of those who have to be looked at; to be asked under their locks."""
    given = {"journey": journey, "customers": list(customers)}
    return [
        Upcoming(customer=row.customer_id, due_at=row.due_at, after=row.after, done=row.done)
        for row in connection.execute(_STILL_DUE, given)
    ]


def looked(connection: Connection, journey: str, seen: Sequence[Mapping[str, Any]]) -> None:
    """Note when to look again: `customer`, `due_at`, `due_on`, `after` and `done` of each."""
    if seen:
        connection.execute(_LOOKED, [{"journey": journey, **one} for one in seen])


def look_later(connection: Connection, journey: str, customer: UUID) -> None:
    """Leave somebody alone for a while."""
    connection.execute(_LATER, {"journey": journey, "customer": customer})


def paced(connection: Connection, journey: str, paced_at: datetime) -> None:
    """Note until when the journey's pace is used up."""
    connection.execute(_PACED, {"journey": journey, "paced_at": paced_at})


_DAYS = text("""
SELECT due_on, count(*) AS n FROM upcoming
WHERE journey_id = :journey AND due_on >= :first AND due_on < :until GROUP BY due_on
""")


def days(connection: Connection, journey: str, first: date, until: date) -> dict[date, int]:
    """Return on which days how many customers' dates come, from the first until before another."""
    given = {"journey": journey, "first": first, "until": until}
    return {row.due_on: row.n for row in connection.execute(_DAYS, given)}


def one(connection: Connection, journey: str) -> Timed | None:
    """Return what opens a journey, if that is a schedule or a date."""
    return every_of(connection, [journey]).get(journey)


def every_of(connection: Connection, journeys: Sequence[str]) -> dict[str, Timed]:
    """Return those of these journeys that open on a schedule or a date."""
    rows = connection.execute(
        select(tables.timed_journey, text("clock_timestamp() AS now")).where(
            _T.journey_id.in_(journeys)
        )
    )
    return {row.journey_id: _timed(row) for row in rows}


def is_filled(connection: Connection, journey: str) -> bool:
    """Whether everybody has been looked at."""
    found = select(_T.filled_at).where(_T.journey_id == journey)
    return connection.execute(found).scalar() is not None


def _timed(row: Any) -> Timed:
    rule = row.rule if isinstance(row.rule, dict) else orjson.loads(row.rule)
    return Timed(
        journey=row.journey_id,
        rule=rule,
        since=row.since,
        next_at=row.next_at,
        trait=row.trait,
        cursor=row.cursor,
        paced_at=row.paced_at,
        now=row.now,
    )
