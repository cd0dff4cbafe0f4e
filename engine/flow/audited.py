"""Changes that are written into the record of changes, in the same transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Connection

from engine.errors import NotFound
from engine.model.actor import Actor
from engine.model.differing import differing
from engine.store import audit, documents, hooks, imports, keys, users
from engine.store.documents import Kind

Thing = Kind | Literal["workspace", "hook", "user", "key", "import"]
"""What can be changed."""

WORKSPACE = "workspace"
"""The one workspace's id."""


@contextmanager
def audited(
    connection: Connection, actor: Actor, action: str, kind: Thing, thing: str
) -> Iterator[None]:
    """Record what the block changes of a thing; nothing, when it leaves it as it was.

    From here on the transaction is the only one that changes what can be changed.
    """
    documents.one_at_a_time(connection)
    before = look(connection, kind, thing)
    yield
    record(connection, actor, action, kind, thing, before, look(connection, kind, thing))


def record(
    connection: Connection,
    actor: Actor,
    action: str,
    kind: Thing,
    thing: str,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
) -> None:
    """Record a change from `before` to `after`, if it is one.

    The transaction is the only one that changes what can be changed (`documents.one_at_a_time`).
    Of a journey, which can be large, only what differs is kept.
    """
    if before == after:
        return
    if kind == "journey" and before is not None and after is not None:
        before, after = differing(before, after)
    audit.add(connection, actor, action, kind, thing, before, after)


def look(connection: Connection, kind: Thing, thing: str) -> dict[str, Any] | None:
    """Return a thing as the record shows it, without secrets; None when it is not there.

    Of a journey, the comments of its text are left out: they change nothing.
    """
    try:
        match kind:
            case "journey":
                stored = documents.journey(connection, thing)
                return {"state": stored.state, "version": stored.version, "draft": stored.draft}
            case "workspace":
                return documents.workspace(connection).document()
            case "hook":
                return hooks.get(connection, thing)
            case "user":
                return users.recorded(connection, UUID(thing))
            case "key":
                return keys.recorded(connection, UUID(thing))
            case "import":
                return imports.recorded(connection, UUID(thing))
            case _:
                return documents.get(connection, kind, thing)
    except NotFound:
        return None
