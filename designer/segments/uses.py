"""Where a segment is used: the journeys that begin with it or ask for it, and other segments."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from designer.views import Mark, journey_mark
from designer.words import Words
from engine.compile.segments import segments_in
from engine.model.opening import SEGMENT_ENTERED, SEGMENT_LEFT
from engine.model.segment import Segment
from engine.store.populations import Reader

_BEGINS: Final = frozenset({"segment_entered", "segment_left", "segment"})


@dataclass(frozen=True, slots=True)
class Use:
    """Something that uses a segment; `begins`: a journey that starts from it."""

    id: str
    name: str
    address: str
    begins: bool = False
    published: bool = False
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Uses:
    """All that uses one segment."""

    journeys: list[Use]
    segments: list[Use]

    def __bool__(self) -> bool:
        return bool(self.journeys or self.segments)

    @property
    def beginning(self) -> list[Use]:
        """The published journeys that start from it."""
        return [one for one in self.journeys if one.begins and one.published]

    @property
    def names(self) -> list[str]:
        """What those are called, journeys first."""
        return [one.name for one in (*self.journeys, *self.segments)]


def uses(
    segment: str, readers: Iterable[Reader], segments: Mapping[str, Segment], words: Words
) -> Uses:
    """Return what uses a segment."""
    journeys = [
        Use(
            one.id,
            one.name,
            f"/journeys/{one.id}",
            begins=begins(one.document, segment),
            published=one.published,
            mark=journey_mark(one.state, words),
        )
        for one in readers
        if segment in _named(one.document)
    ]
    nested = [
        Use(other.id, other.name, f"/segments/{other.id}")
        for other in sorted(segments.values(), key=lambda one: one.name.casefold())
        if segment in segments_in(other.rule)
    ]
    return Uses(journeys, nested)


def begins(document: Mapping[str, Any], segment: str) -> bool:
    """Whether a journey starts from a segment: by who enters or leaves it, or for all in it."""
    entry = document.get("entry")
    on = entry.get("on") if isinstance(entry, Mapping) else None
    return isinstance(on, Mapping) and segment in _opening(on)


def _opening(on: Mapping[str, Any]) -> set[str]:
    found = {str(on[key]) for key in _BEGINS if key in on}
    if on.get("event") in {SEGMENT_ENTERED, SEGMENT_LEFT}:
        found |= {
            str(part["eq"])
            for part in _mappings(on.get("where"))
            if part.get("property") == "segment" and "eq" in part
        }
    return found


def _named(document: Mapping[str, Any]) -> set[str]:
    """Return every segment that a journey's document names, drafts of earlier releases included."""
    entry = document.get("entry")
    on = entry.get("on") if isinstance(entry, Mapping) else None
    conditions = {str(part["segment"]) for part in _mappings(document) if set(part) == {"segment"}}
    return conditions | (_opening(on) if isinstance(on, Mapping) else set())


def _mappings(node: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(node, Mapping):
        yield node
        for inner in node.values():
            yield from _mappings(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _mappings(inner)
