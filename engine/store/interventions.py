"""Interventions: customers whom somebody ends in a journey or moves on, and how far that is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import orjson
from sqlalchemy import Connection, text

from engine.errors import NotFound
from engine.store.inside import Asked, matching

Action = Literal["end", "move"]

_NEW = text("""
INSERT INTO intervention (id, journey_id, action, asked, actor)
VALUES (:id, :journey, :action, CAST(:asked AS jsonb), :actor)
""")

_CHOOSE = """
INSERT INTO intervention_run (intervention_id, run_id, step, visit)
SELECT :id, r.id, r.step, CAST(r.state #>> ARRAY['visits', r.step] AS int)
FROM ({matching}) m JOIN run r ON r.id = m.run_id
WHERE r.ended_at IS NULL AND NOT r.held_out
  AND (:action = 'end' OR (r.command ->> 'kind' = 'wait' AND r.step IS NOT NULL))
  AND (CAST(:only AS uuid[]) IS NULL OR r.id = ANY(:only))
"""

_COUNT = text("""
UPDATE intervention SET total = :total, chosen = :chosen WHERE id = :id
""")

_ONE = text("""
SELECT i.*, w.left, w.done, w.held, w.elsewhere, w.ended, w.gone, w.cancelled, w.waits_held
FROM intervention i CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE w.outcome IS NULL) AS left,
           count(*) FILTER (WHERE w.outcome = 'done') AS done,
           count(*) FILTER (WHERE w.outcome = 'held') AS held,
           count(*) FILTER (WHERE w.outcome = 'elsewhere') AS elsewhere,
           count(*) FILTER (WHERE w.outcome = 'ended') AS ended,
           count(*) FILTER (WHERE w.outcome = 'gone') AS gone,
           count(*) FILTER (WHERE w.outcome = 'cancelled') AS cancelled,
           count(r.held_at) AS waits_held
    FROM intervention_run w LEFT JOIN run r ON r.id = w.run_id WHERE w.intervention_id = i.id
) w
WHERE i.id = :id AND i.journey_id = :journey
""")

_CONFIRM = text("""
UPDATE intervention SET confirmed_at = now(), reason = :reason
WHERE id = :id AND journey_id = :journey AND confirmed_at IS NULL
RETURNING action, asked, total
""")

_CANCEL = text("""
UPDATE intervention_run SET outcome = 'cancelled'
WHERE outcome IS NULL AND intervention_id = (
    SELECT id FROM intervention WHERE id = :id AND journey_id = :journey AND confirmed_at IS NOT NULL
)
""")

# From those that are under way to their runs, all of them in turn, so that a large one does not
# hold up a small one; who takes a run has it for a while.
_TAKE = text("""
WITH due AS (
    SELECT i.id, i.action, i.reason, w.run_id FROM intervention i CROSS JOIN LATERAL (
        SELECT run_id, due_at FROM intervention_run
        WHERE intervention_id = i.id AND outcome IS NULL AND due_at <= now()
        ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED
    ) w
    WHERE i.confirmed_at IS NOT NULL AND i.ended_at IS NULL
      AND (CAST(:only AS uuid) IS NULL OR i.id = :only)
    ORDER BY row_number() OVER (PARTITION BY i.id ORDER BY w.due_at) LIMIT :limit
)
UPDATE intervention_run t SET due_at = now() + interval '1 minute'
FROM due WHERE t.intervention_id = due.id AND t.run_id = due.run_id
RETURNING due.id, due.action, due.reason, t.run_id, t.step, t.visit
""")

_PENDING = text("""
SELECT 1 FROM intervention_run
WHERE intervention_id = :id AND run_id = :run AND outcome IS NULL FOR UPDATE
""")

_DECIDED = text("""
UPDATE intervention_run SET outcome = :outcome
WHERE intervention_id = :id AND run_id = :run AND outcome IS NULL
""")

_LATER = text("""
UPDATE intervention_run SET due_at = now() + interval '5 seconds'
WHERE intervention_id = :id AND run_id = :run AND outcome IS NULL
""")

_FINISH = text("""
UPDATE intervention SET ended_at = now()
WHERE confirmed_at IS NOT NULL AND ended_at IS NULL AND NOT EXISTS (
    SELECT 1 FROM intervention_run WHERE intervention_id = intervention.id AND outcome IS NULL
)
""")

_FORGET = text("""
DELETE FROM intervention
WHERE created_at < now() - interval '1 day' AND confirmed_at IS NULL
   OR ended_at < now() - interval '30 days'
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervention:
    """An intervention, and how many of its runs are left, done, or were passed over, and why.

    Of the `chosen`, `total` can be ended or moved on; `waits_held` of these a pause holds now.
    """

    id: UUID
    journey: str
    action: Action
    asked: dict[str, str]
    chosen: int
    total: int
    reason: str
    confirmed_at: datetime | None
    ended_at: datetime | None
    left: int
    done: int
    passed: dict[str, int]
    waits_held: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One run that an intervention is about to end or to move on."""

    intervention: UUID
    run: UUID
    action: Action
    reason: str
    step: str | None
    visit: int | None


def add(
    connection: Connection,
    id: UUID,
    action: Action,
    asked: Asked,
    *,
    only: Sequence[UUID] | None,
    chosen: int,
    actor: str,
) -> None:
    """Keep which customers an intervention is about: of those asked for, `only` these or all."""
    # What was searched for may be somebody's name: it leads back to nothing that is worth keeping.
    address = {name: value for name, value in asked.address.items() if name != "q"}
    given = {"id": id, "journey": asked.journey, "action": action, "actor": actor,
             "asked": orjson.dumps(address).decode()}  # fmt: skip
    connection.execute(_NEW, given)
    sql, values = matching(asked)
    parameters = {
        **values,
        "id": id,
        "action": action,
        "only": list(only) if only is not None else None,
    }
    total = connection.execute(text(_CHOOSE.format(matching=sql)), parameters).rowcount
    connection.execute(_COUNT, {"id": id, "total": total, "chosen": chosen})


def one(connection: Connection, journey: str, id: UUID) -> Intervention:
    """Return an intervention in a journey, or raise `NotFound`."""
    row = connection.execute(_ONE, {"id": id, "journey": journey}).one_or_none()
    if row is None:
        raise NotFound("There is no such change of customers in this journey.")
    passed = ("held", "elsewhere", "ended", "gone", "cancelled")
    return Intervention(
        id=row.id,
        journey=row.journey_id,
        action=row.action,
        asked=row.asked,
        chosen=row.chosen,
        total=row.total,
        reason=row.reason or "",
        confirmed_at=row.confirmed_at,
        ended_at=row.ended_at,
        left=row.left,
        done=row.done,
        passed={name: row._mapping[name] for name in passed if row._mapping[name]},  # noqa: SLF001 - Row's public name
        waits_held=row.waits_held,
    )


def confirm(connection: Connection, journey: str, id: UUID, reason: str) -> Any | None:
    """Let an intervention begin; return it, or None when it has begun already."""
    given = {"journey": journey, "id": id, "reason": reason}
    return connection.execute(_CONFIRM, given).one_or_none()


def cancel(connection: Connection, journey: str, id: UUID) -> int:
    """Leave alone who has not had her turn yet; return how many those are."""
    return connection.execute(_CANCEL, {"journey": journey, "id": id}).rowcount


def take(connection: Connection, limit: int, only: UUID | None = None) -> list[Due]:
    """Take up runs whose turn it is: of all interventions, or of `only` one."""
    rows = connection.execute(_TAKE, {"limit": limit, "only": only})
    return [
        Due(intervention=row.id, run=row.run_id, action=row.action, reason=row.reason or "",
            step=row.step, visit=row.visit)
        for row in rows
    ]  # fmt: skip


def pending(connection: Connection, due: Due) -> bool:
    """Whether nothing has become of it yet; nobody else decides that until the transaction ends."""
    given = {"id": due.intervention, "run": due.run}
    return connection.execute(_PENDING, given).one_or_none() is not None


def decided(connection: Connection, due: Due, outcome: str) -> None:
    """Note what became of it."""
    given = {"id": due.intervention, "run": due.run, "outcome": outcome}
    connection.execute(_DECIDED, given)


def later(connection: Connection, due: Due) -> None:
    """Have it come again in some seconds, behind those whose turn it is meanwhile."""
    connection.execute(_LATER, {"id": due.intervention, "run": due.run})


def finish(connection: Connection) -> None:
    """Note which interventions are over, and forget old ones."""
    connection.execute(_FINISH)
    connection.execute(_FORGET)
