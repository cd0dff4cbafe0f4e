"""One meaning, three evaluators: conditions at random, asked of histories at random.

One customer in Python, everybody in SQL, and a past instant of a history that went on. By default
some 5,000 pairs of a condition and a customer; `PARCOURS_TEST_PAIRS` says how many, and
`PARCOURS_TEST_SEED` where chance begins.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import cycle
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, delete, insert

from engine.model.condition import KINDS, OPERATORS, AnyCondition, Comparison, EventValue, parts
from engine.model.customer import Customer
from engine.model.event import Event
from engine.model.workspace import Workspace
from engine.run.calendar import moment
from engine.run.changes import learned
from engine.run.changing import next_change
from engine.run.conditions import holds
from engine.run.past import IDENTIFIED, world_at
from engine.run.world import MemoryWorld
from engine.store import tables
from engine.store.catalogue import Catalogue
from engine.store.conditions_sql import count, everybody, inside
from engine.store.session import Database
from tests.conditions import INSTANTS, READER, TICK, Maker

PAIRS = int(os.environ.get("PARCOURS_TEST_PAIRS", "5000"))
SEED = int(os.environ.get("PARCOURS_TEST_SEED", "20260504"))
CUSTOMERS, CONDITIONS = (20, 15) if PAIRS < 20_000 else (100, 15)
"""At one instant, and in one shop, all of the one are asked of all of the other."""
WORKSPACE = Workspace(time_zone="Europe/Paris")
RECEIVED = datetime(2026, 11, 20, tzinfo=UTC)
WALKED = 30
"""Boundaries that are followed to see whether a change comes earlier than was told."""


@dataclass(slots=True)
class Tally:
    """What was asked, by kind and operator, and how often it held."""

    pairs: int = 0
    true: int = 0
    unsure: int = 0
    due: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    operators: Counter[str] = field(default_factory=Counter)

    def count(self, condition: AnyCondition) -> None:
        for part in parts(condition):
            self.kinds[type(part).__name__] += CUSTOMERS
            if isinstance(part, Comparison):
                self.operators.update(dict.fromkeys((n for n, _ in part.operators), CUSTOMERS))

    def __str__(self) -> str:
        def listed(counted: Counter[str]) -> str:
            return ", ".join(f"{name} {n:,}" for name, n in counted.most_common())

        return (
            f"\nseed {SEED}: {self.pairs:,} pairs, {self.true / self.pairs:.1%} true, "
            f"{self.unsure:,} unsure, {self.due:,} that time may change\n"
            f"kinds: {listed(self.kinds)}\noperators: {listed(self.operators)}"
        )


@dataclass(frozen=True, slots=True)
class Person:
    """A customer now, as the database has her, and who she was before any event told of her."""

    world: MemoryWorld
    first: Customer
    later: Mapping[str, Any]

    def past(self) -> MemoryWorld:
        """Return the same world out of a history that went on."""
        now, n = self.world.now, self.world.seq
        later = [
            event(n + 1, "Order", now + TICK, {"total": 7}),
            event(n + 2, "View", now + timedelta(days=9), {}),
            event(n + 3, IDENTIFIED, now + TICK, {"traits": self.later}),
        ]
        history = [*self.world.history, *later]
        return world_at(replace(self.world, customer=self.first, history=history, seq=n + 3), now)


def told_in_time(maker: Maker, world: MemoryWorld) -> Person:
    """Return a customer of whom events told some of her traits."""
    rng = maker.rng
    first, history, told = world.customer, [*world.history], {}
    if rng.random() < 0.5:
        some = {
            name: value for name, value in maker.values(world.zone).items() if rng.random() < 0.5
        }
        told = {name: value for name, value in some.items() if value is not None}
    if told:
        at = min(maker.instant(world.zone), maker.now)
        history.append(event(len(history) + 1, IDENTIFIED, at, {"traits": told}))
    customer = learned(first, told) if told else first
    now = replace(world, customer=customer, history=history, seq=len(history))
    return Person(now, first, maker.values(world.zone))


def event(seq: int, name: str, at: datetime, properties: Mapping[str, Any]) -> Event:
    return Event(id=UUID(int=seq), seq=seq, name=name, properties={**properties},
                 occurred_at=at, received_at=RECEIVED)  # fmt: skip


def stored(connection: Connection, people: list[Person]) -> None:
    """Put these customers into the database, and nobody else."""
    connection.execute(delete(tables.event))
    connection.execute(delete(tables.customer))
    worlds = [person.world for person in people]
    rows = [
        {
            "id": world.customer.id, "seq": world.seq, "traits": world.customer.traits,
            "derived": world.customer.derived, "addresses": world.customer.addresses,
            "time_zone": world.customer.time_zone, "consent": world.customer.consent,
            "suppressed": world.customer.suppressed, "merged_into": None,
        }
        for world in worlds
    ]  # fmt: skip
    gone = {**rows[0], "id": UUID(int=10**6), "merged_into": rows[0]["id"]}
    connection.execute(insert(tables.customer), [*rows, gone])
    happened = [
        {
            "customer_id": world.customer.id, "seq": one.seq, "received_at": RECEIVED,
            "id": UUID(int=one.seq), "occurred_at": one.occurred_at, "name": one.name,
            "properties": one.properties, "source": "test",
        }
        for world in worlds
        for one in world.history
    ]  # fmt: skip
    if happened:
        connection.execute(insert(tables.event), happened)


def shop_of(world: MemoryWorld) -> Catalogue:
    """Return a shop with these rules, and nothing else."""
    told: dict[str, Any] = (
        dict.fromkeys(Catalogue.__dataclass_fields__, ())
        | {
            "revision": 1, "workspace": WORKSPACE, "segments": world.segments,
            "topics": world.topics, "thresholds": world.thresholds,
        }
    )  # fmt: skip
    return Catalogue(**told)


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    opened = Database(database_url)
    with opened.read() as connection:
        yield connection
    opened.close()


def explained(condition: AnyCondition, person: Person) -> str:
    world = person.world
    said = json.dumps(condition.document(), ensure_ascii=False)
    rules = {name: rule.document() for name, rule in world.segments.items()}
    return f"{said}\nat {world.now} in {world.zone}\n{world.customer}\n{world.history}\n{rules}"


def really_changes(
    condition: AnyCondition, world: MemoryWorld, before: datetime
) -> datetime | None:
    """Return when time alone changes the answer, if that is before an instant."""
    held = holds(condition, world)
    for _ in range(WALKED):
        at = next_change(condition, world)
        if at is None or at >= before:
            return None
        world = replace(world, now=at)
        if holds(condition, world) is not held:
            return at
    return None


def check(
    connection: Connection,
    tally: Tally,
    condition: AnyCondition,
    people: list[Person],
    now: datetime,
) -> None:
    """Ask everybody, one by one and all at once."""
    people = [replace(person, world=replace(person.world, now=now)) for person in people]
    world = people[0].world
    asked = everybody(condition, now=world.now, shop=shop_of(world))
    found = {row.customer_id: row for row in connection.execute(asked)}
    assert len(found) == len(people)
    for person in people:
        row, one = found[person.world.customer.id], person.world
        expected = holds(condition, one)
        assert row.seq == one.seq
        assert holds(condition, person.past()) is expected, explained(condition, person)
        tally.pairs += 1
        tally.true += expected
        tally.unsure += row.unsure
        if row.unsure:
            assert row.next_change_at == one.now
            continue
        assert row.inside is expected, explained(condition, person)
        tally.due += row.next_change_at is not None
        assert row.next_change_at is None or row.next_change_at >= one.now
        before = row.next_change_at or datetime(9000, 1, 1, tzinfo=UTC)
        changes = really_changes(condition, one, before)
        assert changes is None, f"{changes} before {before}\n" + explained(condition, person)
    tally.count(condition)


def check_lists(connection: Connection, condition: AnyCondition, people: list[Person]) -> None:
    """Ask for the number, and for the ids, what is said of each one."""
    now, shop = people[0].world.now, shop_of(people[0].world)
    found = connection.execute(everybody(condition, now=now, shop=shop)).all()
    sums = connection.execute(count(condition, now=now, shop=shop)).one()
    listed = connection.execute(inside(condition, now=now, shop=shop)).all()
    sure = {row.customer_id for row in found if row.inside and not row.unsure}
    assert (sums.matching, sums.total) == (len(sure), len(people))
    assert {row.customer_id for row in listed if not row.unsure} == sure
    assert sums.unsure == sum(row.unsure for row in found) == sum(row.unsure for row in listed)


def edges(rng: Random, condition: AnyCondition, people: list[Person]) -> list[datetime]:
    """Return instants at, just before and just after the end of somebody's window."""
    changes = {next_change(condition, person.world) for person in people}
    near = sorted(at for at in changes if at is not None and at.year < 9000)
    return [rng.choice(near) + by for by in (-TICK, timedelta(), TICK)] if near else []


