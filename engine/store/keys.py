"""API keys: made once, shown once, kept as a hash."""

import hashlib
import secrets
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, get_args
from uuid import UUID

from sqlalchemy import Connection, func, insert, select, update
from uuid_utils.compat import uuid7

from engine.errors import InvalidInput, NotFound
from engine.store import tables
from engine.store.session import Database

Role = Literal[
    "source", "viewer", "staff", "marketer", "publisher", "steward", "administrator", "worker"
]
"""What a key is for; `source` is a Segment write key, `worker` carries out activities."""

ROLES: Final[tuple[Role, ...]] = get_args(Role)

PREFIX: Final = "pk_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key as it is known after it was shown: without its secret."""

    id: UUID
    role: Role
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key at its making: the only time that its secret is seen."""

    id: UUID
    role: Role
    name: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A key in the list of all."""

    id: UUID
    role: Role
    name: str
    created_at: datetime
    revoked_at: datetime | None


_K = tables.api_key.c


def create(connection: Connection, role: str, name: str = "") -> NewKey:
    """Make a key of this role."""
    known = next((one for one in ROLES if one == role), None)
    if known is None:
        raise InvalidInput(f"{role!r} is no role; the roles are {', '.join(ROLES)}.")
    key = NewKey(id=uuid7(), role=known, name=name, secret=PREFIX + secrets.token_urlsafe(32))
    connection.execute(
        insert(tables.api_key).values(
            id=key.id, role=key.role, name=key.name, hash=_hash(key.secret)
        )
    )
    return key


def revoke(connection: Connection, key_id: UUID) -> None:
    """Make a key worthless, for good."""
    done = connection.execute(
        update(tables.api_key)
        .where(tables.api_key.c.id == key_id, tables.api_key.c.revoked_at.is_(None))
        .values(revoked_at=func.now())
    )
    if not done.rowcount:
        raise NotFound(f"There is no key {key_id}.")


def every(connection: Connection) -> list[Listed]:
    """Return every key, without its secret: those that open something first, then the newest."""
    query = select(_K.id, _K.role, _K.name, _K.created_at, _K.revoked_at)
    rows = connection.execute(query.order_by(_K.revoked_at.desc().nulls_first(), _K.id.desc()))
    return [Listed(**row) for row in rows.mappings()]


def recorded(connection: Connection, key_id: UUID) -> dict[str, Any]:
    """Return what the record of changes shows of a key: no secret."""
    query = select(_K.role, _K.name, _K.revoked_at.is_not(None).label("revoked"))
    row = connection.execute(query.where(_K.id == key_id)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"There is no key {key_id}.")
    return dict(row)


def find(connection: Connection, secret: str) -> Key | None:
    """Return the key with this secret, unless it was revoked."""
    row = connection.execute(
        select(tables.api_key.c.id, tables.api_key.c.role, tables.api_key.c.name).where(
            tables.api_key.c.hash == _hash(secret), tables.api_key.c.revoked_at.is_(None)
        )
    ).one_or_none()
    return None if row is None else Key(id=row.id, role=row.role, name=row.name)


class KeyRing:
    """Finds keys, and remembers those it found for a few seconds.

    A revoked key therefore still opens for `remembered` seconds. Unknown secrets are not
    remembered: a key works from the moment it is made, and guesses fill no memory.
    """

    def __init__(self, *, remembered: float = 5.0) -> None:
        self._remembered = remembered
        self._found: dict[bytes, tuple[float, Key]] = {}

    def find(self, database: Database, secret: str) -> Key | None:
        """Return the key with this secret; safe to call from several threads."""
        if not secret.startswith(PREFIX):
            return None
        if (known := self.remembered(secret)) is not None:
            return known
        hashed = _hash(secret)
        with database.read() as connection:
            key = find(connection, secret)
        if key is None:
            self._found.pop(hashed, None)
        else:
            self._found[hashed] = (time.monotonic() + self._remembered, key)
        return key

    def remembered(self, secret: str) -> Key | None:
        """Return the key if it was found a moment ago, without asking the database."""
        until, key = self._found.get(_hash(secret), (0.0, None))
        return key if until > time.monotonic() else None


def _hash(secret: str) -> bytes:
    # The secret has 256 random bits: a plain hash is as hard to turn back as a slow one.
    return hashlib.sha256(secret.encode()).digest()
