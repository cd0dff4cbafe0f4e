"""What the shop has written: journeys, segments, caps, templates and its own settings.

Whatever is put or deleted raises the workspace's revision in the same transaction, so that
every process knows when what it remembers of them is old.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import Connection, Row, Table, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from engine.errors import NotFound
from engine.model.cap import Cap
from engine.model.segment import Segment
from engine.model.template import Template
from engine.model.topic import Topic
from engine.model.workspace import Workspace
from engine.store import tables
from engine.store.paging import Page, limited, page, read_cursor

Kind = Literal[
    "journey", "segment", "cap", "template", "snippet", "coupon_pool", "topic", "trait", "score"
]

CALLED: Final[dict[str, str]] = {"coupon_pool": "coupon pool"}
"""What people call the kinds whose name is not a word."""

State = Literal["draft", "live", "paused", "archived"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredJourney:
    """A journey's draft and where it stands. `source` is the text it was pushed as, if any."""

    id: str
    state: State
    version: int | None
    draft: dict[str, Any]
    source: str | None
    rev: int
    created_at: datetime
    updated_at: datetime


def touch(connection: Connection) -> None:
    """Raise the workspace's revision: something that processes remember has changed."""
    connection.execute(update(tables.workspace).values(revision=tables.workspace.c.revision + 1))


def one_at_a_time(connection: Connection) -> None:
    """Wait for whoever else is changing what journeys are made of, and keep others waiting.

    What is checked after that still holds when the transaction ends.
    """
    connection.execute(select(tables.workspace.c.id).with_for_update())


def revision(connection: Connection) -> int:
    """Return the workspace's revision."""
    found: int = connection.execute(select(tables.workspace.c.revision)).scalar_one()
    return found


def clock(connection: Connection) -> datetime:
    """Return the database's time."""
    found: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return found


def workspace(connection: Connection) -> Workspace:
    """Return the shop's settings."""
    settings = connection.execute(select(tables.workspace.c.settings)).scalar_one()
    return workspace_of(settings)


def workspace_of(settings: dict[str, Any]) -> Workspace:
    """Read the shop's settings from its row, which also holds those of the demonstration."""
    known = {name: value for name, value in settings.items() if name in Workspace.model_fields}
    return Workspace.model_validate(known)


def put_workspace(connection: Connection, settings: Workspace) -> None:
    """Replace the shop's settings; those of the demonstration stay."""
    before = connection.execute(select(tables.workspace.c.settings).with_for_update()).scalar_one()
    kept = {name: value for name, value in before.items() if name not in Workspace.model_fields}
    connection.execute(update(tables.workspace).values(settings=kept | settings.document()))
    touch(connection)


def journey(connection: Connection, journey_id: str, *, lock: bool = False) -> StoredJourney:
    """Return one journey; with `lock`, nobody else changes it until the transaction ends."""
    query = select(tables.journey).where(tables.journey.c.id == journey_id)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise NotFound(f"There is no journey {journey_id!r}.")
    return _journey(row)


def journeys(
    connection: Connection, *, limit: int = 1000, cursor: str | None = None
) -> tuple[list[StoredJourney], str | None]:
    """List the journeys by id, and the cursor of the next page when there is one."""
    limit = limited(limit)
    rows = _rows(connection, tables.journey, limit, cursor)
    stored = [_journey(row) for row in rows[:limit]]
    return stored, page(rows, limit, [], "id").next


def new_draft(
    connection: Connection, journey_id: str, draft: Mapping[str, Any], source: str | None
) -> bool:
    """Create a journey with its draft unless there is one of that id; return whether it is new."""
    found = connection.execute(
        insert(tables.journey)
        .values(id=journey_id, draft=dict(draft), source=source)
        .on_conflict_do_nothing()
        .returning(tables.journey.c.id)
    ).scalar()
    return found is not None


def delete_draft(connection: Connection, journey_id: str) -> None:
    """Delete a journey that was never published."""
    _delete(connection, tables.journey, "journey", journey_id)


def put_segment(connection: Connection, segment: Segment) -> bool:
    """Create or replace a segment; return whether it is new."""
    rule = segment.document()["rule"]
    values = {"name": segment.name, "rule": rule, "updated_at": func.now()}
    return upsert(connection, tables.segment, segment.id, values)