WANTED: tuple[type | str, ...] = (*KINDS.values(), EventValue, *OPERATORS)
"""Each kind and each operator has its turn."""


def has(condition: AnyCondition, wanted: type | str) -> bool:
    """Whether a condition has a part of a kind, or one that compares by an operator."""
    if isinstance(wanted, type):
        return any(type(part) is wanted for part in parts(condition))
    compared = (part for part in parts(condition) if isinstance(part, Comparison))
    return any(wanted == name for part in compared for name, _ in part.operators)


def drawn(maker: Maker, wanted: type | str, people: list[Person]) -> AnyCondition:
    """Return a condition with what is wanted; rather one that holds for some and not for others."""
    for attempt in range(1000):
        condition = maker.read(maker.condition(2))
        if has(condition, wanted):
            true = sum(holds(condition, person.world) for person in people)
            if attempt > 200 or len(people) / 5 < true < len(people):
                return condition
    raise AssertionError(f"no condition has {wanted}")


def test_three_evaluators_mean_the_same(connection: Connection) -> None:
    rng, tally, wanted = Random(SEED), Tally(), cycle(WANTED)
    while tally.pairs < PAIRS:
        maker = Maker(rng, rng.choice(INSTANTS))
        segments, topics, thresholds = maker.segments(), maker.topics(), maker.thresholds()
        people = [
            told_in_time(maker, replace(maker.world(n, segments, topics), thresholds=thresholds))
            for n in range(1, CUSTOMERS + 1)
        ]
        stored(connection, people)
        for _ in range(CONDITIONS):
            condition = drawn(maker, next(wanted), people)
            if rng.random() < 0.1:
                check_lists(connection, condition, people)
            for now in (maker.now, *edges(rng, condition, people)):
                check(connection, tally, condition, people, now)
    print(tally)  # noqa: T201 - the figures of a long run
    assert tally.true / tally.pairs > 0.3
    assert tally.unsure / tally.pairs < 0.1
    assert len(tally.kinds) == len(KINDS) + 1 or PAIRS < 5000


