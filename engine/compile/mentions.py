"""What a condition depends on, so that only what can change it makes it be asked again."""

from collections.abc import Iterable, Mapping
from typing import assert_never

from engine.model.condition import (
    All,
    Anniversary,
    AnyCondition,
    AnyOf,
    Comparison,
    EventHappened,
    EventValue,
    InSegment,
    Not,
    PropertyIs,
    Reachable,
    ResultIs,
    StepWas,
    Subscribed,
    TraitIs,
    TraitTimes,
    parts,
)
from engine.model.duration import Duration

ADDRESSES = "addresses"
"""Where she can be written to, and which of it is suppressed."""

CONSENT = "consent"

ZONE = "zone"
"""Her time zone, by which days and months are counted."""


def of_event(name: str) -> str:
    """Return the mention of an event."""
    return f"event {name}"


def of_trait(name: str) -> str:
    """Return the mention of a trait; of `a.b` it is that of `a`, too (see `of_traits`)."""
    return f"trait {name}"


def of_traits(names: Iterable[str]) -> frozenset[str]:
    """Return the mentions of traits: of `a.b` also `a`, inside which it may lie."""
    return frozenset(of_trait(part) for name in names for part in (name, name.partition(".")[0]))


def mentions(
    condition: AnyCondition,
    segments: Mapping[str, AnyCondition],
    seen: frozenset[str] = frozenset(),
) -> frozenset[str]:
    """Return what the condition depends on, by way of other segments, too."""
    found: set[str] = set()
    for part in parts(condition):
        if isinstance(part, Comparison):
            found |= _compared(part)
        match part:
            case TraitIs():
                found |= of_traits([part.trait])
            case EventHappened() | EventValue():
                found.add(of_event(part.event))
                if part.within is not None:
                    found.add(ZONE)
            case Anniversary():
                found |= of_traits([part.anniversary]) | {ZONE}
            case InSegment(segment=name):
                if name in segments and name not in seen:
                    found |= mentions(segments[name], segments, seen | {name})
            case Reachable():
                found.add(ADDRESSES)
            case Subscribed():
                found.add(CONSENT)
            case All() | AnyOf() | Not() | PropertyIs() | StepWas() | ResultIs():
                pass
            case _:
                assert_never(part)
    return frozenset(found)


def thresholds(conditions: Iterable[AnyCondition]) -> frozenset[tuple[str, int]]:
    """Return which thresholds these conditions ask for: the trait, and of the top how many percent.

    The bottom 5 % are those up to the threshold of the top 95 %. What other segments ask for is
    found in their own rules.
    """
    return frozenset(
        (part.trait, top)
        for condition in conditions
        for part in parts(condition)
        if isinstance(part, TraitIs)
        for _, top in part.ranks()
    )


def _compared(comparison: Comparison) -> frozenset[str]:
    found = frozenset[str]()
    if isinstance(comparison.older_than, TraitTimes):
        found |= of_traits([comparison.older_than.trait])
    timed = (comparison.before, comparison.after, comparison.within, comparison.older_than)
    if any(value is not None for value in timed):
        found |= {ZONE}
    return found


def mentioned(segments: Mapping[str, AnyCondition]) -> dict[str, frozenset[str]]:
    """Return which segments depend on a thing, by its mention."""
    found: dict[str, set[str]] = {}
    for name, rule in segments.items():
        for mention in mentions(rule, segments):
            found.setdefault(mention, set()).add(name)
    return {mention: frozenset(names) for mention, names in found.items()}


def horizons(
    condition: AnyCondition,
    segments: Mapping[str, AnyCondition],
    seen: frozenset[str] = frozenset(),
) -> dict[str, frozenset[Duration | None]]:
    """Return how far back the condition asks for the events of each name; None is for ever."""
    found: dict[str, frozenset[Duration | None]] = {}
    for part in parts(condition):
        more: Mapping[str, frozenset[Duration | None]] = {}
        if isinstance(part, EventHappened | EventValue):
            more = {part.event: frozenset([part.within])}
        elif isinstance(part, InSegment) and part.segment in segments and part.segment not in seen:
            more = horizons(segments[part.segment], segments, seen | {part.segment})
        for name, lengths in more.items():
            found[name] = found.get(name, frozenset()) | lengths
    return found
