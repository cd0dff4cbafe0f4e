"""The kinds of step that can be added, and what each is when it is new."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from designer.words import N_, Words
from engine.errors import InvalidInput
from engine.model.activity import ActivityType


@dataclass(frozen=True, slots=True)
class Offered:
    """One kind of step in the palette; `sense` is what it is for, also for the search."""

    kind: str
    name: str
    icon: str
    colour: str
    sense: str


@dataclass(frozen=True, slots=True)
class Group:
    """Kinds that belong together."""

    name: str
    offered: list[Offered]


_Kind = tuple[str, str, str, str, str]

_GROUPS: Final[tuple[tuple[str, tuple[_Kind, ...]], ...]] = (
    (N_("Send"), (
        ("email", N_("Email"), "mail", "message", N_("Send an email")),
        ("sms", N_("SMS"), "message-square", "message", N_("Send a text message to the phone")),
        ("push", N_("Push"), "bell", "message", N_("Send a notification to app or browser")),
        ("whatsapp", "WhatsApp", "message-square", "message", N_("Send a WhatsApp message")),
    )),
    (N_("Time"), (
        ("wait", N_("Wait"), "clock", "time", N_("Wait for a length of time")),
        ("until", N_("Wait until"), "calendar-clock", "time",
         N_("Wait for a time of day, a weekday or a date")),
        ("wait_for", N_("Wait for an event"), "hourglass", "time",
         N_("Wait until the customer does something, or for so long")),
    )),
    (N_("Ways"), (
        ("branch", N_("Branch"), "git-branch", "logic",
         N_("Go one way or another, by what is known of the customer")),
        ("split", N_("Split by chance"), "split", "logic",
         N_("Send shares of the customers different ways, to compare")),
        ("repeat", N_("Repeat"), "repeat", "logic",
         N_("Go through some steps again, so many times or until something holds")),
    )),
    (N_("Do"), (
        ("update", N_("Update the customer"), "user-pen", "logic",
         N_("Note something about the customer, begin or end a topic")),
        ("enter", N_("Start another journey"), "route", "logic",
         N_("Let the customer enter another journey, too")),
        ("webhook", N_("Call a web address"), "globe", "logic",
         N_("Ask or tell another system something")),
    )),
    (N_("End"), (
        ("exit", N_("Exit"), "log-out", "end", N_("End the journey here")),
    )),
)  # fmt: skip

_CHANNELS: Final = ("email", "sms", "push", "whatsapp")
_BOUGHT: Final[Mapping[str, Any]] = {"event": "Order Completed", "within": "30d"}

_NEW: Final[Mapping[str, Mapping[str, Any]]] = {
    "wait": {"type": "wait", "for": "1d"},
    "until": {"type": "wait", "until": {"time": "10:00"}},
    "wait_for": {
        "type": "wait_for",
        "timeout": "1d",
        "events": [{"on": {"event": "Order Completed"}}],
    },
    "branch": {"type": "branch", "arms": [{"id": "yes", "if": _BOUGHT}]},
    "split": {"type": "split", "arms": [{"id": "a", "weight": 50}, {"id": "b", "weight": 50}]},
    "repeat": {
        "type": "repeat",
        "times": 3,
        "steps": [{"id": "pause", "type": "wait", "for": "1d"}],
    },
    "update": {"type": "update", "set": {"stage": "new"}},
    "enter": {"type": "enter", "journey": "choose-one"},
    "webhook": {"type": "webhook", "url": "https://"},
    "exit": {"type": "exit"},
}
_WISHES: Final = {"until": "wait", "wait_for": "wait-for", "webhook": "call"}


_ACTIVITY: Final = "activity "


def palette(words: Words, activities: Collection[ActivityType] = ()) -> list[Group]:
    """Return the palette in the reader's language, the shop's own activities last."""
    _ = words.gettext
    own = [
        Offered(f"{_ACTIVITY}{one.name}", one.title, one.icon or "puzzle", "logic", one.title)
        for one in activities
    ]
    groups = [
        Group(
            _(name),
            [
                Offered(kind, _(title), icon, colour, _(sense))
                for kind, title, icon, colour, sense in kinds
            ],
        )
        for name, kinds in _GROUPS
    ]
    return [*groups, Group(_("Your shop's own"), own)] if own else groups


def kinds() -> Iterator[str]:
    """Yield every kind."""
    for _, offered in _GROUPS:
        for kind, *_ in offered:
            yield kind


def new_step(kind: str) -> dict[str, Any]:
    """Return a new step of this kind; its id is a wish."""
    if kind in _CHANNELS:
        return {"id": kind, "type": "send", "channel": kind}
    if kind.startswith(_ACTIVITY):
        name = kind.removeprefix(_ACTIVITY)
        return {"id": name, "type": "activity", "activity": name}
    if kind not in _NEW:
        raise InvalidInput(f"There is no kind of step {kind!r}.")
    return {"id": _WISHES.get(kind, kind), **_NEW[kind]}
