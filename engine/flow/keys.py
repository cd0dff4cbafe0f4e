"""Keys for programs: made and revoked, and the record told of it."""

from uuid import UUID

from sqlalchemy import Connection

from engine.flow.audited import audited, look
from engine.model.actor import Actor
from engine.store import audit, documents, keys
from engine.store.keys import NewKey
from engine.store.session import Database


def create(database: Database, role: str, name: str, *, actor: Actor) -> NewKey:
    """Make a key of this role."""

    def work(connection: Connection) -> NewKey:
        documents.one_at_a_time(connection)
        made = keys.create(connection, role, name)
        after = look(connection, "key", str(made.id))
        audit.add(connection, actor, "make", "key", str(made.id), None, after)
        return made

    return database.transact(work)


def revoke(database: Database, key: UUID, *, actor: Actor) -> None:
    """Make a key worthless, for good."""

    def work(connection: Connection) -> None:
        with audited(connection, actor, "revoke", "key", str(key)):
            keys.revoke(connection, key)

    database.transact(work)
