"""Conditions and histories at random, made of few values, so that many conditions hold.

Instants lie near the edges of the windows that are asked for, and near clock changes.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from engine.model.base import CHANNELS
from engine.model.clock import EARLIEST, LATEST, bounded, zone_of
from engine.model.condition import AGGREGATES, AnyCondition, Condition
from engine.model.customer import Customer
from engine.model.duration import Duration
from engine.model.event import Event
from engine.model.topic import Topic
from engine.run.world import MemoryWorld

TICK = timedelta(microseconds=1)

ZONES = (
    "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu",
    "UTC", "Africa/Cairo", "America/Havana",
)  # fmt: skip

INSTANTS = tuple(
    datetime.fromisoformat(text)
    for text in (
        "2026-03-29T00:59:59.999999Z", "2026-03-29T01:00:00Z",  # Paris loses an hour
        "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z",  # and has one twice
        "2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z",  # New York
        "2026-04-04T14:45:00Z", "2026-04-04T15:15:00Z",  # Lord Howe, half an hour
        "2011-12-30T09:59:59Z", "2011-12-30T10:00:00Z",  # Apia leaves out a day
        "2026-03-31T10:00:00Z", "2028-02-29T12:00:00Z", "2027-03-01T00:00:00Z",
        "2026-05-04T10:00:00Z", "2026-01-01T00:00:00Z", "2026-12-31T23:59:59.999999Z",
        "2026-11-01T04:30:00Z", "2026-11-01T05:00:00Z",  # Havana has midnight twice
    )
)  # fmt: skip

DURATIONS = tuple(
    map(Duration, ("0s", "1s", "90m", "24h", "1d", "2d", "1w", "30d", "1mo", "2mo", "6mo", "1y", "0mo", "999999999y"))
)  # fmt: skip

EVENTS = ("Order", "View", "Ping")
SEGMENTS = ("vip", "fresh", "nested", "gone")
TOPICS = ("news", "sales", "unheard")
NUMBERS = (0, 1, 1.0, 2, 2.5, 0.1, 0.2, 0.3, 10, 100, -3, 1e20)
TEXTS = ("gold", "silver", "Gold", "", "1", "true", "é", "a%", "go")
PLAIN = ("tier", "points", "flag", "tags", "profile.city", "a.b", "nobody", "profile")
DATED = ("born", "last_at", "profile.since", "tier")
LENGTHS = ("interval", "points")

READER: TypeAdapter[AnyCondition] = TypeAdapter(Condition)


class Maker:
    """Makes conditions and customers for one instant."""

    def __init__(self, rng: Random, now: datetime) -> None:
        self.rng = rng
        self.now = now

    def one(self, *of: Any) -> Any:
        """Return one of these."""
        return self.rng.choice(of)

    # Values

    def instant(self, zone: str) -> datetime:
        """Return an instant near the edge of a window, or anywhere."""
        rng = self.rng
        length = rng.choice(DURATIONS)
        near = length.before(self.now, zone) if rng.random() < 0.8 else length.after(self.now, zone)
        by = self.one(
            timedelta(), timedelta(), TICK, -TICK, timedelta(hours=rng.randint(-30, 30)),
            timedelta(minutes=rng.randint(-90, 90)), timedelta(days=rng.randint(-4, 4)),
        )  # fmt: skip
        room = timedelta(days=5)
        return bounded(min(max(near, EARLIEST + room), LATEST - room) + by) if by else near

    def date_text(self, zone: str) -> str:
        """Return a date as people write it: with an offset, without one, or only the day."""
        rng = self.rng
        here = self.instant(zone).astimezone(zone_of(self.one(zone, zone, "UTC", *ZONES)))
        match rng.randrange(5):
            case 0:
                return here.date().isoformat()
            case 1:
                return here.replace(tzinfo=None).isoformat()
            case 2:
                return here.astimezone(UTC).isoformat().replace("+00:00", "Z")
            case 3:
                return here.isoformat(timespec=self.one("auto", "seconds", "minutes"))
            case _:
                years = rng.randint(-40, 1)
                day = here.date()
                return f"{min(max(day.year + years, 1), 9999):04}-{day.month:02}-{min(day.day, 28 + (years % 4 == 0)):02}"

    def scalar(self) -> Any:
        """Return a number, a text, true or false."""
        return self.one(
            self.rng.choice(NUMBERS), self.rng.choice(TEXTS), self.one(True, False),
            self.rng.choice(NUMBERS),
        )  # fmt: skip

    def value(self, zone: str) -> Any:
        """Return anything that a trait or a property may be."""
        match self.rng.randrange(12):
            case 0:
                return None
            case 1:
                return [self.scalar() for _ in range(self.rng.randint(0, 3))]
            case 2:
                return {"city": self.scalar(), "since": self.date_text(zone)}
            case 3 | 4:
                return self.date_text(zone)
            case _:
                return self.scalar()

    def values(self, zone: str) -> dict[str, Any]:
        """Return traits."""
        rng = self.rng
        made: dict[str, Any] = {
            "tier": rng.choice(TEXTS), "points": rng.choice(NUMBERS), "flag": rng.random() < 0.5,
            "tags": [self.scalar() for _ in range(rng.randint(0, 3))], "a.b": self.scalar(),
            "a": {"b": self.scalar()}, "born": self.date_text(zone),
            "last_at": self.date_text(zone),
            "profile": {"city": rng.choice(TEXTS), "since": self.date_text(zone)},
            "interval": self.one(0, 1, 2, 0.5, 30, "1d", "30d", "1mo", "2y", -1, "soon", 10**12),
        }  # fmt: skip
        for name in [*made]:
            if rng.random() < 0.25:
                del made[name]
            elif rng.random() < 0.1:
                made[name] = self.value(zone)
        return made

    def customer(self, number: int) -> Customer:
        """Return a customer."""
        rng = self.rng
        time_zone = self.one(None, *ZONES)
        zone = time_zone or "Europe/Paris"
        addresses: dict[str, Any] = {}
        if rng.random() < 0.7:
            addresses["email"] = "a@example.org"
        if rng.random() < 0.4:
            addresses["phone"] = "+41790000000"
        if rng.random() < 0.4:
            addresses["push"] = self.one([], ["t1"], ["t1", "t2"])
        suppressed = {}
        for channel, address in (("email", "a@example.org"), ("sms", "+41790000000"),
                                 ("push", "t2"), ("email", "old@example.org")):  # fmt: skip
            if rng.random() < 0.15:
                suppressed[channel] = {"address": address, "reason": "bounced"}
        consent: dict[str, dict[str, Any]] = {}
        for topic in (*TOPICS, "*"):
            for channel in CHANNELS:
                if rng.random() < 0.2:
                    said = self.one("subscribed", "unsubscribed", "pending")
                    consent.setdefault(topic, {})[channel] = said
        return Customer(
            id=UUID(int=number), traits=self.values(zone),
            derived=self.values(zone) if rng.random() < 0.2 else {},
            addresses=addresses, time_zone=time_zone, consent=consent, suppressed=suppressed,
        )  # fmt: skip

    def history(self, zone: str) -> list[Event]:
        """Return what she did before now, as it was told, not always in order."""
        rng = self.rng
        events = []
        for seq in range(1, rng.choice((0, 1, 2, 4, 8)) + 1):
            at = min(self.instant(zone), self.now)
            at = max(at, datetime(1990, 1, 1, tzinfo=UTC))
            told = {
                name: self.value(zone) if rng.random() < 0.15 else made
                for name, made in (
                    ("total", rng.choice(NUMBERS)), ("sku", rng.choice(TEXTS)),
                    ("due", self.date_text(zone)), ("gift", rng.random() < 0.5),
                    ("cart", {"total": rng.choice(NUMBERS), "size": rng.randint(0, 2)}),
                )
                if rng.random() < 0.8
            }  # fmt: skip
            events.append(
                Event(id=UUID(int=seq), seq=seq, name=rng.choice(EVENTS), properties=told,
                      occurred_at=at, received_at=self.now)
            )  # fmt: skip
        return events

    def topics(self) -> dict[str, Topic]:
        """Return two topics; of the third nobody has told."""
        return {
            "news": Topic(id="news", name="News"),
            "sales": Topic(id="sales", name="Sales", default="unsubscribed"),
        }

    def thresholds(self) -> dict[tuple[str, int], float]:
        """Return thresholds; some were not frozen yet."""
        rng = self.rng
        return {
            (trait, top): float(rng.choice(NUMBERS))
            for trait in ("points", "a.b", "tier")
            for top in (1, 5, 20, 80, 95, 99)
            if rng.random() < 0.9
        }

    def segments(self) -> dict[str, AnyCondition]:
        """Return segments, of which one is made of others."""
        return {
            "vip": self.read(self.condition(1, within=("gone",))),
            "fresh": self.read(self.condition(1, within=("gone",))),
            "nested": self.read({"any": [{"segment": "vip"}, {"not": {"segment": "fresh"}}]}),
        }

    def world(
        self, number: int, segments: Mapping[str, AnyCondition], topics: Mapping[str, Topic]
    ) -> MemoryWorld:
        """Return a customer's world now."""
        customer = self.customer(number)
        zone = customer.time_zone or "Europe/Paris"
        history = self.history(zone)
        return MemoryWorld(
            now=self.now, seq=len(history), zone=zone, customer=customer, history=history,
            segments=segments, topics=topics,
        )  # fmt: skip

    # Conditions

    def read(self, document: dict[str, Any]) -> AnyCondition:
        """Return the condition that is written so."""
        return READER.validate_python(document)

    def comparison(self) -> dict[str, Any]:
        """Return one operator, sometimes two, that suits any value."""
        rng = self.rng
        made: dict[str, Any] = {}
        for _ in range(1 if rng.random() < 0.8 else 2):
            match rng.randrange(11):
                case 0:
                    made["eq"] = self.scalar()
                case 1:
                    made["ne"] = self.scalar()
                case 2:
                    made["in"] = [self.scalar() for _ in range(rng.randint(0, 6))]
                case 3:
                    made["nin"] = [self.scalar() for _ in range(rng.randint(0, 3))]
                case 4 | 5:
                    operator = self.one("gt", "gte", "lt", "lte")
                    made[operator] = self.one(rng.choice(NUMBERS), rng.choice(TEXTS))
                case 6:
                    made["contains"] = self.one(self.scalar(), "o", "", "g")
                case 7:
                    made["starts_with"] = self.one("g", "", "go", "s", "20")
                case 8 | 9:
                    made["exists"] = rng.random() < 0.7
                case _:
                    made |= self.timed()
        return made

    def timed(self) -> dict[str, Any]:
        """Return one operator, sometimes two, about dates."""
        rng = self.rng
        made: dict[str, Any] = {}
        for _ in range(1 if rng.random() < 0.8 else 2):
            match rng.randrange(6):
                case 0:
                    made["before"] = self.date_text(rng.choice(ZONES))
                case 1:
                    made["after"] = self.date_text(rng.choice(ZONES))
                case 2 | 3:
                    made["within"] = rng.choice(DURATIONS)
                case 4:
                    made["older_than"] = rng.choice(DURATIONS)
                case _:
                    times = self.one(0.5, 1, 1.5, 2, 365)
                    made["older_than"] = {"trait": rng.choice(LENGTHS), "times": times}
        return made

    def condition(self, depth: int, within: tuple[str, ...] = SEGMENTS) -> dict[str, Any]:
        """Return any condition of a customer."""
        rng = self.rng
        kind = rng.randrange(16)
        if depth > 0 and kind < 4:
            inner = [self.condition(depth - 1, within) for _ in range(rng.randint(1, 3))]
            return self.one({"all": inner[:2]}, {"any": inner}, {"any": inner}, {"not": inner[0]})
        match kind:
            case 0 | 4 | 5:
                return {"trait": rng.choice(PLAIN), **self.comparison()}
            case 1 | 6 | 7:
                return {"trait": rng.choice(DATED), **self.timed()}
            case 2 | 8 | 9:
                return self.happened(depth, within)
            case 3 | 10 | 11:
                return self.came_to(depth, within)
            case 14:
                part = f"{self.one(1, 5, 20, 95)}%"
                return {
                    "trait": self.one("points", "points", "a.b", "tier"),
                    self.one("top", "bottom"): part,
                }
            case 12:
                length = self.one("0s", "0mo", "1d", "7d", "30d", "1mo", "6mo", "9mo", "1y", "36h")
                return {"anniversary": rng.choice(DATED), "within": length}
            case 13:
                return {"segment": rng.choice(within)}
            case _:
                return self.one(
                    {"reachable": rng.choice(CHANNELS)}, {"subscribed": rng.choice(TOPICS)},
                    {"subscribed": rng.choice(TOPICS), "channel": rng.choice(CHANNELS)},
                    {"step": "mail", "is": "sent"},
                    {"result": {"step": "call", "name": "x"}, **self.comparison()},
                    {"property": "total", **self.comparison()},
                )  # fmt: skip

    def meant(self, depth: int, within: tuple[str, ...]) -> dict[str, Any]:
        """Return which events are meant."""
        rng = self.rng
        made: dict[str, Any] = {"event": rng.choice(EVENTS)}
        if rng.random() < 0.65:
            made["within"] = rng.choice(DURATIONS)
        if rng.random() < 0.4:
            made["where"] = self.where(depth, within)
        if rng.random() < 0.03:
            made["message"] = "mail"
        return made

    def where(self, depth: int, within: tuple[str, ...]) -> dict[str, Any]:
        """Return what the properties of an event have to say, and sometimes the customer's."""
        rng = self.rng
        if depth > 0 and rng.random() < 0.3:
            inner = [self.where(depth - 1, within) for _ in range(2)]
            return self.one({"all": inner}, {"any": inner}, {"not": inner[0]})
        if rng.random() < 0.15:
            return self.condition(depth - 1, within)
        if rng.random() < 0.25:
            return {"property": "due", **self.timed()}
        name = self.one("total", "sku", "gift", "cart.total", "cart.size", "nothing")
        return {"property": name, **self.comparison()}

    def happened(self, depth: int, within: tuple[str, ...]) -> dict[str, Any]:
        """Return how often events must have happened."""
        made = self.meant(depth, within)
        if self.rng.random() < 0.6:
            count = {self.one("eq", "gt", "gte", "lt", "lte"): self.rng.randint(0, 3)}
            if self.rng.random() < 0.2:
                count |= {"lte": self.rng.randint(1, 4)}
            made["count"] = count
        return made

    def came_to(self, depth: int, within: tuple[str, ...]) -> dict[str, Any]:
        """Return what a property must come to."""
        rng = self.rng
        of = self.one("total", "total", "sku", "due", "cart.total", "cart")
        compared = self.timed() if of == "due" else self.comparison()
        compared.pop("within", None)
        if not compared:
            compared = {"gte": rng.choice(NUMBERS)}
        return {**self.meant(depth, within), rng.choice(AGGREGATES): of, **compared}
