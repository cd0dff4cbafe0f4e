"""Who may use the product, and who changed what."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, Uuid
from sqlmodel import Field, SQLModel

from engine.store.tables.columns import at_, big_, json_, text_, uuid_


class ApiKeyRow(SQLModel, table=True):
    """A key that was shown once; only its SHA-256 is kept."""

    __tablename__ = "api_key"
    __table_args__ = (Index(None, "hash", unique=True),)
    id: UUID = uuid_(primary_key=True)
    role: str = text_()
    name: str = text_(default="")
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_at: datetime = at_(now=True)
    revoked_at: datetime | None = at_(null=True)


class AppUserRow(SQLModel, table=True):
    """Somebody who works with the pages. `email` is in lower case; without a password nobody can
    log in by it yet.
    """  # noqa: D205 - one sentence

    __tablename__ = "app_user"
    __table_args__ = (Index(None, "email", unique=True),)
    id: UUID = uuid_(primary_key=True)
    email: str = text_()
    name: str = text_(default="")
    role: str = text_()
    password_hash: str | None = text_(null=True)
    language: str | None = text_(null=True)
    created_at: datetime = at_(now=True)
    disabled_at: datetime | None = at_(null=True)
    last_login_at: datetime | None = at_(null=True)


class SessionRow(SQLModel, table=True):
    """A browser that has logged in; only the SHA-256 of its cookie is kept.

    Without a user it is the operator's, opened by the link that the command line prints. `browser`
    is what it calls itself, by which its owner knows it again.
    """

    __tablename__ = "session"
    __table_args__ = (
        Index(None, "hash", unique=True),
        Index(None, "user_id"),
        Index(None, "expires_at"),
    )
    id: UUID = uuid_(primary_key=True)
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    user_id: UUID | None = Field(
        sa_column=Column(Uuid, ForeignKey("app_user.id", ondelete="CASCADE"), nullable=True)
    )
    browser: str = text_(default="")
    created_at: datetime = at_(now=True)
    seen_at: datetime = at_(now=True)
    expires_at: datetime = at_()


class LoginAttemptRow(SQLModel, table=True):
    """How often somebody tried to log in, as this account or from that address, until when."""

    __tablename__ = "login_attempt"
    key: str = text_(primary_key=True)
    count: int = Field(sa_column=Column(Integer, nullable=False))
    until: datetime = at_()


class AuditRow(SQLModel, table=True):
    """A change: who changed what, from what to what. A trigger refuses to change or delete rows.

    `id` counts without gaps; `hash` is made from the hash before it and this row.
    """

    __tablename__ = "audit"
    __table_args__ = (Index(None, "kind", "thing_id"), Index(None, "actor"))
    id: int = big_(primary_key=True)
    at: datetime = at_()
    actor: str = text_()
    actor_name: str = text_()
    action: str = text_()
    kind: str = text_()
    thing_id: str = text_()
    before: dict[str, Any] | None = json_(null=True)
    after: dict[str, Any] | None = json_(null=True)
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
