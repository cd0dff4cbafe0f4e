"""Whatever happens to customers, each segment knows who is in it: random rules, random lives."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, insert, text

from engine.flow.customers import CustomerRecord, put_customer
from engine.flow.intake import Incoming, receive
from engine.flow.memberships import sweep
from engine.flow.turn import Turn
from engine.model.opening import SEGMENT_ENTERED, SEGMENT_LEFT
from engine.run.changing import turn as stands
from engine.store import customers, kept, tables
from engine.store.session import Database
from tests.conditions import EVENTS, TEXTS, ZONES, Maker

PEOPLE = ("ada", "eve", "zoe")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


def stored(value: Any) -> Any:
    """Return a document as it can be stored: whole numbers have 64 bits."""
    match value:
        case dict():
            return {name: stored(one) for name, one in value.items()}
        case list():
            return [stored(one) for one in value]
        case int() if abs(value) > 2**60:
            return float(value)
        case _:
            return value


class Life:
    """Three customers to whom things happen, and a dozen segments of random rules."""

    def __init__(self, database: Database, seed: int) -> None:
        self.database = database
        self.rng = Random(seed)
        self.maker = Maker(self.rng, datetime.now(UTC))
        self.sent = 0

    def furnish(self) -> None:
        rules = {f"s{n}": self.maker.condition(2, within=("s0", "s1")) for n in range(2, 12)}
        rules |= {name: self.maker.condition(1, within=("gone",)) for name in ("s0", "s1")}

        def work(connection: Connection) -> None:
            rows = [{"id": id, "name": id, "rule": stored(rule)} for id, rule in rules.items()]
            connection.execute(insert(tables.segment), rows)
            connection.execute(text("UPDATE segment SET state = 'ready'"))
            connection.execute(text("UPDATE workspace SET revision = revision + 1"))

        self.database.transact(work)

    def happen(self) -> None:
        """Do one thing at random."""
        rng, who = self.rng, self.rng.choice(PEOPLE)
        zone = rng.choice((None, *ZONES))
        match rng.randrange(8):
            case 0:
                addresses = {"email": "ada@example.com"} if rng.random() < 0.5 else {}
                record = CustomerRecord(
                    traits=stored(self.maker.values(zone or "UTC")),
                    addresses=addresses,
                    time_zone=zone,
                )
                put_customer(self.database, f"external_id:{who}", record)
            case 1:
                self._send(
                    who, "identify", traits=stored(self.maker.values(zone or "UTC")), zone=zone
                )
            case 2:
                sweep(self.database)
            case _:
                self._send(who, "track", zone=zone)

    def _send(self, who: str, kind: Any, *, traits: Any = None, zone: str | None = None) -> None:
        rng = self.rng
        self.sent += 1
        ago = timedelta(
            seconds=rng.choice((0, 1, 3600, 86400, 86400 * 29, 86400 * 31, 86400 * 400))
        )
        properties = {"total": rng.choice((0, 1, 2.5, 100)), "sku": rng.choice(TEXTS), "gift": True}
        event = Incoming(
            source="test", message_id=f"m{self.sent}", kind=kind, user_id=who,
            name=rng.choice(EVENTS) if kind == "track" else "Customer Identified",
            properties=properties if kind == "track" else {}, traits=traits or {},
            occurred_at=datetime.now(UTC) - ago, time_zone=zone,
        )  # fmt: skip
        receive(self.database, [event])

    def check(self) -> int:
        """Compare what is stored with what the rules say now; return how many are inside."""
        with self.database.read() as connection:
            everybody = list(connection.execute(text("SELECT id FROM customer")).scalars())
        return self.database.transact(lambda connection: self._check(connection, everybody))

    def _check(self, connection: Connection, everybody: list[UUID]) -> int:
        inside = 0
        known = kept.read(connection, everybody, datetime.now(UTC), standings=True)
        for id, locked in customers.lock(connection, everybody).items():
            turn = Turn(self.database, connection, locked)
            turn.stamp()
            for name, rule in turn.catalogue.segments.items():
                stored = (known[id].standings or {}).get(name)
                if stored and stored.next_change_at and stored.next_change_at <= turn.now:
                    continue  # the next sweep looks at her
                holding, _ = stands(rule, turn.world())
                assert (stored is not None and stored.inside) is holding, (name, rule)
                inside += holding
        return inside

    def told(self) -> dict[tuple[UUID, str], list[str]]:
        found: dict[tuple[UUID, str], list[str]] = defaultdict(list)
        with self.database.read() as connection:
            rows = connection.execute(
                text("SELECT customer_id, name, properties ->> 'segment' AS segment FROM event "
                     "WHERE name IN (:entered, :left) ORDER BY customer_id, seq"),
                {"entered": SEGMENT_ENTERED, "left": SEGMENT_LEFT},
            )  # fmt: skip
            for row in rows:
                found[row.customer_id, row.segment].append(row.name)
        return found


@pytest.mark.parametrize("seed", range(12))
def test_segments_know_who_is_in_them(database: Database, seed: int) -> None:
    life = Life(database, seed)
    life.furnish()
    inside = 0
    for _ in range(25):
        life.happen()
        inside += life.check()
    assert inside, "nobody was in any segment"
    with database.read() as connection:
        rows = connection.execute(text("SELECT customer_id, segment_id, inside FROM membership"))
        now = {(row.customer_id, row.segment_id): row.inside for row in rows}
    for who, names in life.told().items():
        assert names == [SEGMENT_ENTERED, SEGMENT_LEFT] * (len(names) // 2) + [SEGMENT_ENTERED] * (
            len(names) % 2
        ), who
        assert now.get(who, False) is (len(names) % 2 == 1)
