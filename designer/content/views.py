"""What the templates' pages show."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from babel import Locale, UnknownLocaleError

from designer.content.forms import FIELDS, Fault
from designer.views import CHANNEL_ICONS, channel_name, customer_name
from designer.words import N_, Words
from engine.model.base import CHANNELS, Channel
from engine.store.templates import Stored


@dataclass(frozen=True, slots=True)
class Row:
    """A template in the list."""

    id: str
    name: str
    icon: str
    channel: str
    languages: str
    first: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the editor. `kind`: line, text or code."""

    name: str
    label: str
    kind: str
    hint: str
    fault: Fault | None


@dataclass(frozen=True, slots=True)
class Found:
    """A customer to preview with."""

    id: str
    name: str
    address: str


_FIELDS: Final = {
    "subject": (N_("Subject"), "line", ""),
    "preheader": (N_("Preview text"), "line", N_("What inboxes show beside the subject.")),
    "body": (
        N_("Message"), "code",
        N_("Tab indents. To leave the text by keyboard, press Escape, then Tab."),
    ),
    "text": (N_("Text part"), "text", N_("Left empty, it is made from the message.")),
    "link": (N_("Link"), "line", N_("Where a tap leads.")),
    "image": (N_("Picture"), "line", N_("The address of a picture.")),
    "approved": (
        N_("Approved template"), "line", N_("The name under which the provider has approved it."),
    ),
    "fields": (
        N_("Its fields"), "text", N_("One a line, like: 1: {{ customer.first_name }}"),
    ),
}  # fmt: skip
_PUSH_SUBJECT: Final = N_("Title")


def rows(found: Sequence[Stored], words: Words) -> list[Row]:
    """Return the list."""
    return [
        Row(
            id=one.template.id,
            name=one.template.name,
            icon=CHANNEL_ICONS[one.template.channel],
            channel=channel_name(one.template.channel, words),
            languages=", ".join(language(tag, words) for tag in one.template.locales),
            first=next(iter(one.template.locales.values())).subject or "",
            updated_at=one.updated_at,
        )
        for one in found
    ]


def channels(words: Words) -> list[tuple[Channel, str]]:
    """Return the channels to choose from."""
    return [(channel, channel_name(channel, words)) for channel in CHANNELS]


def fields(channel: Channel, faults: Sequence[Fault], words: Words) -> list[Field]:
    """Return the editor's fields, each with its fault."""
    wrong = {fault.field: fault for fault in faults}
    shown = []
    for name in FIELDS[channel]:
        label, kind, hint = _FIELDS[name]
        if (channel, name) == ("push", "subject"):
            label = _PUSH_SUBJECT
        shown.append(Field(name, words.gettext(label), kind, words.gettext(hint), wrong.get(name)))
    return shown


def people(found: Sequence[Mapping[str, Any]], words: Words) -> list[Found]:
    """Return customers to choose from."""
    return [
        Found(
            id=one["id"],
            name=customer_name(one["traits"] or {}, one["addresses"] or {}, words),
            address=str(one["addresses"].get("email") or one["addresses"].get("phone") or ""),
        )
        for one in found
    ]


def outcome(refused: str | None, transport: str, to: str, words: Words) -> str:
    """Say what became of a test."""
    if refused is not None:
        return words.gettext("Not sent: %(reason)s", reason=refused)
    if transport == "outbox":
        return words.gettext(
            "Nothing was delivered: no provider is set up for this channel on this machine."
        )
    return words.gettext("Sent to %(to)s as a test.", to=to)


def is_language(tag: str) -> bool:
    """Whether a text names a language, like `fr` or `de-CH`."""
    if not re.fullmatch(r"[a-z]{2,3}(-[A-Z][A-Za-z]{1,3})?", tag):
        return False
    try:
        Locale.parse(tag, sep="-")
    except (ValueError, UnknownLocaleError):
        return False
    return True


def language(tag: str, words: Words) -> str:
    """Name a language in the reader's own."""
    try:
        return str(Locale.parse(tag, sep="-").get_display_name(words.locale) or tag)
    except (ValueError, UnknownLocaleError):
        return tag
