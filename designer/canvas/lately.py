"""What a draft is drawn and checked with, remembered from one edit to the next."""

import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from designer.period import Period
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
        self._counted: dict[Hashable, tuple[float, Mapping[str, Any]]] = {}

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

    def counted(
        self, connection: Connection, journey: str, period: Period, *, fresh: bool
    ) -> Mapping[str, Any]:
        """Return the counters of a journey in a period."""
        asked = journey, period.since, period.until
        last, now = self._counted.get(asked), self._clock()
        if last is not None and not fresh and now < last[0] + _COUNTED:
            return last[1]
        found = counters(connection, journey, since=period.since, until=period.until)
        recent = {one: last for one, last in self._counted.items() if now < last[0] + _COUNTED}
        self._counted = {**recent, asked: (now, found)}
        return found
