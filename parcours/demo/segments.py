"""The demonstration shop's segments: those of the library that its customers can be in."""

from contextlib import suppress
from typing import Final

import journeys
from engine.errors import Conflict
from engine.flow import materials
from engine.model.actor import COMMAND_LINE
from engine.model.segment import Segment
from engine.store import documents
from engine.store.session import Database

WITHOUT: Final = frozenset({"readers", "unresponsive", "lost"})
"""Nobody's mail is opened here, and the purchases are of one year."""


def fitting() -> list[Segment]:
    """Return the segments that fit the shop."""
    return [one.taken("en") for one in journeys.segments().values() if one.id not in WITHOUT]


def put(database: Database) -> None:
    """Bring the segments; what has the same id already is left alone."""
    with database.read() as connection:
        known = documents.segments(connection)
    for segment in fitting():
        if segment.id not in known:
            materials.put_segment(database, segment, actor=COMMAND_LINE)


def remove(database: Database) -> None:
    """Remove the segments that are as they were brought and that nothing asks for."""
    with database.read() as connection:
        known = documents.segments(connection)
    for segment in fitting():
        if known.get(segment.id) == segment:
            with suppress(Conflict):
                materials.delete(database, "segment", segment.id, actor=COMMAND_LINE)
