"""Starts: many customers who enter a journey, and how far that is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import Connection, insert, select, text

from engine.errors import NotFound
from engine.model.actor import Actor
from engine.model.opening import Pace
from engine.store import tables
from engine.store.paging import Page, limited, page, read_cursor

Source = Literal["hand", "publish", "schedule"]
State = Literal["running", "stopped", "done"]
Reason = Literal["by_hand", "archived", "no_segment", "late", "paused"]
"""Why a start was stopped, or never begun."""

_S = tables.start.c
SHOWN: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A start: of the customers in `segment`, or of all (None)."""

    id: UUID
    journey: str
    segment: str | None
    pace: Pace
    source: Source
    actor: str
    actor_name: str
    state: State
    reason: Reason | None
    total: int | None
    entered: int
    refused: int
    failed: int
    created_at: datetime
    due_at: datetime | None
    begun_at: datetime | None
    ended_at: datetime | None

    @property
    def had(self) -> int:
        """How many have had their turn."""
        return self.entered + self.refused + self.failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Going:
    """A start whose row this transaction holds, and where it stands."""

    start: Start
    cursor: UUID | None
    until: UUID | None
    paced_at: datetime | None
    now: datetime


def add(
    connection: Connection,
    id: UUID,
    journey: str,
    segment: str | None,
    pace: Pace,
    *,
    source: Source,
    actor: Actor,
    reason: Reason | None = None,
    due_at: datetime | None = None,
) -> bool:
    """Keep a start; with a reason, one that is not to begin. Return False when it is known.

    `due_at` is when a schedule came.
    """
    if connection.execute(select(_S.id).where(_S.id == id)).first() is not None:
        return False
    ended = {"state": "stopped", "reason": reason, "ended_at": text("now()")} if reason else {}
    connection.execute(
        insert(tables.start).values(
            id=id,
            journey_id=journey,
            segment_id=segment,
            pace=pace,
            source=source,
            actor=actor.id,
            actor_name=actor.name,
            due_at=due_at,
            **ended,
        )
    )
    return True


def one(connection: Connection, journey: str, id: UUID) -> Start:
    """Return a start of a journey, or raise `NotFound`."""
    row = connection.execute(
        select(tables.start).where(_S.id == id, _S.journey_id == journey)
    ).one_or_none()
    if row is None:
        raise NotFound("There is no such start of this journey.")
    return _start(row)


def listed(
    connection: Connection, journey: str, *, limit: int = SHOWN, cursor: str | None = None
) -> tuple[list[Start], Page]:
    """List the starts of a journey, the newest first."""
    limit = limited(limit)
    query = select(tables.start).where(_S.journey_id == journey)
    if cursor is not None:
        query = query.where(_S.id < read_cursor(cursor, UUID)[0])
    rows = connection.execute(query.order_by(_S.id.desc()).limit(limit + 1)).all()
    return [_start(row) for row in rows[:limit]], page(rows, limit, [], "id")


_RUNNING = text("""
SELECT DISTINCT ON (journey_id) id FROM start WHERE state = 'running' ORDER BY journey_id, id
""")


def running(connection: Connection) -> list[UUID]:
    """Return the starts whose turn it is: of each journey the oldest that is running."""
    return list(connection.execute(_RUNNING).scalars())


_TAKE = text("""
SELECT s.*, clock_timestamp() AS now FROM start s
WHERE id = :id AND state = 'running' FOR UPDATE SKIP LOCKED
""")


def take(connection: Connection, id: UUID) -> Going | None:
    """Hold a start that is running; None when another process does, or it is over."""
    row = connection.execute(_TAKE, {"id": id}).one_or_none()
    if row is None:
        return None
    return Going(
        start=_start(row), cursor=row.cursor, until=row.until, paced_at=row.paced_at, now=row.now
    )


