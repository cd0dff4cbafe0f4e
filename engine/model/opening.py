"""What opens a journey for a customer: something she does, a segment, a date, a schedule, a call.

Adding a way in is one class here and in `Opening`; the type checker names the places that have
to know it.
"""

import re
from typing import Annotated, Final, Literal, assert_never

from pydantic import Discriminator, Field, GetCoreSchemaHandler, Tag
from pydantic import GetJsonSchemaHandler as JsonHandler
from pydantic_core import CoreSchema, core_schema

from engine.model.base import ClockTime, Frozen, Name, Slug, Zone, tag, told_by_key
from engine.model.condition import EventMatch
from engine.model.cron import Cron
from engine.model.duration import Offset
from engine.model.refusal import refusal

SEGMENT_ENTERED: Final = "Segment Entered"
SEGMENT_LEFT: Final = "Segment Left"
"""The events that a change of membership is; their property `segment` is the segment's id."""


class OnEvent(EventMatch):
    """The journey opens when the customer does this."""

    message: None = None


class OnSegmentEntered(Frozen):
    """The journey opens when the customer comes into a segment."""

    segment_entered: Slug


class OnSegmentLeft(Frozen):
    """The journey opens when the customer leaves a segment."""

    segment_left: Slug


class OnDate(Frozen):
    """The journey opens on a date that is known of the customer, where she is.

    `yearly`: on each of its anniversaries; 29 February is 28 February in other years.
    """

    date: Name = Field(description="the trait that holds the date", examples=["birth_date"])
    yearly: bool = False
    offset: Offset | None = Field(default=None, description="so long after, or before, the date")
    time: ClockTime | None = Field(default=None, description="the local time on that day")


class OnSchedule(Frozen):
    """The journey opens at times of the calendar, for everybody in a segment, or for all."""

    schedule: Cron
    zone: Zone | None = Field(default=None, description="where it is that time; else the shop's")
    segment: Slug | None = Field(default=None, description="for whom; all customers when left out")


class OnApi(Frozen):
    """The journey opens when the shop's own systems ask for it."""

    api: Literal[True]


AnyOpening = OnEvent | OnSegmentEntered | OnSegmentLeft | OnDate | OnSchedule | OnApi

Opening = Annotated[
    Annotated[OnEvent, Tag(tag("event"))]
    | Annotated[OnSegmentEntered, Tag(tag("segment_entered"))]
    | Annotated[OnSegmentLeft, Tag(tag("segment_left"))]
    | Annotated[OnDate, Tag(tag("date"))]
    | Annotated[OnSchedule, Tag(tag("schedule"))]
    | Annotated[OnApi, Tag(tag("api"))],
    Discriminator(
        told_by_key(
            {
                "event": OnEvent,
                "segment_entered": OnSegmentEntered,
                "segment_left": OnSegmentLeft,
                "date": OnDate,
                "schedule": OnSchedule,
                "api": OnApi,
            }
        ),
        custom_error_type="entry",
        custom_error_message="a journey opens on an `event`, `segment_entered`, `segment_left`, "
        "a `date`, a `schedule`, or by `api: true`",
    ),
]


def opening_event(on: AnyOpening) -> str | None:
    """Return the name of the event that opens the journey; None when it is no event."""
    match on:
        case OnEvent():
            return on.event
        case OnSegmentEntered():
            return SEGMENT_ENTERED
        case OnSegmentLeft():
            return SEGMENT_LEFT
        case OnDate() | OnSchedule() | OnApi():
            return None
        case _:
            assert_never(on)


def properties_of(on: AnyOpening) -> tuple[str, ...] | None:
    """Return which properties an entry has; None when who sends the event or asks says that."""
    match on:
        case OnEvent() | OnApi():
            return None
        case OnSegmentEntered() | OnSegmentLeft():
            return "segment", "name"
        case OnDate():
            return "trait", "date", "on"
        case OnSchedule():
            return "start", "segment"
        case _:
            assert_never(on)


class Pace(str):
    """How many customers enter in how much time, at most: `500/min`."""

    __slots__ = ()
    pattern = r"^([1-9][0-9]{0,5})/(s|min|h)$"

    @property
    def per_second(self) -> float:
        """How many a second that is."""
        count, _, unit = self.partition("/")
        return int(count) / {"s": 1, "min": 60, "h": 3600}[unit]

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Read from a text that matches the pattern; write as that text."""
        return core_schema.no_info_after_validator_function(
            pace, core_schema.str_schema(), serialization=core_schema.to_string_ser_schema()
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: JsonHandler
    ) -> dict[str, object]:
        """Describe the pattern to editors."""
        return {"type": "string", "pattern": cls.pattern, "examples": ["500/min"]}


DEFAULT_PACE: Final = Pace("3000/min")
"""How many customers a start lets in when neither it nor the journey says."""


def pace(value: str) -> Pace:
    """Read a pace."""
    if not re.fullmatch(Pace.pattern, value):
        raise refusal(
            "pace",
            "%(value)s is no pace: write a number of customers and /s, /min or /h, like %(example)s",
            value=repr(value),
            example="500/min",
        )
    return Pace(value)
