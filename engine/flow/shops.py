"""What a shop's own system tells: who its customers are, what they agreed to, what they did.

The same thing told again changes nothing: events have ids, and what a customer agreed to counts
from the instant at which she said it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from engine.flow import products as catalogue
from engine.flow.consent import Changes, Proof, hear
from engine.flow.intake import Incoming, receive
from engine.flow.internal import in_turn_of_customer
from engine.flow.turn import Turn
from engine.model.base import Channel
from engine.model.customer import EVERYTHING
from engine.model.product import Product, Stock
from engine.names import Wake
from engine.store import consent as records
from engine.store import customers, events, products
from engine.store.consent import Stated
from engine.store.customers import Identity
from engine.store.session import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """What a customer told the shop about its marketing on a channel.

    `confirmed` is by a mail of the shop's own (double opt-in); `wording` is what is known of how
    she was asked.
    """

    channel: Channel
    state: Literal["subscribed", "unsubscribed"]
    at: datetime
    confirmed: bool = False
    wording: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """All that one request of a shop tells. `customer` is whose `agreed` it is."""

    events: Sequence[Incoming] = ()
    customer: Identity | None = None
    agreed: Sequence[Agreed] = ()
    source: str = ""
    products: Sequence[Product] = ()
    stock: Sequence[Stock] = ()

    @property
    def stores(self) -> bool:
        """Whether anything follows from it."""
        return bool(self.events or self.products or self.stock)


def take_in(database: Database, told: Told) -> list[Wake]:
    """Store what a shop tells; return the runs whose workflows have to be told.

    Who she is comes first, then what she agreed to, then what she did: a journey that begins by
    that knows both. Each is durable by itself; the shop sends again what ends in between.
    """
    if told.products:
        catalogue.put_products(database, told.products)
    if told.stock:
        catalogue.put_stock(database, told.stock)
    known = [event for event in told.events if event.kind == "identify"]
    wakes = receive(database, known)
    if told.customer is not None and told.agreed:
        with database.read() as connection:
            whose = customers.identified(connection, [told.customer]).get(told.customer)
        if whose is not None:
            wakes += in_turn_of_customer(database, whose, lambda turn: _agree(turn, told))[1]
    return wakes + receive(database, [one for one in told.events if one.kind != "identify"])


def of_order(database: Database, order: str) -> UUID | None:
    """Return whose order it is, by the event "Order Completed" that told of it."""
    with database.read() as connection:
        return events.whose_order(connection, order)


def sku_of(database: Database, inventory_item: str) -> str | None:
    """Return the product that Shopify counts under this number."""
    with database.read() as connection:
        return products.of_inventory_item(connection, inventory_item)


def _agree(turn: Turn, told: Told) -> None:
    for one in told.agreed:
        proof = Proof(how="api", source=told.source, text_version=one.wording, at=one.at)
        asks = _asks(turn, one)
        changes = _changes(turn, one, told.source, asks=asks)
        if changes:
            hear(turn, changes, proof, confirmed=not asks)


def _asks(turn: Turn, one: Agreed) -> bool:
    """Whether she has to confirm to us what she told the shop."""
    topics = turn.catalogue.topics.values()
    wants = one.state == "subscribed" and not one.confirmed
    return wants and any(topic.double_opt_in for topic in topics)


def _changes(turn: Turn, one: Agreed, source: str, *, asks: bool) -> Changes:
    """Return what follows for which topics: nothing for one of which she has said more since."""
    stated = records.last_stated(turn.connection, turn.customer.id, one.channel)
    topics = turn.catalogue.topics
    wanted = {EVERYTHING}
    if one.state == "unsubscribed":
        wanted |= {*topics, *turn.customer.consent}
    elif asks:
        wanted = set(topics)  # each by its own rule: one with double opt-in asks her
    else:
        wanted |= _ended_by(stated, source)
    return {
        (topic, one.channel): one.state
        for topic in sorted(wanted)
        if topic not in stated or stated[topic].at < one.at
    }


def _ended_by(stated: Mapping[str, Stated], source: str) -> set[str]:
    """Return the topics that the same shop's word has ended: its next one begins them again."""
    return {
        topic
        for topic, last in stated.items()
        if last.state == "unsubscribed" and last.source == source
    }
