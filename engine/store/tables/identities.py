"""Who is who: customers that turned out to be one, and pairs that may be."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, Integer, text
from sqlmodel import Column, Field, SQLModel

from engine.store.tables.columns import at_, json_, text_, uuid_


class MergeRow(SQLModel, table=True):
    """Two customers who became one, and what is needed to make them two again.

    `before` holds both as they were, `after` the kept one as she then was. `how` is a person's
    decision or an alias call.
    """

    __tablename__ = "merge"
    __table_args__ = (
        Index(None, "at", "id"),
        Index(None, "kept"),
        Index("ix_merge_merged", "merged", unique=True, postgresql_where=text("undone_at IS NULL")),
    )
    id: UUID = uuid_(primary_key=True)
    kept: UUID = uuid_()
    merged: UUID = uuid_()
    at: datetime = at_()
    actor: str = text_()
    actor_name: str = text_()
    how: str = text_()
    before: dict[str, Any] = json_()
    after: dict[str, Any] = json_()
    undone_at: datetime | None = at_(null=True)
    undone_by: str | None = text_(null=True)


class SuggestionRow(SQLModel, table=True):
    """Two customers who may be one; `first` has the smaller id.

    `reasons` says by what. State: open, later, different (they are two people), merged.
    `through` is who brought it with her when she was merged into one of the two.
    """

    __tablename__ = "suggestion"
    __table_args__ = (
        Index("ix_suggestion_state", "state", text("strength DESC"), "found_at", "first"),
        Index(None, "second"),
        Index("ix_suggestion_through", "through", postgresql_where=text("through IS NOT NULL")),
    )
    first: UUID = uuid_(primary_key=True)
    second: UUID = uuid_(primary_key=True)
    reasons: list[str] = json_(default="[]")
    strength: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))
    state: str = text_(default="open")
    found_at: datetime = at_(now=True)
    decided_at: datetime | None = at_(null=True)
    decided_by: str | None = text_(null=True)
    through: UUID | None = uuid_(null=True)


class DuplicatePassRow(SQLModel, table=True):
    """How far the search for duplicates has come among emails, phones or names, and when it rests."""

    __tablename__ = "duplicate_pass"
    kind: str = text_(primary_key=True)
    after: str = text_(default="")
    due_at: datetime = at_(now=True)
