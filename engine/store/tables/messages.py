"""Messages, and what goes out beside them.

A message's row is found by its id, which is made from (run, step, visit).
"""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Index, Integer, Numeric, Text, text
from sqlmodel import Field, SQLModel

from engine.store.tables.columns import at_, big_, json_, text_, uuid_


class MessageRow(SQLModel, table=True):
    """One message, whatever became of it. State: decided, deferred, claimed, then a result.

    `on_full` and `hours` are what its step says about caps and the time of day. `settling` is how
    its provider lets an unknown outcome be settled: repeat, ask or class. `segments` and `cost`
    are an SMS's. The instants from `delivered_at` on are people's, not machines'. `resumed_at` is
    when the end of a pause let it go: how long it is put off at most counts from then.
    """

    __tablename__ = "message"
    __table_args__ = (
        Index(None, "customer_id", "claimed_at"),
        Index(None, "run_id"),
        Index(None, "decided_at", "id"),
        Index(
            "ix_message_counted",
            "journey_id",
            "step",
            "decided_at",
            postgresql_include=["state", "opened_at", "clicked_at"],
        ),
        Index("ix_message_waiting", "customer_id", postgresql_where=text("state = 'deferred'")),
        Index(
            "ix_message_provider_id",
            "provider_id",
            postgresql_where=text("provider_id IS NOT NULL"),
        ),
        Index("ix_message_opened", "opened_at", postgresql_where=text("opened_at IS NOT NULL")),
        Index("ix_message_claimed", "claimed_at", postgresql_using="brin"),
        Index("ix_message_outbox", "sent_at", "id", postgresql_where=text("provider = 'outbox'")),
        {"postgresql_with": {"fillfactor": "70"}},
    )
    id: UUID = uuid_(primary_key=True)
    customer_id: UUID = uuid_()
    run_id: UUID = uuid_()
    journey_id: str = text_()
    version: int = Field(sa_column=Column(Integer, nullable=False))
    step: str = text_()
    visit: int = Field(sa_column=Column(Integer, nullable=False))
    variant: str | None = text_(null=True)
    channel: str = text_()
    class_: str = Field(sa_column=Column("class", Text, nullable=False))
    topic: str | None = text_(null=True)
    priority: int = Field(sa_column=Column(Integer, nullable=False))
    template: str = text_()
    state: str = text_()
    reason: str | None = text_(null=True)
    rule: str | None = text_(null=True)
    decided_at: datetime = at_()
    deferred_until: datetime | None = at_(null=True)
    claimed_at: datetime | None = at_(null=True)
    claim_seq: int | None = big_(null=True)
    unknowns: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))
    token: UUID | None = uuid_(null=True)
    lease_until: datetime | None = at_(null=True)
    sent_at: datetime | None = at_(null=True)
    provider: str | None = text_(null=True)
    provider_id: str | None = text_(null=True)
    to: str | None = text_(null=True)
    subject: str | None = text_(null=True)
    body: str | None = text_(null=True)
    body_text: str | None = text_(null=True)
    offer: str | None = text_(null=True)
    on_full: str | None = text_(null=True)
    hours: str | None = text_(null=True)
    first_deferred_at: datetime | None = at_(null=True)
    settling: str | None = text_(null=True)
    segments: int | None = Field(sa_column=Column(Integer, nullable=True))
    cost: Decimal | None = Field(sa_column=Column(Numeric, nullable=True))
    delivered_at: datetime | None = at_(null=True)
    opened_at: datetime | None = at_(null=True)
    clicked_at: datetime | None = at_(null=True)
    replied_at: datetime | None = at_(null=True)
    bounced_at: datetime | None = at_(null=True)
    complained_at: datetime | None = at_(null=True)
    unsubscribed_at: datetime | None = at_(null=True)
    resumed_at: datetime | None = at_(null=True)


class MessageTransitionRow(SQLModel, table=True):
    """Each change of a message's state; append-only, so that all claims can be checked from it.

    A claim, a deferral and a move to another channel, which leaves the state as it is, record the
    channel and the customer's zone.
    """

    __tablename__ = "message_transition"
    __table_args__ = (
        Index(None, "customer_id", "at"),
        Index("ix_message_transition_stopped", "at",
              postgresql_where=text("\"to\" IN ('deferred', 'skipped')")),
    )  # fmt: skip
    message_id: UUID = uuid_(primary_key=True)
    seq: int = big_(primary_key=True)
    customer_id: UUID = uuid_()
    at: datetime = at_()
    from_: str | None = Field(sa_column=Column("from", Text, nullable=True))
    to: str = text_()
    reason: str | None = text_(null=True)
    rule: str | None = text_(null=True)
    channel: str | None = text_(null=True)
    zone: str | None = text_(null=True)


class CouponCodeRow(SQLModel, table=True):
    """A coupon's code, and the message that gave it to somebody."""

    __tablename__ = "coupon_code"
    __table_args__ = (
        Index("ix_coupon_code_message", "pool", "message_id", unique=True,
              postgresql_where=text("message_id IS NOT NULL")),
        Index("ix_coupon_code_free", "pool", "code", postgresql_where=text("message_id IS NULL")),
    )  # fmt: skip
    pool: str = text_(primary_key=True)
    code: str = text_(primary_key=True)
    message_id: UUID | None = uuid_(null=True)
    customer_id: UUID | None = uuid_(null=True)
    given_at: datetime | None = at_(null=True)


class HookDeliveryRow(SQLModel, table=True):
    """What a web address is told, until it has taken it or is given up on."""

    __tablename__ = "hook_delivery"
    __table_args__ = (
        Index("ix_hook_delivery_due", "hook_id", "due_at",
              postgresql_where=text("ended_at IS NULL")),
        Index(None, "hook_id", "created_at"),
    )  # fmt: skip
    id: UUID = uuid_(primary_key=True)
    hook_id: str = text_()
    event: str = text_()
    body: dict[str, Any] = json_()
    created_at: datetime = at_(now=True)
    due_at: datetime | None = at_(now=True, null=True)
    attempts: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))
    ended_at: datetime | None = at_(null=True)
    status: int | None = Field(sa_column=Column(Integer, nullable=True))
    problem: str | None = text_(null=True)
