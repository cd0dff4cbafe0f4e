"""A small shop with customers, events, runs in several states, messages: for pages to show.

Run by itself it fills a database: `python tests/browser/shop.py postgresql+psycopg://…`.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import sql
from sqlalchemy import Connection, func, insert, or_, select, update
from sqlalchemy.engine import make_url

from engine.compile.compiler import compile as compile_journey
from engine.flow import computing, freezing
from engine.flow.materials import put_cap, put_segment, put_template
from engine.flow.publish import publish, save_journey
from engine.flow.topics import put_topic
from engine.model.actor import COMMAND_LINE
from engine.model.cap import Cap
from engine.model.customer import Customer
from engine.model.document import parse_journey
from engine.model.event import Event
from engine.model.journey import Journey, walk
from engine.model.segment import Segment
from engine.model.template import Template
from engine.model.topic import Topic
from engine.run.machine import Machine
from engine.run.state import Deliver, Entered, Exit, Happened, Settled, State, TimeReached, Wait
from engine.run.world import MemoryWorld
from engine.store import suggestions, tables
from engine.store.migrate import ensure_partitions, upgrade
from engine.store.session import Database
from engine.store.suggestions import Reason
from parcours.demo import computed
from tests.browser import brought, groups

ABANDONED_CART = """\
# Reminds customers of what they left in their basket.
format: 1
id: abandoned-cart
name: Abandoned cart
priority: 60
entry:
  on: {event: Product Added, where: {property: cart_value, gte: 30}}
  if: {all: [{reachable: email}, {not: {event: Order Completed, within: 1d}}]}
  reentry: {mode: after_exit, cooldown: 3d}
holdout: 5%
topic: offers
goal: {event: Order Completed, within: 7d, revenue: total}
exits:
  - {on: {event: Order Completed}, reason: purchased}
steps:
  - {id: cool-off, type: wait, for: 1h}
  - id: first-mail
    name: First reminder
    type: send
    channel: email
    template: cart-reminder
    variants:
      - {id: plain, weight: 50}
      - {id: gift, weight: 50, set: {subject: "A present for your basket"}}
  - id: opened
    type: wait_for
    since: first-mail
    timeout: 24h
    events:
      - {on: {event: Message Opened, message: first-mail}, then: [{id: done, type: exit, reason: reached}]}
    else: []
  - id: nudge
    type: send
    channel: [push, sms]
    template: cart-nudge
"""

WELCOME = """\
format: 1
id: welcome
name: Welcome and second purchase
entry:
  on: {event: Signed Up}
  reentry: {mode: once}
topic: news
goal: {event: Order Completed, within: 30d, revenue: total}
exits:
  - {on: {event: Account Deleted}, reason: gone}
steps:
  - {id: hello, name: Welcome, type: send, channel: email, template: welcome}
  - {id: pause, type: wait, for: 2d}
  - id: ordered
    type: wait_for
    since: hello
    timeout: 3d
    events:
      - on: {event: Order Completed}
        then:
          - {id: thanks, type: send, channel: push, template: thank-you}
          - {id: rest, type: wait, for: 5d}
    else:
      - id: vip
        type: branch
        arms:
          - id: "yes"
            if: {segment: vip}
            then:
              - {id: vip-offer, name: VIP offer, type: send, channel: sms, template: vip-offer}
        else:
          - id: offer
            name: Offer test
            type: split
            arms:
              - id: ten
                label: 10 % off
                weight: 50
                then:
                  - {id: ten-mail, type: send, channel: email, template: ten-off}
              - id: shipping
                label: Free shipping
                weight: 50
                then:
                  - {id: ship-mail, type: send, channel: email, template: free-shipping}
  - id: morning
    type: wait
    until: {time: "10:00", days: [mon, tue, wed, thu, fri]}
  - {id: digest, name: Monthly digest, type: send, channel: email, template: digest}
  - id: regular
    type: branch
    arms:
      - id: loyal
        label: Regular buyer
        if: {all: [{event: Order Completed, count: {gte: 3}, within: 90d}, {trait: country, in: [CH, FR]}]}
        then: [{id: became, type: exit, reason: regular}]
    else: []
