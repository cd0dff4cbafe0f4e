"""Frequency caps: how many messages a customer may get in how long."""

from typing import Annotated, Literal

from pydantic import Field

from engine.model.base import WHOLE, Channel, Frozen, Slug
from engine.model.duration import Duration


class Cap(Frozen):
    """At most `limit` marketing messages in any stretch of `per`, on these channels and topics.

    An empty list means all of them. Deferred longer than `defer_at_most`, a message is skipped.
    """

    id: Slug
    channels: tuple[Channel, ...] = ()
    topics: tuple[Slug, ...] = ()
    limit: Annotated[int, Field(ge=0, le=1000), WHOLE]
    per: Duration
    on_full: Literal["defer", "skip"] = "defer"
    defer_at_most: Duration | None = None
