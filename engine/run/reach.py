"""Whether a customer may, and can, be written to."""

from engine.model.base import Channel
from engine.model.customer import Customer
from engine.model.topic import Topic


def barred(
    customer: Customer, channel: Channel, topic: Topic | None, *, transactional: bool
) -> str | None:
    """Return why she must not, or cannot, be written to on a channel; None when she can.

    A transactional message needs no consent; a suppressed address gets nothing at all.
    """
    if customer.address(channel) is None:
        return "no_address"
    if customer.suppression(channel) is not None:
        return "suppressed"
    if transactional or topic is None:
        return None
    return None if customer.subscription(topic, channel) == "subscribed" else "not_subscribed"
