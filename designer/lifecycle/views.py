"""What the pages of a journey's versions show."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from designer.document.differences import Change, differences
from designer.words import Words
from engine.errors import InvalidDocument
from engine.model.document import journey_of
from engine.model.journey import Journey
from engine.store.drafts import Names
from engine.store.versions import Published


@dataclass(frozen=True, slots=True)
class Version:
    """One published version; `changes` are against the one before, None where there is none.

    `readable` is false of one that this release does not understand any more.
    """

    number: int
    published_at: datetime
    entered: str
    inside: str
    live: bool
    changes: list[Change] | None
    readable: bool


def versions(
    found: Sequence[Published], live: int | None, names: Names, words: Words
) -> list[Version]:
    """Return the versions with what is different in each; the last one only serves to compare."""
    journeys = [_journey(one) for one in found]
    shown = []
    for n, one in enumerate(found):
        new = journeys[n]
        old = journeys[n + 1] if n + 1 < len(found) else None
        shown.append(
            Version(
                number=one.version,
                published_at=one.published_at,
                entered=words.ngettext("%(n)s entered", "%(n)s entered", one.entered),
                inside=words.ngettext("%(n)s inside now", "%(n)s inside now", one.inside),
                live=one.version == live,
                changes=differences(new, old, names=names, words=words) if new and old else None,
                readable=new is not None,
            )
        )
    return shown


def _journey(published: Published) -> Journey | None:
    try:
        return journey_of(published.document)
    except InvalidDocument:  # of a release that knew other steps
        return None