"""

BIRTHDAY = """\
format: 1
id: birthday
name: Birthday present
entry:
  on: {api: true}
  reentry: {mode: once}
topic: offers
steps:
  - {id: eve, type: wait, until: {trait: birth_date, offset: -7d, time: "09:00", yearly: true}}
  - {id: card, type: send, channel: email, template: no-such-template}
"""

TEMPLATES = {
    "cart-reminder": ("Cart reminder", "email", "You left something behind",
                      "<h1>Your basket is waiting</h1><p>{{ customer.first_name }}, the shoes are still here.</p>"),
    "cart-nudge": ("Cart nudge", "sms", None, "Your basket waits until tomorrow: shop.example/c"),
    "welcome": ("Welcome", "email", "Welcome to the shop",
                "<h1>Hello {{ customer.first_name }}</h1><p>Good to have you with us.</p>"),
    "thank-you": ("Thank you", "push", "Thank you!", "Your order is on its way."),
    "vip-offer": ("VIP offer 20 %", "sms", None, "20 % for you, this week only."),
    "ten-off": ("10 % off", "email", "10 % for your next order", "<p>Use TEN at the till.</p>"),
    "free-shipping": ("Free shipping", "email", "We pay the shipping", "<p>Until Sunday.</p>"),
    "digest": ("Monthly digest", "email", "What is new this month", "<p>New shoes, new coats.</p>"),
}  # fmt: skip

CAPS = (
    Cap.model_validate({"id": "three-a-week", "name": "3 a week", "limit": 3, "per": "7d",
                        "defer_at_most": "2d", "keep": {"slots": 1, "above_priority": 50}}),
    Cap.model_validate({"id": "one-offer-a-day", "name": "One offer by SMS a day", "limit": 1,
                        "per": "day", "channels": ["sms", "push"], "topics": ["offers"],
                        "on_full": "skip"}),
)  # fmt: skip

TOPICS = (Topic(id="offers", name="Offers and sales"), Topic(id="news", name="News"))

PEOPLE = (
    "Anna Meier", "Luca Bernasconi", "Chloé Dubois", "Jonas Weber", "Elif Yilmaz", "Noah Keller",
    "Sofia Rossi", "Hugo Laurent", "Mia Schmid", "Théo Girard", "Lena Fischer", "Marco Conti",
    "Zoé Moreau", "David Huber", "Inès Petit", "Leon Brunner", "Emma Favre", "Gabriel Roche",
    "Nora Steiner", "Adam Novák", "Camille Fontaine", "Felix Baumann", "Alba García", "Ruben Vogel",
)  # fmt: skip


def fill(database: Database, *, now: datetime | None = None, customers: int = 60) -> None:
    """Put the shop into an empty, migrated database."""
    _Filling(database, now or datetime.now(UTC), customers).fill()


class _Filling:
    def __init__(self, database: Database, now: datetime, customers: int) -> None:
        self._database = database
        self._now = now
        self._count = customers
        self._random = Random(7)
        self.dice = Random(11)
        self._versions: dict[str, tuple[Machine, int]] = {}

    def fill(self) -> None:
        self._documents()
        self._database.transact(self._people)
        self._database.transact(self._doubts)
        self._database.transact(lambda connection: groups.fill(connection, self._now))
        for _ in range(2):
            while computing.carry_on(self._database):
                pass
            freezing.freeze_due(self._database)
        while computing.carry_on(self._database):
            pass
        self._database.transact(lambda connection: brought.fill(connection, self._now))

    def becomes(self, sent: datetime, *, is_email: bool) -> dict[str, Any]:
        """Return what becomes of a message that was handed over: most are read, some are not."""
        fate, minute = self.dice.random(), timedelta(minutes=1)
        if fate < 0.05:
            return {"state": "unknown", "sent_at": None, "provider": "smtp", "provider_id": None}
        if fate < 0.1:
            return {"state": "failed", "sent_at": None, "claimed_at": None, "provider": "smtp",
                    "provider_id": None, "reason": "550 5.1.1 no mailbox here by that name"}  # fmt: skip
        if not is_email or fate < 0.3:
            return {}
        later = {"delivered_at": sent + minute, "opened_at": sent + 40 * minute}
        if fate < 0.36:
            return {"bounced_at": sent + minute}
        if fate > 0.8:
            later["clicked_at"] = sent + 41 * minute
        return {**later, "unsubscribed_at": sent + 60 * minute} if fate > 0.96 else later

    def _documents(self) -> None:
        settings = {"name": "Maison Alpine", "time_zone": "Europe/Zurich", "currency": "CHF",
                    "country": "CH", "quiet_hours": {"sms": {"from": "20:00", "to": "08:30"}},
                    "sms_cost": "0.07"}  # fmt: skip
        self._database.transact(
            lambda connection: connection.execute(
                update(tables.workspace).values(settings=settings)
            )
        )
        for name, (title, channel, subject, body) in TEMPLATES.items():
            content = {"subject": subject, "body": body} if subject else {"body": body}
            document = {"id": name, "name": title, "channel": channel, "locales": {"en": content}}
            put_template(self._database, Template.model_validate(document), actor=COMMAND_LINE)
        for topic in TOPICS:
            put_topic(self._database, topic, actor=COMMAND_LINE)
        for cap in CAPS:
            put_cap(self._database, cap, actor=COMMAND_LINE)
        rule = {"event": "Order Completed", "count": {"gte": 5}, "within": "1y"}
        vip = Segment.model_validate({"id": "vip", "name": "VIP customers", "rule": rule})
        put_segment(self._database, vip, actor=COMMAND_LINE)
        computed.put(self._database)
        for text in (ABANDONED_CART, WELCOME):
            journey = parse_journey(text)
            save_journey(self._database, journey, text, actor=COMMAND_LINE)
            version = publish(self._database, journey.id, actor=COMMAND_LINE)
            self._versions[journey.id] = (Machine(compile_journey(journey)), version)
        save_journey(self._database, parse_journey(BIRTHDAY), BIRTHDAY, actor=COMMAND_LINE)

    def _people(self, connection: Connection) -> None:
        ensure_partitions(connection, (self._now - timedelta(days=31)).date())
        for n in range(self._count):
            _Person(self, connection, n).live()

    def _doubts(self, connection: Connection) -> None:
        """Suggest that some customers may be one, for this or that reason."""
        customer, run = tables.customer.c, tables.run.c
        # The rows of runs are made up here: whoever may still go on in one is not to be merged.
        inside = select(run.id).where(
            run.customer_id == customer.id, or_(run.ended_at.is_(None), run.goal_until > func.now())
        )
        chosen = select(customer.id).where(~inside.exists()).order_by(customer.id)
        ids = list(connection.execute(chosen).scalars())
        assert len(ids) > 2 * 8
        several: list[list[Reason]] = [["phone"], ["email", "phone"], ["login"], ["name_postcode"]]
        pairs = zip(ids[::2], ids[1::2], strict=False)
        doubts = {pair: several[n % len(several)] for n, pair in enumerate(pairs)}
        suggestions.suggest(connection, doubts)


class _Person:
    """One customer's days: what she did, and what the journeys made of it."""

    def __init__(self, filling: _Filling, connection: Connection, n: int) -> None:
        self._filling = filling
        self._random = filling._random
        self._connection = connection
        self._n = n
        self._seq = 0
        self._history: list[Event] = []
        self._start = filling._now - timedelta(hours=self._random.uniform(1, 24 * 12))
        self._id = self._uuid(self._start)
        first, _, last = PEOPLE[n % len(PEOPLE)].partition(" ")
        self._first, self._last = first, last

    def _uuid(self, at: datetime) -> UUID:
        milliseconds = int(at.timestamp() * 1000)
        noise = self._random.getrandbits(74)
        value = milliseconds << 80 | 7 << 76 | (noise >> 62) << 64 | 2 << 62 | noise & (2**62 - 1)
        return UUID(int=value)

    def live(self) -> None:
        is_known = self._n % 9 != 8
        email = f"{self._first}.{self._last}.{self._n}@mail.example".lower()
        traits: dict[str, Any] = {
            "first_name": self._first, "last_name": self._last, "country": "CH",
            "birth_date": "1990-05-17", "tier": self._random.choice(["gold", "silver", "none"]),
        }  # fmt: skip
        addresses: dict[str, Any] = {"email": email}
        if self._n % 2:
            addresses["phone"] = f"+4179{self._random.randrange(10**7):07d}"
        if not is_known:
            traits, addresses = {}, {}
        self._customer = Customer(id=self._id, traits=traits, addresses=addresses)
        suppressed, said = self._said(email)
        self._insert("customer", id=self._id, traits=traits, addresses=addresses, seq=100,
                     suppressed=suppressed if is_known else {},
                     created_at=self._start, last_at=self._start, locale="fr-CH" if is_known else None)  # fmt: skip
        self._insert(
            "identity", namespace="anonymous_id", value=f"visit-{self._n:04d}", customer_id=self._id
        )
        for n, row in enumerate(said if is_known else []):
            self._insert("consent", id=self._uuid(self._start + timedelta(seconds=n)),
                         customer_id=self._id, at=self._start + timedelta(seconds=n), **row)  # fmt: skip
        at = self._start
        if is_known:
            self._insert(
                "identity",
                namespace="external_id",
                value=str(20_000 + self._n),
                customer_id=self._id,
            )
            at = self._happens("Signed Up", at, {"source": "checkout"})
            self._goes("welcome", at)
        for _ in range(self._random.randrange(2, 6)):
            at += timedelta(minutes=self._random.uniform(2, 300))
            at = self._happens("Product Viewed", at, {"product": "Trail shoes", "price": 149.9})
        at = max([at, *(event.occurred_at for event in self._history)])
        value = self._random.choice([18, 64, 129.5, 249])
        at = self._happens(
            "Product Added", at, {"product": "Trail shoes", "cart_value": value, "currency": "CHF"}
        )
        if value < 30 or not is_known:
            reason = "condition"
            data = {"seen": {"reachable email": is_known, "event Order Completed": 0}}
            if at < self._filling._now:
                self._insert("entry_refusal", customer_id=self._id, seq=self._seq, journey_id="abandoned-cart",
                             at=at, reason=reason, data=data)  # fmt: skip
        else:
            self._goes("abandoned-cart", at)
        for seq, event in enumerate(sorted(self._history, key=lambda one: one.occurred_at), 1):
            self._insert("event", customer_id=self._id, seq=seq, received_at=event.received_at, id=event.id,
                         occurred_at=event.occurred_at, name=event.name, properties=event.properties,
                         source="web-shop", kind="track")  # fmt: skip

    def _said(self, email: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Return what must not be written to of her addresses, and what she said of topics."""
        if self._n % 4:
            return {}, []
        suppressed = {"email": {"address": email, "reason": "bounced"}} if self._n % 8 else {}
        said = [
            {"topic": "offers", "channel": "email", "state": "subscribed", "how": "form",
             "source": "checkout", "text_version": "2026-01"},
            {"topic": "offers", "channel": "sms", "state": "unsubscribed", "how": "sms"},
            {"topic": "news", "channel": "email", "state": "pending", "how": "page"},
        ]  # fmt: skip
        return suppressed, said

    def _insert(self, table: str, **values: Any) -> None:
        self._connection.execute(insert(tables.metadata.tables[table]).values(**values))

    def _happens(self, name: str, at: datetime, properties: dict[str, Any]) -> datetime:
        if at >= self._filling._now:
            return at
        self._seq += 1
        id_ = self._uuid(at)
        self._history.append(
            Event(
                id=id_,
                seq=self._seq,
                name=name,
                properties=properties,
                occurred_at=at,
                received_at=at,
            )
        )
        return at

    def _goes(self, journey: str, at: datetime) -> None:
        if at < self._filling._now:
            _Run(self, journey, at).go()


class _Run:
    """One run, decided by the machine itself."""

    def __init__(self, person: _Person, journey: str, at: datetime) -> None:
        self._person = person
        self._now = person._filling._now
        self._machine, self._version = person._filling._versions[journey]
        self._journey: Journey = self._machine.plan.journey
        self._id = person._uuid(at)
        self._entered = at
        self._trace = 0
        self._rows: list[dict[str, Any]] = []
        self._steps = {step.id: step for step in walk(self._journey.steps)}
        held_out = journey == "abandoned-cart" and person._random.random() < 0.08
        self._state = State(run=self._id, customer=person._id, entered_at=at, held_out=held_out,
                            entry=person._history[-1].properties)  # fmt: skip

    def go(self) -> None:
        person, at, rows = self._person, self._entered, self._rows
        given: Any = Entered(seq=person._seq, at=at)
        command: Any = None
        for _ in range(40):
            world = MemoryWorld(now=at, seq=person._seq, zone="Europe/Zurich", customer=person._customer,
                                history=tuple(person._history), segments={})  # fmt: skip
            done = self._machine.advance(self._state, given, world)
            self._state, command = done.state, done.command
            rows += [
                self._traced(at, effect.what, effect.step, dict(effect.data))
                for effect in done.effects
            ]
            following = self._next(command, at)
            if following is None or following[1] >= self._now:
                break
            given, at = following
        ended = self._state.ended
        person._insert("run", id=self._id, customer_id=person._id, journey_id=self._journey.id,
                       version=self._version, plan_hash=self._machine.plan.hash, entry_source="event",
                       held_out=self._state.held_out, entered_at=self._entered,
                       ended_at=at if ended else None, end_reason=ended, step=getattr(command, "step", None),
                       revision=1, command={}, state={}, check_at=getattr(command, "until", None),
                       goal_at=self._state.goal_at, goal_revenue=self._state.goal_revenue)  # fmt: skip
        for row in rows:
            person._insert("run_trace", **row)

    def _traced(
        self, at: datetime, what: str, step: str | None, data: dict[str, Any]
    ) -> dict[str, Any]:
        self._trace += 1
        return {"run_id": self._id, "n": self._trace, "customer_id": self._person._id, "at": at,
                "journey_id": self._journey.id, "step": step, "what": what, "data": data}  # fmt: skip

    def _passed(self, at: datetime, step: str, what: str, data: dict[str, Any]) -> None:
        self._rows.append(self._traced(at, what, step, data))

    def _next(self, command: Any, at: datetime) -> tuple[Any, datetime] | None:
        person, chance = self._person, self._person._random
        match command:
            case Exit():
                return None
            case Deliver():
                return self._deliver(command, at)
            case Wait(until=until):
                if chance.random() < 0.3 and not self._state.held_out:
                    when = at + (until - at) * chance.uniform(0.1, 0.9)
                    if when < self._now:
                        total = chance.choice([49.9, 129.5, 210])
                        person._happens(
                            "Order Completed",
                            when,
                            {
                                "order_id": f"A{chance.randrange(9999)}",
                                "total": total,
                                "currency": "CHF",
                            },
                        )
                        return Happened(seq=person._seq, at=when, event=person._history[-1]), when
                return TimeReached(seq=person._seq, at=until), until
        return None

    def _deliver(self, command: Deliver, at: datetime) -> tuple[Any, datetime] | None:
        person, chance = self._person, self._person._random
        step = self._steps[command.step]
        id_, sent = person._uuid(at), at + timedelta(seconds=chance.uniform(1, 4))
        _, _, subject, body = TEMPLATES[step.template]  # type: ignore[union-attr]
        address = person._customer.address(command.channel)
        outcome, reason, rule = "sent", None, None
        if address is None:
            outcome, reason = "skipped", "no_address"
        elif chance.random() < 0.12:
            outcome, reason, rule = "skipped", "cap", "three-a-week"
        elif at > self._now - timedelta(hours=14) and chance.random() < 0.4:
            outcome, reason = "deferred", "quiet_hours"
        is_email = command.channel == "email"
        name = person._customer.traits.get("first_name", "")
        body = body.replace("{{ customer.first_name }}", name)
        values = {
            "id": id_, "customer_id": person._id, "run_id": self._id, "journey_id": self._journey.id,
            "version": self._version, "step": command.step, "visit": 1, "channel": command.channel,
            "variant": self._state.arms.get(command.step), "class": "marketing", "topic": "offers",
            "priority": 50, "template": step.template, "state": outcome, "reason": reason,  # type: ignore[union-attr]
            "rule": rule, "decided_at": at, "deferred_until": self._now + timedelta(hours=9) if outcome == "deferred" else None,
        }  # fmt: skip
        if outcome == "sent":
            values |= {
                "provider": "outbox", "provider_id": str(id_), "sent_at": sent, "to": address,
                "subject": subject, "body": f"<!doctype html><body style='font: 16px/1.5 sans-serif; margin: 32px; max-width: 36rem'>{body}</body>" if is_email else body,
                "body_text": f"Dear {name}, this is the text part." if is_email else body,
                "claimed_at": sent, "first_deferred_at": None,
            }  # fmt: skip
            values |= person._filling.becomes(sent, is_email=is_email)
        state = values["state"]
        states = ["decided", "claimed", state] if outcome == "sent" else ["decided", outcome]
        changes = [(state, None, None) for state in states[:-1]]
        changes.append((states[-1], values["reason"], rule))
        if outcome == "sent" and person._filling.dice.random() < 0.15:
            changes.insert(1, ("deferred", "cap", "three-a-week"))
            values["first_deferred_at"] = at
            self._passed(at, command.step, "missing", {"variables": ["event.cart_url"]})
        person._insert("message", **values)
        before = None
        for n, (to, said, by) in enumerate(changes):
            when = at if n == 0 else sent
            person._insert("message_transition", message_id=id_, seq=n + 1, customer_id=person._id, at=when,
                           to=to, reason=said, rule=by, **{"from": before})  # fmt: skip
            before = to
        if command.channel == "push" and outcome == "skipped":
            told = {"from": "push", "to": "sms", "reason": "cap", "rule": "one-offer-a-day"}
            self._passed(at, command.step, "moved", told)
        if outcome == "deferred":
            return None
        return Settled(
            seq=person._seq, at=sent, step=command.step, visit=1, outcome=outcome, reason=reason
        ), sent


@contextmanager
def filled(postgres_url: str) -> Iterator[str]:
    """Give the URL of a database that holds the shop, and drop it in the end."""
    from tests.browser import wares  # not there when this is run by itself

    server = make_url(postgres_url).set(drivername="postgresql", database="postgres")
    dsn, name = server.render_as_string(hide_password=False), f"shop_{uuid4().hex}"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        url = make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
        try:
            upgrade(url)
            database = Database(url)
            fill(database)
            wares.fill(database, datetime.now(UTC))
            database.close()
            yield url
        finally:
            drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
            connection.execute(drop.format(sql.Identifier(name)))


@contextmanager
def copied(filled_url: str) -> Iterator[str]:
    """Give the URL of a copy of a filled database, which nobody else is connected to."""
    whole = make_url(filled_url)
    server = whole.set(drivername="postgresql", database="postgres")
    dsn, name = server.render_as_string(hide_password=False), f"shop_{uuid4().hex}"
    copy = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(copy.format(sql.Identifier(name), sql.Identifier(whole.database or "")))
        try:
            yield whole.set(database=name).render_as_string(hide_password=False)
        finally:
            connection.execute(drop.format(sql.Identifier(name)))


def _main(arguments: list[str]) -> Iterator[str]:
    (url,) = arguments
    upgrade(url)
    database = Database(url)
    fill(database)
    database.close()
    yield f"filled {url}"


if __name__ == "__main__":
    for line in _main(sys.argv[1:]):
        print(line)  # noqa: T201 - a command's answer
