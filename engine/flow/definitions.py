"""Computed traits and scores: defined, changed and deleted without breaking what asks for them."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import orjson
from sqlalchemy import Connection, select

from engine.compile.mentions import mentions, of_trait
from engine.errors import Conflict, InvalidDocument, Problem, Said, said
from engine.flow.audited import audited
from engine.model.actor import Actor
from engine.model.trait import AnyTrait, EventTrait, JoinedTrait, QuantileTrait, Score, of_others
from engine.store import definitions, documents, tables, trait_builds
from engine.store.session import Database
from engine.store.vocabulary import vocabulary

OWN = frozenset(
    {"Message Sent", "Message Delivered", "Message Opened", "Message Clicked", "Message Bounced",
     "Segment Entered", "Segment Left"}
)  # fmt: skip
"""Events of our own, which come sooner or later."""

_TEXTS = frozenset({"most"})
"""What comes to a text rather than to a number."""


def put_trait(database: Database, trait: AnyTrait, *, actor: Actor) -> bool:
    """Create or replace a computed trait, and have it computed for everybody.

    Refuses one that clashes with another definition, or is made of what does not exist.
    """

    def work(connection: Connection) -> bool:
        documents.one_at_a_time(connection)
        traits, scores = definitions.traits(connection), definitions.scores(connection)
        problems = list(_faults(trait, {**traits, trait.id: trait}, scores))
        if problems:
            raise InvalidDocument(f"The computed trait {trait.id} has mistakes", problems)
        changed = _differs(traits.get(trait.id), trait)
        with audited(connection, actor, "save", "trait", trait.id):
            created = definitions.put_trait(connection, trait)
        if changed:
            trait_builds.ask(connection, [trait.id])
        return created

    return database.transact(work)


def put_score(database: Database, score: Score, *, actor: Actor) -> bool:
    """Create or replace a score, and have it added up for everybody; nobody is told of the past."""

    def work(connection: Connection) -> bool:
        documents.one_at_a_time(connection)
        if score.id in definitions.traits(connection):
            taken = said("there is a computed trait %(id)s already; choose another id", id=score.id)
            raise InvalidDocument(f"The score {score.id} has mistakes", [_problem(taken, "id")])
        changed = _differs(definitions.scores(connection).get(score.id), score)
        with audited(connection, actor, "save", "score", score.id):
            created = definitions.put_score(connection, score)
        if changed:
            trait_builds.ask(connection, [score.id])
        return created

    return database.transact(work)


def delete_trait(database: Database, trait: str, *, actor: Actor) -> None:
    """Delete a computed trait that nothing asks for; customers lose it in the background."""
    _delete(database, "trait", trait, actor)


def delete_score(database: Database, score: str, *, actor: Actor) -> None:
    """Delete a score that nothing asks for; customers lose it in the background."""
    _delete(database, "score", score, actor)


def _delete(database: Database, kind: documents.Kind, name: str, actor: Actor) -> None:
    def work(connection: Connection) -> None:
        documents.one_at_a_time(connection)
        users = list(used_by(connection, name))
        if users:
            raise Conflict(
                said("%(what)s uses %(name)s: change it first.", what=users[0], name=name)
            )
        with audited(connection, actor, "delete", kind, name):
            documents.delete_document(connection, kind, name)
        trait_builds.ask(connection, [name])

    database.transact(work)


def unseen(connection: Connection, definition: AnyTrait | Score) -> list[str]:
    """Return the events that a definition counts and that nobody has sent lately."""
    names: set[str] = set()
    match definition:
        case EventTrait():
            names = {definition.event}
        case Score():
            names = {rule.event for rule in definition.rules}
        case QuantileTrait() | JoinedTrait():
            pass
    return sorted(names - set(vocabulary(connection).events) - OWN) if names else []


def used_by(connection: Connection, name: str) -> Iterator[Said]:
    """Yield what asks for a computed trait or a score: traits, segments, journeys, templates."""
    for trait in definitions.traits(connection).values():
        if name in of_others(trait):
            yield said("The computed trait %(id)s", id=trait.id)
    rules = {id: segment.rule for id, segment in documents.segments(connection).items()}
    for id, rule in rules.items():
        if of_trait(name) in mentions(rule, {}):
            yield said("The segment %(id)s", id=id)
    versions, journeys = tables.journey_version.c, tables.journey.c
    live = connection.execute(
        select(versions.journey_id, versions.document).where(
            versions.journey_id == journeys.id,
            versions.version == journeys.live_version,
            journeys.state.in_(("live", "paused")),
        )
    )
    for row in live:
        if _asks(row.document, name):
            yield said("The published journey %(id)s", id=row.journey_id)
    spoken = re.compile(rf"\bcustomer\.{re.escape(name)}\b")
    for id, template in documents.templates(connection).items():
        if spoken.search(orjson.dumps(template.document()).decode()):
            yield said("The template %(id)s", id=id)


def _asks(node: Any, name: str) -> bool:
    """Whether a journey's document names the trait in a condition, or in when it waits."""
    if isinstance(node, Mapping):
        asked = (node.get("trait"), node.get("anniversary"))
        return any(isinstance(one, str) and one.partition(".")[0] == name for one in asked) or any(
            _asks(value, name) for value in node.values()
        )
    return isinstance(node, list) and any(_asks(value, name) for value in node)


def _faults(
    trait: AnyTrait, traits: Mapping[str, AnyTrait], scores: Collection[str]
) -> Iterator[Problem]:
    if trait.id in scores:
        yield _problem(
            said("there is a score %(id)s already; choose another id", id=trait.id), "id"
        )
    match trait:
        case EventTrait():
            return
        case QuantileTrait():
            other = traits.get(trait.quantile_of)
            if other is None and trait.quantile_of not in scores:
                yield _problem(_unknown(trait.quantile_of), "quantile_of")
            elif other is not None and not (
                isinstance(other, EventTrait) and other.take not in _TEXTS
            ):
                yield _problem(
                    said("%(id)s is no number and no date", id=trait.quantile_of), "quantile_of"
                )
        case JoinedTrait():
            for id in trait.join:
                if id not in traits and id not in scores:
                    yield _problem(_unknown(id), "join")
            circle = _circle(trait.id, traits)
            if circle:
                path = " → ".join(circle)
                yield _problem(said("the trait is made of itself: %(path)s", path=path), "join")


def _unknown(id: str) -> Said:
    return said("there is no computed trait or score %(id)s; create it first", id=id)


def _circle(id: str, traits: Mapping[str, AnyTrait]) -> tuple[str, ...]:
    """Return the way by which a trait comes back to itself, nothing when it does not."""
    ways: list[tuple[str, ...]] = [(id,)]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        trait = traits.get(way[-1])
        for other in of_others(trait) if trait is not None else ():
            if other == id:
                return (*way, id)
            if other not in seen:
                seen.add(other)
                ways.append((*way, other))
    return ()


def _differs(before: AnyTrait | Score | None, after: AnyTrait | Score) -> bool:
    """Whether customers have another value by it; a new name alone changes none."""
    if before is None:
        return True
    return before.document() | {"name": ""} != after.document() | {"name": ""}


def _problem(sentence: Said, field: str) -> Problem:
    whole = said("%(where)s: %(what)s", where=field, what=sentence)
    return Problem(message=str(whole), said=whole, path=(field,))
