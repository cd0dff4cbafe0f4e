"""What the pages of customers show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from designer.canvas.sentences import Sentences, readable
from designer.canvas.views import Fact
from designer.customers.telling import Teller, Told, ending, refusal
from designer.views import Mark, channel_name, customer_name
from designer.words import N_, Words
from engine.model.customer import EVERYTHING
from engine.model.journey import Journey, walk
from engine.store.drafts import Names


@dataclass(frozen=True, slots=True)
class Row:
    """One customer in the list."""

    id: str
    name: str
    email: str
    phone: str
    known_as: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Profile:
    """Who a customer is."""

    id: str
    name: str
    since: datetime
    addresses: list[Fact]
    identities: list[Fact]


@dataclass(frozen=True, slots=True)
class Run:
    """One way through a journey, told."""

    id: str
    journey: str
    name: str
    version: str
    mark: Mark
    where: str
    entered_at: datetime
    due_at: datetime | None
    told: list[Told]


@dataclass(frozen=True, slots=True)
class Said:
    """What a customer said about a topic on a channel, and how."""

    at: datetime
    icon: str
    text: str
    how: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """An entry that was refused."""

    at: datetime
    journey: str
    why: str
    seen: str


def rows(found: Sequence[Mapping[str, Any]], words: Words) -> list[Row]:
    """Return the list's rows."""
    return [
        Row(
            id=one["id"],
            name=customer_name(one["traits"], one["addresses"], words),
            email=str(one["addresses"].get("email") or ""),
            phone=str(one["addresses"].get("phone") or ""),
            known_as=_known_as(one["identities"]),
            since=one["created_at"],
        )
        for one in found
    ]


def _known_as(identities: Sequence[Mapping[str, Any]]) -> str:
    by = {one["namespace"]: str(one["value"]) for one in identities}
    return by.get("external_id") or next(iter(by.values()), "")


def profile(found: Mapping[str, Any], words: Words) -> Profile:
    """Return the profile."""
    _ = words.gettext
    spoken = {"email": _("Email"), "phone": _("Phone"), "push": _("Push devices")}
    kinds = {"external_id": _("Customer number"), "anonymous_id": _("Anonymous visit")}
    addresses = [
        Fact(spoken.get(kind, readable(kind)), _address(value, words))
        for kind, value in found["addresses"].items()
        if value
    ]
    if found["locale"]:
        addresses.append(Fact(_("Language"), found["locale"]))
    if found["time_zone"]:
        addresses.append(Fact(_("Time zone"), found["time_zone"]))
    return Profile(
        id=found["id"],
        name=customer_name(found["traits"], found["addresses"], words),
        since=found["created_at"],
        addresses=addresses,
        identities=[
            Fact(kinds.get(one["namespace"], readable(one["namespace"])), str(one["value"]))
            for one in found["identities"]
        ],
    )


def _address(value: Any, words: Words) -> str:
    return words.number(len(value)) if isinstance(value, list) else str(value)


def runs(
    found: Sequence[Mapping[str, Any]],
    traces: Mapping[str, Sequence[Mapping[str, Any]]],
    journeys: Mapping[tuple[str, int], Journey],
    names: Names,
    words: Words,
) -> list[Run]:
    """Return the runs, each with its decisions in words."""
    shown = []
    for one in found:
        journey = journeys.get((one["journey"], one["version"]))
        sentences = Sentences(words, journey, names)
        steps = {step.id: step for step in walk(journey.steps)} if journey else {}
        where = ""
        if one["ended_at"] is None and one["step"]:
            step = steps.get(one["step"])
            where = sentences.title(step) if step else readable(one["step"])
        shown.append(
            Run(
                id=one["id"],
                journey=one["journey"],
                name=one["journey_name"],
                version=words.gettext("Version %(n)s", n=one["version"]),
                mark=_run_mark(one, words),
                where=where,
                entered_at=one["entered_at"],
                due_at=one["due_at"] if where else None,
                told=Teller(sentences, steps).tell(traces.get(one["id"], ())),
            )
        )
    return shown


