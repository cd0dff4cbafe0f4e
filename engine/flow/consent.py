"""A customer says what she wants to get; an address must not be written to any more.

Both change her row under her lock, where the claim of a message reads it: once one of these
functions has returned, no message that was declined is claimed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import Connection
from uuid_utils.compat import uuid7

from engine.flow.internal import happen, in_turn_of_customer
from engine.flow.turn import Turn, Writes, finish
from engine.model.base import CHANNELS, Channel
from engine.model.customer import EVERYTHING
from engine.model.topic import Subscription
from engine.names import Wake
from engine.run.changes import asked_for
from engine.run.links import Links
from engine.store import consent as records
from engine.store import customers
from engine.store.session import Database

How = Literal["link", "page", "form", "api", "import", "sms", "journey"]
"""The way in which something was said."""

Changes = Mapping[tuple[str, Channel], Subscription]
"""By topic and channel, what the customer wants; the topic `*` is all that she has not named."""

EVENTS: Final[Mapping[Subscription, str]] = {
    "subscribed": "Subscribed",
    "unsubscribed": "Unsubscribed",
    "pending": "Subscription Requested",
}
"""The event that each change is stored as; its properties are `topic` and `channel`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """How something was said: by which way, where, under which wording, from which message.

    `at` is when, for what was said to others earlier.
    """

    how: How
    source: str | None = None
    text_version: str | None = None
    message: UUID | None = None
    at: datetime | None = None


def say(
    database: Database,
    customer: UUID,
    changes: Changes,
    proof: Proof,
    *,
    confirmed: bool = False,
    links: Links | None = None,
) -> tuple[list[UUID], list[Wake]]:
    """Take note of what a customer wants; return what was under way, and whom to tell.

    To subscribe to a topic with double opt-in makes it pending, and asks by the event
    "Subscription Requested" with the link to confirm by (`confirm_url`, made by `links`), unless
    it is `confirmed` already. Under way are the messages of what she declined that a provider
    had in hand at that instant; they are named in the record. What she had said before is not
    recorded again. Raises `NotFound` when there is no such customer.
    """
    return in_turn_of_customer(
        database,
        customer,
        lambda turn: hear(turn, changes, proof, confirmed=confirmed, links=links),
    )


def confirm(
    database: Database, customer: UUID, topic: str, channel: Channel, proof: Proof
) -> tuple[Subscription, list[Wake]]:
    """Confirm a pending subscription; return her state, and whom to tell.

    What is not pending stays: an old link brings nobody back who has unsubscribed since.
    """

    def decide(turn: Turn) -> Subscription:
        if _stated(turn, topic, channel) == "pending":
            hear(turn, {(topic, channel): "subscribed"}, proof, confirmed=True)
        return turn.customer.subscription(turn.catalogue.topic(topic), channel)

    return in_turn_of_customer(database, customer, decide)


def decline_everything(
    database: Database, customer: UUID, proof: Proof, channels: Sequence[Channel] = CHANNELS
) -> tuple[list[UUID], list[Wake]]:
    """Unsubscribe a customer from every topic there is, and from those to come."""

    def decide(turn: Turn) -> list[UUID]:
        topics = {EVERYTHING, *turn.catalogue.topics, *turn.customer.consent}
        changes: dict[tuple[str, Channel], Subscription] = {
            (topic, channel): "unsubscribed" for topic in sorted(topics) for channel in channels
        }
        return hear(turn, changes, proof)

    return in_turn_of_customer(database, customer, decide)


def speak(database: Database, customer: UUID, locale: str) -> None:
    """Speak to a customer in another language from now on."""
    in_turn_of_customer(database, customer, lambda turn: turn.change(locale=locale))


def hear(
    turn: Turn,
    changes: Changes,
    proof: Proof,
    *,
    confirmed: bool = False,
    links: Links | None = None,
) -> list[UUID]:
    """Take note, in a customer's turn, of what she wants; return what was under way (see `say`)."""
    new: dict[tuple[str, Channel], Subscription] = {}
    for (topic, channel), wanted in changes.items():
        state = wanted
        if wanted != "unsubscribed" and not confirmed:
            state = asked_for(turn.customer, turn.catalogue.topic(topic), channel)
        if state != _stated(turn, topic, channel):
            new[topic, channel] = state
    ends = [named for named, state in new.items() if state == "unsubscribed"]
    going = _under_way(turn, ends) if ends else {}
    records.keep(
        turn.connection,
        [_row(turn, named, state, proof, going.get(named, [])) for named, state in new.items()],
    )
    if proof.message is not None and "unsubscribed" in changes.values():
        records.mark_message(turn.connection, proof.message, turn.customer.id, turn.now)
    consent = {topic: dict(channels) for topic, channels in turn.customer.consent.items()}
    for (topic, channel), state in new.items():
        consent.setdefault(topic, {})[channel] = state
    if new:
        turn.change(consent=consent)
    for (topic, channel), state in new.items():
        happen(
            turn,
            EVENTS[state],
            _properties(turn, topic, channel, state, proof, links),
            "parcours",
        )
    return sorted({message for messages in going.values() for message in messages})


