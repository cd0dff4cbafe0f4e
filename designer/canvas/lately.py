"""What a draft is drawn and checked with, remembered from one edit to the next."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from engine.compile.known import Known
from engine.flow.publish import known
from engine.store import drafts, vocabulary
from engine.store.counters import counters
from engine.store.drafts import Names
from engine.store.vocabulary import Vocabulary

_LIFE: Final = 10.0
"""Seconds for which what changes without the workspace's revision may be old in a reply."""
_COUNTED: Final = 2.0
"""The same for counters, which the page's stream keeps up to date."""


@dataclass(frozen=True, slots=True)
class Around:
    """What the shop has for a journey to refer to, and how its people and data call things."""

    names: Names
    known: Known
    words: Vocabulary


class Lately:
    """Remembers what was read last; whoever shows a whole page asks for it `fresh`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._around: tuple[int, float, Around] | None = None
        self._counted: dict[str, tuple[float, Mapping[str, Any]]] = {}

    def around(self, connection: Connection, revision: int, *, fresh: bool) -> Around:
        """Return what is around a draft at this revision of the workspace."""
        last, now = self._around, self._clock()
        if last is not None and not fresh and last[0] == revision and now < last[1] + _LIFE:
            return last[2]
        found = Around(
            drafts.names(connection), known(connection), vocabulary.vocabulary(connection)
        )
        self._around = revision, now, found
        return found

    def counted(self, connection: Connection, journey: str, *, fresh: bool) -> Mapping[str, Any]:
        """Return the counters of a journey."""
        last, now = self._counted.get(journey), self._clock()
        if last is not None and not fresh and now < last[0] + _COUNTED:
            return last[1]
        found = counters(connection, journey)
        recent = {name: one for name, one in self._counted.items() if now < one[0] + _COUNTED}
        self._counted = {**recent, journey: (now, found)}
        return found
