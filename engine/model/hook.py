"""Web addresses of the shop's that are told of what happens here."""

from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from engine.model.base import Frozen, Slug
from engine.model.refusal import refusal

EVENTS: Final = (
    "Journey Entered",
    "Journey Ended",
    "Message Sent",
    "Message Skipped",
    "Message Failed",
    "Message Unknown",
    "Message Deferred",
    "Message Delivered",
    "Message Opened",
    "Message Clicked",
    "Message Bounced",
    "Message Complained",
    "Message Replied",
    "Message Opened By Machine",
    "Message Clicked By Machine",
    "Subscribed",
    "Unsubscribed",
    "Subscription Requested",
)
"""Every event of our own making; what the shop itself sends is not sent back to it."""

ANY: Final = "*"
"""Stands for every one of them."""


def _web_address(value: str) -> str:
    try:
        parts = urlsplit(value)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or not value.isprintable() or " " in value:
        raise refusal(
            "web_address", "write a web address, such as https://shop.example.com/parcours"
        )
    return value


def _known(value: str) -> str:
    if value != ANY and value not in EVENTS:
        raise refusal(
            "hook_event",
            "there is no such event; there are %(known)s, or %(any)s for all",
            known=", ".join(EVENTS),
            any=ANY,
        )
    return value


class Hook(Frozen):
    """Where to tell of which events; while it is not `active`, nothing is kept for it."""

    id: Slug
    url: Annotated[str, Field(max_length=2000), AfterValidator(_web_address)]
    events: tuple[Annotated[str, AfterValidator(_known)], ...] = Field(min_length=1)
    active: bool = True

    def wants(self, event: str) -> bool:
        """Whether it is told of an event of this name."""
        return ANY in self.events or event in self.events
