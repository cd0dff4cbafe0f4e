"""What marketers set up: documents that processes remember."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Column, SmallInteger
from sqlmodel import Field, SQLModel

from engine.store.tables.columns import at_, big_, json_, text_


class WorkspaceRow(SQLModel, table=True):
    """The one row of the shop's settings.

    `revision` rises whenever a journey, segment, cap, template or setting changes, so that a
    process knows when what it remembers of them is old.
    """

    __tablename__ = "workspace"
    __table_args__ = (CheckConstraint("id = 1", name="one"),)
    id: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    settings: dict[str, Any] = json_()
    revision: int = big_(default="1")


class CapRow(SQLModel, table=True):
    """A frequency cap."""

    __tablename__ = "cap"
    id: str = text_(primary_key=True)
    rule: dict[str, Any] = json_()
    updated_at: datetime = at_(now=True)


class TemplateRow(SQLModel, table=True):
    """A template with its content per locale."""

    __tablename__ = "template"
    id: str = text_(primary_key=True)
    document: dict[str, Any] = json_()
    updated_at: datetime = at_(now=True)


class TopicRow(SQLModel, table=True):
    """What customers agree to get, or decline."""

    __tablename__ = "topic"
    id: str = text_(primary_key=True)
    document: dict[str, Any] = json_()
    updated_at: datetime = at_(now=True)


class SnippetRow(SQLModel, table=True):
    """A piece of content that templates share."""

    __tablename__ = "snippet"
    id: str = text_(primary_key=True)
    document: dict[str, Any] = json_()
    updated_at: datetime = at_(now=True)


class CouponPoolRow(SQLModel, table=True):
    """Where unique coupon codes come from: given ones, or a pattern to make them by."""

    __tablename__ = "coupon_pool"
    id: str = text_(primary_key=True)
    document: dict[str, Any] = json_()
    updated_at: datetime = at_(now=True)


class HookRow(SQLModel, table=True):
    """A web address of the shop's that is told of events."""

    __tablename__ = "hook"
    id: str = text_(primary_key=True)
    document: dict[str, Any] = json_()
    secret: str = text_()
    updated_at: datetime = at_(now=True)


class ActivityTypeRow(SQLModel, table=True):
    """A developer's activity, and when a worker last told of it."""

    __tablename__ = "activity_type"
    id: str = text_(primary_key=True)
    document: dict[str, Any] = json_()
    updated_at: datetime = at_(now=True)
    seen_at: datetime = at_(now=True)
