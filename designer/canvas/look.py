"""Reading a journey for its page: what is live or the draft, with figures and what checks say."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from designer.canvas.figures import PLAIN, Reading
from designer.canvas.lately import Around, Lately
from designer.canvas.sentences import Sentences
from designer.canvas.tree import Drawing
from designer.words import Words
from engine.compile.compiler import compile as compile_journey
from engine.compile.validate import check
from engine.errors import InvalidDocument, Problem
from engine.model.document import stored_journey
from engine.model.journey import AnyStep, Journey, walk
from engine.store import drafts, edits
from engine.store.drafts import Names
from engine.store.edits import Neighbours
from engine.store.session import Database


@dataclass(frozen=True, slots=True)
class Shown:
    """One journey as somebody looks at it; `editing` when it is the draft."""

    found: drafts.Found
    journey: Journey
    around: Around
    counted: Mapping[str, Any]
    problems: list[Problem]
    editing: bool
    near: Neighbours
    reading: Reading = PLAIN

    @property
    def names(self) -> Names:
        """What people call the things that the journey refers to."""
        return self.around.names

    @property
    def changed(self) -> bool:
        """Whether the draft is another than what is live."""
        found = self.found
        if found.hash is None or found.draft == found.live:
            return False
        try:
            return compile_journey(stored_journey(found.draft)).hash != found.hash
        except InvalidDocument:  # a draft of an earlier release
            return True

    def step(self, step_id: str) -> AnyStep | None:
        """Return a step by its id."""
        return next((one for one in walk(self.journey.steps) if one.id == step_id), None)

    def sentences(self, words: Words) -> Sentences:
        """Return who says the journey's parts in the reader's language."""
        return Sentences(words, self.journey, self.names)

    def drawing(self, sentences: Sentences) -> Drawing:
        """Return who draws its steps."""
        return Drawing(sentences, self.counted, self.problems, self.reading)


def look(
    database: Database,
    lately: Lately,
    journey_id: str,
    *,
    draft: bool,
    writes: bool = True,
    fresh: bool = False,
    reading: Reading = PLAIN,
) -> Shown:
    """Read a journey: what is live, or else (or when asked for) the draft.

    A draft can be edited by those whose role lets them write. Unless `fresh`, what is around the
    journey may be some seconds old. `reading` is how its figures are read; while it is edited, a
    card shows but the first of them, and none before it was ever live.
    """
    period = reading.period
    with database.read() as connection:
        found = drafts.journey(connection, journey_id)
        drafted = draft or found.live is None
        around = lately.around(connection, found.revision, fresh=fresh)
        counted = lately.counted(connection, journey_id, period, fresh=fresh)
        near = edits.neighbours(connection, journey_id) if drafted else Neighbours()
    journey = stored_journey(found.draft if drafted else found.live or {})
    problems = check(journey, around.known) if drafted else []
    editing = drafted and writes
    if found.version is None:
        reading = replace(reading, amount="none")
    elif editing:
        reading = replace(reading, amount="first")
    return Shown(found, journey, around, counted, problems, editing, near, reading)
