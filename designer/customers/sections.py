"""The parts of a customer's page: each is a template of its own, and a place that can be gone to."""

from dataclasses import dataclass
from typing import Final

from designer.words import N_, Words


@dataclass(frozen=True, slots=True)
class Part:
    """A part: `customers/_{key}.html`. One that is `wide` takes the page's whole width.

    One that is `rare` is left out where there is nothing in it.
    """

    key: str
    icon: str
    title: str
    sub: str = ""
    wide: bool = False
    rare: bool = False


PARTS: Final = (
    Part("profile", "user", N_("Who she is")),
    Part("segments", "target", N_("Segments"), N_("In which she is now")),
    Part("traits", "tag", N_("Traits")),
    Part("scores", "gauge", N_("Scores"), N_("As they stand now"), rare=True),
    Part("wants", "shield-check", N_("What she wants")),
    Part("runs", "workflow", N_("Journeys"), N_("What was decided, and why"), wide=True),
    Part("orders", "shopping-cart", N_("Orders"), wide=True),
    Part("messages", "mail", N_("Messages"), N_("Sent, or why not"), wide=True),
    Part("timeline", "activity", N_("Timeline"), wide=True),
)
"""In the order of the page. Another one is a row here, a template, and what it needs in `routes`."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of one customer's page; `count` is how much there is in it, where that tells."""

    key: str
    icon: str
    title: str
    sub: str
    wide: bool
    count: str


def sections(counts: dict[str, int], words: Words) -> list[Section]:
    """Return the parts, each with how much there is in it."""
    return [
        Section(
            one.key,
            one.icon,
            words.gettext(one.title),
            words.gettext(one.sub),
            one.wide,
            words.number(counts[one.key]) if one.key in counts else "",
        )
        for one in PARTS
        if not one.rare or counts.get(one.key)
    ]
