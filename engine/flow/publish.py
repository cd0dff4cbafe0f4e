"""Journeys from draft to live: save, publish, pause, resume."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, func, insert, select, update
from uuid_utils.compat import uuid7

from engine.compile.compiler import compile as compile_journey
from engine.compile.validate import Known, check, errors
from engine.errors import Conflict, InvalidDocument, Problem, said
from engine.flow import starting
from engine.flow.audited import audited
from engine.model.actor import Actor
from engine.model.document import journey_of, locate
from engine.model.journey import Journey, SendStep, UpdateStep, walk
from engine.model.opening import OnSegmentEntered
from engine.model.topic import topic_named
from engine.store import activities, coupons, documents, edits, snippets, tables, versions
from engine.store.documents import StoredJourney
from engine.store.session import Database


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of a draft: whether the journey is new, and what its check says."""

    created: bool
    problems: list[Problem]


def topics_of(journey: Journey) -> set[str]:
    """Return the topics of what a journey sends, and those that it begins and ends."""
    named = {journey.topic}
    for step in walk(journey.steps):
        match step:
            case SendStep():
                named.add(step.topic)
            case UpdateStep():
                named |= {*step.subscribe, *step.unsubscribe}
            case _:
                pass
    return {topic for topic in named if topic is not None}


def known(connection: Connection) -> Known:
    """Return what journeys may refer to."""
    journeys = versions.Leading(connection)
    return Known(
        documents.templates(connection),
        documents.segments(connection),
        snippets=snippets.every(connection),
        pools=coupons.left(connection),
        journeys=journeys,
        unpublished=journeys.unpublished,
        activities=activities.every(connection),
        silent=activities.silent(connection),
    )


def save_journey(
    database: Database,
    journey: Journey,
    source_text: str | None = None,
    *,
    actor: Actor,
    seen: datetime | None = None,
) -> Saved:
    """Create or replace a journey's draft; what is live stays as it is until published.

    A draft may be saved with mistakes: they are returned, and publishing refuses them. `seen` is
    the `updated_at` that the writer began from: raises `Conflict` when somebody saved since.
    """

    def work(connection: Connection) -> Saved:
        documents.one_at_a_time(connection)
        if seen is not None:
            _unchanged(documents.journey(connection, journey.id, lock=True), seen)
        problems = check(journey, known(connection))
        document = journey.document()
        with audited(connection, actor, "save", "journey", journey.id):
            created = documents.new_draft(connection, journey.id, document, source_text)
            if not created:
                label = json.dumps({"did": "document"})
                edits.add(connection, journey.id, json.dumps(document), label, source_text)
        documents.touch(connection)
        return Saved(created, locate(source_text, problems) if source_text else problems)

    return database.transact(work)


def publish(
    database: Database,
    journey_id: str,
    *,
    actor: Actor,
    seen: datetime | None = None,
    also_inside: bool = False,
) -> int:
    """Make the draft the live version and return its number.

    Content that is already the live version's gives no new version. A paused journey is resumed.
    Raises `InvalidDocument` with every mistake that would go wrong later, and `Conflict` when the
    draft was changed since `seen`, or the journey is archived; then nothing changes.

    `also_inside`: a journey that opens on coming into a segment is started for those who are in it.
    """

    def work(connection: Connection) -> int:
        documents.one_at_a_time(connection)
        stored = documents.journey(connection, journey_id, lock=True)
        if seen is not None:
            _unchanged(stored, seen)
        if stored.state == "archived":
            raise Conflict(
                said("The journey %(journey)s is archived: restore it first.", journey=journey_id)
            )
        journey = journey_of(stored.draft)
        problems = check(journey, known(connection))
        if errors(problems):
            problems = locate(stored.source, problems) if stored.source else problems
            raise InvalidDocument(f"The journey {journey_id} cannot be published", problems)
        _register_topics(connection, journey, actor)
        content = compile_journey(journey).hash
        version = _version(connection, stored, journey, content)
        with audited(connection, actor, "publish", "journey", journey_id):
            _set(connection, journey_id, state="live", live_version=version)
        on = journey.entry.on
        if also_inside and isinstance(on, OnSegmentEntered):
            segment = on.segment_entered
            starting.keep(
                connection, uuid7(), journey, segment, None, source="publish", actor=actor
            )
        return version

    return database.transact(work)


def _register_topics(connection: Connection, journey: Journey, actor: Actor) -> None:
    """Make the topics that the journey names and that nobody has defined: like any new one."""
    defined = documents.topics(connection)
    for name in sorted(topics_of(journey) - defined.keys()):
        with audited(connection, actor, "save", "topic", name):
            documents.put_topic(connection, topic_named(name))


def _unchanged(stored: StoredJourney, seen: datetime) -> None:
    if stored.updated_at != seen:
        raise Conflict(
            said("The journey %(id)s was changed meanwhile; look at it again.", id=stored.id)
        )


def _version(connection: Connection, stored: StoredJourney, journey: Journey, content: str) -> int:
    versions = tables.journey_version.c
    last = connection.execute(
        select(versions.version, versions.hash)
        .where(versions.journey_id == stored.id)
        .order_by(versions.version.desc())
        .limit(1)
    ).one_or_none()
    if last is not None and last.hash == content:
        return int(last.version)
    version = 1 if last is None else int(last.version) + 1
    connection.execute(
        insert(tables.journey_version).values(
            journey_id=stored.id, version=version, hash=content, document=journey.document()
        )
    )
    return version


def pause(database: Database, journey_id: str, *, actor: Actor) -> None:
    """Let nobody enter, and hold what is due, until the journey is resumed.

    Exits, goals and awaited events still count. Pausing twice is as good as once.
    """
    _move(database, journey_id, "live", "paused", actor)


def resume(database: Database, journey_id: str, *, actor: Actor) -> None:
    """Let customers enter a paused journey again; those who are held go on, a few at a time."""
    _move(database, journey_id, "paused", "live", actor)


def _move(
    database: Database,
    journey_id: str,
    before: str,
    after: Literal["live", "paused"],
    actor: Actor,
) -> None:
    def work(connection: Connection) -> None:
        documents.one_at_a_time(connection)
        stored = documents.journey(connection, journey_id, lock=True)
        if stored.state == after:
            return
        if stored.state != before:
            verb = "paused" if after == "paused" else "resumed"
            raise Conflict(
                said(
                    "The journey %(journey)s is %(state)s: it cannot be %(verb)s.",
                    journey=journey_id,
                    state=stored.state,
                    verb=verb,
                )
            )
        action = "pause" if after == "paused" else "resume"
        with audited(connection, actor, action, "journey", journey_id):
            _set(connection, journey_id, state=after)

    database.transact(work)


def _set(connection: Connection, journey_id: str, **values: Any) -> None:
    table = tables.journey
    connection.execute(
        update(table).where(table.c.id == journey_id).values(**values, updated_at=func.now())
    )
    documents.touch(connection)


def delete_journey(database: Database, journey_id: str, *, actor: Actor) -> None:
    """Delete a journey that was never published; the record of a published one is kept."""

    def work(connection: Connection) -> None:
        documents.one_at_a_time(connection)
        stored = documents.journey(connection, journey_id, lock=True)
        if stored.version is not None:
            raise Conflict(
                said(
                    "The journey %(journey)s has been published, and what its customers lived through is kept: pause it instead.",
                    journey=journey_id,
                )
            )
        with audited(connection, actor, "delete", "journey", journey_id):
            documents.delete_draft(connection, journey_id)

    database.transact(work)
