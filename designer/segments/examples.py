"""Segments to begin from: the library's, as the builder's page offers them."""

from dataclasses import dataclass
from functools import cache

import journeys as library
from designer.words import Words
from engine.model.segment import Segment


@dataclass(frozen=True, slots=True)
class Example:
    """A segment to begin from, by the key that addresses name it by."""

    key: str
    icon: str
    name: str
    description: str


@cache
def _library() -> dict[str, library.ReadySegment]:
    return library.segments()


def examples(words: Words) -> list[Example]:
    """Return those there are, in the reader's language."""
    return [
        Example(key, one.icon, one.named(words.language), one.described(words.language))
        for key, one in _library().items()
    ]


def example(key: str, words: Words) -> Segment | None:
    """Return an example by its key, with its name in the reader's language."""
    found = _library().get(key)
    return found.taken(words.language) if found is not None else None
