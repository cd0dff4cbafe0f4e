"""Pieces of content that templates share, as they are kept."""

from sqlalchemy import Connection, func, select

from engine.model.snippet import Snippet
from engine.store import tables
from engine.store.documents import upsert


def put(connection: Connection, snippet: Snippet) -> bool:
    """Create or replace a snippet; return whether it is new."""
    values = {"document": snippet.document(), "updated_at": func.now()}
    return upsert(connection, tables.snippet, snippet.id, values)


def every(connection: Connection) -> dict[str, Snippet]:
    """Return every snippet by its id."""
    rows = connection.execute(select(tables.snippet.c.document)).scalars()
    return {snippet.id: snippet for snippet in map(Snippet.model_validate, rows)}
