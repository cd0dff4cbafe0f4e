"""By what the ledger's messages are chosen: read from an address, shown as a form."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection

from designer.canvas.sentences import readable
from designer.messages.reasons import REASONS
from designer.period import beginning, day_of
from designer.views import CHANNEL_ICONS, channel_name, message_mark
from designer.words import N_, Words
from engine.errors import InvalidDocument, NotFound
from engine.model.document import journey_of
from engine.model.journey import SendStep, walk
from engine.store import drafts, search
from engine.store.drafts import Names
from engine.store.ledger import RESULTS
from engine.store.manners import HOWS, Stops

_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(9999, 1, 1, tzinfo=UTC)
_MOST_CUSTOMERS: Final = 200

STOPPED: Final = {
    "deferred": N_("Put off by %(what)s"),
    "skipped": N_("Not sent because of %(what)s"),
    "moved": N_("Sent on another channel because of %(what)s"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What is asked for; empty means all. `stopped` turns the rest to what was held back so."""

    q: str = ""
    customer: str = ""
    journey: str = ""
    step: str = ""
    channel: str = ""
    result: str = ""
    reason: str = ""
    rule: str = ""
    topic: str = ""
    since: str = ""
    until: str = ""
    stopped: str = ""

    def query(self) -> dict[str, str]:
        """Return them as the address names them."""
        names = {"since": "from", "until": "to"}
        given = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {names.get(name, name): value for name, value in given.items() if value}

    def wrong(self, words: Words) -> dict[str, str]:
        """Return what is wrong with them, by field."""
        mend = words.gettext("Write a day like 2026-03-21.")
        return {
            name: mend
            for name, value in (("from", self.since), ("to", self.until))
            if value and day_of(value) is None
        }

    def ledger(self, connection: Connection, zone: str) -> dict[str, Any]:
        """Return them as the ledger takes them."""
        given: dict[str, Any] = {
            name: getattr(self, name) or None for name in ("journey", "step", "channel", "topic")
        }
        given["result"] = self.result if self.result in RESULTS else None
        given["customer"] = self._customers(connection)
        since, until = beginning(self.since, zone), beginning(self.until, zone, following=True)
        if self.stopped in HOWS:
            given["stops"] = Stops(
                since=since or _EARLIEST, until=until or _LATEST, how=self.stopped,
                rule=self.rule or None, reason=self.reason or None,
            )  # fmt: skip
            return given
        return given | {
            "since": since,
            "until": until,
            "rule": self.rule or None,
            "reason": self.reason or None,
        }

    def _customers(self, connection: Connection) -> UUID | list[UUID] | None:
        if self.customer:
            try:
                return search.find(connection, self.customer)
            except NotFound:
                return []
        if not self.q.strip():
            return None
        found = search.customers(connection, self.q, limit=_MOST_CUSTOMERS).items
        return [UUID(one["id"]) for one in found]


@dataclass(frozen=True, slots=True)
class Choice:
    """A field of the form that offers what there is."""

    key: str
    name: str
    anything: str
    value: str
    options: list[tuple[str, str]] = field(default_factory=list)


def choices(
    connection: Connection,
    chosen: Filters,
    names: Names,
    journeys: Mapping[str, str],
    words: Words,
) -> list[Choice]:
    """Return the form's fields, with what can be chosen in each."""
    _ = words.gettext
    found = [
        Choice(
            "result", _("Result"), _("Any result"), chosen.result,
            [(result, message_mark(result, words).text) for result in RESULTS],
        ),
        Choice(
            "channel", _("Channel"), _("Any channel"), chosen.channel,
            [(channel, channel_name(channel, words)) for channel in CHANNEL_ICONS],
        ),
        Choice("journey", _("Journey"), _("Any journey"), chosen.journey, _named(journeys)),
    ]  # fmt: skip
    steps = _steps(connection, chosen.journey) if chosen.journey else {}
    found += [
        Choice("step", _("Step"), _("Any step"), chosen.step, list(steps.items())),
        Choice("topic", _("Topic"), _("Any topic"), chosen.topic, _named(names.topics)),
        Choice(
            "reason", _("Reason"), _("Any reason"), chosen.reason,
            sorted(((key, _(said)) for key, said in REASONS.items()), key=lambda one: one[1]),
        ),
        Choice("rule", _("Rule"), _("Any rule"), chosen.rule, _named(names.caps)),
    ]  # fmt: skip
    return [_with_own(choice) for choice in found]


def _named(names: Mapping[str, str]) -> list[tuple[str, str]]:
    return sorted(names.items(), key=lambda one: one[1].casefold())


def _with_own(choice: Choice) -> Choice:
    """Offer what is chosen even when it does not exist any more."""
    if choice.value and choice.value not in dict(choice.options):
        choice.options.append((choice.value, readable(choice.value)))
    return choice


def _steps(connection: Connection, journey: str) -> dict[str, str]:
    try:
        found = drafts.journey(connection, journey)
    except NotFound:
        return {}
    steps = {}
    for document in (found.draft, found.live or found.draft):
        try:
            parsed = journey_of(document)
        except InvalidDocument:
            continue
        for step in walk(parsed.steps):
            if isinstance(step, SendStep):
                steps[step.id] = step.name or readable(step.id)
    return steps


def stopped_words(chosen: Filters, names: Names, words: Words) -> str:
    """Say in words that only what something held back is shown; nothing when it is not so."""
    if chosen.stopped not in STOPPED:
        return ""
    if chosen.rule:
        what = words.gettext(
            "the rule %(rule)s", rule=words.quote(names.caps.get(chosen.rule, chosen.rule))
        )
    elif chosen.reason in REASONS:
        what = words.quote(words.gettext(REASONS[chosen.reason]))
    else:
        what = words.gettext("a rule or the time of day")
    return words.gettext(STOPPED[chosen.stopped], what=what)
