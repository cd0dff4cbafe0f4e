"""What Temporal still has to be told, and which runs nobody has looked after in time."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from engine.names import Wake

_TOLD = text("""
DELETE FROM wake USING unnest(CAST(:runs AS uuid[]), CAST(:revisions AS bigint[])) AS told (r, v)
WHERE run_id = told.r AND revision <= told.v
""")
_LEFT = text("""
WITH late AS (
    UPDATE wake SET created_at = now() WHERE run_id IN (
        SELECT run_id FROM wake WHERE created_at <= now() - make_interval(secs => :older)
        ORDER BY created_at LIMIT :limit FOR UPDATE SKIP LOCKED
    ) RETURNING run_id, revision
)
SELECT run_id, late.revision, journey_id, version, entry_source
FROM late JOIN run ON run.id = run_id
""")
_OVERDUE = text("""
WITH late AS (
    UPDATE run SET check_at = now() + make_interval(secs => :again) WHERE id IN (
        SELECT id FROM run WHERE ended_at IS NULL AND check_at <= now()
        ORDER BY check_at LIMIT :limit FOR UPDATE SKIP LOCKED
    ) RETURNING id, revision, held_out, lease_until
)
SELECT id, revision, held_out, lease_until IS NOT NULL AS claimed FROM late
""")
_EVERY = text("""
SELECT id AS run_id, revision, journey_id, version, entry_source FROM run
WHERE ended_at IS NULL AND NOT held_out AND id > :after ORDER BY id LIMIT :limit
""")


_WAKE = text("""
INSERT INTO wake (run_id, revision, created_at)
SELECT id, revision, now() - interval '1 minute' FROM run WHERE id = ANY(:runs)
ON CONFLICT (run_id) DO NOTHING
""")


def wake(connection: Connection, runs: Sequence[UUID]) -> None:
    """Have the dispatcher wake these runs at its next round."""
    connection.execute(_WAKE, {"runs": list(runs)})


def told(connection: Connection, wakes: Sequence[Wake]) -> None:
    """Forget what has been told, unless something newer has come up meanwhile."""
    parameters = {
        "runs": [UUID(wake.run) for wake in wakes],
        "revisions": [wake.revision for wake in wakes],
    }
    connection.execute(_TOLD, parameters)


def left(connection: Connection, *, older: float, limit: int) -> list[Wake]:
    """Take up what has not been told for `older` seconds; it comes back if this fails too."""
    rows = connection.execute(_LEFT, {"older": older, "limit": limit})
    return [_wake(row) for row in rows]


def overdue(connection: Connection, *, again: float, limit: int) -> list[Any]:
    """Take up runs past their time (id, revision, held_out, claimed); they come back `again`."""
    return list(connection.execute(_OVERDUE, {"again": again, "limit": limit}).all())


def every(connection: Connection, *, after: UUID, limit: int) -> list[Wake]:
    """Return the running runs in the order of their ids, a page at a time."""
    return [_wake(row) for row in connection.execute(_EVERY, {"after": after, "limit": limit})]


def _wake(row: Any) -> Wake:
    return Wake(
        run=str(row.run_id),
        revision=row.revision,
        journey=row.journey_id,
        version=row.version,
        source=row.entry_source,
    )
