"""The base of every model, and the small value types they share."""

import re
from collections.abc import Callable, Mapping
from datetime import time
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainSerializer,
    StringConstraints,
    Tag,
    WithJsonSchema,
)

from engine.model.clock import time_zones
from engine.model.refusal import refusal

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


def tag(key: str) -> str:
    """Return what tells a union's branch in pydantic's locations, where no document's key does."""
    return f"<{key}>"


def is_tag(part: str | int) -> bool:
    """Whether a part of a location was made by `tag`."""
    return isinstance(part, str) and part.startswith("<") and part.endswith(">")


def told_by_key(kinds: Mapping[str, type[BaseModel]]) -> Callable[[Any], str | None]:
    """Return a discriminator that knows a mapping by the first of these keys that it has."""

    def kind(value: Any) -> str | None:
        keys = value if isinstance(value, Mapping) else ()
        found = (key for key, model in kinds.items() if key in keys or isinstance(value, model))
        key = next(found, None)
        return None if key is None else tag(key)

    return kind


def one_of(*keys: str) -> ConfigDict:
    """Tell editors that exactly one of these keys is needed."""
    return ConfigDict(json_schema_extra={"oneOf": [{"required": [key]} for key in keys]})


Slug = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")]
"""A name that is stable for ever: letters, digits, `_`, `.`, `-`; at most 63 characters."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
"""A name that people give: events, traits, labels."""

Channel = Literal["email", "sms", "whatsapp", "push"]
"""A way to reach a customer."""

CHANNELS: tuple[Channel, ...] = ("email", "sms", "whatsapp", "push")


def _channels(value: Any) -> str:
    return tag("several") if isinstance(value, list | tuple) else tag("one")


Channels = Annotated[
    Annotated[Channel, Tag(tag("one"))]
    | Annotated[tuple[Channel, ...], Field(min_length=1), Tag(tag("several"))],
    Discriminator(_channels),
]
"""One channel, or several in order of preference."""

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _whole(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int):
        raise refusal("whole", "write a whole number")
    return value


WHOLE = BeforeValidator(_whole)
"""Makes an `int` a number without a fraction: neither a text of digits nor `true` is one."""

Share = Annotated[int, Field(ge=0, le=100), WHOLE]
"""A whole number from 0 to 100."""


def _clock_time(value: object) -> object:
    if isinstance(value, int):  # YAML 1.1 readers take an unquoted 10:00 for 600
        raise refusal("clock_time", 'put the time in quotes, like "10:00"')
    if isinstance(value, time):
        return value.replace(second=0, microsecond=0)
    if not isinstance(value, str) or not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", value):
        raise refusal("clock_time", 'a time is written like "09:30", from 00:00 to 23:59')
    return value


ClockTime = Annotated[
    time,
    BeforeValidator(_clock_time, json_schema_input_type=str),
    PlainSerializer(lambda value: value.strftime("%H:%M"), return_type=str),
    WithJsonSchema(
        {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$", "examples": ["09:30"]}
    ),
]
"""A local time of day, to the minute, written `"09:30"`."""


def _percent(value: object) -> object:
    if isinstance(value, str):
        found = re.fullmatch(r"([0-9]{1,3})%", value)
        if found and int(found[1]) <= 100:
            return int(found[1])
    raise refusal("percent", 'a share is written in whole percents, like "5%"')


Percent = Annotated[
    int,
    BeforeValidator(_percent, json_schema_input_type=str),
    PlainSerializer(lambda value: f"{value}%", return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^(100|[0-9]{1,2})%$", "examples": ["5%"]}),
]
"""A whole percentage, written `"5%"`."""


def _zone(value: str) -> str:
    if value not in time_zones():
        raise refusal(
            "time_zone", "%(zone)s is no time zone; write one like Europe/Paris", zone=value
        )
    return value


Zone = Annotated[str, AfterValidator(_zone), Field(examples=["Europe/Paris"])]
"""The name of a time zone."""
