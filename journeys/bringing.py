"""Bringing into a shop what a journey needs: what it sends, and what it asks for.

That is templates, segments, and the computed traits that they and the journey ask for.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import journeys
from engine.flow import definitions, materials
from engine.model.actor import Actor
from engine.model.journey import Journey
from engine.model.ready_traits import ready_traits
from engine.model.segment import Segment
from engine.model.template import Template
from engine.model.trait import AnyTrait, of_others
from engine.store import definitions as stored
from engine.store import documents, vocabulary
from engine.store.session import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """The ids of what was new, and of what was there already and is not the same."""

    templates: list[str]
    segments: list[str]
    traits: list[str]
    kept_templates: list[str]
    kept_segments: list[str]


def bring(
    database: Database,
    journey: Journey,
    *,
    templates: Mapping[str, Template],
    segments: Mapping[str, Segment],
    actor: Actor,
    named: Callable[[str], str] = str,
) -> Brought:
    """Make those of these templates and segments that the journey needs and that do not exist.

    What exists stays as it is, whoever wrote it. `named` says a computed trait's name in the shop's
    language.
    """
    with database.read() as connection:
        present = documents.templates(connection)
        there = documents.segments(connection)
        # What the shop tells itself by one of these names, a computed trait would hide.
        known = {*stored.traits(connection), *stored.scores(connection)}
        known |= {*vocabulary.vocabulary(connection).traits}
        currency = documents.workspace(connection).currency
    sent = [templates[name] for name in journeys.used(journey.steps) if name in templates]
    asked = [
        segments[name]
        for name in journeys.segments_used(journey, {**segments, **there})
        if name in segments
    ]
    new_templates = [one for one in sent if one.id not in present]
    new_segments = [one for one in asked if one.id not in there]
    for template in new_templates:
        materials.put_template(database, template, actor=actor)
    new_traits = [
        one for one in traits_used(journey, new_segments, currency) if one.id not in known
    ]
    for trait in new_traits:
        called = trait.model_copy(update={"name": named(trait.name)})
        definitions.put_trait(database, called, actor=actor)
    for segment in new_segments:
        materials.put_segment(database, segment, actor=actor)
    return Brought(
        templates=[one.id for one in new_templates],
        segments=[one.id for one in new_segments],
        traits=[one.id for one in new_traits],
        kept_templates=[one.id for one in sent if present.get(one.id, one) != one],
        kept_segments=[one.id for one in asked if there.get(one.id, one).rule != one.rule],
    )


def traits_used(journey: Journey, segments: Iterable[Segment], currency: str) -> list[AnyTrait]:
    """Return the ready computed traits that the journey and these segments ask for.

    Those that others are made of come first.
    """
    ready = {trait.id: trait for trait in ready_traits(currency)}
    asked = {*journeys.traits_of([journey.document(), *(one.document() for one in segments)])}
    for trait in reversed(ready.values()):  # each is made of earlier ones
        if trait.id in asked:
            asked |= {*of_others(trait)}
    return [trait for trait in ready.values() if trait.id in asked]
