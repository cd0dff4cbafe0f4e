"""What opens journeys by itself: starts for many at once, schedules, and dates that come."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Date, ForeignKey, Index, Integer, Text, text
from sqlmodel import Field, SQLModel

from engine.store.tables.columns import at_, big_, json_, text_, uuid_


def _journey(*, primary_key: bool = False) -> Any:
    return Field(
        sa_column=Column(
            Text, ForeignKey("journey.id", ondelete="CASCADE"), nullable=False,
            primary_key=primary_key,
        )
    )  # fmt: skip


class StartRow(SQLModel, table=True):
    """Many customers who enter one journey, a few at a time, in the order of their ids.

    Those of a segment, or all, up to the id `until`; `cursor` is the last who had her turn. State:
    running, stopped (`reason` says why), done. `source` is hand, publish or schedule, which came at `due_at`. `total` is
    counted when it begins; `paced_at` is how far its pace is used up.
    """

    __tablename__ = "start"
    __table_args__ = (
        Index(None, "journey_id", "created_at"),
        Index("ix_start_running", "journey_id", "id", postgresql_where=text("state = 'running'")),
    )
    id: UUID = uuid_(primary_key=True)
    journey_id: str = _journey()
    segment_id: str | None = text_(null=True)
    pace: str = text_()
    source: str = text_()
    actor: str = text_()
    actor_name: str = text_()
    state: str = text_(default="running")
    reason: str | None = text_(null=True)
    cursor: UUID | None = uuid_(null=True)
    until: UUID | None = uuid_(null=True)
    total: int | None = Field(sa_column=Column(Integer, nullable=True))
    entered: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))
    refused: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))
    failed: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))
    paced_at: datetime | None = at_(null=True)
    created_at: datetime = at_(now=True)
    due_at: datetime | None = at_(null=True)
    begun_at: datetime | None = at_(null=True)
    ended_at: datetime | None = at_(null=True)


class TimedJourneyRow(SQLModel, table=True):
    """A published journey that opens on a schedule or a date, as its `rule` says.

    A schedule comes at `next_at`. Of a date, `trait` names it: its changes are noted in `upcoming`
    by triggers on `customer`. Everybody up to `cursor` has been looked at, all when `filled_at`
    is set; `since` is from when on dates count, and every transaction from the number `known_from`
    on knows of this row.
    """

    __tablename__ = "timed_journey"
    journey_id: str = _journey(primary_key=True)
    rule: dict[str, Any] = json_()
    since: datetime = at_()
    next_at: datetime | None = at_(null=True)
    trait: str | None = text_(null=True)
    cursor: UUID | None = uuid_(null=True)
    filled_at: datetime | None = at_(null=True)
    paced_at: datetime | None = at_(null=True)
    known_from: int | None = big_(null=True)


class UpcomingRow(SQLModel, table=True):
    """When a customer has to be looked at because a date of hers may open a journey.

    `due_at` is that moment or an earlier one, none when nothing comes any more; `due_on` is the
    day by her calendar. Dates count that are later than `after` (none: than `due_at`), and whose
    number is greater than `done`, the last one that had its turn.
    """

    __tablename__ = "upcoming"
    __table_args__ = (
        Index("ix_upcoming_due", "journey_id", "due_at"),
        Index("ix_upcoming_day", "journey_id", "due_on"),
    )
    customer_id: UUID = uuid_(primary_key=True)
    journey_id: str = text_(primary_key=True)
    due_at: datetime | None = at_(null=True)
    due_on: date | None = Field(sa_column=Column(Date, nullable=True))
    after: datetime | None = at_(null=True)
    done: int | None = Field(sa_column=Column(Integer, nullable=True))
