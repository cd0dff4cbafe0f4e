"""People who work with the pages, as they are kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from engine.errors import NotFound
from engine.store import tables
from engine.store.keys import ROLES, Role

PEOPLE_ROLES: Final[tuple[Role, ...]] = tuple(
    role for role in ROLES if role not in {"source", "worker"}
)
"""The roles that people can have; `source` is for programs alone."""

_U = tables.app_user.c


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody who works with the pages."""

    id: UUID
    email: str
    name: str
    role: Role
    language: str | None
    created_at: datetime
    disabled_at: datetime | None
    last_login_at: datetime | None
    password_hash: str | None = field(repr=False)

    @property
    def called(self) -> str:
        """What to call them."""
        return self.name or self.email


def put_new(connection: Connection, user: UUID, email: str, name: str, role: Role) -> None:
    """Add somebody who has no password yet."""
    connection.execute(insert(tables.app_user).values(id=user, email=email, name=name, role=role))


def change(connection: Connection, user: UUID, **values: Any) -> None:
    """Change somebody's row."""
    connection.execute(update(tables.app_user).where(_U.id == user).values(**values))


def logged_in(connection: Connection, user: UUID) -> None:
    """Note that somebody has logged in now."""
    change(connection, user, last_login_at=func.now())


def one(connection: Connection, user: UUID, *, lock: bool = False) -> User:
    """Return somebody, or raise `NotFound`; with `lock`, nobody else changes the row meanwhile."""
    found = _found(connection, _U.id == user, lock=lock)
    if found is None:
        raise NotFound(f"There is no person {user}.")
    return found


def by_email(connection: Connection, email: str) -> User | None:
    """Return who has this address, written in lower case."""
    return _found(connection, _U.email == email)


def every(connection: Connection) -> list[User]:
    """Return everybody by name; those who are disabled last."""
    rows = connection.execute(select(tables.app_user)).mappings()
    return sorted(
        map(_user, rows),
        key=lambda user: (user.disabled_at is not None, user.called.casefold(), user.email),
    )


def administrators(connection: Connection) -> set[UUID]:
    """Return the administrators who are not disabled."""
    query = select(_U.id).where(_U.role == "administrator", _U.disabled_at.is_(None))
    return set(connection.execute(query).scalars())


def recorded(connection: Connection, user: UUID) -> dict[str, Any]:
    """Return what the record of changes shows of somebody: no password."""
    found = one(connection, user)
    return {
        "email": found.email,
        "name": found.name,
        "role": found.role,
        "language": found.language,
        "disabled": found.disabled_at is not None,
    }


def _found(
    connection: Connection, which: ColumnElement[bool], *, lock: bool = False
) -> User | None:
    query = select(tables.app_user).where(which)
    row = connection.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    return None if row is None else _user(row)


def _user(row: Mapping[Any, Any]) -> User:
    values = dict(row)
    return User(**{**values, "role": cast("Role", values["role"])})
