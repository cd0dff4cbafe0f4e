"""Who enters a journey, and when again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from engine.compile.compiler import compile as compile_journey
from engine.compile.plan import Plan
from engine.model.customer import Customer
from engine.model.event import Event
from engine.model.journey import Journey
from engine.run.entry import Opened, PastRuns, Refused, decide, key_of, triggers
from engine.run.world import MemoryWorld

NOW = datetime(2026, 5, 4, 10, tzinfo=UTC)
DAY, TICK = timedelta(days=1), timedelta(microseconds=1)
NEW = PastRuns()


def plan(on: dict[str, Any] | None = None, **entry: Any) -> Plan:
    more = {key: entry.pop(key) for key in ("holdout", "goal") if key in entry}
    document = {
        "id": "j", "name": "j", "entry": {"on": on or {"event": "Go"}, **entry}, **more,
        "steps": [{"id": "bye", "type": "exit"}],
    }  # fmt: skip
    return compile_journey(Journey.model_validate(document))


def event(name: str = "Go", *, ago: timedelta = timedelta(), **told: Any) -> Event:
    return Event(
        id=UUID(int=1), seq=5, name=name, properties=told, occurred_at=NOW - ago, received_at=NOW
    )


def world(*history: Event, **traits: Any) -> MemoryWorld:
    customer = Customer(id=UUID(int=9), traits=traits)
    return MemoryWorld(now=NOW, seq=5, zone="Europe/Zurich", customer=customer, history=history)


def test_an_event_triggers_by_its_name_and_properties() -> None:
    asked = plan({"event": "Go", "where": {"property": "n", "gte": 3}})
    assert triggers(asked, event(n=3), world())
    assert not triggers(asked, event(n=2), world())
    assert not triggers(asked, event("Went", n=3), world())
    assert not triggers(plan({"api": True}), event(), world())


def test_an_event_is_late_after_max_age() -> None:
    assert decide(plan(), event(ago=DAY), world(), NEW) == Opened()
    late = decide(plan(), event(ago=DAY + TICK), world(), NEW)
    assert isinstance(late, Refused)
    assert late.reason == "late"
    assert decide(plan({"api": True}), event(ago=30 * DAY), world(), NEW) == Opened()
    assert decide(plan(max_age="31d"), event(ago=30 * DAY), world(), NEW) == Opened()


def test_the_condition_sees_the_event_and_its_answer_is_kept() -> None:
    asked = plan(**{"if": {"property": "n", "gte": 3}})
    assert decide(asked, event(n=3), world(), NEW) == Opened()
    refused = decide(asked, event(n=2), world(), NEW)
    assert refused == Refused(reason="condition", data={"seen": {"property n": 2}})


def test_the_event_at_hand_counts_as_history() -> None:
    first = plan(**{"if": {"event": "Go", "count": {"eq": 1}}})
    here = event()
    assert decide(first, here, world(here), NEW) == Opened()
    assert isinstance(decide(first, here, world(replace(here, seq=2), here), NEW), Refused)


ENDED = PastRuns(last_ended=NOW - DAY)


@pytest.mark.parametrize(
    ("reentry", "past", "reason"),
    [
        ({}, NEW, None),
        ({}, PastRuns(running=True), "running"),
        ({}, ENDED, None),
        ({"cooldown": "1d"}, ENDED, None),
        ({"cooldown": "25h"}, ENDED, "cooldown"),
        ({"mode": "once"}, NEW, None),
        ({"mode": "once"}, ENDED, "once"),
        ({"mode": "once", "cooldown": "1h"}, ENDED, "once"),
        ({"mode": "once"}, PastRuns(running=True), "running"),
        ({"mode": "per_key", "key": "n"}, NEW, None),
        ({"mode": "per_key", "key": "n"}, ENDED, "once"),
        ({"mode": "per_key", "key": "n", "cooldown": "1d"}, ENDED, None),
        ({"mode": "per_key", "key": "n", "cooldown": "2d"}, ENDED, "cooldown"),
        ({"mode": "per_key", "key": "n", "cooldown": "1d"}, PastRuns(running=True), "running"),
    ],
)
def test_when_she_may_enter_again(
    reentry: dict[str, Any], past: PastRuns, reason: str | None
) -> None:
    found = decide(plan(reentry=reentry), event(n=1), world(), past)
    assert (found.reason if isinstance(found, Refused) else None) == reason


def test_a_cooldown_says_until_when() -> None:
    found = decide(plan(reentry={"cooldown": "2d"}), event(), world(), ENDED)
    assert found == Refused(reason="cooldown", data={"until": (NOW + DAY).isoformat()})


@pytest.mark.parametrize(
    ("value", "key"),
    [("c1", "c1"), (7, "7"), (1.5, "1.5"), (None, None), ({}, None), (["a"], None), (True, "True")],
)
def test_the_key_is_a_property_of_the_event(value: Any, key: str | None) -> None:
    per_key = plan(reentry={"mode": "per_key", "key": "cart.id"})
    assert key_of(per_key, event(cart={"id": value})) == key
    assert key_of(per_key, event()) is None
    assert key_of(per_key, event(cart={"id": value}), "given") == "given"


def test_a_key_given_for_a_journey_without_keys_opens_no_second_way_in() -> None:
    assert key_of(plan(reentry={"mode": "once"}), event(), "other") == ""


def test_a_long_key_is_told_apart_and_kept_short() -> None:
    per_key = plan(reentry={"mode": "per_key", "key": "n"})
    keys = {key_of(per_key, event(n="x" * 100_000 + end)) for end in "ab"}
    assert len(keys) == 2
    assert all(key is not None and len(key) <= 200 for key in keys)


def test_the_holdout_is_a_share_of_customers_and_always_the_same() -> None:
    held = plan(holdout="20%", goal={"event": "Bought", "within": "7d"})
    drawn = []
    for n in range(2000):
        here = replace(world(), customer=Customer(id=UUID(int=n * 0x9E3779B97F4A7C15)))
        found = decide(held, event(), here, NEW)
        assert found == decide(held, event(ago=timedelta(hours=1)), here, ENDED)
        assert isinstance(found, Opened)
        drawn.append(found.held_out)
    assert 0.17 < sum(drawn) / len(drawn) < 0.23
    everyone = plan(holdout="100%", goal={"event": "Bought", "within": "7d"})
    assert decide(everyone, event(), world(), NEW) == Opened(held_out=True)
