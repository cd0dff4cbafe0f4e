"""Small parts that several pages show the same way."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from designer.words import N_, Words


@dataclass(frozen=True, slots=True)
class Mark:
    """A short word on a coloured ground; `title` explains it on hover."""

    text: str
    tone: str = ""
    icon: str = ""
    title: str = ""


_JOURNEY: Final = {
    "draft": (N_("Draft"), "", N_("Nobody enters: it has not been published yet.")),
    "live": (N_("Live"), "good", N_("Customers enter and move on.")),
    "paused": (
        N_("Paused"),
        "warn",
        N_("Nobody enters, and what is due waits, until it is resumed."),
    ),
    "archived": (N_("Archived"), "", N_("Kept for its figures only.")),
}

_MESSAGE: Final = {
    "decided": (N_("Being prepared"), "blue", "clock"),
    "claimed": (N_("Being sent"), "blue", "send"),
    "sent": (N_("Sent"), "good", "circle-check"),
    "deferred": (N_("Put off"), "warn", "clock"),
    "skipped": (N_("Not sent"), "", "ban"),
    "failed": (N_("Refused"), "bad", "circle-alert"),
    "unknown": (N_("Outcome unknown"), "warn", "info"),
}

CHANNEL_ICONS: Final = {
    "email": "mail",
    "sms": "message-square",
    "whatsapp": "message-square",
    "push": "bell",
}

_CHANNELS: Final = {
    "email": N_("Email"),
    "sms": N_("SMS"),
    "whatsapp": "WhatsApp",
    "push": N_("Push"),
}


ACTIVITY_ICON: Final = "puzzle"
"""What stands for a developer's activity that names no icon which there is."""


@cache
def icons() -> frozenset[str]:
    """Return the names of the icons that there are."""
    drawn = Path(__file__).parent / "static" / "vendor" / "lucide" / "icons.css"
    return frozenset(re.findall(r"^\.i-([\w-]+) ", drawn.read_text("utf-8"), re.MULTILINE))


def journey_mark(state: str, words: Words) -> Mark:
    """Say a journey's state."""
    name, tone, title = _JOURNEY.get(state, (state, "", ""))
    return Mark(words.gettext(name), tone, "", words.gettext(title))


def message_mark(state: str, words: Words) -> Mark:
    """Say what became of a message."""
    name, tone, icon = _MESSAGE.get(state, (state, "", "info"))
    return Mark(words.gettext(name), tone, icon)


def channel_name(channel: str, words: Words) -> str:
    """Name a channel."""
    return words.gettext(_CHANNELS.get(channel, channel))


_NAMES: Final = (("first_name", "last_name"), ("firstName", "lastName"))


def customer_name(traits: dict[str, object], addresses: dict[str, object], words: Words) -> str:
    """Return what to call a customer: her name, else an address, else that she is unknown."""
    if isinstance(traits.get("name"), str) and traits["name"]:
        return str(traits["name"])
    for first, last in _NAMES:
        parts = [str(traits[key]) for key in (first, last) if traits.get(key)]
        if parts:
            return " ".join(parts)
    for key in ("email", "phone"):
        if addresses.get(key):
            return str(addresses[key])
    return words.gettext("Unknown visitor")
