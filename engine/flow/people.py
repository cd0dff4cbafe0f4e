"""People who work with the pages: invited, changed, disabled, and let in."""

from collections.abc import Callable
from typing import Final, NoReturn
from uuid import UUID

from sqlalchemy import Connection, func
from uuid_utils.compat import uuid7

from engine.errors import Conflict, InvalidInput
from engine.flow.audited import audited
from engine.model.actor import Actor
from engine.model.addresses import email_address
from engine.store import audit, documents, sessions, users
from engine.store.keys import Role
from engine.store.session import Database
from engine.store.users import PEOPLE_ROLES, User

LONGEST_NAME: Final = 200


class LastAdministrator(Conflict):
    """Nobody would be left to let others in."""


class Taken(Conflict):
    """Somebody has this address already."""


class NoEntry(Conflict):
    """The link was used, is too old for what happened since, or its person is disabled."""


def role_of(named: str) -> Role:
    """Return a role that people can have, or raise `InvalidInput`."""
    role = next((one for one in PEOPLE_ROLES if one == named), None)
    if role is None:
        raise InvalidInput(f"{named!r} is no role of people; theirs are {', '.join(PEOPLE_ROLES)}.")
    return role


def invite(database: Database, email: str, name: str, role: str, *, actor: Actor) -> User:
    """Add somebody, who sets a password by a link.

    Raises `InvalidInput` for what is no address or no role, `Taken` for an address that is known.
    """
    address, known = email_address(email).lower(), role_of(role)

    def work(connection: Connection) -> User:
        documents.one_at_a_time(connection)
        if users.by_email(connection, address) is not None:
            raise Taken(f"{address} has been invited already.")
        id_ = uuid7()
        with audited(connection, actor, "invite", "user", str(id_)):
            users.put_new(connection, id_, address, name.strip()[:LONGEST_NAME], known)
        return users.one(connection, id_)

    return database.transact(work)


def change_role(database: Database, user: UUID, role: str, *, actor: Actor) -> User:
    """Give somebody another role; whoever is logged in as her has to do so again."""
    known = role_of(role)

    def change(connection: Connection, before: User) -> None:
        if known != "administrator":
            _keep_one(connection, before)
        users.change(connection, user, role=known)
        if known != before.role:
            sessions.end_all(connection, user)

    return _changed(database, user, "change role", change, actor)


def disable(database: Database, user: UUID, *, actor: Actor) -> User:
    """Let somebody in no more, and end what she has open."""

    def change(connection: Connection, before: User) -> None:
        _keep_one(connection, before)
        users.change(connection, user, disabled_at=func.coalesce(before.disabled_at, func.now()))
        sessions.end_all(connection, user)

    return _changed(database, user, "disable", change, actor)


def enable(database: Database, user: UUID, *, actor: Actor) -> User:
    """Let somebody in again, with the password of before."""

    def change(connection: Connection, before: User) -> None:
        users.change(connection, user, disabled_at=None)

    return _changed(database, user, "enable", change, actor)


def describe(
    database: Database, user: UUID, name: str, language: str | None, *, actor: Actor
) -> User:
    """Change what somebody is called, and how the pages speak to her."""

    def change(connection: Connection, before: User) -> None:
        users.change(connection, user, name=name.strip()[:LONGEST_NAME], language=language)

    return _changed(database, user, "change account", change, actor)


def set_password(
    database: Database, user: UUID, password_hash: str, allowed: Callable[[User], bool]
) -> User:
    """Keep somebody's new password, given by herself, and end what she has open.

    `allowed` says whether what she came with still holds, for her as she is kept now; if not, or
    when she is disabled, raises `NoEntry`.
    """

    def work(connection: Connection) -> User:
        documents.one_at_a_time(connection)
        before = users.one(connection, user, lock=True)
        if before.disabled_at is not None or not allowed(before):
            _refuse()
        users.change(connection, user, password_hash=password_hash)
        sessions.end_all(connection, user)
        herself = Actor(str(user), before.called)
        shown = users.recorded(connection, user)  # the same before and after: no password is
        audit.add(connection, herself, "set password", "user", str(user), shown, shown)
        return users.one(connection, user)

    return database.transact(work)


def _refuse() -> NoReturn:
    raise NoEntry("This can no longer be used.")


def _keep_one(connection: Connection, user: User) -> None:
    if users.administrators(connection) == {user.id}:
        raise LastAdministrator(
            f"{user.called} is the last administrator: give somebody else that role first."
        )


def _changed(
    database: Database,
    user: UUID,
    action: str,
    change: Callable[[Connection, User], None],
    actor: Actor,
) -> User:
    def work(connection: Connection) -> User:
        with audited(connection, actor, action, "user", str(user)):
            change(connection, users.one(connection, user, lock=True))
        return users.one(connection, user)

    return database.transact(work)
