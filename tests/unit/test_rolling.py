"""What a customer's events come to: aggregates kept up with each event are those of all of them."""

from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.duration import Duration
from engine.model.trait import AnyTrait, EventTrait, TraitDocument
from engine.run.rolling import (
    Fact,
    Scanned,
    leaving,
    meant,
    rolled,
    scan,
    step,
    those_meant,
    value_of,
    values_at,
)
from tests.traits import ORDER, TODAY, TRAITS, history

ZONE = "Europe/Zurich"


def trait(take: str, **more: Any) -> EventTrait:
    read = TraitDocument.read({"id": "t", "name": "T", "event": ORDER, "take": take, **more})
    assert isinstance(read, EventTrait)
    return read


def found(asked: EventTrait, facts: Sequence[Fact]) -> Scanned:
    return scan(asked, those_meant(asked.where, facts, ZONE), TODAY, ZONE)


def value(take: str, *some: Any, days: Sequence[int] = (), **more: Any) -> Any:
    """Return what a trait of `total` comes to, for events of these totals, a day apart."""
    asked = trait(take, **more)
    told = days or range(len(some))
    facts = [
        Fact(TODAY - timedelta(days=40 - day), seq, {} if one is None else {"total": one})
        for seq, (one, day) in enumerate(zip(some, told, strict=True))
    ]
    return found(asked, facts).value


def test_money_is_added_up_as_it_is_written() -> None:
    assert value("sum", 0.1, 0.1, 0.1, of="total") == 0.3
    assert value("sum", 1.5, 1.5, of="total") == 3
    assert value("avg", 10, 10, 11, of="total") == 10.333333
    assert value("sum", "12", None, True, of="total") == 0


def test_of_no_events_counts_and_sums_are_zero_and_the_rest_is_missing() -> None:
    empty = {take: value(take, of="total") for take in ("sum", "avg", "min", "first", "most")}
    assert empty == {"sum": 0, "avg": None, "min": None, "first": None, "most": None}
    assert (value("count"), value("interval"), value("last_at")) == (0, None, None)


def test_the_first_and_the_last_value_are_by_when_it_happened() -> None:
    assert value("first", "b", "a", days=[9, 2], of="total") == "a"
    assert value("last", "b", "a", None, days=[9, 2, 20], of="total") == "b"
    assert value("first_at", 1, 1, days=[9, 2]) == "2026-03-27T10:00:00Z"
    assert value("last_at", 1, 1, days=[9, 2]) == "2026-04-03T10:00:00Z"


def test_the_most_frequent_value_is_found_inside_lists() -> None:
    asked = trait("most", of="products[].category")
    facts = [
        Fact(TODAY, 1, {"products": [{"category": "Tea"}, {"category": "Bread"}]}),
        Fact(TODAY, 2, {"products": [{"category": "Tea"}, {}]}),
    ]
    assert found(asked, facts).value == "Tea"
    assert value("most", "b", "a", of="total") == "a"  # as often: the first by name
    assert value("distinct", 1, 1.0, "1", True, of="total") == 3


def test_lists_inside_lists_are_looked_into() -> None:
    inside = {"a": [{"b": [{"c": 1}, {"c": 2}]}, {"b": []}, 7]}
    assert list(values_at(inside, "a[].b[].c")) == [1, 2]
    assert list(values_at({"tags": ["x", None, "y"]}, "tags[]")) == ["x", "y"]


def test_the_usual_interval_is_between_days() -> None:
    assert value("interval", 1, 1, 1, 1, days=[1, 1, 8, 22]) == 10.5
    assert value("interval", 1, 1, days=[1, 1]) is None


def test_an_event_leaves_its_window_at_a_moment() -> None:
    asked = trait("count", within="30d")
    facts = [Fact(TODAY - timedelta(days=29), 1, {}), Fact(TODAY - timedelta(days=30), 2, {})]
    left = found(asked, facts)
    assert (left.value, left.due) == (1, TODAY + timedelta(days=1))


@given(
    st.integers(-3000, 3000),
    st.sampled_from(("1mo", "1y", "90d", "12h")),
)
def test_just_before_it_leaves_it_is_still_within(hours: int, length: str) -> None:
    at = TODAY + timedelta(hours=hours * 7, minutes=hours)
    within = Duration(length)
    leaves = leaving(within, at, ZONE)
    assert within.before(leaves, ZONE) >= at
    assert within.before(leaves - timedelta(microseconds=1), ZONE) < at


@given(st.randoms(use_true_random=False), st.integers(0, 25))
def test_kept_up_with_each_event_it_is_as_of_all_of_them(random: Random, n: int) -> None:
    facts = [
        Fact(at, seq, properties)
        for seq, (name, at, properties) in enumerate(history(random, n))
        if name == ORDER
    ]
    for asked in TRAITS:
        if isinstance(asked, EventTrait) and asked.event == ORDER and rolled(asked):
            state = None
            for fact in facts:
                if meant(asked.where, fact.properties, ZONE):
                    state = step(asked, state, fact)
            assert value_of(asked, state) == found(asked, facts).value, asked.id


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"event": "x", "take": "sum"}, "say which property"),
        ({"event": "x", "take": "count", "of": "y"}, "leave out `of`"),
        ({"event": "x", "take": "count", "where": {"trait": "a", "eq": 1}}, "event's properties"),
        ({"event": "x", "take": "count", "where": {"property": "a", "within": "1d"}}, "how long ago"),
        ({"join": ["a"]}, "at least 2"),
        ({}, "one of: event, quantile_of, join"),
    ],
)  # fmt: skip
def test_what_cannot_be_computed_is_refused(document: dict[str, Any], said: str) -> None:
    def read() -> AnyTrait:
        return TraitDocument.read({"id": "t", "name": "T", **document})

    with pytest.raises(ValueError, match=said):
        read()
