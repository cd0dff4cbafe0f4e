"""Segments that are being built: what was found of everybody, and how far it is applied."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Select, case, insert, literal, select, text

from engine.store import tables


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """A segment that is being built, for the how-manieth time; `staged` when all were looked at."""

    segment: str
    build: int
    staged: bool


_UNDER_WAY = text("SELECT id, build, staged FROM segment WHERE state = 'building' ORDER BY id")


def under_way(connection: Connection) -> list[Build]:
    """Return the segments that are being built."""
    return [
        Build(segment=row.id, build=row.build, staged=row.staged == row.build)
        for row in connection.execute(_UNDER_WAY)
    ]


_MARK = text("SELECT CAST(CAST(pg_current_xact_id() AS text) AS bigint)")
_ALL_LATER = text(
    "SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint) > :mark"
)


def mark(connection: Connection) -> int:
    """Return the number of this transaction, which writes nothing."""
    found: int = connection.execute(_MARK).scalar_one()
    return found


def all_later(connection: Connection, mark: int) -> bool:
    """Whether every transaction that writes now began after that one."""
    found: bool = connection.execute(_ALL_LATER, {"mark": mark}).scalar_one()
    return found


def now(connection: Connection) -> datetime:
    """Return the database's clock."""
    found: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return found


_TAKE = text("""
SELECT pg_try_advisory_xact_lock(hashtext('segment build'), hashtext(:segment))
    AND EXISTS (SELECT FROM segment WHERE id = :segment AND build = :build AND state = 'building'
                AND (staged = build) = :staged)
""")


def take(connection: Connection, build: Build) -> bool:
    """Whether this build still stands as it was read, and nobody else works at it just now."""
    given = {"segment": build.segment, "build": build.build, "staged": build.staged}
    found: bool = connection.execute(_TAKE, given).scalar_one()
    return found


_ASK: Final = -1
"""A customer's counter never stands so: she is asked by herself."""

_PATIENT = text("SELECT set_config('statement_timeout', '1h', true)")
# Looking at a million customers takes longer than any other statement may.

_CLEAR = text("DELETE FROM membership_stage WHERE segment_id = :segment")
_STAGED = text("""
UPDATE segment SET staged = :build, applied = 0,
    total = (SELECT count(*) FROM membership_stage WHERE segment_id = :segment)
WHERE id = :segment AND build = :build
""")


def stage(connection: Connection, build: Build, everybody: Select[Any]) -> None:
    """Stage how everybody stands to the segment, where that is not known already.

    `everybody` is a statement of `engine.store.conditions_sql`.
    """
    found, known = everybody.subquery("found"), tables.membership
    news = (
        select(
            literal(build.segment),
            found.c.customer_id,
            case((found.c.unsure, _ASK), else_=found.c.seq),
            found.c.inside,
            found.c.next_change_at,
        )
        .outerjoin(
            known,
            (known.c.customer_id == found.c.customer_id) & (known.c.segment_id == build.segment),
        )
        .where(
            found.c.unsure
            | case(
                (
                    known.c.customer_id.is_(None),
                    found.c.inside | found.c.next_change_at.is_not(None),
                ),
                else_=(known.c.inside != found.c.inside)
                | known.c.next_change_at.is_distinct_from(found.c.next_change_at),
            )
        )
    )
    connection.execute(_PATIENT)
    connection.execute(_CLEAR, {"segment": build.segment})
    columns = ["segment_id", "customer_id", "seq", "inside", "next_change_at"]
    connection.execute(insert(tables.membership_stage).from_select(columns, news))
    connection.execute(_STAGED, {"segment": build.segment, "build": build.build})


# Staged rows are deleted by their place: how many there are, the planner does not know yet.
_APPLY = text("""
WITH taken AS MATERIALIZED (
    SELECT ctid AS place, customer_id, seq, inside, next_change_at FROM membership_stage
    WHERE segment_id = :segment ORDER BY customer_id LIMIT :most
), locked AS MATERIALIZED (
    SELECT c.id, c.seq FROM customer c WHERE c.id IN (SELECT customer_id FROM taken)
    ORDER BY c.id FOR NO KEY UPDATE
), done AS (
    DELETE FROM membership_stage WHERE ctid = ANY(ARRAY(SELECT place FROM taken))
), put AS (
    INSERT INTO membership (customer_id, segment_id, inside, since, next_change_at)
    SELECT taken.customer_id, :segment, taken.inside, clock_timestamp(), taken.next_change_at
    FROM taken JOIN locked ON locked.id = taken.customer_id AND locked.seq = taken.seq
    ON CONFLICT (customer_id, segment_id) DO UPDATE SET
        inside = excluded.inside,
        since = CASE WHEN membership.inside = excluded.inside THEN membership.since
                     ELSE excluded.since END,
        next_change_at = excluded.next_change_at
), counted AS (
    UPDATE segment SET applied = applied + (SELECT count(*) FROM taken) WHERE id = :segment
)
SELECT taken.customer_id, locked.seq = taken.seq AS same
FROM taken LEFT JOIN locked ON locked.id = taken.customer_id
""")


def apply(connection: Connection, build: Build, most: int) -> tuple[int, list[UUID]]:
    """Apply what was staged of some customers; return of how many, and who has changed since."""
    rows = connection.execute(_APPLY, {"segment": build.segment, "most": most}).all()
    return len(rows), [row.customer_id for row in rows if row.same is False]


_READY = text("""
UPDATE segment SET state = 'ready', built_at = clock_timestamp() WHERE id = :segment
""")


def ready(connection: Connection, build: Build) -> None:
    """Tell that everybody has been looked at."""
    connection.execute(_READY, {"segment": build.segment})
