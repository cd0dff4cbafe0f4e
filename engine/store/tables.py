"""The tables: rows, never domain types.

Hot tables lead their key with `customer_id`, so that a distributed PostgreSQL can spread them.
Uniqueness across time lives in small tables (`event_key`), so that `event` is partitioned by
month. A message's row is found by its id, which is made from (run, step, visit).
"""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    SmallInteger,
    Table,
    Text,
    Uuid,
    bindparam,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
metadata: MetaData = SQLModel.metadata

_NOW = text("now()")


def _at(*, null: bool = False, now: bool = False, primary_key: bool = False) -> Any:
    default = _NOW if now else None
    return Field(
        sa_column=Column(
            DateTime(timezone=True), nullable=null, server_default=default, primary_key=primary_key
        )
    )


def _json(*, null: bool = False, default: str | None = None) -> Any:
    return Field(sa_column=Column(JSONB, nullable=null, server_default=default))


def _uuid(*, primary_key: bool = False, null: bool = False) -> Any:
    return Field(sa_column=Column(Uuid, primary_key=primary_key, nullable=null))


def _text(*, primary_key: bool = False, null: bool = False, default: str | None = None) -> Any:
    return Field(
        sa_column=Column(Text, primary_key=primary_key, nullable=null, server_default=default)
    )


def _big(*, primary_key: bool = False, null: bool = False, default: str | None = None) -> Any:
    return Field(
        sa_column=Column(BigInteger, primary_key=primary_key, nullable=null,
                         server_default=default, autoincrement=False)
    )  # fmt: skip


class WorkspaceRow(SQLModel, table=True):
    """The one row of the shop's settings.

    `revision` rises whenever a journey, segment, cap, template or setting changes, so that a
    process knows when what it remembers of them is old.
    """

    __tablename__ = "workspace"
    __table_args__ = (CheckConstraint("id = 1", name="one"),)
    id: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    settings: dict[str, Any] = _json()
    revision: int = _big(default="1")


class CustomerRow(SQLModel, table=True):
    """A customer. `seq` counts her events and inputs; `last_at` is the last instant given out.

    `consent` (by topic and channel) and `suppressed` (by channel: address, reason) are what the
    tables `consent` and `suppression` come to for her, read with her lock.
    """

    __tablename__ = "customer"
    __table_args__ = (
        Index(None, "created_at", "id"),
        Index("ix_customer_email", text("lower(addresses ->> 'email') text_pattern_ops")),
        Index("ix_customer_phone", text("(addresses ->> 'phone') text_pattern_ops")),
        {"postgresql_with": {"fillfactor": "70"}},
    )
    id: UUID = _uuid(primary_key=True)
    seq: int = _big(default="0")
    last_at: datetime = _at(now=True)
    created_at: datetime = _at(now=True)
    traits: dict[str, Any] = _json(default="{}")
    addresses: dict[str, Any] = _json(default="{}")
    locale: str | None = _text(null=True)
    time_zone: str | None = _text(null=True)
    merged_into: UUID | None = _uuid(null=True)
    consent: dict[str, Any] = _json(default="{}")
    suppressed: dict[str, Any] = _json(default="{}")


class IdentityRow(SQLModel, table=True):
    """A name by which a customer is known: `external_id`, `anonymous_id`, any other namespace."""

    __tablename__ = "identity"
    __table_args__ = (
        Index(None, "customer_id"),
        Index("ix_identity_value", text("lower(value) text_pattern_ops")),
    )
    namespace: str = _text(primary_key=True)
    value: str = _text(primary_key=True)
    customer_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("customer.id"), nullable=False))


class EventKeyRow(SQLModel, table=True):
    """A message id already taken in: the same one from the same source is stored once."""

    __tablename__ = "event_key"
    source: str = _text(primary_key=True)
    message_id: str = _text(primary_key=True)


class EventRow(SQLModel, table=True):
    """Append-only; `id` is a UUIDv7 of the moment it was received."""

    __tablename__ = "event"
    __table_args__ = (
        Index(None, "customer_id", "name", "occurred_at"),
        Index(None, "received_at", "id"),
        {"postgresql_partition_by": "RANGE (received_at)"},
    )
    customer_id: UUID = _uuid(primary_key=True)
    seq: int = _big(primary_key=True)
    received_at: datetime = _at(primary_key=True)
    id: UUID = _uuid()
    occurred_at: datetime = _at()
    name: str = _text()
    properties: dict[str, Any] = _json(default="{}")
    source: str = _text()
    kind: str = _text(default="track")
    future: bool = Field(default=False)


