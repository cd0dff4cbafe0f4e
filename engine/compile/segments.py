"""Checks of a segment: whether its rule can be asked of a customer, whatever she is doing."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from engine.compile.known import wrong
from engine.errors import Problem
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
from engine.model.segment import Segment


def segments_in(rule: AnyCondition) -> set[str]:
    """Return the segments that a rule names."""
    return {part.segment for part in parts(rule) if isinstance(part, InSegment)}


def standing_on(name: str, segments: Mapping[str, Segment]) -> set[str]:
    """Return this segment, and those that are defined by it, whichever way."""
    found = {name}
    while more := {
        id
        for id, segment in segments.items()
        if id not in found and segments_in(segment.rule) & found
    }:
        found |= more
    return found


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
