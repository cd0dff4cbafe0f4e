"""A journey's counters: how many customers entered, where they stand, what became of messages."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from engine.store.inside import ARM, WAYS
from engine.store.ledger import RESULTS


def _during(column: str) -> str:
    """Return the condition that an instant is in the period, if one is given."""
    return (
        f"(CAST(:since AS timestamptz) IS NULL OR {column} >= :since) "
        f"AND (CAST(:until AS timestamptz) IS NULL OR {column} < :until)"
    )


_VERSION = "(CAST(:version AS int) IS NULL OR version = :version)"

_TOTALS = text(f"""
    SELECT count(*) FILTER (WHERE NOT held_out) AS entered,
           count(*) FILTER (WHERE NOT held_out AND ended_at IS NOT NULL) AS ended,
           count(*) FILTER (WHERE held_out) AS held_out,
           count(*) FILTER (WHERE NOT held_out AND goal_at IS NOT NULL) AS goal,
           coalesce(sum(goal_revenue) FILTER (WHERE NOT held_out), 0) AS revenue
    FROM run WHERE journey_id = :journey AND {_VERSION} AND {_during("entered_at")}
""")  # noqa: S608 - constants

_WAITING = text(f"""
    SELECT step, count(*) AS n, count(held_at) AS held FROM run
    WHERE journey_id = :journey AND {_VERSION} AND ended_at IS NULL AND NOT held_out
    GROUP BY step
""")  # noqa: S608 - constants

# A message's row says what became of it last; the trace says who came by and which way she went.
_MESSAGES = text(f"""
    SELECT step, state, count(*) AS n, count(opened_at) AS opened, count(clicked_at) AS clicked
    FROM message
    WHERE journey_id = :journey AND {_VERSION} AND {_during("decided_at")}
    GROUP BY step, state
""")  # noqa: S608 - constants

# Who came by is told by an index alone; which way she went is asked of fewer rows.
_REACHED = f"""
    SELECT t.step, count(*) AS n FROM run_trace t {{join}}
    WHERE t.journey_id = :journey AND t.step IS NOT NULL AND t.what = 'reached'
      AND {_during("t.at")} {{only}}
    GROUP BY t.step
"""  # noqa: S608 - constants
_WENT = f"""
    SELECT t.step, {ARM} AS arm, count(*) AS n FROM run_trace t {{join}}
    WHERE t.journey_id = :journey AND t.step IS NOT NULL AND t.what = ANY(:ways)
      AND {_during("t.at")} {{only}}
    GROUP BY 1, 2
"""  # noqa: S608 - constants
_ALL = {"join": "", "only": ""}
_OF_VERSION = {"join": "JOIN run r ON r.id = t.run_id", "only": "AND r.version = :version"}
_TRACED = {
    each: (text(_REACHED.format(**terms)), text(_WENT.format(**terms)))
    for each, terms in ((False, _ALL), (True, _OF_VERSION))
}


def counters(
    connection: Connection,
    journey_id: str,
    version: int | None = None,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> dict[str, Any]:
    """Count one version of a journey, or all of them, in all time or from `since` before `until`.

    `active`, `waiting` and `held` (by a pause, and waiting too) say how things stand now. The
    rest is about the period: of the journey, those who entered in it and what became of
    them; of a step, who came to it then, and what became of the messages that it then decided.
    Customers held out are counted as `held_out` and nowhere else. Revenue is written as a
    string, because it is money.
    """
    given = {"journey": journey_id, "version": version, "since": since, "until": until}
    totals = connection.execute(_TOTALS, given).one()
    steps: dict[str, dict[str, Any]] = {}

    def step(step_id: str) -> dict[str, Any]:
        none = dict.fromkeys(("entered", "waiting", "held", *RESULTS, "opened", "clicked"), 0)
        return steps.setdefault(step_id, {**none, "arms": {}})

    active = held = 0
    for row in connection.execute(_WAITING, given):
        active, held = active + row.n, held + row.held
        if row.step is not None:
            step(row.step).update(waiting=row.n, held=row.held)
    for row in connection.execute(_MESSAGES, given):
        found = step(row.step)
        if row.state in RESULTS:
            found[row.state] = row.n
        found["opened"] += row.opened
        found["clicked"] += row.clicked
    reached, went = _TRACED[version is not None]
    for row in connection.execute(reached, given):
        step(row.step)["entered"] = row.n
    for row in connection.execute(went, {**given, "ways": list(WAYS)}):
        if row.arm is not None:
            step(row.step)["arms"][row.arm] = row.n
    return {
        "journey": journey_id,
        "version": version,
        "entered": totals.entered,
        "active": active,
        "ended": totals.ended,
        "held": held,
        "held_out": totals.held_out,
        "goal": totals.goal,
        "revenue": str(totals.revenue),
        "steps": steps,
    }
