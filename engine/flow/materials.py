"""What journeys are made from, templates, segments and caps: changed without breaking them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal, TypeVar

from sqlalchemy import Connection, select

from engine.compile.mentions import ZONE
from engine.compile.segments import segment_faults, segments_in, standing_on
from engine.compile.validate import Known, check, errors
from engine.errors import Conflict, InvalidDocument, Stale
from engine.flow.audited import WORKSPACE, audited
from engine.flow.publish import known
from engine.model.actor import Actor
from engine.model.cap import Cap
from engine.model.document import journey_of
from engine.model.segment import Segment
from engine.model.snippet import Snippet
from engine.model.template import Template
from engine.model.workspace import Workspace
from engine.store import documents, memberships, snippets, tables
from engine.store.documents import CALLED, Kind
from engine.store.session import Database

T = TypeVar("T")

Seen = datetime | Literal["none"] | None
"""The `updated_at` that a writer began from, `none` for a new thing; None: whatever there is."""


def put_template(
    database: Database,
    template: Template,
    *,
    actor: Actor,
    seen: Seen = None,
) -> bool:
    """Create or replace a template; refuse what would break a live journey.

    Raises `Stale` when it is another by now than the one that was `seen`.
    """

    def work(connection: Connection) -> bool:
        documents.one_at_a_time(connection)
        before = known(connection)
        _unchanged(connection, "template", template.id, seen)
        after = replace(before, templates={**before.templates, template.id: template})
        _refuse_breaking(connection, before, after, f"This template {template.id}")
        with audited(connection, actor, "save", "template", template.id):
            return documents.put_template(connection, template)

    return database.transact(work)


def _unchanged(
    connection: Connection, kind: Literal["template", "segment"], name: str, seen: Seen
) -> None:
    if seen is None:
        return
    table = tables.metadata.tables[kind].c
    now = connection.execute(select(table.updated_at).where(table.id == name)).scalar()
    if now != (None if seen == "none" else seen):
        raise Stale(f"The {kind} {name} was changed meanwhile; look at it again.")


def put_segment(database: Database, segment: Segment, *, actor: Actor, seen: Seen = None) -> bool:
    """Create or replace a segment; refuse a rule that cannot be asked of a customer.

    Raises `Stale` when it is another by now than the one that was `seen`.
    """

    def work(connection: Connection) -> bool:
        documents.one_at_a_time(connection)
        _unchanged(connection, "segment", segment.id, seen)
        before = documents.segments(connection)
        after = {**before, segment.id: segment}
        if problems := segment_faults(segment, before):
            raise InvalidDocument(f"The segment {segment.id} has mistakes", problems)
        with audited(connection, actor, "save", "segment", segment.id):
            new = documents.put_segment(connection, segment)
        was = before.get(segment.id)
        if was is None or was.rule != segment.rule:
            memberships.build_again(connection, standing_on(segment.id, after))
        return new

    return database.transact(work)


def put_snippet(database: Database, snippet: Snippet, *, actor: Actor) -> bool:
    """Create or replace a snippet; refuse what would break a live journey."""

    def work(connection: Connection) -> bool:
        documents.one_at_a_time(connection)
        before = known(connection)
        after = replace(before, snippets={**before.snippets, snippet.id: snippet})
        _refuse_breaking(connection, before, after, f"This snippet {snippet.id}")
        with audited(connection, actor, "save", "snippet", snippet.id):
            return snippets.put(connection, snippet)

    return database.transact(work)


def put_cap(database: Database, cap: Cap, *, actor: Actor) -> bool:
    """Create or replace a frequency cap."""

    def work(connection: Connection) -> bool:
        with audited(connection, actor, "save", "cap", cap.id):
            return documents.put_cap(connection, cap)

    return database.transact(work)


def put_workspace(database: Database, settings: Workspace, *, actor: Actor) -> None:
    """Replace the shop's settings."""

    def work(connection: Connection) -> None:
        zone = documents.workspace(connection).time_zone
        with audited(connection, actor, "save", "workspace", WORKSPACE):
            documents.put_workspace(connection, settings)
        if settings.time_zone != zone:
            memberships.build_mentioning(connection, {ZONE})

    database.transact(work)


def change_workspace(database: Database, changes: Mapping[str, Any], *, actor: Actor) -> Workspace:
    """Change some of the shop's settings, leave the others, and return all of them.

    Raises pydantic's `ValidationError` for what is not valid.
    """

    def work(connection: Connection) -> Workspace:
        documents.one_at_a_time(connection)
        settings = documents.workspace(connection)
        after = Workspace.model_validate({**settings.document(), **changes})
        with audited(connection, actor, "save", "workspace", WORKSPACE):
            documents.put_workspace(connection, after)
        if after.time_zone != settings.time_zone:
            memberships.build_mentioning(connection, {ZONE})
        return after

    return database.transact(work)


def delete(database: Database, kind: Kind, name: str, *, actor: Actor) -> None:
    """Delete a template, segment or the like; refuse when something live, or a segment, uses it."""

    def work(connection: Connection) -> None:
        documents.one_at_a_time(connection)
        before = known(connection)
        after = _without(before, kind, name)
        for segment in after.segments.values():
            if kind == "segment" and name in segments_in(segment.rule):
                raise Conflict(
                    f"The segment {segment.id} uses the segment {name}: change it first."
                )
        _refuse_breaking(connection, before, after, f"Without the {CALLED.get(kind, kind)} {name}")
        with audited(connection, actor, "delete", kind, name):
            documents.delete_document(connection, kind, name)
        if kind == "segment":
            memberships.forget_segment(connection, name)

    database.transact(work)


def _without(before: Known, kind: Kind, name: str) -> Known:
    def others(things: Mapping[str, T]) -> dict[str, T]:
        return {id: thing for id, thing in things.items() if id != name}

    match kind:
        case "template":
            return replace(before, templates=others(before.templates))
        case "segment":
            return replace(before, segments=others(before.segments))
        case "snippet":
            return replace(before, snippets=others(before.snippets))
        case "coupon_pool":
            return replace(before, pools=others(before.pools))
        case _:
            return before


def _refuse_breaking(connection: Connection, before: Known, after: Known, what: str) -> None:
    """Refuse when a published journey that was sound would no longer be."""
    versions, journeys = tables.journey_version.c, tables.journey.c
    live = connection.execute(
        select(versions.journey_id, versions.document).where(
            versions.journey_id == journeys.id,
            versions.version == journeys.live_version,
            journeys.state.in_(("live", "paused")),
        )
    )
    for row in live:
        journey = journey_of(row.document)
        accepted = errors(check(journey, before))
        broken = [fault for fault in errors(check(journey, after)) if fault not in accepted]
        if broken:
            raise Conflict(
                f"{what} would break the published journey {row.journey_id}: "
                + "; ".join(str(fault) for fault in broken)
                + "."
            )