class JourneyRow(SQLModel, table=True):
    """A journey: its draft, and which version is live. State: draft, live, paused, archived.

    `rev` rises with every change of the draft; `edit` is the number of the `journey_edit` at which
    the draft stands: undoing goes back, and `rev` rises all the same.
    `ending` is set while an archived journey takes out those who are still inside.
    """

    __tablename__ = "journey"
    id: str = _text(primary_key=True)
    state: str = _text(default="draft")
    draft: dict[str, Any] = _json()
    source: str | None = _text(null=True)
    rev: int = _big(default="1")
    edit: int = _big(default="0")
    live_version: int | None = Field(sa_column=Column(Integer, nullable=True))
    ending: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=text("false")))
    created_at: datetime = _at(now=True)
    updated_at: datetime = _at(now=True)


class JourneyEditRow(SQLModel, table=True):
    """The draft after one edit. `label` says what was done; number 0 is the draft before all."""

    __tablename__ = "journey_edit"
    journey_id: str = Field(
        sa_column=Column(Text, ForeignKey("journey.id", ondelete="CASCADE"), primary_key=True)
    )
    n: int = _big(primary_key=True)
    label: dict[str, Any] = _json(default="{}")
    draft: dict[str, Any] = _json()
    source: str | None = _text(null=True)
    at: datetime = _at(now=True)


class JourneyVersionRow(SQLModel, table=True):
    """A published version, never changed. `hash` names its content."""

    __tablename__ = "journey_version"
    __table_args__ = (Index(None, "hash"),)
    journey_id: str = Field(sa_column=Column(Text, ForeignKey("journey.id"), primary_key=True))
    version: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    hash: str = _text()
    document: dict[str, Any] = _json()
    published_at: datetime = _at(now=True)


class SegmentRow(SQLModel, table=True):
    """A named rule."""

    __tablename__ = "segment"
    id: str = _text(primary_key=True)
    name: str = _text()
    rule: dict[str, Any] = _json()
    updated_at: datetime = _at(now=True)


class CapRow(SQLModel, table=True):
    """A frequency cap."""

    __tablename__ = "cap"
    id: str = _text(primary_key=True)
    rule: dict[str, Any] = _json()
    updated_at: datetime = _at(now=True)


class TemplateRow(SQLModel, table=True):
    """A template with its content per locale."""

    __tablename__ = "template"
    id: str = _text(primary_key=True)
    document: dict[str, Any] = _json()
    updated_at: datetime = _at(now=True)


class TopicRow(SQLModel, table=True):
    """What customers agree to get, or decline."""

    __tablename__ = "topic"
    id: str = _text(primary_key=True)
    document: dict[str, Any] = _json()
    updated_at: datetime = _at(now=True)


class SnippetRow(SQLModel, table=True):
    """A piece of content that templates share."""

    __tablename__ = "snippet"
    id: str = _text(primary_key=True)
    document: dict[str, Any] = _json()
    updated_at: datetime = _at(now=True)


class CouponPoolRow(SQLModel, table=True):
    """Where unique coupon codes come from: given ones, or a pattern to make them by."""

    __tablename__ = "coupon_pool"
    id: str = _text(primary_key=True)
    document: dict[str, Any] = _json()
    updated_at: datetime = _at(now=True)


class CouponCodeRow(SQLModel, table=True):
    """A coupon's code, and the message that gave it to somebody."""

    __tablename__ = "coupon_code"
    __table_args__ = (
        Index("ix_coupon_code_message", "pool", "message_id", unique=True,
              postgresql_where=text("message_id IS NOT NULL")),
        Index("ix_coupon_code_free", "pool", "code", postgresql_where=text("message_id IS NULL")),
    )  # fmt: skip
    pool: str = _text(primary_key=True)
    code: str = _text(primary_key=True)
    message_id: UUID | None = _uuid(null=True)
    customer_id: UUID | None = _uuid(null=True)
    given_at: datetime | None = _at(null=True)


class ConsentRow(SQLModel, table=True):
    """What a customer said about a topic on a channel; append-only, the proof of it.

    `how` is the way it was said (link, page, form, api, import, sms, journey), `source` where (a
    page's address, a key's name, a journey's step), `text_version` the wording she saw.
    """

    __tablename__ = "consent"
    __table_args__ = (Index(None, "customer_id", "at"),)
    id: UUID = _uuid(primary_key=True)
    customer_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("customer.id"), nullable=False))
    topic: str = _text()
    channel: str = _text()
    state: str = _text()
    at: datetime = _at()
    how: str = _text()
    source: str | None = _text(null=True)
    text_version: str | None = _text(null=True)
    message_id: UUID | None = _uuid(null=True)
    data: dict[str, Any] = _json(default="{}")


