"""Customers: who they are, what they did, and what they agreed to.

Uniqueness across time lives in a small table (`event_key`), so that `event` is partitioned by
month.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, ForeignKey, Index, Uuid, text
from sqlmodel import Field, SQLModel

from engine.store.tables.columns import at_, big_, json_, text_, uuid_

NAME = (
    "lower(coalesce(traits ->> 'name', coalesce(traits ->> 'first_name', traits ->> 'firstName') "
    "|| ' ' || coalesce(traits ->> 'last_name', traits ->> 'lastName')))"
)
"""A customer's whole name as it is compared; PostgreSQL looks it up by this very expression."""


class CustomerRow(SQLModel, table=True):
    """A customer. `seq` counts her events and inputs; `last_at` is the last instant given out.

    `derived` are traits that are computed of what she did, `scored` what is kept of her scores (see
    `engine.run.deriving`); `derived_due_at` is when time alone next changes one of them.
    `consent` (by topic and channel) and `suppressed` (by channel: address, reason) are what the
    tables `consent` and `suppression` come to for her, read with her lock. `merges` counts how often
    she was merged with others, and parted from them again.
    """

    __tablename__ = "customer"
    __table_args__ = (
        Index(None, "created_at", "id"),
        Index("ix_customer_email", text("lower(addresses ->> 'email') text_pattern_ops")),
        Index("ix_customer_phone", text("(addresses ->> 'phone') text_pattern_ops")),
        Index("ix_customer_name", text(f"({NAME}) text_pattern_ops")),
        Index("ix_customer_merged_into", "merged_into",
              postgresql_where=text("merged_into IS NOT NULL")),
        Index(
            "ix_customer_derived_due",
            "derived_due_at",
            postgresql_where=text("derived_due_at IS NOT NULL"),
        ),
        {"postgresql_with": {"fillfactor": "70"}},
    )  # fmt: skip
    id: UUID = uuid_(primary_key=True)
    seq: int = big_(default="0")
    last_at: datetime = at_(now=True)
    created_at: datetime = at_(now=True)
    traits: dict[str, Any] = json_(default="{}")
    derived: dict[str, Any] = json_(default="{}")
    scored: dict[str, Any] = json_(default="{}")
    derived_due_at: datetime | None = at_(null=True)
    addresses: dict[str, Any] = json_(default="{}")
    locale: str | None = text_(null=True)
    time_zone: str | None = text_(null=True)
    merged_into: UUID | None = uuid_(null=True)
    consent: dict[str, Any] = json_(default="{}")
    suppressed: dict[str, Any] = json_(default="{}")
    merges: int = big_(default="0")


class IdentityRow(SQLModel, table=True):
    """A name by which a customer is known: `external_id`, `anonymous_id`, any other namespace.

    Here and elsewhere `origin_customer` is whose the row was before she was merged into another.
    """

    __tablename__ = "identity"
    __table_args__ = (
        Index(None, "customer_id"),
        Index("ix_identity_value", text("lower(value) text_pattern_ops")),
    )
    namespace: str = text_(primary_key=True)
    value: str = text_(primary_key=True)
    customer_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("customer.id"), nullable=False))
    origin_customer: UUID | None = uuid_(null=True)


class EventKeyRow(SQLModel, table=True):
    """A message id already taken in: the same one from the same source is stored once."""

    __tablename__ = "event_key"
    source: str = text_(primary_key=True)
    message_id: str = text_(primary_key=True)


class EventRow(SQLModel, table=True):
    """Append-only; `id` is a UUIDv7 of the moment it was received.

    `origin_customer` is set, too, when it came by an identity that another has brought with her.
    """

    __tablename__ = "event"
    __table_args__ = (
        Index(None, "customer_id", "name", "occurred_at"),
        Index(None, "received_at", "id"),
        # A refund names its order, not its customer.
        Index(
            "ix_event_order",
            text("(properties ->> 'order_id')"),
            postgresql_where=text("name = 'Order Completed'"),
        ),
        {"postgresql_partition_by": "RANGE (received_at)"},
    )
    customer_id: UUID = uuid_(primary_key=True)
    seq: int = big_(primary_key=True)
    received_at: datetime = at_(primary_key=True)
    id: UUID = uuid_()
    occurred_at: datetime = at_()
    name: str = text_()
    properties: dict[str, Any] = json_(default="{}")
    source: str = text_()
    kind: str = text_(default="track")
    future: bool = Field(default=False)
    origin_customer: UUID | None = uuid_(null=True)


class ConsentRow(SQLModel, table=True):
    """What a customer said about a topic on a channel; append-only, the proof of it.

    `how` is the way it was said (link, page, form, api, import, sms, journey, merge), `source` where (a
    page's address, a key's name, a journey's step), `text_version` the wording she saw.
    """

    __tablename__ = "consent"
    __table_args__ = (Index(None, "customer_id", "at"),)
    id: UUID = uuid_(primary_key=True)
    customer_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("customer.id"), nullable=False))
    topic: str = text_()
    channel: str = text_()
    state: str = text_()
    at: datetime = at_()
    how: str = text_()
    source: str | None = text_(null=True)
    text_version: str | None = text_(null=True)
    message_id: UUID | None = uuid_(null=True)
    data: dict[str, Any] = json_(default="{}")
    origin_customer: UUID | None = uuid_(null=True)


class SuppressionRow(SQLModel, table=True):
    """An address that must not be written to on a channel, whoever has it."""

    __tablename__ = "suppression"
    channel: str = text_(primary_key=True)
    address: str = text_(primary_key=True)
    reason: str = text_()
    at: datetime = at_(now=True)
    source: str | None = text_(null=True)
    message_id: UUID | None = uuid_(null=True)
