"""Edits of a journey's draft, each a transaction that can be undone."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection

from engine.errors import Conflict, InvalidInput, said
from engine.flow.audited import audited, record
from engine.model.actor import Actor
from engine.model.document import journey_of
from engine.model.editing import Edited, find
from engine.store import documents, edits
from engine.store.documents import StoredJourney
from engine.store.edits import Label
from engine.store.session import Database

Draft = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Edit:
    """What an edit makes of a draft, and what it is called."""

    edited: Edited
    label: Label


def edit(
    database: Database,
    journey_id: str,
    rev: int,
    decide: Callable[[Draft], Edit],
    *,
    actor: Actor,
) -> str | None:
    """Edit the draft of revision `rev`; return the id of the step that the edit was about.

    Raises `Conflict` when the draft is another by now, and what `decide` raises; then nothing has
    changed. What comes out is read as a journey, so that a draft always is one. An edit that
    changes nothing leaves no trace.
    """

    def work(connection: Connection) -> str | None:
        documents.one_at_a_time(connection)
        stored = documents.journey(connection, journey_id, lock=True)
        edits.unchanged(stored, rev)
        made = decide(stored.draft)
        draft = journey_of(made.edited.document).document()
        if draft != stored.draft:
            edits.add(connection, journey_id, json.dumps(draft), json.dumps(made.label))
            _record(connection, actor, "edit", stored, draft)
        return made.edited.step

    return database.transact(work)


def step_back(
    database: Database, journey_id: str, rev: int, by: Literal[-1, 1], *, actor: Actor
) -> Label:
    """Undo (-1) or redo (1) the edit next to revision `rev`; return what it was called."""

    def work(connection: Connection) -> Label:
        documents.one_at_a_time(connection)
        stored = documents.journey(connection, journey_id, lock=True)
        edits.unchanged(stored, rev)
        near = edits.neighbours(connection, journey_id)
        label = near.undo if by < 0 else near.redo
        if label is None:
            raise Conflict("There is nothing to undo." if by < 0 else "There is nothing to redo.")
        draft = edits.step(connection, journey_id, by)
        _record(connection, actor, "undo" if by < 0 else "redo", stored, draft)
        return label

    return database.transact(work)


def _record(
    connection: Connection, actor: Actor, action: str, stored: StoredJourney, draft: Draft
) -> None:
    before, after = {"draft": stored.draft}, {"draft": draft}
    record(connection, actor, action, "journey", stored.id, before, after)


def create(database: Database, document: Draft, *, actor: Actor) -> None:
    """Make a new journey; raises `Conflict` when its id is taken."""
    journey = journey_of(document)

    def work(connection: Connection) -> None:
        with audited(connection, actor, "create", "journey", journey.id):
            if not documents.new_draft(connection, journey.id, journey.document(), None):
                raise Conflict(
                    said("There is a journey %(id)s already: choose another id.", id=journey.id)
                )
        documents.touch(connection)

    database.transact(work)


def copied(database: Database, journey_id: str, step: str) -> Draft:
    """Return a step of a journey's draft, to be pasted elsewhere."""
    with database.read() as connection:
        found = find(documents.journey(connection, journey_id).draft, step)
    if found is None:
        raise InvalidInput(said("The copied step is gone: copy it again."))
    return found
