"""What journeys are made from, templates, segments and caps: changed without breaking them."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal, TypeVar

from sqlalchemy import Connection, select

from engine.compile.known import wrong
from engine.compile.validate import Known, check, errors
from engine.errors import Conflict, InvalidDocument, Problem, Stale
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
from engine.store import documents, snippets, tables
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
        problems = segment_faults(segment, known(connection).segments)
        if problems:
            raise InvalidDocument(f"The segment {segment.id} has mistakes", problems)
        with audited(connection, actor, "save", "segment", segment.id):
            return documents.put_segment(connection, segment)

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
        with audited(connection, actor, "save", "workspace", WORKSPACE):
            documents.put_workspace(connection, settings)

    database.transact(work)


def change_workspace(database: Database, changes: Mapping[str, Any], *, actor: Actor) -> Workspace:
    """Change some of the shop's settings, leave the others, and return all of them.

    Raises pydantic's `ValidationError` for what is not valid.
    """

    def work(connection: Connection) -> Workspace:
        documents.one_at_a_time(connection)
        before = documents.workspace(connection).document()
        after = Workspace.model_validate({**before, **changes})
        with audited(connection, actor, "save", "workspace", WORKSPACE):
            documents.put_workspace(connection, after)
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


def segments_in(rule: AnyCondition) -> set[str]:
    """Return the segments that a rule names."""
    return {part.segment for part in parts(rule) if isinstance(part, InSegment)}


def segment_faults(segment: Segment, others: Mapping[str, Segment]) -> list[Problem]:
    """Return why a segment's rule cannot be asked of a customer; `others` are those there are."""
    return list(dict.fromkeys(_faults(segment, {**others, segment.id: segment})))


def _faults(segment: Segment, segments: Mapping[str, Segment]) -> Iterator[Problem]:
    for part in parts(segment.rule):
        match part:
            case StepWas():
                yield _fault(
                    "a segment is of no journey: it cannot ask about the step %(step)s",
                    step=part.step,
                )
            case ResultIs():
                yield _fault(
                    "a segment is of no journey: it cannot ask about the step %(step)s",
                    step=part.result.step,
                )
            case EventHappened() | EventValue() if part.message is not None:
                yield _fault(
                    "a segment is of no journey: it cannot ask about the message of %(step)s",
                    step=part.message,
                )
            case InSegment() if part.segment not in segments:
                yield _fault(
                    "there is no segment %(segment)s; create it first", segment=part.segment
                )
            case _:
                pass
    for part in _outside_events(segment.rule):
        if isinstance(part, PropertyIs):
            yield _fault(
                "the property %(property)s is of no event: write it in an event's `where`",
                property=part.property,
            )
    yield from _cycle(segment, segments)


def _cycle(segment: Segment, segments: Mapping[str, Segment]) -> Iterator[Problem]:
    """Tell whether the segment comes back to itself, looking at each other segment once."""
    name = segment.id
    paths: list[tuple[str, tuple[str, ...]]]
    paths = [(used, (name,)) for used in sorted(segments_in(segment.rule))]
    seen: set[str] = set()
    while paths:
        used, path = paths.pop()
        if used == name:
            cycle = " → ".join((*path, used))
            yield _fault("the segment is defined by itself: %(cycle)s", cycle=cycle)
        elif used in segments and used not in seen:
            seen.add(used)
            inner = sorted(segments_in(segments[used].rule))
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


def _fault(text: str, /, **values: object) -> Problem:
    return replace(wrong(text, **values), path=("rule",))
