"""Writing many rows of several tables in one statement, because round trips are what costs."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import Connection, Table, TextClause, text

Rows = Sequence[Mapping[str, Any]]
"""Rows by column name; those of one table have the same columns."""

_AGAIN = {
    "customer_rollup": "ON CONFLICT (customer_id) DO UPDATE SET states = excluded.states",
    "membership": "ON CONFLICT (customer_id, segment_id) DO UPDATE SET inside = excluded.inside, "
    "since = excluded.since, next_change_at = excluded.next_change_at",
    "wake": "ON CONFLICT (run_id) DO UPDATE SET revision = greatest(wake.revision, excluded.revision)",
}
"""What an insert does where a row is there already; elsewhere that is an error."""


def write(
    connection: Connection, inserts: Mapping[Table, Rows], updates: Mapping[Table, Rows]
) -> None:
    """Insert rows, and update rows by their `id`, all at once."""
    shape: list[tuple[str, str, tuple[str, ...]]] = []
    parameters: dict[str, str] = {}
    for verb, tables in (("insert", inserts), ("update", updates)):
        for table, rows in tables.items():
            if rows:
                parameters[f"p{len(shape)}"] = orjson.dumps(rows, default=str).decode()
                shape.append((verb, table.name, tuple(rows[0])))
    if shape:
        connection.execute(_statement(tuple(shape)), parameters)


@lru_cache(maxsize=500)
def _statement(shape: tuple[tuple[str, str, tuple[str, ...]], ...]) -> TextClause:
    parts = [_part(n, *part) for n, part in enumerate(shape)]
    return text("WITH " + ",\n".join(parts) + "\nSELECT 1")


def _part(n: int, verb: str, table: str, columns: tuple[str, ...]) -> str:
    rows = f"json_populate_recordset(NULL::{table}, CAST(:p{n} AS json))"
    if verb == "insert":
        names = ", ".join(f'"{column}"' for column in columns)
        again = _AGAIN.get(table, "")
        return f"w{n} AS (INSERT INTO {table} ({names}) SELECT {names} FROM {rows} {again})"  # noqa: S608
    changed = ", ".join(f'"{column}" = n."{column}"' for column in columns if column != "id")
    return f"w{n} AS (UPDATE {table} SET {changed} FROM {rows} AS n WHERE {table}.id = n.id)"  # noqa: S608
