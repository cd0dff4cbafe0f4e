"""A journey's counters: how many customers entered, where they stand, what became of messages."""

from typing import Any

from sqlalchemy import Connection, text

from engine.store.ledger import RESULTS

_TOTALS = text("""
    SELECT count(*) FILTER (WHERE NOT held_out) AS entered,
           count(*) FILTER (WHERE NOT held_out AND ended_at IS NULL) AS active,
           count(*) FILTER (WHERE NOT held_out AND ended_at IS NOT NULL) AS ended,
           count(*) FILTER (WHERE NOT held_out AND held_at IS NOT NULL) AS held,
           count(*) FILTER (WHERE held_out) AS held_out,
           count(*) FILTER (WHERE NOT held_out AND goal_at IS NOT NULL) AS goal,
           coalesce(sum(goal_revenue) FILTER (WHERE NOT held_out), 0) AS revenue
    FROM run
    WHERE journey_id = :journey AND (CAST(:version AS int) IS NULL OR version = :version)
""")

_WAITING = text("""
    SELECT step, count(*) AS n, count(held_at) AS held FROM run
    WHERE journey_id = :journey AND (CAST(:version AS int) IS NULL OR version = :version)
      AND ended_at IS NULL AND NOT held_out AND step IS NOT NULL
    GROUP BY step
""")

# A message's row says what became of it last; the trace says who came by and which way she went.
_MESSAGES = text("""
    SELECT step, state, count(*) AS n FROM message
    WHERE journey_id = :journey AND (CAST(:version AS int) IS NULL OR version = :version)
    GROUP BY step, state
""")

_TRACED = """
    SELECT t.step, t.what, CASE t.what WHEN 'timed_out' THEN coalesce(t.data ->> 'arm', 'else')
                                       ELSE t.data ->> 'arm' END AS arm, count(*) AS n
    FROM run_trace t {join}
    WHERE t.journey_id = :journey AND t.step IS NOT NULL
      AND t.what IN ('reached', 'chose', 'drew', 'round', 'received', 'timed_out', 'called', 'call_failed')
      {only}
    GROUP BY 1, 2, 3
"""
_TRACED_ALL = text(_TRACED.format(join="", only=""))
_TRACED_VERSION = text(
    _TRACED.format(join="JOIN run r ON r.id = t.run_id", only="AND r.version = :version")
)


def counters(connection: Connection, journey_id: str, version: int | None = None) -> dict[str, Any]:
    """Count one version of a journey, or all of them.

    `waiting`, `held` (by a pause, and waiting too) and `deferred` say how things stand now, the
    others what has happened so far.
    Customers held out are counted as `held_out` and nowhere else. Revenue is written as a
    string, because it is money.
    """
    given = {"journey": journey_id, "version": version}
    totals = connection.execute(_TOTALS, given).one()
    steps: dict[str, dict[str, Any]] = {}

    def step(step_id: str) -> dict[str, Any]:
        none: dict[str, int] = {"entered": 0, "waiting": 0, "held": 0}
        return steps.setdefault(step_id, {**none, **dict.fromkeys(RESULTS, 0), "arms": {}})

    for row in connection.execute(_WAITING, given):
        step(row.step).update(waiting=row.n, held=row.held)
    for row in connection.execute(_MESSAGES, given):
        if row.state in RESULTS:
            step(row.step)[row.state] = row.n
    for row in connection.execute(_TRACED_ALL if version is None else _TRACED_VERSION, given):
        if row.what == "reached":
            step(row.step)["entered"] += row.n
        elif row.arm is not None:
            arms = step(row.step)["arms"]
            arms[row.arm] = arms.get(row.arm, 0) + row.n
    return {
        "journey": journey_id,
        "version": version,
        **{
            name: getattr(totals, name)
            for name in ("entered", "active", "ended", "held", "held_out", "goal")
        },
        "revenue": str(totals.revenue),
        "steps": steps,
    }
