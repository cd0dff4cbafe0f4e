"""What the customer's own pages show, in her language."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request

from designer.pages import pages
from designer.views import channel_name
from designer.words import LANGUAGES, N_, Words, negotiate
from engine.model.base import CHANNELS, Channel
from engine.model.customer import Customer
from engine.model.topic import Subscription, Topic

TEXT_VERSION: Final = "1"
"""Raise it when the wording of these pages changes: the record of consent names it."""

_SILENT: Final = {
    "email": N_("Emails to this address come back: nothing is sent to it."),
    "sms": N_("You have stopped text messages to this number. Answer one with START to undo that."),
    "whatsapp": N_("You have stopped messages to this number. Answer one with START to undo that."),
    "push": N_("This device takes no notifications any more."),
}


_BY: Final = {
    "email": N_("email"),
    "sms": N_("text message"),
    "whatsapp": "WhatsApp",
    "push": N_("notification"),
}


def by_channel(channel: Channel, words: Words) -> str:
    """Name a channel within a sentence: by email."""
    return words.gettext(_BY[channel])


@dataclass(frozen=True, slots=True)
class Switch:
    """One topic on one channel; `name` is its field's, `hint` what else there is to know."""

    name: str
    channel: str
    on: bool
    hint: str


@dataclass(frozen=True, slots=True)
class Card:
    """One topic."""

    name: str
    description: str
    switches: list[Switch]


def words_for(request: Request, customer: Customer | None) -> Words:
    """Return the customer's language: as she is known, else as her browser asks."""
    accepted = request.headers.get("Accept-Language", "")
    locale = (customer.locale if customer is not None else None) or ""
    own = locale.replace("_", "-")
    language = own.split("-")[0].lower()
    chosen = negotiate(language if language in LANGUAGES else None, accepted)
    return Words(chosen, accepted=own or accepted, shop=pages(request).shop())


def text_version(words: Words) -> str:
    """Return the wording that she saw."""
    return f"{TEXT_VERSION} {words.language}"


def topic_name(topic: Topic, words: Words) -> str:
    """Return what a topic is called in her language."""
    return topic.names.get(words.language, topic.name)


def cards(customer: Customer, topics: Mapping[str, Topic], words: Words) -> list[Card]:
    """Return her topics with a switch for each channel that she has."""
    shown = [
        Card(
            topic_name(topic, words),
            topic.descriptions.get(words.language, topic.description),
            [_switch(customer, topic, channel, words) for channel in _channels(customer, topic)],
        )
        for topic in topics.values()
    ]
    return sorted((card for card in shown if card.switches), key=lambda card: card.name.lower())


def _channels(customer: Customer, topic: Topic) -> list[Channel]:
    """Return the channels she can be written to on; WhatsApp only where she has named it."""
    said = customer.consent.get(topic.id, {})
    return [
        channel
        for channel in CHANNELS
        if customer.address(channel) is not None and (channel != "whatsapp" or channel in said)
    ]


def _switch(customer: Customer, topic: Topic, channel: Channel, words: Words) -> Switch:
    state = customer.subscription(topic, channel)
    hint = ""
    if state == "pending":
        hint = words.gettext("Waiting for you to confirm: look for the link we sent you.")
    if customer.suppression(channel) is not None:
        hint = words.gettext(_SILENT[channel])
    name = f"{topic.id}|{channel}"
    return Switch(name, channel_name(channel, words), state != "unsubscribed", hint)


def changes(shown: list[str], on: list[str]) -> dict[tuple[str, Channel], Subscription]:
    """Return what a form changes: `shown` are its switches, `a|email|on`, `on` those now on.

    Only what she has touched is said by her: a default that she has left alone stays one.
    """
    found: dict[tuple[str, Channel], Subscription] = {}
    for field in shown:
        name, _, was = field.rpartition("|")
        topic, _, given = name.rpartition("|")
        channel = next((known for known in CHANNELS if known == given), None)
        is_on = name in on
        if topic and channel is not None and is_on != (was == "on"):
            found[topic, channel] = "subscribed" if is_on else "unsubscribed"
    return found


def masked(customer: Customer, channel: Channel) -> str:
    """Return enough of an address for its owner to know it: the page may be opened by others."""
    address = customer.address(channel)
    if address is None or channel == "push":
        return ""
    if channel == "email":
        name, _, domain = address.rpartition("@")
        return f"{name[:1]}…@{domain}"
    return f"…{address[-3:]}"
