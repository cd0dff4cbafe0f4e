"""A customer as she was: what had occurred by then, and what had been told of her."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from engine.model.customer import Customer
from engine.model.event import Event
from engine.run.conditions import holds
from engine.run.past import IDENTIFIED, world_at
from engine.run.world import MemoryWorld
from tests.conditions import READER, TICK

NOW = datetime(2026, 5, 4, 10, tzinfo=UTC)
DAY = timedelta(days=1)


def event(seq: int, name: str, ago: timedelta, **told: Any) -> Event:
    return Event(id=UUID(int=seq), seq=seq, name=name, properties=told, occurred_at=NOW - ago,
                 received_at=NOW)  # fmt: skip


HISTORY = (
    event(1, IDENTIFIED, 9 * DAY, traits={"tier": "silver", "email": "a@example.org"}),
    event(2, "Order", 5 * DAY),
    event(3, IDENTIFIED, 3 * DAY, traits={"tier": "gold", "city": None}),
    event(4, "Order", 7 * DAY),  # told late
    event(5, "Order", timedelta(), traits={"tier": "no identification"}),
)
FIRST = Customer(
    id=UUID(int=9), traits={"city": "Bern"}, derived={"rank": 1}, time_zone="Asia/Tokyo"
)
WORLD = MemoryWorld(now=NOW, seq=5, zone="Asia/Tokyo", customer=FIRST, history=HISTORY)


def test_she_is_who_events_had_told_by_then() -> None:
    def traits(ago: timedelta) -> dict[str, Any]:
        return world_at(WORLD, NOW - ago).customer.traits

    assert traits(9 * DAY + TICK) == {"city": "Bern"}
    told = {"city": "Bern", "tier": "silver", "email": "a@example.org"}
    assert traits(9 * DAY) == told
    assert traits(3 * DAY) == {"tier": "gold", "email": "a@example.org"}
    assert traits(timedelta()) == {"tier": "gold", "email": "a@example.org"}
    assert world_at(WORLD, NOW).customer.addresses == {"email": "a@example.org"}
    assert world_at(WORLD, NOW).customer.derived == {"rank": 1}


def test_only_what_had_occurred_by_then_has_happened() -> None:
    asked = READER.validate_python({"event": "Order", "count": {"eq": 2}, "within": "6d"})
    assert holds(asked, world_at(WORLD, NOW))
    assert holds(asked, world_at(WORLD, NOW - 2 * DAY))  # seven days ago is within six of it
    assert not holds(asked, world_at(WORLD, NOW - 5 * DAY - TICK))


def test_a_past_that_lies_before_everything_is_empty() -> None:
    before = world_at(replace(WORLD, customer=FIRST), NOW - 99 * DAY)
    assert (before.seq, before.history, before.customer) == (0, [], FIRST)
