"""Events as people read them: an icon, a name, the first of what they say."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any, Final

from designer.canvas.sentences import readable
from designer.canvas.views import Fact
from designer.words import N_, Words

_MONEY: Final = frozenset(
    {"total", "revenue", "subtotal", "value", "cart_value", "price", "discount", "shipping", "tax"}
)
"""Properties that hold amounts, as Segment names them and shops add to them."""
_SUMMARY: Final = 4
"""How many of an event's properties are shown before one asks for all."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of the timeline."""

    at: datetime
    time: str
    icon: str
    name: str
    summary: str
    details: list[Fact]


@dataclass(frozen=True, slots=True)
class Day:
    """The events of one day."""

    name: str
    happenings: list[Happening]


_KIND_ICONS: Final = {
    "page": "file-text", "screen": "smartphone", "identify": "user", "track": "activity",
}  # fmt: skip
_NAME_ICONS: Final = {"Order": "shopping-cart", "Product": "eye", "Message": "mail",
               "Segment": "target"}  # fmt: skip
_UNNAMED: Final = {
    "identify": N_("Identified"),
    "page": N_("Looked at a page"),
    "screen": N_("Looked at a screen"),
    "group": N_("Joined a group"),
    "alias": N_("Got another id"),
}


def event_name(name: str, kind: str, words: Words) -> str:
    """Return an event's name; some kinds come without one."""
    if not name or name.lower() == kind:
        return words.gettext(_UNNAMED[kind]) if kind in _UNNAMED else name
    return name


def event_icon(name: str, kind: str) -> str:
    """Return the icon of an event."""
    first = name.split(" ", 1)[0]
    return _NAME_ICONS.get(first) or _KIND_ICONS.get(kind, "activity")


def summary(properties: Mapping[str, Any], words: Words) -> str:
    """Return an event's first properties on one line."""
    currency = properties.get("currency")
    if not (isinstance(currency, str) and re.fullmatch("[A-Z]{3}", currency)):
        currency = None
    shown = []
    for key, value in properties.items():
        if isinstance(value, dict | list) or value in {None, ""} or value == currency:
            continue
        is_money = currency and key in _MONEY and isinstance(value, int | float)
        said = words.money(value, currency) if is_money else words.value(value)
        shown.append(f"{readable(key)} {said}")
    return " · ".join(shown[:_SUMMARY])


def days(events: Sequence[Mapping[str, Any]], words: Words) -> list[Day]:
    """Return the timeline by day, on the shop's clock."""

    def day(event: Mapping[str, Any]) -> date:
        return words.local(event["occurred_at"]).date()

    return [
        Day(words.long_day(at), [_happening(event, words) for event in group])
        for at, group in groupby(events, key=day)
    ]


def _happening(event: Mapping[str, Any], words: Words) -> Happening:
    properties = event["properties"] or {}
    return Happening(
        at=event["occurred_at"],
        time=words.time(event["occurred_at"]),
        icon=event_icon(event["name"], event["kind"]),
        name=event_name(event["name"], event["kind"], words),
        summary=summary(properties, words),
        details=[Fact(readable(key), words.value(value)) for key, value in properties.items()],
    )
