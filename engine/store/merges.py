"""The record of merges, by which they can be undone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import Connection, insert, select, text

from engine.errors import NotFound
from engine.model.actor import Actor
from engine.store import tables
from engine.store.paging import Page, limited, page, read_cursor

_M: Final = tables.merge.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """Two customers who became one."""

    id: UUID
    kept: UUID
    merged: UUID
    at: datetime
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    undone_at: datetime | None


def add(
    connection: Connection,
    id: UUID,
    kept: UUID,
    merged: UUID,
    *,
    at: datetime,
    actor: Actor,
    how: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> None:
    """Keep a merge."""
    connection.execute(
        insert(tables.merge).values(
            id=id, kept=kept, merged=merged, at=at, actor=actor.id, actor_name=actor.name, how=how,
            before=before, after=after,
        )
    )  # fmt: skip


def one(connection: Connection, id: UUID) -> Merge:
    """Return a merge, which no other transaction undoes until this one ends."""
    row = connection.execute(
        select(_M.id, _M.kept, _M.merged, _M.at, _M.before, _M.after, _M.undone_at)
        .where(_M.id == id)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound(f"There is no merge {str(id)!r}.")
    return Merge(**row._mapping)  # noqa: SLF001 - Row's public name


_UNDONE: Final = text("""
UPDATE merge SET undone_at = :at, undone_by = :by, before = '{}', after = '{}' WHERE id = :id
""")


def undone(connection: Connection, id: UUID, at: datetime, actor: Actor) -> None:
    """Note that a merge was undone; what it kept of the two is needed no more."""
    connection.execute(_UNDONE, {"id": id, "at": at, "by": actor.name})


_LISTED: Final = """
SELECT m.id, m.kept, m.merged, m.at, m.actor_name, m.how, m.undone_at, m.undone_by,
       m.before -> 'kept' AS kept_was, m.before -> 'merged' AS merged_was,
       CASE WHEN m.undone_at IS NULL THEN coalesce(k.merged_into, k.id) ELSE k.id END AS stands,
       k.merged_into IS NULL AND m.undone_at IS NULL AS undoable,
       s.traits, s.addresses, o.traits AS other_traits, o.addresses AS other_addresses
FROM merge m JOIN customer k ON k.id = m.kept JOIN customer o ON o.id = m.merged
JOIN customer s ON s.id = coalesce(k.merged_into, k.id)
"""


def merges(
    connection: Connection,
    *,
    customer: UUID | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page:
    """List the merges, the last first; of one customer, those that made her who she is."""
    limit = limited(limit)
    wheres, given = ["true"], dict[str, Any](most=limit + 1)
    if customer is not None:
        wheres.append("m.undone_at IS NULL AND coalesce(k.merged_into, k.id) = :customer")
        wheres.append(
            "m.kept IN (SELECT id FROM customer WHERE id = :customer OR merged_into = :customer)"
        )
        given["customer"] = customer
    if cursor is not None:
        wheres.append("(m.at, m.id) < (:at, :after)")
        given["at"], given["after"] = read_cursor(cursor, datetime, UUID)
    statement = f"{_LISTED} WHERE {' AND '.join(wheres)} ORDER BY m.at DESC, m.id DESC LIMIT :most"
    rows = connection.execute(text(statement), given).all()
    return page(rows, limit, [_item(row) for row in rows], "at", "id")


def listed_one(connection: Connection, id: UUID) -> dict[str, Any] | None:
    """Return one merge as the list shows it, None when there is no such."""
    row = connection.execute(text(f"{_LISTED} WHERE m.id = :id"), {"id": id}).one_or_none()
    return _item(row) if row is not None else None


def _item(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "kept": str(row.kept),
        "merged": str(row.merged),
        "customer": str(row.stands),
        "at": row.at,
        "by": row.actor_name,
        "how": row.how,
        "undone_at": row.undone_at,
        "undone_by": row.undone_by,
        "undoable": row.undoable,
        "shown": {
            "now": {"traits": row.traits, "addresses": row.addresses},
            "kept": _shown(row.kept_was),
            "merged": _shown(row.merged_was)
            or {"traits": row.other_traits, "addresses": row.other_addresses},
        },
    }


def _shown(was: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return {"traits": was["traits"], "addresses": was["addresses"]} if was else None


def plain(value: Any) -> Any:
    """Return a value as JSON holds it."""
    return orjson.loads(orjson.dumps(value, default=str))
