"""The shop of the storm: its journeys, and customers whose events reach the product by HTTP."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from segment.analytics.client import Client

from engine.flow.publish import publish, save_journey
from engine.model.actor import COMMAND_LINE
from engine.model.document import parse_journey
from engine.model.template import Template
from engine.store import documents, keys
from engine.store.session import Database

NEWS = """
id: news-then-receipt
name: News, then a receipt
entry: {{on: {{event: Parcel Ordered}}}}
topic: parcels
exits:
  - {{on: {{event: Order Cancelled}}, reason: cancelled}}
steps:
  - {{id: news, type: send, channel: email, template: note}}
  - {{id: pause, type: wait, for: {wait}s}}
  - {{id: receipt, type: send, channel: email, template: note, class: transactional}}
  - {{id: end, type: exit, reason: done}}
"""
RECEIPT = """
id: receipt-then-news
name: A receipt, then news
entry: {{on: {{event: Parcel Sent}}}}
topic: parcels
exits:
  - {{on: {{event: Order Cancelled}}, reason: cancelled}}
steps:
  - {{id: receipt, type: send, channel: email, template: note, class: transactional}}
  - id: opened
    type: wait_for
    timeout: {wait}s
    events:
      - {{on: {{event: Parcel Opened}}, then: []}}
  - {{id: news, type: send, channel: email, template: note}}
  - {{id: end, type: exit, reason: done}}
"""
NOTE = {
    "id": "note",
    "name": "Note",
    "channel": "email",
    "locales": {"en": {"subject": "Parcel {{ event.parcel }}", "body": "For {{ customer.name }}"}},
}
MESSAGES = 2
"""What each customer gets who does not cancel."""


def address(user: str) -> str:
    """A customer's mail address."""
    return f"{user}@customers.example"


def furnish(database_url: str, *journeys: str) -> str:
    """Publish the journeys; returns a write key."""
    database = Database(database_url.replace("postgresql://", "postgresql+psycopg://", 1))
    try:
        note = Template.model_validate(NOTE)
        database.transact(lambda connection: documents.put_template(connection, note))
        for text in journeys:
            journey = parse_journey(text)
            save_journey(database, journey, actor=COMMAND_LINE)
            publish(database, journey.id, actor=COMMAND_LINE)
        return database.transact(lambda connection: keys.create(connection, "source")).secret
    finally:
        database.close()


class Source:
    """The shop's servers, each with Segment's library.

    Nothing is set but the host, the key and who hears of events that could not be delivered.
    There are several, because one that was refused waits ever longer before it tries again.
    """

    def __init__(self, url: str, write_key: str, servers: int) -> None:
        self.given_up: list[Any] = []
        self._clients = [
            Client(write_key, host=url, on_error=lambda *what: self.given_up.append(what))
            for _ in range(servers)
        ]

    def of(self, user: str) -> Client:
        """The server that a customer is served by."""
        return self._clients[crc32(user.encode()) % len(self._clients)]

    def flush(self) -> None:
        """Wait until everything has been taken in."""
        for client in self._clients:
            client.flush()

    def close(self) -> None:
        """End the library's threads."""
        for client in self._clients:
            client.shutdown()


@contextmanager
def open_source(url: str, write_key: str, servers: int = 6) -> Iterator[Source]:
    """The shop's servers, for the length of a block."""
    source = Source(url, write_key, servers)
    try:
        yield source
    finally:
        source.close()


@dataclass(frozen=True, slots=True)
class Plan:
    """Who does what when, in seconds from the beginning."""

    users: tuple[str, ...]
    cancelling: frozenset[str]
    deeds: tuple[tuple[float, str, str], ...]


def plan(rng: random.Random, prefix: str, runs: int, seconds: float) -> Plan:
    """Half the customers enter each journey, over `seconds`, most in crowds; one in eight cancels."""
    crowds = [rng.uniform(0, seconds) for _ in range(10)]
    users = tuple(f"{prefix}-{n}" for n in range(runs))
    cancelling: set[str] = set()
    deeds: list[tuple[float, str, str]] = []
    for n, user in enumerate(users):
        at = rng.uniform(0, seconds) if rng.random() < 0.3 else rng.choice(crowds)
        deeds.append((at, user, ("Parcel Ordered", "Parcel Sent")[n % 2]))
        if n % 2 and rng.random() < 0.5:
            deeds.append((at + rng.uniform(0, 6), user, "Parcel Opened"))
        if rng.random() < 0.125:
            cancelling.add(user)
            deeds.append((at + rng.uniform(0, 8), user, "Order Cancelled"))
    return Plan(users, frozenset(cancelling), tuple(sorted(deeds)))


def introduce(source: Source, users: tuple[str, ...]) -> None:
    """Tell who the customers are, and wait until that has arrived.

    The library puts a refused batch at the end of its queue: who she is might otherwise arrive
    after what she did, and she could not be written to.
    """
    for user in users:
        source.of(user).identify(user, {"email": address(user), "name": user})
    source.flush()


def act(source: Source, plan: Plan) -> None:
    """Play the plan in its own time; every event has been taken in when this returns."""
    began = time.monotonic()
    for at, user, event in plan.deeds:
        time.sleep(max(0.0, began + at - time.monotonic()))
        source.of(user).track(user, event, {"parcel": user})
    source.flush()
