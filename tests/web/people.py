"""People of each role who are logged in, made straight in the database."""

from datetime import timedelta
from secrets import token_urlsafe
from typing import Any
from uuid import UUID

from sqlalchemy import Connection
from uuid_utils.compat import uuid7

from engine.store import sessions, users
from engine.store.keys import Role
from engine.store.session import Database


def somebody(database: Database, role: Role, password_hash: str | None = None) -> UUID:
    """Add somebody and return her id; her address is `{id}@shop.example`."""
    id_ = uuid7()

    def work(connection: Connection) -> None:
        users.put_new(connection, id_, f"{id_}@shop.example", "", role)
        users.change(connection, id_, password_hash=password_hash)

    database.transact(work)
    return id_


def log_in(client: Any, database: Database, user: UUID | None) -> str:
    """Give a browser a session of a user, or of the operator; return a token for its forms."""
    token = token_urlsafe(32)
    database.transact(
        lambda connection: sessions.open_(connection, token, user, "Firefox/9 Linux",
                                          timedelta(hours=1))
    )  # fmt: skip
    client.cookies.clear()
    client.cookies.set("parcours_session", token)
    kept = client.app.state.sessions
    return str(kept.form_token(kept.find(token)))