class SuppressionRow(SQLModel, table=True):
    """An address that must not be written to on a channel, whoever has it."""

    __tablename__ = "suppression"
    channel: str = _text(primary_key=True)
    address: str = _text(primary_key=True)
    reason: str = _text()
    at: datetime = _at(now=True)
    source: str | None = _text(null=True)
    message_id: UUID | None = _uuid(null=True)


class HookRow(SQLModel, table=True):
    """A web address of the shop's that is told of events."""

    __tablename__ = "hook"
    id: str = _text(primary_key=True)
    document: dict[str, Any] = _json()
    secret: str = _text()
    updated_at: datetime = _at(now=True)


class HookDeliveryRow(SQLModel, table=True):
    """What a web address is told, until it has taken it or is given up on."""

    __tablename__ = "hook_delivery"
    __table_args__ = (
        Index("ix_hook_delivery_due", "hook_id", "due_at",
              postgresql_where=text("ended_at IS NULL")),
        Index(None, "hook_id", "created_at"),
    )  # fmt: skip
    id: UUID = _uuid(primary_key=True)
    hook_id: str = _text()
    event: str = _text()
    body: dict[str, Any] = _json()
    created_at: datetime = _at(now=True)
    due_at: datetime | None = _at(now=True, null=True)
    attempts: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))
    ended_at: datetime | None = _at(null=True)
    status: int | None = Field(sa_column=Column(Integer, nullable=True))
    problem: str | None = _text(null=True)


class ActivityTypeRow(SQLModel, table=True):
    """A developer's activity, and when a worker last told of it."""

    __tablename__ = "activity_type"
    id: str = _text(primary_key=True)
    document: dict[str, Any] = _json()
    updated_at: datetime = _at(now=True)
    seen_at: datetime = _at(now=True)


class ApiKeyRow(SQLModel, table=True):
    """A key that was shown once; only its SHA-256 is kept."""

    __tablename__ = "api_key"
    __table_args__ = (Index(None, "hash", unique=True),)
    id: UUID = _uuid(primary_key=True)
    role: str = _text()
    name: str = _text(default="")
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_at: datetime = _at(now=True)
    revoked_at: datetime | None = _at(null=True)


class AppUserRow(SQLModel, table=True):
    """Somebody who works with the pages. `email` is in lower case; without a password nobody can
    log in by it yet.
    """  # noqa: D205 - one sentence

    __tablename__ = "app_user"
    __table_args__ = (Index(None, "email", unique=True),)
    id: UUID = _uuid(primary_key=True)
    email: str = _text()
    name: str = _text(default="")
    role: str = _text()
    password_hash: str | None = _text(null=True)
    language: str | None = _text(null=True)
    created_at: datetime = _at(now=True)
    disabled_at: datetime | None = _at(null=True)
    last_login_at: datetime | None = _at(null=True)


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
    id: UUID = _uuid(primary_key=True)
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    user_id: UUID | None = Field(
        sa_column=Column(Uuid, ForeignKey("app_user.id", ondelete="CASCADE"), nullable=True)
    )
    browser: str = _text(default="")
    created_at: datetime = _at(now=True)
    seen_at: datetime = _at(now=True)
    expires_at: datetime = _at()


class LoginAttemptRow(SQLModel, table=True):
    """How often somebody tried to log in, as this account or from that address, until when."""

    __tablename__ = "login_attempt"
    key: str = _text(primary_key=True)
    count: int = Field(sa_column=Column(Integer, nullable=False))
    until: datetime = _at()


