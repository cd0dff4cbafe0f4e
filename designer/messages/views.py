"""What the pages of messages show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from designer.canvas.sentences import readable
from designer.canvas.views import Fact
from designer.messages.outcome import Happening, Outcomes, mark_of
from designer.views import CHANNEL_ICONS, Mark, channel_name, customer_name
from designer.words import Words
from engine.model.journey import Journey, walk
from engine.store.drafts import Names

Journeys = Mapping[tuple[str, int], Journey]


@dataclass(frozen=True, slots=True)
class Row:
    """One message of the list."""

    id: str
    icon: str
    channel: str
    title: str
    customer: str
    who: str
    journey: str
    journey_name: str
    step: str
    mark: Mark
    sentence: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Link:
    """A name that leads somewhere."""

    name: str
    href: str


@dataclass(frozen=True, slots=True)
class Shown:
    """One message, whole."""

    row: Row
    story: list[Happening]
    links: list[tuple[str, Link]]
    facts: list[Fact]
    missing: list[str]
    kind: str
    is_html: bool
    text: str


class Ledger:
    """Shows messages; what they refer to by id is named by those who know."""

    def __init__(
        self, words: Words, names: Names, journey_names: Mapping[str, str], now: datetime
    ) -> None:
        self._words = words
        self._names = names
        self._journey_names = journey_names
        self._outcomes = Outcomes(words, names, now)

    def row(
        self, message: Mapping[str, Any], customer: Mapping[str, Any] | None, journeys: Journeys
    ) -> Row:
        """Return a message as the list shows it."""
        traits, addresses = (customer["traits"], customer["addresses"]) if customer else ({}, {})
        journey = message["journey"]
        return Row(
            id=message["id"],
            icon=CHANNEL_ICONS.get(message["channel"], "mail"),
            channel=channel_name(message["channel"], self._words),
            title=self._title(message),
            customer=message["customer"],
            who=customer_name(traits, addresses, self._words),
            journey=journey,
            journey_name=self._journey_names.get(journey, readable(journey)),
            step=_step_name(journeys.get((journey, message["version"])), message["step"]),
            mark=mark_of(message, self._words),
            sentence=self._outcomes.sentence(message),
            at=message["sent_at"] or message["decided_at"],
        )

    def rows(
        self,
        messages: Sequence[Mapping[str, Any]],
        customers: Mapping[str, Mapping[str, Any]],
        journeys: Journeys,
    ) -> list[Row]:
        """Return messages as the list shows them."""
        return [self.row(one, customers.get(one["customer"]), journeys) for one in messages]

    def shown(
        self,
        message: Mapping[str, Any],
        customer: Mapping[str, Any],
        journeys: Journeys,
        traced: list[dict[str, Any]],
    ) -> Shown:
        """Return a message with its whole story."""
        row = self.row(message, customer, journeys)
        body, text = message["body"] or "", message["text"] or ""
        is_html = message["channel"] == "email" and "<" in body
        missing = [
            str(name)
            for entry in traced
            if entry["what"] == "missing"
            for name in entry["data"].get("variables") or ()
        ]
        return Shown(
            row=row,
            story=self._outcomes.story(message, traced),
            links=self._links(message, row),
            facts=self._facts(message),
            missing=list(dict.fromkeys(missing)),
            kind=message["channel"],
            is_html=is_html,
            text=text or ("" if is_html else body),
        )

    def _title(self, message: Mapping[str, Any]) -> str:
        lines = (message["text"] or "").strip().splitlines()
        template = message["template"]
        return str(
            message["subject"]
            or (lines[0][:120] if lines else "")
            or self._names.templates.get(template, readable(template))
        )

    def _links(self, message: Mapping[str, Any], row: Row) -> list[tuple[str, Link]]:
        _ = self._words.gettext
        journey = f"/journeys/{row.journey}"
        return [
            (_("Customer"), Link(row.who, f"/customers/{row.customer}")),
            (_("Journey"), Link(row.journey_name, journey)),
            (_("Step"), Link(row.step, f"{journey}?step={message['step']}")),
        ]

    def _facts(self, message: Mapping[str, Any]) -> list[Fact]:
        words, _ = self._words, self._words.gettext
        topic = message["topic"]
        always = message["class"] == "transactional"
        found = (
            (_("To"), message["to"]),
            (_("Channel"), channel_name(message["channel"], words)),
            (_("Template"), self._names.templates.get(message["template"], message["template"])),
            (_("Version of the test"), readable(message["variant"] or "")),
            (_("Topic"), self._names.topics.get(topic, readable(topic)) if topic else ""),
            (_("Offer"), readable(message["offer"] or "")),
            (_("Caps"), _("Always sent: no cap or quiet hours hold it back") if always else ""),
            (_("Priority"), "" if always else words.number(message["priority"])),
            (_("Parts of the SMS"), message["segments"] and words.number(message["segments"])),
            (_("Cost"), words.money(message["cost"]) if message["cost"] is not None else ""),
            (_("Sent through"), message["provider"]),
            (_("Number at the provider"), message["provider_id"]),
        )
        return [Fact(name, str(value)) for name, value in found if value]


def _step_name(journey: Journey | None, step: str) -> str:
    steps = walk(journey.steps) if journey is not None else ()
    found = next((one for one in steps if one.id == step), None)
    return found.name if found is not None and found.name else readable(step)
