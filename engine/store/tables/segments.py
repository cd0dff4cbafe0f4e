"""Segments, and who is in them."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Column, Date, ForeignKey, Index, Integer, Numeric, Text, text
from sqlmodel import Field, SQLModel

from engine.store.tables.columns import at_, big_, json_, text_, uuid_


class SegmentRow(SQLModel, table=True):
    """A named rule. State: ready, or building while everybody is looked at.

    `build` rises whenever everybody has to be looked at anew; `staged` is the build whose rows are
    in `membership_stage`, of which `applied` of `total` are done.
    """

    __tablename__ = "segment"
    id: str = text_(primary_key=True)
    name: str = text_()
    rule: dict[str, Any] = json_()
    updated_at: datetime = at_(now=True)
    state: str = text_(default="building")
    build: int = big_(default="1")
    staged: int = big_(default="0")
    total: int = big_(default="0")
    applied: int = big_(default="0")
    built_at: datetime | None = at_(null=True)


class MembershipRow(SQLModel, table=True):
    """Whether a customer is in a segment, since when, and when time alone may change that.

    Without a row she is not, and only something that happens can change it. No foreign key leads to
    the segment: each write would lock its row.
    """

    __tablename__ = "membership"
    __table_args__ = (
        Index("ix_membership_inside", "segment_id", "customer_id", postgresql_where=text("inside")),
        Index("ix_membership_due", "next_change_at",
              postgresql_where=text("next_change_at IS NOT NULL")),
        {"postgresql_with": {"fillfactor": "70"}},
    )  # fmt: skip
    customer_id: UUID = uuid_(primary_key=True)
    segment_id: str = text_(primary_key=True)
    inside: bool = Field(sa_column=Column(Boolean, nullable=False))
    since: datetime = at_()
    next_change_at: datetime | None = at_(null=True)


class MembershipStageRow(SQLModel, table=True):
    """What a build found of a customer when her counter stood at `seq`, not applied yet."""

    __tablename__ = "membership_stage"
    segment_id: str = Field(
        sa_column=Column(Text, ForeignKey("segment.id", ondelete="CASCADE"), primary_key=True)
    )
    customer_id: UUID = uuid_(primary_key=True)
    seq: int = big_()
    inside: bool = Field(sa_column=Column(Boolean, nullable=False))
    next_change_at: datetime | None = at_(null=True)


class SegmentSizeRow(SQLModel, table=True):
    """How many customers were in a segment, at the last look of a day (UTC)."""

    __tablename__ = "segment_size"
    segment_id: str = Field(
        sa_column=Column(Text, ForeignKey("segment.id", ondelete="CASCADE"), primary_key=True)
    )
    day: date = Field(sa_column=Column(Date, primary_key=True))
    size: int = big_()


class ThresholdRow(SQLModel, table=True):
    """The value of a trait from which a customer is among the `top` percent of those who have one.

    Frozen once a day, because it moves when others buy.
    """

    __tablename__ = "threshold"
    trait: str = text_(primary_key=True)
    top: Any = Field(sa_column=Column(Numeric, primary_key=True))
    value: Any = Field(sa_column=Column(Numeric, nullable=True))
    customers: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))
    frozen_at: datetime = at_(now=True)
