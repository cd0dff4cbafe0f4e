"""Browsers that have logged in, as they are kept: by the hash of their cookie's token."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, delete, func, insert, select, text, update
from uuid_utils.compat import uuid7

from engine.store import tables
from engine.store.keys import Role

_S = tables.session.c

SEEN_EVERY: Final = timedelta(minutes=1)
"""How exactly it is known when a session was last used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A session and whose it is; without a user it is the operator's, an administrator."""

    id: UUID
    user: UUID | None
    name: str
    role: Role
    language: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A session as its owner sees it."""

    id: UUID
    browser: str
    created_at: datetime
    seen_at: datetime


def open_(
    connection: Connection, token: str, user: UUID | None, browser: str, life: timedelta
) -> UUID:
    """Keep a new session; forget those that have run out."""
    connection.execute(delete(tables.session).where(_S.expires_at < func.now()))
    id_ = uuid7()
    connection.execute(
        insert(tables.session).values(
            id=id_,
            hash=hashed(token),
            user_id=user,
            browser=browser,
            expires_at=func.now() + life,
        )
    )
    return id_


_FIND: Final = text("""
    SELECT s.id, s.user_id AS "user", u.role, u.language,
           coalesce(nullif(u.name, ''), u.email) AS name, s.seen_at < now() - :every AS stale
    FROM session s LEFT JOIN app_user u ON u.id = s.user_id
    WHERE s.hash = :hash AND s.expires_at > now() AND u.disabled_at IS NULL
""")


def find(connection: Connection, token: str) -> tuple[Login, bool] | None:
    """Return the session of a token, and whether it should be noted as used; None when it is over."""
    row = connection.execute(_FIND, {"hash": hashed(token), "every": SEEN_EVERY}).one_or_none()
    if row is None:
        return None
    login = Login(
        id=row.id,
        user=row.user,
        name=row.name or "",
        role=row.role if row.user is not None else "administrator",
        language=row.language,
    )
    return login, row.stale


def seen(connection: Connection, session: UUID) -> None:
    """Note that a session is used now."""
    connection.execute(update(tables.session).where(_S.id == session).values(seen_at=func.now()))


def of(connection: Connection, user: UUID | None) -> list[Listed]:
    """List somebody's sessions, the last used first."""
    query = (
        select(_S.id, _S.browser, _S.created_at, _S.seen_at)
        .where(_S.user_id.is_not_distinct_from(user), _S.expires_at > func.now())
        .order_by(_S.seen_at.desc(), _S.id.desc())
    )
    return [Listed(**row) for row in connection.execute(query).mappings()]


def end(connection: Connection, session: UUID, *, user: UUID | None) -> bool:
    """End a session of this user; return whether there was one."""
    done = connection.execute(
        delete(tables.session).where(_S.id == session, _S.user_id.is_not_distinct_from(user))
    )
    return bool(done.rowcount)


def end_all(connection: Connection, user: UUID, *, but: Iterable[UUID] = ()) -> None:
    """End all sessions of a user."""
    connection.execute(delete(tables.session).where(_S.user_id == user, _S.id.not_in(list(but))))


def hashed(token: str) -> bytes:
    """Return by what a token is kept: it has 256 random bits, so that a plain hash will do."""
    return hashlib.sha256(token.encode()).digest()
