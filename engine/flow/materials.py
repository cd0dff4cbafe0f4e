"""What journeys are made from, templates, segments and caps: changed without breaking them."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal, TypeVar

from sqlalchemy import Connection, select

from engine.compile.mentions import ZONE
from engine.compile.validate import Known, check, errors
from engine.errors import Conflict, InvalidDocument, Problem
from engine.flow.audited import WORKSPACE, audited
from engine.flow.publish import known
from engine.model.actor import Actor
from engine.model.cap import Cap
from engine.model.condition import (
    AnyCondition,
    EventHappened,
    EventValue,
    InSegment,
    PropertyIs,
    ResultIs,
    StepWas,
    parts,
)
from engine.model.document import journey_of
from engine.model.segment import Segment
from engine.model.snippet import Snippet
from engine.model.template import Template
from engine.model.workspace import Workspace
from engine.store import documents, memberships, snippets, tables
from engine.store.documents import CALLED, Kind
from engine.store.session import Database

T = TypeVar("T")


def put_template(
    database: Database,
    template: Template,
    *,
    actor: Actor,
    seen: datetime | Literal["none"] | None = None,
) -> bool:
    """Create or replace a template; refuse what would break a live journey.

    `seen` is the `updated_at` that the writer began from, `none` for a new one: raises `Conflict`
    when it is another.
    """

    def work(connection: Connection) -> bool:
        documents.one_at_a_time(connection)
        before = known(connection)
        if seen is not None:
            _unchanged(connection, template, None if seen == "none" else seen)
        after = replace(before, templates={**before.templates, template.id: template})
        _refuse_breaking(connection, before, after, f"This template {template.id}")
        with audited(connection, actor, "save", "template", template.id):
            return documents.put_template(connection, template)

    return database.transact(work)


def _unchanged(connection: Connection, template: Template, seen: datetime | None) -> None:
    table = tables.template.c
    now = connection.execute(select(table.updated_at).where(table.id == template.id)).scalar()
    if now != seen:
        raise Conflict(f"The template {template.id} was changed meanwhile; look at it again.")


def put_segment(database: Database, segment: Segment, *, actor: Actor) -> bool:
    """Create or replace a segment; refuse a rule that cannot be asked of a customer."""

    def work(connection: Connection) -> bool:
        documents.one_at_a_time(connection)
        before = known(connection)
        after = replace(before, segments={**before.segments, segment.id: segment})
        problems = list(dict.fromkeys(_faults(segment, after)))
        if problems:
            raise InvalidDocument(f"The segment {segment.id} has mistakes", problems)
        with audited(connection, actor, "save", "segment", segment.id):
            new = documents.put_segment(connection, segment)
        was = before.segments.get(segment.id)
        if was is None or was.rule != segment.rule:
            memberships.build_again(connection, _standing_on(segment.id, after))
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
            if kind == "segment" and name in _segments_in(segment.rule):
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


def _segments_in(rule: AnyCondition) -> set[str]:
    return {part.segment for part in parts(rule) if isinstance(part, InSegment)}


def _faults(segment: Segment, after: Known) -> Iterator[Problem]:
    for part in parts(segment.rule):
        match part:
            case StepWas():
                yield _fault(
                    f"a segment is of no journey: it cannot ask about the step {part.step}"
                )
            case ResultIs():
                yield _fault(
                    f"a segment is of no journey: it cannot ask what the step {part.result.step} kept"
                )
            case EventHappened() | EventValue() if part.message is not None:
                yield _fault(
                    f"a segment is of no journey: it cannot ask about the message of {part.message}"
                )
            case InSegment() if part.segment not in after.segments:
                yield _fault(f"there is no segment {part.segment}; create it first")
            case _:
                pass
    for part in _outside_events(segment.rule):
        if isinstance(part, PropertyIs):
            yield _fault(
                f"the property {part.property} is of no event: write it in an event's `where`"
            )
    yield from _cycle(segment.id, segment, after)


def _standing_on(name: str, known: Known) -> set[str]:
    """Return this segment, and those that are defined by it, whichever way."""
    found = {name}
    while more := {
        id
        for id, segment in known.segments.items()
        if id not in found and _segments_in(segment.rule) & found
    }:
        found |= more
    return found


def _cycle(name: str, segment: Segment, after: Known) -> Iterator[Problem]:
    """Tell whether the segment comes back to itself, looking at each other segment once."""
    paths: list[tuple[str, tuple[str, ...]]]
    paths = [(used, (name,)) for used in sorted(_segments_in(segment.rule))]
    seen: set[str] = set()
    while paths:
        used, path = paths.pop()
        if used == name:
            yield _fault(f"the segment is defined by itself: {' → '.join((*path, used))}")
        elif used in after.segments and used not in seen:
            seen.add(used)
            inner = sorted(_segments_in(after.segments[used].rule))
            paths += [(further, (*path, used)) for further in inner]


def _outside_events(rule: AnyCondition) -> Iterator[AnyCondition]:
    """Yield the parts of a rule but those inside an event's `where`."""
    inside = {
        id(inner)
        for part in parts(rule)
        if isinstance(part, EventHappened | EventValue) and part.where is not None
        for inner in parts(part.where)
    }
    return (part for part in parts(rule) if id(part) not in inside)


def _fault(message: str) -> Problem:
    return Problem(message=message, path=("rule",))
