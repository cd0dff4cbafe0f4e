"""The library's segments, each asked of a handful of histories: inside, outside, at the edges."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

import journeys
from engine.model.customer import Customer
from engine.model.event import Event
from engine.run.conditions import holds
from engine.run.world import MemoryWorld

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ADDRESS = {"email": "a@example.com"}

Past = tuple[tuple[str, timedelta | float, dict[str, Any]], ...]


def did(name: str, ago: timedelta | float, **properties: Any) -> Past:
    """Return one thing that she did so many days ago."""
    return ((name, ago, properties),)


def order(*ago: timedelta | float, **properties: Any) -> Past:
    return tuple(("Order Completed", one, properties) for one in ago)


def days(n: float) -> timedelta:
    return timedelta(days=n)


def inside(
    segment: str, past: Past = (), derived: dict[str, Any] | None = None, **customer: Any
) -> bool:
    """Return whether she is in the segment, and see that it names no other."""
    ready = journeys.segments()[segment]
    history = [
        Event(
            id=UUID(int=seq),
            seq=seq,
            name=name,
            properties=properties,
            occurred_at=NOW - (ago if isinstance(ago, timedelta) else days(ago)),
            received_at=NOW,
        )
        for seq, (name, ago, properties) in enumerate(past, 1)
    ]
    world = MemoryWorld(
        now=NOW,
        seq=len(history),
        zone="Europe/Zurich",
        customer=Customer(id=UUID(int=1), derived=derived or {}, **customer),
        history=history,
        thresholds={("spend_1y", 5): 5_000},
    )
    return holds(ready.rule, world)


SIGNED_UP = did("Signed Up", 3)
YEAR = NOW - NOW.replace(year=2025)

CASES: list[tuple[str, Past, bool]] = [
    ("newcomers", SIGNED_UP, True),
    ("newcomers", did("Signed Up", 30), False),
    ("newcomers", did("Signed Up", days(30) - SECOND), True),
    ("newcomers", SIGNED_UP + order(1), False),
    ("newcomers", SIGNED_UP + order(400), False),
    ("newcomers", (), False),
    ("first-time", order(1), True),
    ("first-time", order(1000), True),
    ("first-time", order(1, 2), False),
    ("first-time", SIGNED_UP, False),
    ("loyal", order(1, 2, 3, 4, 5), True),
    ("loyal", order(1, 2, 3, 4), False),
    ("loyal", order(1, 2, 3, 4, YEAR - SECOND), True),
    ("loyal", order(1, 2, 3, 4, YEAR), False),
    ("promo-hunters", order(1, 2, 3, coupon="SPRING"), True),
    ("promo-hunters", order(1, 2, 3, coupon=2.5), True),
    ("promo-hunters", order(1, 2, coupon="SPRING"), False),
    ("promo-hunters", order(1, 2, 3, coupon="SPRING") + order(4, 5), True),
    ("promo-hunters", order(1, 2, 3, coupon="SPRING") + order(4, 5, 6), False),
    ("promo-hunters", order(*range(1, 7), coupon="A") + order(*range(7, 12)), True),
    ("promo-hunters", order(*range(1, 7), coupon="A") + order(*range(7, 13)), False),
    ("promo-hunters", order(1, 2, YEAR, coupon="SPRING"), False),
    ("promo-hunters", order(1, 2, 3, discount=4), False),
    ("dormant", order(90), True),
    ("dormant", order(days(90) - SECOND), False),
    ("dormant", order(90, 1), False),
    ("dormant", order(YEAR - SECOND), True),
    ("dormant", order(YEAR), False),
    ("dormant", SIGNED_UP, False),
    ("lost", order(YEAR), True),
    ("lost", order(YEAR - SECOND), False),
    ("lost", order(2000, 1), False),
    ("lost", (), False),
    ("store-only", order(1, store="324"), True),
    ("store-only", order(1, store="324") + order(2, store="web"), False),
    ("store-only", order(1, store="324") + order(2), False),
    ("store-only", order(1, store="324") + order(YEAR, store="web"), True),
    ("store-only", (), False),
    ("web-only", order(1, store="web"), True),
    ("web-only", order(1), True),
    ("web-only", order(1) + order(2, store="324"), False),
    ("web-only", order(1) + order(YEAR, store="324"), True),
    ("web-only", (), False),
    ("omnichannel", order(1) + order(2, store="324"), True),
    ("omnichannel", order(1, store="web") + order(2, store="324"), True),
    ("omnichannel", order(1) + order(YEAR, store="324"), False),
    ("omnichannel", order(1, 2, store="324"), False),
    ("basket-left", did("Product Added", 2), True),
    ("basket-left", did("Product Added", 3), False),
    ("basket-left", did("Product Added", 2) + order(1), False),
    ("basket-left", did("Product Added", 2) + order(10), True),
    ("readers", did("Message Opened", 1) + did("Message Opened", 29), True),
    ("readers", did("Message Opened", 1) + did("Message Opened", 30), False),
    ("readers", did("Message Opened", 1) * 2 + order(89), False),
    ("readers", did("Message Opened", 1) * 2 + order(90), True),
    ("category-fans", did("Product Viewed", 1, category="Cheese") * 3, True),
    ("category-fans", did("Product Viewed", 1, category="Cheese") * 2, False),
    ("category-fans", did("Product Viewed", 1, category="Bread") * 3, False),
    ("category-fans", did("Product Viewed", 30, category="Cheese") * 3, False),
]


@pytest.mark.parametrize(("segment", "past", "expected"), CASES)
def test_what_she_did_says_whether_she_is_in_it(segment: str, past: Past, expected: bool) -> None:
    assert inside(segment, past) is expected


GOT = did("Message Delivered", 10, channel="email")
UNRESPONSIVE: list[tuple[Past, bool]] = [
    (GOT * 5, True),
    (GOT * 4, False),
    (did("Message Delivered", 10, channel="sms") * 5, False),
    (did("Message Opened", 180), True),
    (did("Message Opened", days(180) - SECOND), False),
    (did("Message Clicked", 200), True),
    (GOT * 5 + did("Message Clicked", 100), False),
    (GOT * 5 + order(100), False),
    (GOT * 5 + order(180), True),
    (GOT * 5 + did("Signed Up", 100), False),
    ((), False),
]


@pytest.mark.parametrize(("past", "expected"), UNRESPONSIVE)
def test_whoever_gets_mail_and_shows_no_sign_of_life(past: Past, expected: bool) -> None:
    assert inside("unresponsive", past, addresses=ADDRESS) is expected
    assert not inside("unresponsive", past)


@pytest.mark.parametrize(
    ("spent", "expected"), [(5_000, True), (4_999.99, False), (None, False), ("much", False)]
)
def test_the_best_customers_are_those_above_the_threshold(spent: Any, expected: bool) -> None:
    assert inside("vip", derived={"spend_1y": spent} if spent is not None else {}) is expected


def rhythm(usual: float, since: timedelta | float, orders: int = 3) -> dict[str, Any]:
    """Return what is computed of somebody who usually orders every so many days."""
    last = NOW - (since if isinstance(since, timedelta) else days(since))
    return {"usual_interval": usual, "last_order_at": last.isoformat(), "orders_count": orders}


@pytest.mark.parametrize(
    ("derived", "risk", "due"),
    [
        (rhythm(10, 20), True, True),
        (rhythm(10, days(20) - SECOND), False, True),
        (rhythm(10, 10), False, True),
        (rhythm(10, days(10) - SECOND), False, False),
        (rhythm(2, 5), True, False),
        (rhythm(7, 7), False, True),
        (rhythm(100, 150), False, True),
        (rhythm(100, 200), True, True),
        (rhythm(10, 20, orders=2), False, False),
        ({"orders_count": 3}, False, False),
        ({}, False, False),
    ],
)
def test_her_own_rhythm_says_when_she_is_due_and_when_at_risk(
    derived: dict[str, Any], risk: bool, due: bool
) -> None:
    assert inside("at-risk", order(300), derived) is risk
    assert inside("due-again", order(300), derived) is due
    # Whoever has been away for a year is lost, and no rhythm says anything of her.
    assert not inside("at-risk", order(YEAR), derived)
    assert not inside("due-again", order(YEAR), derived)


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("1990-06-15", True),
        ("1990-07-15", True),
        ("1990-07-16", False),
        ("1990-06-14", False),
        ("in spring", False),
        (None, False),
    ],
)
def test_a_birthday_comes_within_a_month(date: str | None, expected: bool) -> None:
    assert inside("birthday", traits={"birth_date": date}) is expected


@pytest.mark.parametrize(("favourite", "expected"), [("Cheese", True), ("Bread", False)])
def test_a_favourite_category_makes_a_fan(favourite: str, expected: bool) -> None:
    assert inside("category-fans", derived={"favourite_category": favourite}) is expected


def test_each_segment_is_tried_here() -> None:
    tried = {segment for segment, _, _ in CASES}
    tried |= {"unresponsive", "vip", "at-risk", "due-again", "birthday"}
    assert tried == journeys.segments().keys()


def test_names_and_descriptions_are_in_both_languages() -> None:
    for segment in journeys.segments().values():
        assert segment.description
        assert segment.names.keys() == segment.descriptions.keys() == {"fr"}
        assert segment.named("fr-CH") == segment.names["fr"]
        assert segment.described("fr") == segment.descriptions["fr"]
        assert segment.named("de") == segment.taken("de").name == segment.name
        assert segment.taken("fr").name == segment.names["fr"]


def test_they_stand_in_the_order_of_a_customers_time_with_the_shop() -> None:
    places = [segment.place for segment in journeys.segments().values()]
    assert places == sorted(set(places))
    assert [*journeys.segments()][:3] == ["newcomers", "first-time", "loyal"]


def test_no_one_is_in_two_stages_at_once() -> None:
    stages = ("newcomers", "dormant", "lost")
    for past in (SIGNED_UP, SIGNED_UP + order(95), order(95), order(YEAR), order(500, 95)):
        assert len([stage for stage in stages if inside(stage, past)]) == 1
