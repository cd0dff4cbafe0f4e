"""The record of changes: who changed what, from what to what; only ever added to.

Each row's hash is made from the hash before it and the row itself, by PostgreSQL from what it
really stores. Whoever rewrites one row has to rewrite all that follow.
"""

from dataclasses import dataclass
from typing import Any, Final

import orjson
from sqlalchemy import Connection, select, text
from sqlalchemy.dialects.postgresql import distinct_on

from engine.model.actor import Actor
from engine.store import tables
from engine.store.paging import Page, limited, page, read_cursor

_A = tables.audit.c

_CANONICAL: Final = """convert_to(jsonb_build_array(
    id, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    actor, actor_name, action, kind, thing_id, before, after)::text, 'UTF8')"""

_ADD: Final = text(f"""
WITH last AS (SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1),
fresh AS (
    SELECT coalesce((SELECT id FROM last), 0) + 1 AS id, clock_timestamp() AS at,
           CAST(:actor AS text) AS actor, CAST(:actor_name AS text) AS actor_name,
           CAST(:action AS text) AS action, CAST(:kind AS text) AS kind,
           CAST(:thing AS text) AS thing_id,
           CAST(:before AS jsonb) AS before, CAST(:after AS jsonb) AS after
)
INSERT INTO audit (id, at, actor, actor_name, action, kind, thing_id, before, after, hash)
SELECT fresh.*, sha256(coalesce((SELECT hash FROM last), '') || {_CANONICAL}) FROM fresh
""")  # noqa: S608 - constants

_BROKEN: Final = text(f"""
SELECT id FROM (
    SELECT id, hash, sha256(coalesce(lag(hash) OVER w, '') || {_CANONICAL}) AS due,
           coalesce(lag(id) OVER w, 0) + 1 AS next
    FROM audit WINDOW w AS (ORDER BY id)
) AS chain
WHERE hash <> due OR id <> next ORDER BY id LIMIT 1
""")  # noqa: S608 - constants


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which changes are wanted; what is empty does not matter."""

    actor: str = ""
    kind: str = ""
    thing: str = ""


def add(
    connection: Connection,
    actor: Actor,
    action: str,
    kind: str,
    thing: str,
    before: Any,
    after: Any,
) -> None:
    """Record a change in its own transaction. Neither `before` nor `after` may hold a secret.

    The caller has begun with `documents.one_at_a_time`, so that the last row is the last one until
    the transaction ends.
    """
    given = {"actor": actor.id, "actor_name": actor.name, "action": action, "kind": kind,
             "thing": thing, "before": _json(before), "after": _json(after)}  # fmt: skip
    connection.execute(_ADD, given)


def broken(connection: Connection) -> int | None:
    """Return the first row that does not follow from those before it; None when all do.

    Rows cut off at the end cannot be told from rows that never were.
    """
    found: int | None = connection.execute(_BROKEN).scalar()
    return found


def listed(
    connection: Connection, asked: Asked, *, limit: int = 100, cursor: str | None = None
) -> Page:
    """List changes, the newest first."""
    limit = limited(limit)
    query = select(*(column for column in _A if column.name != "hash"))
    for column, wanted in ((_A.actor, asked.actor), (_A.kind, asked.kind)):
        if wanted:
            query = query.where(column == wanted)
    if asked.thing:
        query = query.where(_A.thing_id == asked.thing)
    if cursor is not None:
        query = query.where(_A.id < read_cursor(cursor, int)[0])
    rows = connection.execute(query.order_by(_A.id.desc()).limit(limit + 1)).all()
    return page(rows, limit, [dict(row._mapping) for row in rows], "id")  # noqa: SLF001 - Row's public name


def actors(connection: Connection) -> dict[str, str]:
    """Return everybody who has changed something, by id: the name of the last time."""
    rows = connection.execute(
        select(_A.actor, _A.actor_name).ext(distinct_on(_A.actor)).order_by(_A.actor, _A.id.desc())
    )
    return {row.actor: row.actor_name for row in rows}


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value, default=str).decode()