def _stated(turn: Turn, topic: str, channel: Channel) -> Subscription | None:
    """Return what she has said so far, or None when she has not said anything."""
    return turn.customer.consent.get(topic, {}).get(channel)


def _under_way(
    turn: Turn, ends: list[tuple[str, Channel]]
) -> dict[tuple[str, Channel], list[UUID]]:
    going = records.under_way(turn.connection, turn.customer.id)
    return {
        (topic, channel): [
            message.id
            for message in going
            if message.channel == channel and topic in {message.topic, EVERYTHING}
        ]
        for topic, channel in ends
    }


def _row(
    turn: Turn,
    named: tuple[str, Channel],
    state: Subscription,
    proof: Proof,
    going: list[UUID],
) -> dict[str, Any]:
    topic, channel = named
    return {
        "id": uuid7(),
        "customer_id": turn.customer.id,
        "topic": topic,
        "channel": channel,
        "state": state,
        "at": proof.at or turn.now,
        "how": proof.how,
        "source": proof.source,
        "text_version": proof.text_version,
        "message_id": proof.message,
        "data": {"under_way": [str(message) for message in going]} if going else {},
    }


def _properties(
    turn: Turn,
    topic: str,
    channel: Channel,
    state: Subscription,
    proof: Proof,
    links: Links | None,
) -> dict[str, Any]:
    properties: dict[str, Any] = {"topic": topic, "channel": channel}
    if proof.message is not None:
        properties["message"] = str(proof.message)
    if state == "pending":
        properties["topic_name"] = turn.catalogue.topic(topic).name
        if links is not None:
            properties["confirm_url"] = links.confirmation(turn.customer.id, topic, channel)
    return properties


def suppress(
    database: Database,
    channel: Channel,
    address: str,
    reason: str,
    *,
    source: str | None = None,
    message: UUID | None = None,
    at: datetime | None = None,
) -> list[UUID]:
    """Let an address not be written to on a channel; return the customers who have it.

    `reason` is one word: bounced, complained, stop. A device's token needs the `message` that
    could not reach it.
    """

    def work(connection: Connection) -> list[UUID]:
        records.put_suppression(
            connection, channel, address, reason=reason, source=source, message=message, at=at
        )
        return _mark(database, connection, channel, address, message)

    return database.transact(work)


def lift(database: Database, channel: Channel, address: str) -> list[UUID]:
    """Let an address be written to again; return the customers who have it."""

    def work(connection: Connection) -> list[UUID]:
        if not records.delete_suppression(connection, channel, address):
            return []
        return _mark(database, connection, channel, address, None)

    return database.transact(work)


def _mark(
    database: Database,
    connection: Connection,
    channel: Channel,
    address: str,
    message: UUID | None,
) -> list[UUID]:
    """Write into the customers who have an address what is suppressed of theirs now."""
    having = records.having(connection, channel, address, message)
    if not having:
        return []
    writes = Writes()
    locked = customers.lock(connection, having)
    turns = [Turn(database, connection, one, writes) for one in locked.values()]
    marks = records.marks(connection, [turn.customer for turn in turns])
    for turn in turns:
        turn.stamp()
        turn.change(suppressed=marks.get(turn.customer.id, {}))
    finish(turns, writes, connection)
    return having


def stop(
    database: Database,
    phone: str,
    channel: Channel,
    *,
    source: str | None = None,
    message: UUID | None = None,
) -> None:
    """Obey a STOP that came on a channel: no SMS any more, and nothing where it came from."""
    for ended in dict.fromkeys(("sms", channel)):
        suppress(database, ended, phone, "stop", source=source, message=message)


def start(database: Database, phone: str, channel: Channel) -> None:
    """Obey a START: what a STOP on this channel has ended begins again."""
    for begun in dict.fromkeys(("sms", channel)):
        lift(database, begun, phone)
