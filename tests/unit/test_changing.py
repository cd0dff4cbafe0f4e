"""When time alone changes whether a condition holds: never later than it does."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest

from engine.model.clock import zone_of
from engine.model.condition import AnyCondition
from engine.model.customer import Customer
from engine.model.event import Event
from engine.run.changing import next_change
from engine.run.conditions import holds
from engine.run.world import MemoryWorld
from tests.conditions import INSTANTS, READER, TICK, Maker

NOW = datetime(2026, 5, 4, 10, tzinfo=UTC)
STEPS = 40
"""Boundaries that a walk follows."""


def world(
    *ago: timedelta, zone: str = "Europe/Paris", now: datetime = NOW, **traits: Any
) -> MemoryWorld:
    """Return the world of a customer with orders that long ago."""
    history = [
        Event(id=UUID(int=n), seq=n, name="Order", properties={"total": 10},
              occurred_at=now - one, received_at=now)
        for n, one in enumerate(ago, 1)
    ]  # fmt: skip
    customer = Customer(id=UUID(int=9), traits=traits)
    return MemoryWorld(now=now, seq=100, zone=zone, customer=customer, history=history)


def changes(condition: dict[str, Any], here: MemoryWorld) -> datetime | None:
    return next_change(READER.validate_python(condition), here)


DAYS = timedelta(days=1)


@pytest.mark.parametrize(
    ("condition", "ahead"),
    [
        ({"event": "Order", "within": "30d"}, 29 * DAYS),  # when the last of three has left
        ({"event": "Order", "within": "30d", "count": {"gte": 2}}, 20 * DAYS),
        ({"event": "Order", "within": "30d", "count": {"gte": 4}}, None),
        ({"event": "Order", "within": "30d", "count": {"eq": 3}}, 10 * DAYS),
        ({"event": "Order", "count": {"gte": 1}}, None),
        ({"event": "View", "within": "30d"}, None),
        ({"not": {"event": "Order", "within": "90d"}}, 89 * DAYS),
        ({"event": "Order", "sum": "total", "gte": 20, "within": "30d"}, 10 * DAYS),
        ({"trait": "at", "within": "2d"}, 1 * DAYS),
        ({"trait": "at", "older_than": "2d"}, 1 * DAYS),
        ({"trait": "at", "older_than": {"trait": "n", "times": 2}}, 9 * DAYS),
        ({"trait": "soon", "within": "2d"}, 1 * DAYS),
        ({"trait": "n", "gte": 3}, None),
        ({"all": [{"trait": "n", "gte": 9}, {"trait": "at", "older_than": "2d"}]}, None),
        ({"any": [{"trait": "n", "lt": 9}, {"trait": "at", "older_than": "2d"}]}, None),
        ({"all": [{"trait": "at", "older_than": "2d"}, {"trait": "at", "older_than": "5d"}]}, 4 * DAYS),
        ({"anniversary": "born", "within": "7d"}, timedelta(days=18, hours=12)),
    ],
)  # fmt: skip
def test_it_changes_when_what_matters_does(
    condition: dict[str, Any], ahead: timedelta | None
) -> None:
    here = world(
        20 * DAYS, 10 * DAYS, DAYS, at="2026-05-03T10:00:00Z", soon="2026-05-05T10:00:00Z", n=5,
        born="1990-05-30",
    )  # fmt: skip
    assert changes(condition, here) == (None if ahead is None else NOW + ahead)


def test_a_month_is_counted_on_her_calendar_and_may_take_events_in_again() -> None:
    paris = zone_of("Europe/Paris")
    at = datetime(2026, 2, 28, 12, tzinfo=paris)
    asked = {"event": "Order", "within": "1mo"}
    here = world(NOW - at)
    told = []
    here = replace(here, now=datetime(2026, 3, 1, tzinfo=UTC))
    while (turns := changes(asked, here)) is not None:
        told.append(turns.astimezone(paris).strftime("%d %H:%M"))
        here = replace(here, now=turns)
    # A month before each of the last days of March is 28 February.
    assert told == [
        "28 12:00",
        "29 00:00",
        "29 12:00",
        "30 00:00",
        "30 12:00",
        "31 00:00",
        "31 12:00",
    ]


def _walk(rng: Random, condition: AnyCondition, here: MemoryWorld) -> int:
    """Follow the boundaries; between two of them the answer is always the same."""
    for steps in range(STEPS):
        before = holds(condition, here)
        until = next_change(condition, here)
        assert until is None or until > here.now
        for at in _between(rng, here.now, until):
            later = replace(here, now=at)
            assert holds(condition, later) == before, (condition, here, at, until)
        if until is None or until.year > 9000:
            return steps
        here = replace(here, now=until)
    return STEPS


def _between(rng: Random, now: datetime, until: datetime | None) -> list[datetime]:
    if until is None or until.year > 9000:
        lengths = (TICK, DAYS * rng.random(), 30 * DAYS * rng.random(), 400 * DAYS, 9000 * DAYS)
        return [now + length for length in lengths]
    length = until - now
    inside = [now + length * rng.random() for _ in range(4)]
    near = max(now, until - timedelta(hours=30) * rng.random())
    return [min(at, until - TICK) for at in (*inside, near, until)]


@pytest.mark.parametrize("seed", range(12))
def test_between_the_boundaries_the_answer_stays(seed: int) -> None:
    rng = Random(seed)
    crossed = 0
    for _ in range(25):
        maker = Maker(rng, rng.choice(INSTANTS))
        segments, topics = maker.segments(), maker.topics()
        here = maker.world(1, segments, topics)
        for _ in range(6):
            crossed += _walk(rng, maker.read(maker.condition(2)), here)
    assert crossed > 5
