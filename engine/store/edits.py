"""The draft's history: each edit as the draft after it, so that undoing is going back a row."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import Connection, text

from engine.errors import Conflict, Stale
from engine.store.documents import StoredJourney

KEPT: Final = 200
"""How many edits can be undone."""

Label = Mapping[str, Any]
"""What was done, for people: `{"did": "move", "what": "First mail"}`."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What undoing would undo and redoing would redo; None when there is nothing."""

    undo: Label | None = None
    redo: Label | None = None


# What the statement reads is the history as it was before it: an edit that was undone is written
# over, those after it go, and so does what is too old to be undone.
_ADD = text("""
    WITH was AS (SELECT id, edit, draft, source FROM journey WHERE id = :id),
    begun AS (
        INSERT INTO journey_edit (journey_id, n, draft, source)
        SELECT id, edit, draft, source FROM was
        ON CONFLICT DO NOTHING
    ),
    forgotten AS (
        DELETE FROM journey_edit e USING was
        WHERE e.journey_id = was.id AND (e.n > was.edit + 1 OR e.n < was.edit - :kept)
    ),
    added AS (
        INSERT INTO journey_edit AS e (journey_id, n, label, draft, source)
        SELECT id, edit + 1, CAST(:label AS jsonb), CAST(:draft AS jsonb), :source FROM was
        ON CONFLICT (journey_id, n) DO UPDATE
        SET label = excluded.label, draft = excluded.draft, source = excluded.source
        RETURNING e.journey_id, e.n, e.draft, e.source
    )
    UPDATE journey j SET draft = added.draft, source = added.source, edit = added.n,
        rev = j.rev + 1, updated_at = now()
    FROM added WHERE j.id = added.journey_id
""")
_STAND = text("""
    UPDATE journey j SET draft = e.draft, source = e.source, edit = e.n, rev = j.rev + 1,
        updated_at = now()
    FROM journey_edit e
    WHERE j.id = :id AND e.journey_id = j.id AND e.n = j.edit + :by
    RETURNING j.draft
""")
_NEIGHBOURS = text("""
    SELECT e.n = j.edit AS undo, e.label FROM journey j
    JOIN journey_edit e ON e.journey_id = j.id AND e.n IN (j.edit, j.edit + 1)
    WHERE j.id = :id AND (e.n > j.edit OR EXISTS (
        SELECT 1 FROM journey_edit b WHERE b.journey_id = j.id AND b.n = j.edit - 1))
""")


def add(
    connection: Connection,
    journey_id: str,
    draft: str,
    label: str,
    source: str | None = None,
) -> None:
    """Record an edit and let the draft be what it made.

    `draft` and `label` are JSON. What had been undone cannot be redone any more.
    """
    given = {"label": label, "draft": draft, "source": source}
    connection.execute(_ADD, {"id": journey_id, "kept": KEPT, **given})


def step(connection: Connection, journey_id: str, by: Literal[-1, 1]) -> dict[str, Any]:
    """Undo (-1) or redo (1) one edit; return the draft that stands now.

    Raises `Conflict` when there is nothing to undo or redo.
    """
    draft = connection.execute(_STAND, {"id": journey_id, "by": by}).scalar()
    if draft is None:
        raise Conflict("There is nothing to undo." if by < 0 else "There is nothing to redo.")
    return dict(draft)


def neighbours(connection: Connection, journey_id: str) -> Neighbours:
    """Return what can be undone and redone."""
    found = {row.undo: row.label for row in connection.execute(_NEIGHBOURS, {"id": journey_id})}
    return Neighbours(undo=found.get(True), redo=found.get(False))


def unchanged(stored: StoredJourney, rev: int) -> None:
    """Raise `Stale` unless the draft is still the one of that revision."""
    if stored.rev != rev:
        raise Stale(f"The journey {stored.id} was changed meanwhile; look at it again.")
