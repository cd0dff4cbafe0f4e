"""What the outbox shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from designer.canvas.sentences import readable
from designer.views import CHANNEL_ICONS, channel_name, customer_name
from designer.words import Words
from engine.model.base import CHANNELS


@dataclass(frozen=True, slots=True)
class Item:
    """One message in the list."""

    id: str
    icon: str
    channel: str
    who: str
    title: str
    preview: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Filter:
    """A channel to choose by."""

    value: str
    name: str


@dataclass(frozen=True, slots=True)
class Reading:
    """The message that is being read."""

    id: str
    kind: str
    icon: str
    channel: str
    title: str
    to: str
    who: str
    customer: str
    journey: str
    journey_name: str
    step: str
    variant: str
    version: str
    at: datetime
    has_html: bool
    text: str


def items(found: Sequence[Mapping[str, Any]], words: Words) -> list[Item]:
    """Return the list."""
    return [
        Item(
            id=str(one["id"]),
            icon=CHANNEL_ICONS.get(one["channel"], "mail"),
            channel=channel_name(one["channel"], words),
            who=customer_name(one["traits"] or {}, one["addresses"] or {}, words),
            title=one["subject"] or "",
            preview=" ".join((one["preview"] or "").split()),
            at=one["sent_at"],
        )
        for one in found
    ]


def filters(words: Words) -> list[Filter]:
    """Return the channels to choose by, all of them first."""
    channels = [Filter(channel, channel_name(channel, words)) for channel in CHANNELS]
    return [Filter("", words.gettext("All")), *channels]


def reading(
    message: Mapping[str, Any], customer: Mapping[str, Any], journey_name: str, words: Words
) -> Reading:
    """Return the message to read."""
    body, text = message["body"] or "", message["text"] or ""
    is_html = message["channel"] == "email" and "<" in body
    return Reading(
        id=message["id"],
        kind=message["channel"],
        icon=CHANNEL_ICONS.get(message["channel"], "mail"),
        channel=channel_name(message["channel"], words),
        title=message["subject"] or "",
        to=message["to"] or "",
        who=customer_name(customer["traits"], customer["addresses"], words),
        customer=message["customer"],
        journey=message["journey"],
        journey_name=journey_name,
        step=readable(message["step"]),
        variant=readable(message["variant"] or ""),
        version=words.gettext("Version %(n)s", n=message["version"]),
        at=message["sent_at"] or message["decided_at"],
        has_html=is_html,
        text=text or ("" if is_html else body),
    )
