"""What happened to one customer: her events, her runs, and why each decision fell."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from engine.store.paging import Page, limited, page, read_cursor

_EVENTS = text("""
    SELECT id, seq, name, kind, properties, occurred_at, received_at, source, future
    FROM event WHERE customer_id = :customer AND seq < :before
    ORDER BY seq DESC LIMIT :most
""")

_TOLD = text("""
    SELECT DISTINCT ON (k.name) k.name, e.occurred_at AS at, e.source
    FROM (
        SELECT seq, occurred_at, source, properties -> 'traits' AS traits FROM event
        WHERE customer_id = :customer AND kind = 'identify'
          AND jsonb_typeof(properties -> 'traits') = 'object'
        ORDER BY seq DESC LIMIT 500
    ) e CROSS JOIN LATERAL jsonb_object_keys(e.traits) AS k (name)
    ORDER BY k.name, e.seq DESC
""")

_RUNS = text("""
    SELECT r.id, r.journey_id, j.draft ->> 'name' AS journey_name, r.version, r.entry_source,
           r.entry_key, r.held_out, r.entered_at, r.ended_at, r.end_reason, r.step, r.check_at,
           r.goal_at, r.goal_revenue
    FROM run r LEFT JOIN journey j ON j.id = r.journey_id
    WHERE r.customer_id = :customer
    ORDER BY r.entered_at DESC, r.id DESC
""")

_NO_RUN = UUID(int=0)

# A refusal belongs to no run: it sorts under the zero id, by its place in the customer's order.
_TRACE = text("""
    SELECT * FROM (
        SELECT t.at, t.run_id, t.n::bigint AS n, t.journey_id, r.version, t.step, t.what, t.data,
               NULL AS reason
        FROM run r JOIN run_trace t ON t.run_id = r.id
        WHERE r.customer_id = :customer
          AND (CAST(:run AS uuid) IS NULL OR r.id = CAST(:run AS uuid))
        UNION ALL
        SELECT e.at, :no_run, e.seq, e.journey_id, NULL, NULL, 'refused', e.data, e.reason
        FROM entry_refusal e
        WHERE e.customer_id = :customer AND CAST(:run AS uuid) IS NULL
    ) AS trace
    WHERE CAST(:at AS timestamptz) IS NULL OR (at, run_id, n, journey_id)
          > (CAST(:at AS timestamptz), CAST(:after AS uuid), CAST(:n AS bigint), :journey)
    ORDER BY at, run_id, n, journey_id LIMIT :most
""")

_LAST = 2**63 - 1


def timeline(
    connection: Connection, customer_id: UUID, *, limit: int = 100, cursor: str | None = None
) -> Page:
    """List the customer's events, the last first, in the order in which they were received."""
    limit = limited(limit)
    before = _LAST if cursor is None else read_cursor(cursor, int)[0]
    rows = connection.execute(
        _EVENTS, {"customer": customer_id, "before": before, "most": limit + 1}
    ).all()
    items = [{**row._mapping, "id": str(row.id)} for row in rows]  # noqa: SLF001 - Row's public name
    return page(rows, limit, items, "seq")


def told(connection: Connection, customer_id: UUID) -> dict[str, tuple[datetime, str]]:
    """Return when each of the customer's traits was told last, and by what source.

    What was set without an event, by the interface or a journey, is not there.
    """
    rows = connection.execute(_TOLD, {"customer": customer_id})
    return {row.name: (row.at, row.source) for row in rows}


def runs(connection: Connection, customer_id: UUID) -> list[dict[str, Any]]:
    """List the customer's runs through journeys, the last entered first."""
    rows = connection.execute(_RUNS, {"customer": customer_id})
    return [
        {
            "id": str(row.id),
            "journey": row.journey_id,
            "journey_name": row.journey_name or row.journey_id,
            "version": row.version,
            "entry_source": row.entry_source,
            "entry_key": row.entry_key,
            "held_out": row.held_out,
            "entered_at": row.entered_at,
            "ended_at": row.ended_at,
            "end_reason": row.end_reason,
            "step": row.step if row.ended_at is None else None,
            "due_at": row.check_at if row.ended_at is None else None,
            "goal_at": row.goal_at,
            "goal_revenue": row.goal_revenue,
        }
        for row in rows
    ]


def trace(
    connection: Connection,
    customer_id: UUID,
    run_id: UUID | None = None,
    *,
    limit: int = 1000,
    cursor: str | None = None,
) -> Page:
    """List the decisions about the customer in the order they fell: of one run, or of all.

    Without a run it also holds the refused entries, as `refused` with their reason.
    """
    limit = limited(limit)
    at, after, n, journey = (
        (None, None, None, None)
        if cursor is None
        else read_cursor(cursor, datetime, UUID, int, str)
    )
    rows = connection.execute(
        _TRACE,
        {
            "customer": customer_id,
            "run": run_id,
            "no_run": _NO_RUN,
            "at": at,
            "after": after,
            "n": n,
            "journey": journey,
            "most": limit + 1,
        },
    ).all()
    items = [
        {
            "at": row.at,
            "journey": row.journey_id,
            "version": row.version,
            "run": None if row.run_id == _NO_RUN else str(row.run_id),
            "step": row.step,
            "what": row.what,
            "reason": row.reason if row.reason is not None else row.data.get("reason"),
            "data": row.data,
        }
        for row in rows
    ]
    return page(rows, limit, items, "at", "run_id", "n", "journey_id")
