"""The base of every model, and the small value types they share."""

import re
from datetime import time
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, StringConstraints
from pydantic_core import PydanticCustomError

Json = Any
"""Any JSON value."""


class Frozen(BaseModel):
    """A value: immutable, refuses keys it does not know, read by field name or alias."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True
    )

    def document(self) -> dict[str, Any]:
        """Return what was written, as plain JSON, in the model's stable order."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


Slug = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")]
"""A name that is stable for ever: letters, digits, `_`, `.`, `-`; at most 63 characters."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
"""A name that people give: events, traits, labels."""

Channel = Literal["email", "sms", "push"]
"""A way to reach a customer."""

CHANNELS: tuple[Channel, ...] = ("email", "sms", "push")

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _clock_time(value: object) -> object:
    if isinstance(value, int):  # YAML 1.1 readers take an unquoted 10:00 for 600
        raise PydanticCustomError("clock_time", 'put the time in quotes, like "10:00"')
    if isinstance(value, str) and not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        raise PydanticCustomError(
            "clock_time", 'a time is written like "09:30", from 00:00 to 23:59'
        )
    return value


ClockTime = Annotated[
    time,
    BeforeValidator(_clock_time, json_schema_input_type=str),
    PlainSerializer(lambda value: value.strftime("%H:%M"), return_type=str),
]
"""A local time of day, to the minute, written `"09:30"`."""


def _percent(value: object) -> object:
    if isinstance(value, str):
        found = re.fullmatch(r"(\d{1,3})%", value)
        if found and int(found[1]) <= 100:
            return int(found[1])
    raise PydanticCustomError("percent", 'a share is written in whole percents, like "5%"')


Percent = Annotated[
    int,
    BeforeValidator(_percent, json_schema_input_type=str),
    PlainSerializer(lambda value: f"{value}%", return_type=str),
]
"""A whole percentage, written `"5%"`."""