class AuditRow(SQLModel, table=True):
    """A change: who changed what, from what to what. A trigger refuses to change or delete rows.

    `id` counts without gaps; `hash` is made from the hash before it and this row.
    """

    __tablename__ = "audit"
    __table_args__ = (Index(None, "kind", "thing_id"), Index(None, "actor"))
    id: int = _big(primary_key=True)
    at: datetime = _at()
    actor: str = _text()
    actor_name: str = _text()
    action: str = _text()
    kind: str = _text()
    thing_id: str = _text()
    before: dict[str, Any] | None = _json(null=True)
    after: dict[str, Any] | None = _json(null=True)
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class RunRow(SQLModel, table=True):
    """One customer in one version of a journey.

    `revision` rises exactly when `command` is replaced. `check_at` is when the reconciler looks
    whether the run is overdue. `lease_until` is set while a message of it is claimed, `held_at`
    while its command is held because the journey is paused.
    """

    __tablename__ = "run"
    __table_args__ = (
        Index(None, "customer_id", "journey_id", "entry_key"),
        Index("ix_run_check_at", "check_at", postgresql_where=text("ended_at IS NULL")),
        Index(None, "journey_id", "entered_at"),
        Index("ix_run_held", "journey_id", "held_at",
              postgresql_where=text("held_at IS NOT NULL")),
        Index("ix_run_inside", "journey_id", "step", postgresql_where=text("ended_at IS NULL")),
        {"postgresql_with": {"fillfactor": "70"}},
    )  # fmt: skip
    id: UUID = _uuid(primary_key=True)
    customer_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("customer.id"), nullable=False))
    journey_id: str = _text()
    version: int = Field(sa_column=Column(Integer, nullable=False))
    plan_hash: str = _text()
    entry_source: str = _text()
    entry_key: str = _text(default="")
    held_out: bool = Field(default=False)
    entered_at: datetime = _at()
    ended_at: datetime | None = _at(null=True)
    end_reason: str | None = _text(null=True)
    step: str | None = _text(null=True)
    revision: int = _big()
    command: dict[str, Any] = _json()
    state: dict[str, Any] = _json()
    check_at: datetime | None = _at(null=True)
    lease_until: datetime | None = _at(null=True)
    goal_until: datetime | None = _at(null=True)
    goal_at: datetime | None = _at(null=True)
    goal_revenue: Decimal | None = Field(sa_column=Column(Numeric, nullable=True))
    traced: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))
    held_at: datetime | None = _at(null=True)


class RunInputRow(SQLModel, table=True):
    """What reached a run, in the customer's order.

    It was decided at the number `decided_seq` and the instant `decided_at`, or waits until then.
    """

    __tablename__ = "run_input"
    run_id: UUID = _uuid(primary_key=True)
    seq: int = _big(primary_key=True)
    at: datetime = _at()
    kind: str = _text()
    data: dict[str, Any] = _json()
    decided_seq: int | None = _big(null=True)
    decided_at: datetime | None = _at(null=True)


class RunTraceRow(SQLModel, table=True):
    """Each decision of a run, with what it saw."""

    __tablename__ = "run_trace"
    __table_args__ = (
        Index(None, "journey_id", "step", "what", "at"),
        Index("ix_run_trace_moved", "at", postgresql_where=text("what = 'moved'")),
    )
    run_id: UUID = _uuid(primary_key=True)
    n: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    customer_id: UUID = _uuid()
    journey_id: str = _text()
    at: datetime = _at()
    step: str | None = _text(null=True)
    what: str = _text()
    data: dict[str, Any] = _json(default="{}")


class InterventionRow(SQLModel, table=True):
    """Customers whom somebody ends in a journey, or moves on in it; asked first, then confirmed.

    `asked` says in what list they were chosen, `action` is end or move.
    """

    __tablename__ = "intervention"
    __table_args__ = (
        Index("ix_intervention_open", "confirmed_at",
              postgresql_where=text("confirmed_at IS NOT NULL AND ended_at IS NULL")),
    )  # fmt: skip
    id: UUID = _uuid(primary_key=True)
    journey_id: str = _text()
    action: str = _text()
    asked: dict[str, Any] = _json(default="{}")
    total: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))
    chosen: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))
    reason: str | None = _text(null=True)
    actor: str = _text()
    created_at: datetime = _at(now=True)
    confirmed_at: datetime | None = _at(null=True)
    ended_at: datetime | None = _at(null=True)


class InterventionRunRow(SQLModel, table=True):
    """One run of an intervention: where it stood when it was chosen, and what became of it.

    `outcome` is done, or why nothing was done: held, elsewhere, ended, gone, cancelled.
    """

    __tablename__ = "intervention_run"
    __table_args__ = (
        Index("ix_intervention_run_due", "intervention_id", "due_at",
              postgresql_where=text("outcome IS NULL")),
    )  # fmt: skip
    intervention_id: UUID = Field(
        sa_column=Column(Uuid, ForeignKey("intervention.id", ondelete="CASCADE"), primary_key=True)
    )
    run_id: UUID = _uuid(primary_key=True)
    step: str | None = _text(null=True)
    visit: int | None = Field(sa_column=Column(Integer, nullable=True))
    due_at: datetime = _at(now=True)
    outcome: str | None = _text(null=True)