PLAIN_DATES = (
    "2026-01-31", "2024-02-29", "2026-01-31T10:00", "2026-01-31 10:00:07", "2026-03-29T02:30:00",
    "2026-10-25T02:30:00", "2026-10-25T03:00:00", "2026-01-31T10:00:00.5", "2026-01-31T10:00:00,25",
    "2026-01-31T10:00:00.123456789", "2026-01-31T10:00:00Z", "2026-01-31T10:00:00.000001Z",
    "2026-01-31T10:00+05:45", "2026-01-31T10:00:00-0330", "2026-01-31T23:59:59.999999-12:00",
    "0001-01-01", "0001-01-01T00:00:00Z", "0001-01-04T00:00:00", "9999-12-31", "9999-12-31T23:59:59Z",
    "9999-12-28T23:59:59.999999+14:00",
)  # fmt: skip
NO_DATES = (
    "2026-02-30", "2023-02-29", "1900-02-29", "2026-13-01", "2026-04-31", "0000-01-01", "2026-1-1",
    "soon", "", "2026", "2026-01", "31.01.2026", "12", "2026-01-3a",
)  # fmt: skip
ODD_DATES = (
    "20260131", "2026-W05", "2026-W05-6", "2026W056", "20260131T1000", "2026-01-31T10",
    "2026-01-31_10:00", "2026-01-31T25:00", "2026-01-31T10:00:00+01", "2026-01-31T10:00:61",
    "2026-02-30T10:00", "12345678", "2026-01-31T10:00:00+24:00", "2026-01-31 and more", "2026-01-31\n",
)  # fmt: skip


def test_dates_are_read_as_the_engine_reads_them(connection: Connection) -> None:
    texts = (*PLAIN_DATES, *NO_DATES, *ODD_DATES)
    now = datetime(2026, 5, 4, 10, tzinfo=UTC)
    people = [
        Person(
            MemoryWorld(now=now, seq=0, zone="Europe/Paris",
                        customer=Customer(id=UUID(int=n), traits={"at": written})),
            Customer(id=UUID(int=n), traits={"at": written}), {},
        )
        for n, written in enumerate(texts, 1)
    ]  # fmt: skip
    stored(connection, people)
    asked = [
        at + by for written in PLAIN_DATES
        if (at := moment(written, "Europe/Paris")) is not None for by in (timedelta(), TICK)
    ]  # fmt: skip
    assert len(asked) == 2 * len(PLAIN_DATES)
    for at in asked:
        for operator in ("before", "after"):
            condition = READER.validate_python({"trait": "at", operator: at.isoformat()})
            rows = connection.execute(everybody(condition, now=now, shop=shop_of(people[0].world)))
            found = {row.customer_id.int: row for row in rows}
            for n, written in enumerate(texts, 1):
                assert found[n].unsure is (written in ODD_DATES), written
                if not found[n].unsure:
                    held = holds(condition, people[n - 1].world)
                    assert found[n].inside is held, (written, operator, at)
