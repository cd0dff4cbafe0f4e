"""Figures of all journeys at once."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

_JOURNEYS = text("""
    SELECT j.id, coalesce(j.draft ->> 'name', j.id) AS name, j.state, j.live_version,
           j.updated_at, coalesce(r.entered, 0) AS entered, coalesce(r.active, 0) AS active,
           coalesce(r.goal, 0) AS goal, coalesce(m.sent, 0) AS sent,
           j.draft ? 'goal' AS has_goal, j.draft -> 'entry' -> 'on' AS opens
    FROM journey j
    LEFT JOIN (
        SELECT journey_id, count(*) AS entered, count(*) FILTER (WHERE ended_at IS NULL) AS active,
               count(*) FILTER (WHERE goal_at IS NOT NULL) AS goal
        FROM run WHERE NOT held_out GROUP BY journey_id
    ) r ON r.journey_id = j.id
    LEFT JOIN (
        SELECT journey_id, count(*) AS sent FROM message WHERE state = 'sent' GROUP BY journey_id
    ) m ON m.journey_id = j.id
    WHERE (:state = '' AND j.state <> 'archived' OR j.state = :state)
      AND (:q = '' OR coalesce(j.draft ->> 'name', '') ILIKE :like OR j.id ILIKE :like)
    ORDER BY array_position(ARRAY['live', 'paused', 'draft', 'archived'], j.state), name, j.id
    LIMIT 500
""")

_STATES = text("SELECT state, count(*) AS n FROM journey GROUP BY state")


@dataclass(frozen=True, slots=True)
class Listed:
    """The journeys that were asked for, and how many there are in each state."""

    rows: list[dict[str, Any]]
    states: dict[str, int]


def journeys(connection: Connection, *, q: str = "", state: str = "") -> Listed:
    """List journeys with their figures, the live ones first; archived ones when asked for."""
    q = q.strip().replace("\0", "")
    like = "%" + q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    rows = connection.execute(_JOURNEYS, {"q": q, "like": like, "state": state}).mappings()
    listed = [dict(row) for row in rows]
    return Listed(listed, {row.state: row.n for row in connection.execute(_STATES)})
