"""What customers agree to get, or decline."""

from typing import Literal

from pydantic import Field

from engine.model.base import Frozen, Name, Slug

Subscription = Literal["subscribed", "unsubscribed", "pending"]
"""Pending: asked for, and not yet confirmed by the customer (double opt-in)."""


class Topic(Frozen):
    """A kind of marketing message. `default` holds for customers who have not said anything.

    With `double_opt_in` a customer is subscribed once she has confirmed it by a link. `names` and
    `descriptions` are for other languages than the workspace's, by locale.
    """

    id: Slug
    name: Name
    description: str = Field(default="", max_length=1000)
    default: Literal["subscribed", "unsubscribed"] = "subscribed"
    double_opt_in: bool = False
    names: dict[str, Name] = Field(default_factory=dict)
    descriptions: dict[str, str] = Field(default_factory=dict)


def topic_named(name: str) -> Topic:
    """Return the topic that a name means of which nobody has said more."""
    return Topic(id=name, name=name)
