"""Web addresses that are told of events, and what they still have to be told."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from engine.errors import NotFound
from engine.model.hook import Hook
from engine.store import tables
from engine.store.documents import touch
from engine.store.paging import Page, limited, page, read_cursor

_H = tables.hook.c
_D = tables.hook_delivery.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What a web address has to be told now; `attempts` counts this one too."""

    id: UUID
    hook: str
    url: str
    secret: str
    body: dict[str, Any]
    attempts: int


def put(connection: Connection, hook: Hook, secret: str) -> bool:
    """Create or replace a hook; return whether it is new. Only a new one takes the secret."""
    values = {"document": hook.model_dump(mode="json"), "updated_at": func.now()}
    is_new: bool = connection.execute(
        insert(tables.hook)
        .values(id=hook.id, secret=secret, **values)
        .on_conflict_do_update(index_elements=[_H.id], set_=values)
        .returning(text("xmax = 0"))
    ).scalar_one()
    touch(connection)
    return is_new


def get(connection: Connection, hook: str) -> dict[str, Any]:
    """Return a hook as it was put; its secret is shown to nobody again."""
    found = connection.execute(select(_H.document).where(_H.id == hook)).scalar_one_or_none()
    if found is None:
        raise NotFound(f"There is no webhook {hook!r}.")
    return dict(found)


def listed(connection: Connection, *, limit: int = 1000, cursor: str | None = None) -> Page:
    """List the hooks by id."""
    limit = limited(limit)
    query = select(_H.id, _H.document).order_by(_H.id).limit(limit + 1)
    if cursor is not None:
        query = query.where(_H.id > read_cursor(cursor, str)[0])
    rows = connection.execute(query).all()
    return page(rows, limit, [dict(row.document) for row in rows], "id")


def remove(connection: Connection, hook: str) -> None:
    """Delete a hook, and with it what it was not told yet."""
    if not connection.execute(delete(tables.hook).where(_H.id == hook)).rowcount:
        raise NotFound(f"There is no webhook {hook!r}.")
    connection.execute(
        delete(tables.hook_delivery).where(_D.hook_id == hook, _D.ended_at.is_(None))
    )
    touch(connection)


def active(connection: Connection) -> tuple[Hook, ...]:
    """Return the hooks that are told of events."""
    rows = connection.execute(select(_H.document).order_by(_H.id)).scalars()
    hooks = (Hook.model_validate(document) for document in rows)
    return tuple(hook for hook in hooks if hook.active)


def deliveries(
    connection: Connection, hook: str, *, limit: int = 100, cursor: str | None = None
) -> Page:
    """List what a hook was told or is to be told, the newest first."""
    get(connection, hook)
    limit = limited(limit)
    query = (
        select(tables.hook_delivery)
        .where(_D.hook_id == hook)
        .order_by(_D.created_at.desc(), _D.id.desc())
        .limit(limit + 1)
    )
    if cursor is not None:
        at, after = read_cursor(cursor, datetime, UUID)
        query = query.where((_D.created_at < at) | ((_D.created_at == at) & (_D.id < after)))
    rows = connection.execute(query).all()
    items = [
        {
            "id": str(row.id),
            "event": row.event,
            "created_at": row.created_at,
            "attempts": row.attempts,
            "status": row.status,
            "problem": row.problem,
            "next_at": row.due_at if row.ended_at is None else None,
            "ended_at": row.ended_at,
        }
        for row in rows
    ]
    return page(rows, limit, items, "created_at", "id")


_TAKE = text("""
WITH due AS (
    SELECT d.id, hook.document ->> 'url' AS url, hook.secret
    FROM hook CROSS JOIN LATERAL (
        SELECT id FROM hook_delivery
        WHERE hook_id = hook.id AND ended_at IS NULL AND due_at <= now()
        ORDER BY due_at LIMIT :at_most FOR UPDATE SKIP LOCKED
    ) AS d
    WHERE (hook.document ->> 'active')::boolean AND hook.id <> ALL(:busy)
)
UPDATE hook_delivery AS d SET attempts = attempts + 1, due_at = now() + :lease
FROM due WHERE d.id = due.id
RETURNING d.id, d.hook_id AS hook, due.url, due.secret, d.body, d.attempts
""")


def take(
    connection: Connection, busy: Collection[str], *, at_most: int, lease: timedelta
) -> list[Due]:
    """Take what is due, so much of each hook at most; for `lease` nobody else takes it."""
    given = {"busy": list(busy), "at_most": at_most, "lease": lease}
    rows = connection.execute(_TAKE, given).all()
    return [Due(**row._mapping) for row in sorted(rows, key=lambda row: row.id)]  # noqa: SLF001 - Row's public name


def end(connection: Connection, delivery: UUID, status: int | None, problem: str | None) -> None:
    """Note that a hook has been told, or, with a problem, that it was given up on."""
    values = {"ended_at": func.now(), "due_at": None, "status": status, "problem": problem}
    connection.execute(update(tables.hook_delivery).where(_D.id == delivery).values(**values))


def again(
    connection: Connection, delivery: UUID, after: timedelta, status: int | None, problem: str
) -> None:
    """Tell the hook once more, after a while."""
    values = {"due_at": func.now() + after, "status": status, "problem": problem}
    connection.execute(update(tables.hook_delivery).where(_D.id == delivery).values(**values))


_DEACTIVATE = text("""
UPDATE hook SET document = document || '{"active": false}', updated_at = now() WHERE id = :hook
""")


def deactivate(connection: Connection, hook: str, problem: str) -> None:
    """Tell a hook nothing more, until somebody makes it active again."""
    connection.execute(_DEACTIVATE, {"hook": hook})
    touch(connection)
    drop(connection, hook, problem)


def drop(connection: Connection, hook: str, problem: str) -> None:
    """Give up on everything that a hook was not told yet."""
    connection.execute(
        update(tables.hook_delivery)
        .where(_D.hook_id == hook, _D.ended_at.is_(None))
        .values(ended_at=func.now(), due_at=None, problem=problem)
    )


def forget(connection: Connection, older: timedelta) -> None:
    """Delete what was told, given up on, or kept for a hook that is not active, that long ago."""
    connection.execute(delete(tables.hook_delivery).where(_D.created_at < func.now() - older))
