"""Frequency caps: how many messages a customer may get in how long."""

from typing import Annotated, Literal, Self, get_args

from pydantic import Discriminator, Field, Tag, model_validator

from engine.model.base import WHOLE, Channel, Frozen, Name, Share, Slug, tag
from engine.model.duration import Duration
from engine.model.refusal import refusal

OnFull = Literal["defer", "skip", "next_channel"]
"""What becomes of a message that finds a cap full."""

Unit = Literal["day", "week", "month"]
"""A stretch of the calendar where the customer is; a week begins on Monday."""


_UNITS: tuple[Unit, ...] = get_args(Unit)


def _stretch(value: object) -> str:
    return tag("unit") if value in _UNITS else tag("length")


Stretch = Annotated[
    Annotated[Unit, Tag(tag("unit"))] | Annotated[Duration, Tag(tag("length"))],
    Discriminator(_stretch),
]
"""A length of time that rolls, or a unit of the calendar."""


class Keep(Frozen):
    """Slots that are kept for messages of journeys whose priority is above `above_priority`."""

    slots: Annotated[int, Field(ge=1, le=1000), WHOLE]
    above_priority: Share


class Cap(Frozen):
    """At most `limit` marketing messages in any stretch of `per`.

    Counted are messages on these channels, of these topics, with these offers; an empty list
    means all of them. `per` is a length of time that rolls, or a unit of the calendar. Deferred
    longer than `defer_at_most` since it was first decided, a message is skipped.
    """

    id: Slug
    name: Name | None = None
    channels: tuple[Channel, ...] = ()
    topics: tuple[Slug, ...] = ()
    offers: tuple[Slug, ...] = ()
    limit: Annotated[int, Field(ge=0, le=1000), WHOLE]
    per: Stretch = Field(description="a length of time, or day, week, month")
    on_full: OnFull = "defer"
    defer_at_most: Duration | None = None
    keep: Keep | None = None

    @model_validator(mode="after")
    def _leaves_some(self) -> Self:
        if self.keep is not None and self.keep.slots >= self.limit:
            raise refusal("keep", "keep fewer slots than the limit of %(limit)s", limit=self.limit)
        return self
