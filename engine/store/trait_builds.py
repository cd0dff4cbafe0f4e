"""Builds: traits and scores that are computed for everybody, in the order of the customers' ids."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Connection, text
from uuid_utils.compat import uuid7


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """What is computed for everybody, and how far it has come.

    Not `anew`, only the times are planned at which somebody has to look again.
    """

    id: UUID
    names: frozenset[str]
    anew: bool
    cursor: UUID | None
    done: int
    total: int


_JOIN = text("""
UPDATE trait_build SET names = (
    SELECT jsonb_agg(DISTINCT name) FROM jsonb_array_elements(names || CAST(:names AS jsonb)) AS name
) WHERE id = (SELECT max(id::text)::uuid FROM trait_build WHERE finished_at IS NULL)
    AND cursor IS NULL AND anew = :anew
""")
_ADD = text("""
INSERT INTO trait_build (id, names, anew, total)
SELECT :id, CAST(:names AS jsonb), :anew, count(*) FROM customer WHERE merged_into IS NULL
""")


def ask(connection: Connection, names: Collection[str], *, anew: bool = True) -> None:
    """Have these computed for everybody: together with others, if those have not begun."""
    given = {"names": orjson.dumps(sorted(names)).decode(), "anew": anew}
    if not connection.execute(_JOIN, given).rowcount:
        connection.execute(_ADD, {"id": uuid7(), **given})


_NEXT = text("""
SELECT id, names, anew, cursor, done, total FROM trait_build WHERE finished_at IS NULL
ORDER BY id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
""")


def take(connection: Connection) -> Build | None:
    """Return the build that is next to be carried on, kept from others until the end."""
    row = connection.execute(_NEXT).one_or_none()
    return None if row is None else _build(row)


_SOME = text("""
SELECT id FROM customer WHERE merged_into IS NULL AND (CAST(:after AS uuid) IS NULL OR id > :after)
ORDER BY id LIMIT :most
""")


def following(connection: Connection, build: Build, most: int) -> list[UUID]:
    """Return the customers who come next."""
    given = {"after": build.cursor, "most": most}
    return list(connection.execute(_SOME, given).scalars())


_REACH = text("UPDATE trait_build SET cursor = :cursor, done = done + :more WHERE id = :id")
_FINISH = text("UPDATE trait_build SET finished_at = now() WHERE id = :id")


def reach(connection: Connection, build: Build, cursor: UUID, more: int) -> None:
    """Note that the build has come this far."""
    connection.execute(_REACH, {"id": build.id, "cursor": cursor, "more": more})


def finish(connection: Connection, build: Build) -> None:
    """Note that everybody is done."""
    connection.execute(_FINISH, {"id": build.id})


_OPEN = text("""
SELECT id, names, anew, cursor, done, total FROM trait_build WHERE finished_at IS NULL ORDER BY id
""")


def unfinished(connection: Connection) -> Mapping[str, Build]:
    """Return the last build of each trait or score that is being computed for everybody."""
    rows = connection.execute(_OPEN).all()
    return {name: _build(row) for row in rows if row.anew for name in row.names}


def _build(row: Any) -> Build:
    return Build(
        id=row.id,
        names=frozenset(row.names),
        anew=row.anew,
        cursor=row.cursor,
        done=row.done,
        total=row.total,
    )
