"""Bringing into a shop what a journey needs: the templates that it sends, the segments that it asks for."""

from collections.abc import Mapping
from dataclasses import dataclass

import journeys
from engine.flow import materials
from engine.model.actor import Actor
from engine.model.journey import Journey
from engine.model.segment import Segment
from engine.model.template import Template
from engine.store import documents
from engine.store.session import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """The ids of what was new, and of what was there already and is not the same."""

    templates: list[str]
    segments: list[str]
    kept_templates: list[str]
    kept_segments: list[str]


def bring(
    database: Database,
    journey: Journey,
    *,
    templates: Mapping[str, Template],
    segments: Mapping[str, Segment],
    actor: Actor,
) -> Brought:
    """Make those of these templates and segments that the journey needs and that do not exist.

    What exists stays as it is, whoever wrote it.
    """
    with database.read() as connection:
        present = documents.templates(connection)
        there = documents.segments(connection)
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
    for segment in new_segments:
        materials.put_segment(database, segment, actor=actor)
    return Brought(
        templates=[one.id for one in new_templates],
        segments=[one.id for one in new_segments],
        kept_templates=[one.id for one in sent if present.get(one.id, one) != one],
        kept_segments=[one.id for one in asked if there.get(one.id, one).rule != one.rule],
    )
