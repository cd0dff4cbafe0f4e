"""Imports: the files that were brought, and how far each is."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final, Literal, cast
from uuid import UUID

from sqlalchemy import Connection, insert, select, update

from engine.errors import NotFound
from engine.store import tables

State = Literal["new", "checking", "checked", "running", "done", "cancelled", "failed"]

OPEN: Final = ("checking", "running")
"""States in which the dispatcher has something to do."""

MOST: Final = 50
"""How many imports a list shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """An import: see `engine.store.tables.imports`."""

    id: UUID
    kind: str
    format: Literal["jsonl", "csv"]
    name: str
    size: int
    state: State
    columns: list[str]
    print: str
    mapping: dict[str, Any] | None
    start_journeys: bool
    offset: int
    line: int
    accepted: int
    known: int
    rejected: int
    rejects_size: int
    customers_new: int
    customers_known: int
    reasons: dict[str, list[int]]
    mentions: list[str]
    checked: dict[str, int] | None
    error: str | None
    failed_in: State | None
    actor: str
    actor_name: str
    created_at: datetime
    moved_at: datetime
    ended_at: datetime | None
    kept: bool


_J = tables.import_job.c
_COLUMNS: Final = [_J[field.name] for field in fields(Job)]


def add(connection: Connection, values: Mapping[str, Any]) -> None:
    """Add an import."""
    connection.execute(insert(tables.import_job).values(**values))


def get(connection: Connection, id_: UUID, *, lock: bool = False) -> Job:
    """Return an import; with `lock` nobody else moves it on meanwhile."""
    asked = select(*_COLUMNS).where(_J.id == id_)
    row = connection.execute(asked.with_for_update() if lock else asked).one_or_none()
    if row is None:
        raise NotFound("There is no such import.")
    return _job(row)


def listed(connection: Connection) -> list[Job]:
    """Return the newest imports."""
    asked = select(*_COLUMNS).order_by(_J.created_at.desc(), _J.id.desc()).limit(MOST)
    return [_job(row) for row in connection.execute(asked)]


def take(connection: Connection) -> Job | None:
    """Return the import that is next, locked; None when there is none that nobody works on."""
    asked = (
        select(*_COLUMNS)
        .where(_J.state.in_(OPEN))
        .order_by(_J.created_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = connection.execute(asked).one_or_none()
    return _job(row) if row is not None else None


def change(connection: Connection, id_: UUID, values: Mapping[str, Any]) -> None:
    """Change an import."""
    connection.execute(update(tables.import_job).where(_J.id == id_).values(**values))


def remembered(connection: Connection, kind: str, print_: str) -> dict[str, Any] | None:
    """Return how a file with the same columns was mapped last."""
    asked = (
        select(_J.mapping)
        .where(_J.kind == kind, _J.print == print_, _J.mapping.is_not(None), _J.state != "new")
        .order_by(_J.created_at.desc())
        .limit(1)
    )
    return cast("dict[str, Any] | None", connection.execute(asked).scalar())


def kept(connection: Connection, *, before: datetime | None = None) -> list[UUID]:
    """Return whose files are still there, or those of imports that nobody moved since `before`."""
    asked = select(_J.id).where(_J.kept)
    if before is not None:
        asked = asked.where(_J.moved_at < before, _J.state.not_in(OPEN))
    return list(connection.execute(asked).scalars())


def recorded(connection: Connection, id_: UUID) -> dict[str, Any]:
    """Return an import as the record of changes shows it."""
    job = get(connection, id_)
    return {
        "kind": job.kind,
        "state": job.state,
        "accepted": job.accepted,
        "rejected": job.rejected,
        "start_journeys": job.start_journeys,
    }


def _job(row: Any) -> Job:
    return Job(**row._mapping)  # noqa: SLF001 - what SQLAlchemy calls it, though it is public
