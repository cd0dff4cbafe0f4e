"""What is kept of customers beside their own rows, read in one statement when they are locked."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, column, text

from engine.store import runs
from engine.store.memberships import Standing
from engine.store.runs import Run


@dataclass(slots=True)
class Kept:
    """A customer's runs that an event may concern: not ended, or their goal still open.

    `rollup` is what is kept of her events by computed trait, `standings` how she stands to segments;
    None where they were not asked for.
    """

    runs: list[Run] = field(default_factory=list)
    rollup: dict[str, Any] | None = None
    standings: dict[str, Standing] | None = None


# A subquery that is not asked for is not executed.
_KEPT = text(f"""
SELECT wanted.id AS whose, {", ".join(f"r.{name}" for name in runs.COLUMNS)},
    (SELECT states FROM customer_rollup WHERE customer_id = wanted.id AND :rollups) AS states,
    (SELECT jsonb_agg(jsonb_build_array(segment_id, inside, since, next_change_at))
     FROM membership WHERE customer_id = wanted.id AND :standings) AS stands
FROM unnest(CAST(:customers AS uuid[])) AS wanted (id)
LEFT JOIN run AS r ON r.customer_id = wanted.id
    AND (r.ended_at IS NULL OR (r.goal_at IS NULL AND r.goal_until > :now))
""").columns(  # noqa: S608 - constants
    *(column(name) for name in ("whose", *runs.COLUMNS, "states", "stands"))
)


def read(
    connection: Connection,
    customers: Sequence[UUID],
    now: datetime,
    *,
    rollups: bool = False,
    standings: bool = False,
) -> dict[UUID, Kept]:
    """Return what is kept of these customers; `rollups` and `standings` only when they are needed."""
    found: dict[UUID, Kept] = {}
    given = {
        "customers": list(customers), "now": now, "rollups": rollups, "standings": standings,
    }  # fmt: skip
    for row in connection.execute(_KEPT, given):
        kept = found.get(row.whose)
        if kept is None:
            kept = found[row.whose] = Kept(
                rollup=(row.states or {}) if rollups else None,
                standings=_standings(row.stands or ()) if standings else None,
            )
        if row.id is not None:
            kept.runs.append(runs.of_row(row, row.id, row.revision))
    return found


def _standings(told: Sequence[tuple[str, bool, str, str | None]]) -> dict[str, Standing]:
    return {
        segment: Standing(
            inside=inside,
            since=datetime.fromisoformat(since),
            next_change_at=None if due is None else datetime.fromisoformat(due),
        )
        for segment, inside, since, due in told
    }
