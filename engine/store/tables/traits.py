"""What is computed of customers: the definitions, what is kept of each customer, what is to be done."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Column, ForeignKey, Index, Uuid, text
from sqlmodel import Field, SQLModel

from engine.store.tables.columns import at_, big_, json_, text_, uuid_


class TraitRow(SQLModel, table=True):
    """A computed trait's definition."""

    __tablename__ = "trait"
    id: str = text_(primary_key=True)
    document: dict[str, Any] = json_()
    updated_at: datetime = at_(now=True)


class ScoreRow(SQLModel, table=True):
    """A score's definition, and the numbers that customers' due times keep an eye on."""

    __tablename__ = "score"
    id: str = text_(primary_key=True)
    document: dict[str, Any] = json_()
    updated_at: datetime = at_(now=True)
    watched: list[float] = json_(default="[]")


class CustomerRollupRow(SQLModel, table=True):
    """What her events come to so far, by trait: the definition's version, a state, when it is due.

    Beside her row, which every decision reads; this is read when an event concerns a trait. What is
    missing or by another version is computed anew from her events.
    """

    __tablename__ = "customer_rollup"
    __table_args__ = {"postgresql_with": {"fillfactor": "70"}}
    customer_id: UUID = Field(
        sa_column=Column(Uuid, ForeignKey("customer.id", ondelete="CASCADE"), primary_key=True)
    )
    states: dict[str, Any] = json_(default="{}")


class TraitStaleRow(SQLModel, table=True):
    """A customer whose history has grown in bulk: everything of hers is to be computed anew."""

    __tablename__ = "trait_stale"
    customer_id: UUID = Field(
        sa_column=Column(Uuid, ForeignKey("customer.id", ondelete="CASCADE"), primary_key=True)
    )
    at: datetime = at_(now=True)


class TraitBuildRow(SQLModel, table=True):
    """Traits and scores that are computed for everybody, in the order of the customers' ids.

    `cursor` is the last customer that is `done`, of `total`. Not `anew`, only the times are planned
    at which somebody has to look again.
    """

    __tablename__ = "trait_build"
    __table_args__ = (
        Index("ix_trait_build_open", "id", postgresql_where=text("finished_at IS NULL")),
    )
    id: UUID = uuid_(primary_key=True)
    names: list[str] = json_()
    anew: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=text("true")))
    cursor: UUID | None = uuid_(null=True)
    done: int = big_(default="0")
    total: int = big_(default="0")
    asked_at: datetime = at_(now=True)
    finished_at: datetime | None = at_(null=True)
