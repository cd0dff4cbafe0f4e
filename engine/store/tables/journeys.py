"""Journeys, their versions, and the customers inside."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Numeric, Text, Uuid, text
from sqlmodel import Field, SQLModel

from engine.store.tables.columns import at_, big_, json_, text_, uuid_


class JourneyRow(SQLModel, table=True):
    """A journey: its draft, and which version is live. State: draft, live, paused, archived.

    `rev` rises with every change of the draft; `edit` is the number of the `journey_edit` at which
    the draft stands: undoing goes back, and `rev` rises all the same.
    `ending` is set while an archived journey takes out those who are still inside.
    """

    __tablename__ = "journey"
    id: str = text_(primary_key=True)
    state: str = text_(default="draft")
    draft: dict[str, Any] = json_()
    source: str | None = text_(null=True)
    rev: int = big_(default="1")
    edit: int = big_(default="0")
    live_version: int | None = Field(sa_column=Column(Integer, nullable=True))
    ending: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=text("false")))
    created_at: datetime = at_(now=True)
    updated_at: datetime = at_(now=True)


class JourneyEditRow(SQLModel, table=True):
    """The draft after one edit. `label` says what was done; number 0 is the draft before all."""

    __tablename__ = "journey_edit"
    journey_id: str = Field(
        sa_column=Column(Text, ForeignKey("journey.id", ondelete="CASCADE"), primary_key=True)
    )
    n: int = big_(primary_key=True)
    label: dict[str, Any] = json_(default="{}")
    draft: dict[str, Any] = json_()
    source: str | None = text_(null=True)
    at: datetime = at_(now=True)


class JourneyVersionRow(SQLModel, table=True):
    """A published version, never changed. `hash` names its content."""

    __tablename__ = "journey_version"
    __table_args__ = (Index(None, "hash"),)
    journey_id: str = Field(sa_column=Column(Text, ForeignKey("journey.id"), primary_key=True))
    version: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    hash: str = text_()
    document: dict[str, Any] = json_()
    published_at: datetime = at_(now=True)


class RunRow(SQLModel, table=True):
    """One customer in one version of a journey.

    `revision` rises exactly when `command` is replaced. `check_at` is when the reconciler looks
    whether the run is overdue. `lease_until` is set while a message of it is claimed, `held_at`
    while its command is held because the journey is paused. `mixed` runs are left out of what
    compares arms: the customer was in different ones before two of her were merged.
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
    id: UUID = uuid_(primary_key=True)
    customer_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("customer.id"), nullable=False))
    journey_id: str = text_()
    version: int = Field(sa_column=Column(Integer, nullable=False))
    plan_hash: str = text_()
    entry_source: str = text_()
    entry_key: str = text_(default="")
    held_out: bool = Field(default=False)
    entered_at: datetime = at_()
    ended_at: datetime | None = at_(null=True)
    end_reason: str | None = text_(null=True)
    step: str | None = text_(null=True)
    revision: int = big_()
    command: dict[str, Any] = json_()
    state: dict[str, Any] = json_()
    check_at: datetime | None = at_(null=True)
    lease_until: datetime | None = at_(null=True)
    goal_until: datetime | None = at_(null=True)
    goal_at: datetime | None = at_(null=True)
    goal_revenue: Decimal | None = Field(sa_column=Column(Numeric, nullable=True))
    traced: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))
    held_at: datetime | None = at_(null=True)
    mixed: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=text("false")))
    origin_customer: UUID | None = uuid_(null=True)


class RunInputRow(SQLModel, table=True):
    """What reached a run, in the customer's order.

    It was decided at the number `decided_seq` and the instant `decided_at`, or waits until then.
    """

    __tablename__ = "run_input"
    run_id: UUID = uuid_(primary_key=True)
    seq: int = big_(primary_key=True)
    at: datetime = at_()
    kind: str = text_()
    data: dict[str, Any] = json_()
    decided_seq: int | None = big_(null=True)
    decided_at: datetime | None = at_(null=True)


class RunTraceRow(SQLModel, table=True):
    """Each decision of a run, with what it saw."""

    __tablename__ = "run_trace"
    __table_args__ = (
        Index(None, "journey_id", "step", "what", "at"),
        Index("ix_run_trace_moved", "at", postgresql_where=text("what = 'moved'")),
    )
    run_id: UUID = uuid_(primary_key=True)
    n: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    customer_id: UUID = uuid_()
    journey_id: str = text_()
    at: datetime = at_()
    step: str | None = text_(null=True)
    what: str = text_()
    data: dict[str, Any] = json_(default="{}")


class InterventionRow(SQLModel, table=True):
    """Customers whom somebody ends in a journey, or moves on in it; asked first, then confirmed.

    `asked` says in what list they were chosen, `action` is end or move.
    """

    __tablename__ = "intervention"
    __table_args__ = (
        Index("ix_intervention_open", "confirmed_at",
              postgresql_where=text("confirmed_at IS NOT NULL AND ended_at IS NULL")),
    )  # fmt: skip
    id: UUID = uuid_(primary_key=True)
    journey_id: str = text_()
    action: str = text_()
    asked: dict[str, Any] = json_(default="{}")
    total: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))
    chosen: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))
    reason: str | None = text_(null=True)
    actor: str = text_()
    created_at: datetime = at_(now=True)
    confirmed_at: datetime | None = at_(null=True)
    ended_at: datetime | None = at_(null=True)


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
    run_id: UUID = uuid_(primary_key=True)
    step: str | None = text_(null=True)
    visit: int | None = Field(sa_column=Column(Integer, nullable=True))
    due_at: datetime = at_(now=True)
    outcome: str | None = text_(null=True)


class EntryRefusalRow(SQLModel, table=True):
    """Why an event that could have opened a journey did not."""

    __tablename__ = "entry_refusal"
    __table_args__ = (Index(None, "journey_id", "at"),)
    customer_id: UUID = uuid_(primary_key=True)
    seq: int = big_(primary_key=True)
    journey_id: str = text_(primary_key=True)
    at: datetime = at_()
    reason: str = text_()
    data: dict[str, Any] = json_(default="{}")
    origin_customer: UUID | None = uuid_(null=True)


class WakeRow(SQLModel, table=True):
    """What Temporal still has to be told: that this run has a newer command."""

    __tablename__ = "wake"
    __table_args__ = (Index(None, "created_at"),)
    run_id: UUID = uuid_(primary_key=True)
    revision: int = big_()
    created_at: datetime = at_(now=True)