class EntryRefusalRow(SQLModel, table=True):
    """Why an event that could have opened a journey did not."""

    __tablename__ = "entry_refusal"
    __table_args__ = (Index(None, "journey_id", "at"),)
    customer_id: UUID = _uuid(primary_key=True)
    seq: int = _big(primary_key=True)
    journey_id: str = _text(primary_key=True)
    at: datetime = _at()
    reason: str = _text()
    data: dict[str, Any] = _json(default="{}")


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
    id: UUID = _uuid(primary_key=True)
    customer_id: UUID = _uuid()
    run_id: UUID = _uuid()
    journey_id: str = _text()
    version: int = Field(sa_column=Column(Integer, nullable=False))
    step: str = _text()
    visit: int = Field(sa_column=Column(Integer, nullable=False))
    variant: str | None = _text(null=True)
    channel: str = _text()
    class_: str = Field(sa_column=Column("class", Text, nullable=False))
    topic: str | None = _text(null=True)
    priority: int = Field(sa_column=Column(Integer, nullable=False))
    template: str = _text()
    state: str = _text()
    reason: str | None = _text(null=True)
    rule: str | None = _text(null=True)
    decided_at: datetime = _at()
    deferred_until: datetime | None = _at(null=True)
    claimed_at: datetime | None = _at(null=True)
    claim_seq: int | None = _big(null=True)
    unknowns: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))
    token: UUID | None = _uuid(null=True)
    lease_until: datetime | None = _at(null=True)
    sent_at: datetime | None = _at(null=True)
    provider: str | None = _text(null=True)
    provider_id: str | None = _text(null=True)
    to: str | None = _text(null=True)
    subject: str | None = _text(null=True)
    body: str | None = _text(null=True)
    body_text: str | None = _text(null=True)
    offer: str | None = _text(null=True)
    on_full: str | None = _text(null=True)
    hours: str | None = _text(null=True)
    first_deferred_at: datetime | None = _at(null=True)
    settling: str | None = _text(null=True)
    segments: int | None = Field(sa_column=Column(Integer, nullable=True))
    cost: Decimal | None = Field(sa_column=Column(Numeric, nullable=True))
    delivered_at: datetime | None = _at(null=True)
    opened_at: datetime | None = _at(null=True)
    clicked_at: datetime | None = _at(null=True)
    replied_at: datetime | None = _at(null=True)
    bounced_at: datetime | None = _at(null=True)
    complained_at: datetime | None = _at(null=True)
    unsubscribed_at: datetime | None = _at(null=True)
    resumed_at: datetime | None = _at(null=True)


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
    message_id: UUID = _uuid(primary_key=True)
    seq: int = _big(primary_key=True)
    customer_id: UUID = _uuid()
    at: datetime = _at()
    from_: str | None = Field(sa_column=Column("from", Text, nullable=True))
    to: str = _text()
    reason: str | None = _text(null=True)
    rule: str | None = _text(null=True)
    channel: str | None = _text(null=True)
    zone: str | None = _text(null=True)


class WakeRow(SQLModel, table=True):
    """What Temporal still has to be told: that this run has a newer command."""

    __tablename__ = "wake"
    __table_args__ = (Index(None, "created_at"),)
    run_id: UUID = _uuid(primary_key=True)
    revision: int = _big()
    created_at: datetime = _at(now=True)


def _table(name: str) -> Table:
    return metadata.tables[name]


workspace = _table("workspace")
customer = _table("customer")
identity = _table("identity")
event_key = _table("event_key")
event = _table("event")
journey = _table("journey")
journey_edit = _table("journey_edit")
journey_version = _table("journey_version")
segment = _table("segment")
cap = _table("cap")
template = _table("template")
topic = _table("topic")
snippet = _table("snippet")
coupon_pool = _table("coupon_pool")
coupon_code = _table("coupon_code")
consent = _table("consent")
suppression = _table("suppression")
activity_type = _table("activity_type")
hook = _table("hook")
hook_delivery = _table("hook_delivery")
api_key = _table("api_key")
app_user = _table("app_user")
session = _table("session")
login_attempt = _table("login_attempt")
audit = _table("audit")
run = _table("run")
run_input = _table("run_input")
run_trace = _table("run_trace")
intervention = _table("intervention")
intervention_run = _table("intervention_run")
entry_refusal = _table("entry_refusal")
message = _table("message")
message_transition = _table("message_transition")
wake = _table("wake")


def bound(name: str) -> BindParameter[Any]:
    """Return a parameter of a statement that is built once and executed often."""
    return bindparam(name)
