"""Passwords: kept as argon2 hashes, and asked for no oftener than a person would type them."""

from functools import lru_cache
from hashlib import sha256
from typing import Final, Literal

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import Connection

from engine.store import attempts, users
from engine.store.session import Database
from engine.store.users import User

SHORTEST: Final = 12
LONGEST: Final = 200
"""Characters; hashing takes longer the more there are."""

MOST_PER_ACCOUNT: Final = 10
MOST_PER_ADDRESS: Final = 50
"""Attempts in a quarter of an hour, of one account and from one address; several people may share
an address."""

_HASHER: Final = PasswordHash((Argon2Hasher(),))


def hashed(password: str) -> str:
    """Return by what a password is kept."""
    return _HASHER.hash(password)


def is_fit(password: str) -> bool:
    """Whether a password is long enough, and not too long."""
    return SHORTEST <= len(password) <= LONGEST


def fits(password: str, kept: str | None) -> bool:
    """Whether a password is the one that is kept; takes as long when none is."""
    right = _HASHER.verify(password[: LONGEST + 1], kept or _nobodys())
    return right and kept is not None


def check(
    database: Database, email: str, password: str, address: str
) -> User | Literal["wrong", "too often"]:
    """Return who this is, if the password is hers.

    Attempts are counted before anything else, by the database: when that does not answer, nobody
    gets in. An address that nobody has takes as long and is answered like a wrong password.
    """
    named = email.strip().lower()
    account = f"account:{sha256(named.encode()).hexdigest()}"

    def count(connection: Connection) -> bool:
        tried, from_there = attempts.counted(connection, (account, f"address:{address}"))
        return tried <= MOST_PER_ACCOUNT and from_there <= MOST_PER_ADDRESS

    if not database.transact(count):
        return "too often"
    with database.read() as connection:
        user = users.by_email(connection, named)
    if not fits(password, user.password_hash if user else None):
        return "wrong"
    if user is None or user.disabled_at is not None:
        return "wrong"
    database.transact(lambda connection: attempts.forget(connection, account))
    return user


@lru_cache(maxsize=1)
def _nobodys() -> str:
    return _HASHER.hash("nobody has this password")
