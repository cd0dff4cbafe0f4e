"""Developers' activities, as workers tell of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, delete, func, select, text, update

from engine.errors import NotFound
from engine.model.activity import ActivityType
from engine.store import documents, tables

SILENT: Final = timedelta(minutes=15)
"""Workers tell of their activities every minute or so; after this long they count as away."""

_C = tables.activity_type.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """An activity, and when a worker last told of it; `silent` when that is long ago."""

    type: ActivityType
    seen_at: datetime
    silent: bool


_SILENT = func.now() - _C.seen_at > SILENT


def put(connection: Connection, types: Sequence[ActivityType]) -> None:
    """Take down that these activities are there now.

    What processes remember is old only when an activity is new or another than before.
    """
    for one in sorted(types, key=lambda type_: type_.name):
        document = one.model_dump(mode="json")
        same = connection.execute(
            update(tables.activity_type)
            .where(_C.id == one.name, _C.document == document)
            .values(seen_at=func.now())
        ).rowcount
        if not same:
            values = {"document": document, "updated_at": func.now(), "seen_at": func.now()}
            documents.upsert(connection, tables.activity_type, one.name, values)


def seen(connection: Connection, name: str) -> None:
    """Take down that a worker carries out this activity, once a minute at most."""
    connection.execute(_SEEN, {"name": name})


_SEEN = text("""
UPDATE activity_type SET seen_at = now()
WHERE id = :name AND seen_at < now() - interval '1 minute'
""")


def every(connection: Connection) -> dict[str, ActivityType]:
    """Return every activity by its name."""
    rows = connection.execute(select(_C.document).order_by(_C.id)).scalars()
    return {one.name: one for one in map(ActivityType.model_validate, rows)}


def silent(connection: Connection) -> Collection[str]:
    """Return the names of the activities of which no worker has told for long."""
    return frozenset(connection.execute(select(_C.id).where(_SILENT)).scalars())


def listed(connection: Connection) -> list[Registered]:
    """Return every activity with when it was last told of."""
    rows = connection.execute(
        select(_C.document, _C.seen_at, _SILENT.label("silent")).order_by(_C.id)
    )
    return [
        Registered(
            type=ActivityType.model_validate(row.document), seen_at=row.seen_at, silent=row.silent
        )
        for row in rows
    ]


def forget(connection: Connection, name: str) -> None:
    """Forget an activity; a worker that still has it tells of it again."""
    if not connection.execute(delete(tables.activity_type).where(_C.id == name)).rowcount:
        raise NotFound(f"There is no activity {name!r}.")
    documents.touch(connection)