_IN_SEGMENT = """FROM membership WHERE segment_id = :segment AND inside"""
_EVERYBODY = """FROM customer WHERE merged_into IS NULL"""
_COUNT_OF = {
    "segment": text(f"""
        SELECT count(*) AS n, (SELECT customer_id {_IN_SEGMENT} ORDER BY customer_id DESC LIMIT 1)
               AS last {_IN_SEGMENT}
    """),
    "all": text(f"""
        SELECT count(*) AS n, (SELECT id {_EVERYBODY} ORDER BY id DESC LIMIT 1) AS last {_EVERYBODY}
    """),
}
_NEXT_OF = {
    "segment": text(f"""
        SELECT customer_id {_IN_SEGMENT}
          AND (CAST(:cursor AS uuid) IS NULL OR customer_id > :cursor) AND customer_id <= :until
        ORDER BY customer_id LIMIT :limit
    """),
    "all": text(f"""
        SELECT id {_EVERYBODY}
          AND (CAST(:cursor AS uuid) IS NULL OR id > :cursor) AND id <= :until
        ORDER BY id LIMIT :limit
    """),
}
_STILL = text(f"SELECT customer_id {_IN_SEGMENT} AND customer_id = ANY(:ids)")


def size(connection: Connection, segment: str | None) -> tuple[int, UUID | None]:
    """Return how many customers there are in a segment, or at all, and the last of their ids."""
    which = "all" if segment is None else "segment"
    row = connection.execute(_COUNT_OF[which], _whose(segment)).one()
    return row.n, row.last


def following(connection: Connection, going: Going, limit: int) -> list[UUID]:
    """Return the customers whose turn is next, in the order of their ids."""
    segment = going.start.segment
    which = "all" if segment is None else "segment"
    given = {"cursor": going.cursor, "until": going.until, "limit": limit, **_whose(segment)}
    return list(connection.execute(_NEXT_OF[which], given).scalars())


def still_inside(
    connection: Connection, segment: str | None, customers: Sequence[UUID]
) -> set[UUID]:
    """Return which of these are in the segment; to be asked under their locks."""
    if segment is None:
        return set(customers)
    given = {"segment": segment, "ids": list(customers)}
    return set(connection.execute(_STILL, given).scalars())


def _whose(segment: str | None) -> dict[str, Any]:
    return {} if segment is None else {"segment": segment}


def is_ready(connection: Connection, segment: str) -> bool | None:
    """Whether it is known who is in a segment; None when there is no such segment."""
    state = connection.execute(
        select(tables.segment.c.state).where(tables.segment.c.id == segment)
    ).scalar()
    return None if state is None else state == "ready"


_BEGIN = text("""
UPDATE start SET total = :total, until = :until, begun_at = now() WHERE id = :id
""")
_ADVANCE = text("""
UPDATE start SET cursor = coalesce(:cursor, cursor), paced_at = :paced_at,
    entered = entered + :entered, refused = refused + :refused, failed = failed + :failed
WHERE id = :id
""")
_END = text("""
UPDATE start SET state = :state, reason = :reason, ended_at = now()
WHERE id = :id AND state = 'running'
""")


def begin(connection: Connection, id: UUID, total: int, until: UUID | None) -> None:
    """Note of how many it is, and the last of them."""
    connection.execute(_BEGIN, {"id": id, "total": total, "until": until})


def advance(
    connection: Connection,
    id: UUID,
    *,
    cursor: UUID | None,
    paced_at: datetime | None,
    entered: int = 0,
    refused: int = 0,
    failed: int = 0,
) -> None:
    """Note who had the last turn, and what became of how many since the last time."""
    given = {"id": id, "cursor": cursor, "paced_at": paced_at, "entered": entered,
             "refused": refused, "failed": failed}  # fmt: skip
    connection.execute(_ADVANCE, given)


def end(connection: Connection, id: UUID, state: State, reason: Reason | None = None) -> bool:
    """End a start that is running; return whether it was."""
    given = {"id": id, "state": state, "reason": reason}
    return bool(connection.execute(_END, given).rowcount)


def _start(row: Any) -> Start:
    return Start(
        id=row.id,
        journey=row.journey_id,
        segment=row.segment_id,
        pace=Pace(row.pace),
        source=row.source,
        actor=row.actor,
        actor_name=row.actor_name,
        state=row.state,
        reason=row.reason,
        total=row.total,
        entered=row.entered,
        refused=row.refused,
        failed=row.failed,
        created_at=row.created_at,
        due_at=row.due_at,
        begun_at=row.begun_at,
        ended_at=row.ended_at,
    )