def _run_mark(run: Mapping[str, Any], words: Words) -> Mark:
    _ = words.gettext
    if run["held_out"]:
        return Mark(_("Held out"), "", "users", _("Receives nothing, to compare with"))
    if run["goal_at"]:
        return Mark(_("Goal reached"), "good", "target")
    if run["ended_at"] is None:
        return Mark(_("Inside now"), "blue", "activity")
    return Mark(ending(words, run["end_reason"]).capitalize() or _("Left"), "", "log-out")


def refusals(
    trace: Sequence[Mapping[str, Any]], names: Mapping[str, str], words: Words
) -> list[Refusal]:
    """Return the entries that were refused, the last first."""
    teller = Teller(Sentences(words), {})
    found = [
        Refusal(
            one["at"],
            names.get(one["journey"], one["journey"]),
            refusal(words, str(one["reason"])),
            teller.seen((one["data"] or {}).get("seen") or {}),
        )
        for one in trace
        if one["what"] == "refused"
    ]
    return found[::-1]


_STATES: Final = {
    "subscribed": (N_("wants it"), "good", "circle-check"),
    "unsubscribed": (N_("declined it"), "", "ban"),
    "pending": (N_("has yet to confirm it"), "warn", "hourglass"),
}
_HOW: Final = {
    "link": N_("by a link in a message"),
    "page": N_("on her own page"),
    "form": N_("in a form of the shop"),
    "api": N_("told by one of the shop's systems"),
    "import": N_("taken over from a former tool"),
    "sms": N_("by a text message"),
    "journey": N_("set by a journey"),
    "merge": N_("the stricter of what two customers said who were merged"),
}
_SUPPRESSED: Final = {
    "bounced": N_("messages came back"),
    "complained": N_("she called a message spam"),
    "stop": N_("she wrote STOP"),
    "unsubscribed": N_("the provider knows that she has unsubscribed"),
    "expired": N_("the device takes no push messages any more"),
}


def subscriptions(
    found: Mapping[str, Any], names: Names, words: Words
) -> list[tuple[str, list[tuple[str, Mark]]]]:
    """Return what the customer wants now: by topic, each channel of which she has said so."""
    by_topic: dict[str, list[tuple[str, Mark]]] = {}
    for one in found["subscriptions"]:
        said, tone, icon = _STATES.get(one["state"], (one["state"], "", "info"))
        mark = Mark(channel_name(one["channel"], words), tone, icon, words.gettext(said))
        by_topic.setdefault(_topic(one["topic"], names, words), []).append((mark.title, mark))
    return list(by_topic.items())


def consents(found: Mapping[str, Any], names: Names, words: Words) -> list[Said]:
    """Return all that the customer has said about topics, the last first."""
    _ = words.gettext
    told = []
    for one in found["consents"][::-1]:
        said, _tone, icon = _STATES.get(one["state"], (one["state"], "", "info"))
        text = _(
            "%(topic)s by %(channel)s: %(state)s",
            topic=_topic(one["topic"], names, words),
            channel=channel_name(one["channel"], words),
            state=_(said),
        )
        how = [_(_HOW.get(one["how"], one["how"])), one["source"] or ""]
        if one["text_version"]:
            how.append(_("version %(version)s of the text", version=one["text_version"]))
        at = datetime.fromisoformat(one["at"])
        told.append(Said(at, icon, text, " · ".join(part for part in how if part)))
    return told


def suppressed(found: Mapping[str, Any], words: Words) -> list[str]:
    """Say which of the customer's addresses must not be written to any more, and why."""
    return [
        words.gettext(
            "No %(channel)s goes to %(address)s any more: %(reason)s",
            channel=channel_name(channel, words),
            address=words.gettext("her device") if channel == "push" else one["address"],
            reason=words.gettext(_SUPPRESSED.get(one["reason"], readable(one["reason"]))),
        )
        for channel, one in found.items()
    ]


def _topic(topic: str, names: Names, words: Words) -> str:
    if topic == EVERYTHING:
        return words.gettext("Everything else")
    return names.topics.get(topic, readable(topic))
