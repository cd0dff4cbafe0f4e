"""How what a customer tells, or a journey decides, changes who she is."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from engine.errors import InvalidInput
from engine.model.addresses import email_address, phone_number
from engine.model.base import Channel
from engine.model.customer import Customer
from engine.model.topic import Subscription, Topic
from engine.run.state import Update
from engine.run.world import World

_ADDRESSES: Final[Mapping[str, Callable[[Any], str]]] = {
    "email": email_address,
    "phone": phone_number,
}


def learned(customer: Customer, traits: Mapping[str, Any]) -> Customer:
    """Return the customer with these traits beside hers; None forgets one.

    `email` and `phone` are addresses, too. What cannot be written to stays a trait alone.
    """
    kept = {**customer.traits, **traits}
    addresses = dict(customer.addresses)
    for name, read in _ADDRESSES.items():
        if name in traits:
            addresses[name] = _address(traits[name], read)
    return replace(
        customer,
        traits={name: value for name, value in kept.items() if value is not None},
        addresses={name: value for name, value in addresses.items() if value is not None},
    )


def _address(value: Any, read: Callable[[Any], str]) -> str | None:
    if value is None:
        return None
    try:
        return read(value)
    except InvalidInput:
        return None


def asked_for(customer: Customer, topic: Topic, channel: Channel) -> Subscription:
    """Return what the wish to get a topic comes to: with double opt-in it is to be confirmed."""
    if customer.consent.get(topic.id, {}).get(channel) == "subscribed":
        return "subscribed"
    return "pending" if topic.double_opt_in else "subscribed"


def updated(world: World, update: Update) -> Customer:
    """Return who the customer is after an update, for what is decided right after it.

    Whether a new address is suppressed is found when the update is carried out.
    """
    customer = learned(world.customer, update.traits) if update.traits else world.customer
    consent = {topic: dict(channels) for topic, channels in customer.consent.items()}
    for (topic, channel), wanted in update.topics.items():
        ends = wanted == "unsubscribed"
        said = wanted if ends else asked_for(customer, world.topic(topic), channel)
        consent.setdefault(topic, {})[channel] = said
    return replace(customer, consent=consent)