def segments(connection: Connection) -> dict[str, Segment]:
    """Return every segment by its id."""
    rows = connection.execute(select(tables.segment))
    return {row.id: Segment(id=row.id, name=row.name, rule=row.rule) for row in rows}


def put_cap(connection: Connection, cap: Cap) -> bool:
    """Create or replace a cap; return whether it is new."""
    values = {"rule": cap.document(), "updated_at": func.now()}
    return upsert(connection, tables.cap, cap.id, values)


def caps(connection: Connection) -> dict[str, Cap]:
    """Return every cap by its id."""
    rows = connection.execute(select(tables.cap).order_by(tables.cap.c.id))
    return {row.id: Cap.model_validate(row.rule) for row in rows}


def put_template(connection: Connection, template: Template) -> bool:
    """Create or replace a template; return whether it is new."""
    values = {"document": template.document(), "updated_at": func.now()}
    return upsert(connection, tables.template, template.id, values)


def templates(connection: Connection) -> dict[str, Template]:
    """Return every template by its id."""
    rows = connection.execute(select(tables.template))
    return {row.id: Template.model_validate(row.document) for row in rows}


def put_topic(connection: Connection, topic: Topic) -> bool:
    """Create or replace a topic; return whether it is new."""
    values = {"document": topic.document(), "updated_at": func.now()}
    return upsert(connection, tables.topic, topic.id, values)


def topics(connection: Connection) -> dict[str, Topic]:
    """Return every topic by its id."""
    rows = connection.execute(select(tables.topic).order_by(tables.topic.c.id))
    return {row.id: Topic.model_validate(row.document) for row in rows}


def get(connection: Connection, kind: Kind, document_id: str) -> dict[str, Any]:
    """Return one document as it was put."""
    table = tables.metadata.tables[kind]
    row = connection.execute(select(table).where(table.c.id == document_id)).one_or_none()
    if row is None:
        raise NotFound(f"There is no {CALLED.get(kind, kind)} {document_id!r}.")
    return _document(kind, row)


def listed(
    connection: Connection, kind: Kind, *, limit: int = 1000, cursor: str | None = None
) -> Page:
    """List the documents of a kind by id."""
    limit = limited(limit)
    rows = _rows(connection, tables.metadata.tables[kind], limit, cursor)
    return page(rows, limit, [_document(kind, row) for row in rows], "id")


def delete_document(connection: Connection, kind: Kind, document_id: str) -> None:
    """Delete a document; whether something still uses it is the caller's to ask."""
    _delete(connection, tables.metadata.tables[kind], kind, document_id)


def _rows(connection: Connection, table: Table, limit: int, cursor: str | None) -> list[Row[Any]]:
    query = select(table).order_by(table.c.id).limit(limit + 1)
    if cursor is not None:
        query = query.where(table.c.id > read_cursor(cursor, str)[0])
    return list(connection.execute(query))


def upsert(connection: Connection, table: Table, document_id: str, values: dict[str, Any]) -> bool:
    """Create or replace a row that processes remember; return whether it is new."""
    # xmax is zero in a row that no transaction has replaced: the row is new.
    is_new: bool = connection.execute(
        insert(table)
        .values(id=document_id, **values)
        .on_conflict_do_update(index_elements=[table.c.id], set_=values)
        .returning(text("xmax = 0"))
    ).scalar_one()
    touch(connection)
    return is_new


def _delete(connection: Connection, table: Table, kind: str, document_id: str) -> None:
    if not connection.execute(delete(table).where(table.c.id == document_id)).rowcount:
        raise NotFound(f"There is no {CALLED.get(kind, kind)} {document_id!r}.")
    touch(connection)


def _document(kind: Kind, row: Row[Any]) -> dict[str, Any]:
    match kind:
        case "journey":
            return dict(row.draft)
        case "segment":
            return {"id": row.id, "name": row.name, "rule": row.rule}
        case "cap":
            return dict(row.rule)
        case "template" | "snippet" | "coupon_pool" | "topic" | "trait" | "score":
            return dict(row.document)


def _journey(row: Row[Any]) -> StoredJourney:
    return StoredJourney(
        id=row.id,
        state=row.state,
        version=row.live_version,
        draft=row.draft,
        source=row.source,
        rev=row.rev,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
