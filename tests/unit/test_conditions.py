"""Whether a condition holds: comparisons, missing values, counts, windows, segments."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from engine.compile.mentions import thresholds
from engine.model.base import CHANNELS
from engine.model.condition import OPERATORS, RANKS, AnyCondition, Condition
from engine.model.customer import Customer
from engine.model.event import Event
from engine.model.segment import Segment
from engine.model.topic import Topic
from engine.run.conditions import Scope, aggregated, count, holds, look_up, matches
from engine.run.world import MemoryWorld, Seen
from tests.journeys import EVENTS, SEGMENTS, JourneyMaker, properties, traits

NOW = datetime(2026, 5, 4, 10, tzinfo=UTC)
DAY, TICK = timedelta(days=1), timedelta(microseconds=1)
READER: TypeAdapter[AnyCondition] = TypeAdapter(Condition)


def read(condition: dict[str, Any]) -> AnyCondition:
    return READER.validate_python(condition)


def event(name: str, *, ago: timedelta = timedelta(), seq: int = 1, **told: Any) -> Event:
    at = NOW - ago
    return Event(
        id=UUID(int=seq), seq=seq, name=name, properties=told, occurred_at=at, received_at=at
    )


def world(*history: Event, **known: Any) -> MemoryWorld:
    segments = {name: read(rule) for name, rule in known.pop("segments", {}).items()}
    topics = known.pop("topics", {})
    own = {name: known.pop(name, {}) for name in ("addresses", "consent", "suppressed")}
    return MemoryWorld(
        now=NOW, seq=100, zone="Europe/Zurich", history=history, segments=segments, topics=topics,
        customer=Customer(id=UUID(int=9), traits=known, **own),
    )  # fmt: skip


MISSING = object()


@pytest.mark.parametrize(
    ("operator", "operand", "true", "false"),
    [
        ("eq", "a", ["a"], ["A", "", 1, None, MISSING, ["a"], {"a": 1}]),
        ("eq", 1, [1, 1.0], [True, "1", 2, None]),
        ("eq", True, [True], [1, "true", False, None, MISSING]),
        ("eq", False, [False], [0, "", None, MISSING]),
        ("ne", "a", ["b", None, MISSING, 1, ["a"]], ["a"]),
        ("in", ["a", 1], ["a", 1, 1.0], ["b", True, None, MISSING, ["a"], {}]),
        ("in", [], [], ["a", None, MISSING]),
        ("nin", ["a", 1], ["b", True, None, MISSING, ["a"], {}], ["a", 1]),
        ("gt", 3, [3.5, 4], [3, True, "4", None, MISSING, [4]]),
        ("gte", 3, [3, 10**30, 3.0], [2.9, "3", False, None]),
        ("lt", 3, [2, -1.5], [3, "2", False, None, MISSING]),
        ("lte", "b", ["a", "b", "B"], ["c", 1, None, True]),
        ("contains", "an", ["banana", ["an", "x"]], ["BANANA", ["banana"], None, {"an": 1}, 5]),
        ("contains", 1, [[1, 2], [1.0]], [[True], "1", 1, None]),
        ("starts_with", "ab", ["abc", "ab"], ["cab", None, ["ab"], 1]),
        ("exists", True, ["", 0, False, []], [None, MISSING]),
        ("exists", False, [None, MISSING], ["", 0, False]),
        ("before", "2026-05-04", ["2026-05-03", "2026-05-03T21:59:59Z"],
         ["2026-05-04", "2026-05-03T22:00:00Z", "soon", None, 5, MISSING]),
        ("after", "2026-05-04", ["2026-05-05", "2026-05-03T22:00:01Z", "9999-12-31"],
         ["2026-05-04", "0001-01-01", None]),
        ("within", "2d", ["2026-05-04", "2026-05-04T12:00", "2026-05-02T10:00:00.000001Z"],
         ["2026-05-02T10:00:00Z", "2026-05-04T10:00:00.000001Z", "2026-05-05", None, MISSING]),
        ("older_than", "2d", ["2026-05-02T10:00:00Z", "2026-05-01", "0001-01-01"],
         ["2026-05-02T10:00:00.000001Z", "2026-05-04", "2026-06-01", 5, "soon", None, MISSING]),
        ("older_than", "1mo", ["2026-04-04T10:00:00Z"], ["2026-04-04T10:00:00.000001Z"]),
    ],
)  # fmt: skip
def test_an_operator(operator: str, operand: Any, true: list[Any], false: list[Any]) -> None:
    condition = read({"trait": "x", operator: operand})
    for value, expected in [*((v, True) for v in true), *((v, False) for v in false)]:
        here = world() if value is MISSING else world(x=value)
        assert holds(condition, here) is expected, (value, operator, operand)


def test_a_missing_value_is_false_but_for_three() -> None:
    operands: dict[str, Any] = {"in": ["a"], "nin": ["a"], "exists": True, "within": "1d",
                                "top": "5%", "bottom": "5%", "before": "2026-01-01", "after": "2026-01-01", "older_than": "1d"}  # fmt: skip
    for operator in OPERATORS:
        condition = read({"trait": "x", operator: operands.get(operator, "a")})
        assert holds(condition, world()) is (operator in {"ne", "nin"})
        assert holds(condition, world(x=None)) is (operator in {"ne", "nin"})
    assert holds(read({"trait": "x", "exists": False}), world())


def test_the_highest_and_the_lowest_of_all_customers() -> None:
    here = replace(world(spend=120.5, low=3, text="200"), thresholds={
        ("spend", 5): 120.5, ("spend", 4): 121, ("low", 80): 3, ("low", 81): 2.5, ("text", 5): 1,
        ("nobody", 5): 0,
    })  # fmt: skip
    seen = Seen()
    assert holds(read({"trait": "spend", "top": "5%"}), here, seen=seen)
    assert seen.answers == {"trait spend": 120.5, "top 5% of trait spend": 120.5}
    assert not holds(read({"trait": "spend", "top": "4%"}), here)
    assert holds(read({"trait": "low", "bottom": "20%"}), here)
    assert not holds(read({"trait": "low", "bottom": "19%"}), here)
    assert not holds(read({"trait": "spend", "top": "6%"}), here)  # not frozen yet
    assert not holds(read({"trait": "text", "top": "5%"}), here)
    assert not holds(read({"trait": "nobody", "top": "5%"}), here)


def test_the_thresholds_that_conditions_ask_for() -> None:
    asked = [
        {"any": [{"trait": "spend", "top": "5%"}, {"not": {"trait": "spend", "bottom": "5%"}}]},
        {"event": "Order", "where": {"trait": "n", "top": "10%", "bottom": "90%"}},
        {"trait": "spend", "gt": 5}, {"trait": "spend", "top": "5%"},
    ]  # fmt: skip
    assert thresholds(map(read, asked)) == {("spend", 5), ("spend", 95), ("n", 10)}


def test_several_operators_must_all_hold() -> None:
    between = read({"property": "n", "gte": 1, "lt": 3, "ne": 2})
    assert [n for n in range(5) if holds(between, world(), Scope(properties={"n": n}))] == [1]


def test_values_lie_inside_others_or_have_a_dot_in_their_name() -> None:
    values = {"a": {"b": {"c": 1}}, "a.b": 2, "l": [{"x": 1}], "s": "text"}
    assert [look_up(values, n) for n in ("a.b.c", "a.b", "a.x", "l.0", "s.x", "", "a.b.c.d")] == [
        1, 2, None, None, None, None, None,
    ]  # fmt: skip


def test_events_are_counted_by_name_properties_and_time() -> None:
    history = [
        event("Order", ago=DAY, seq=1, total=10), event("Order", ago=DAY - TICK, seq=2, total=20),
        event("Order", seq=3, total=30), event("Other", seq=4), event("Order", seq=101, total=99),
    ]  # fmt: skip
    here = world(*history)

    def counted(**more: Any) -> int:
        return count(read({"event": "Order", **more}), here)  # type: ignore[arg-type]

    assert counted() == 3  # number 101 lies ahead
    assert counted(within="1d") == 2  # (t - within, t]
    assert counted(where={"property": "total", "gte": 20}) == 2
    assert counted(where={"trait": "vip", "eq": True}) == 0
    assert count(read({"event": "Order", "within": "999999999y"}), here) == 3  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("bounds", "numbers"),
    [(None, {1, 2, 3}), ({"eq": 0}, {0}), ({"lt": 2}, {0, 1}), ({"gte": 1, "lte": 2}, {1, 2}), ({"gt": 2}, {3})],
)  # fmt: skip
def test_how_often(bounds: dict[str, int] | None, numbers: set[int]) -> None:
    condition = read({"event": "E", **({"count": bounds} if bounds else {})})
    for n in range(4):
        here = world(*(event("E", seq=i) for i in range(n)))
        assert holds(condition, here) is (n in numbers)


def test_an_event_about_a_message_names_it() -> None:
    sent = UUID(int=77)
    scope = Scope(messages={"mail": [UUID(int=76), sent]})
    asked = read({"event": "Message Opened", "message": "mail"})
    opened = event("Message Opened", message=str(sent))
    assert matches(asked, opened, world(), scope)  # type: ignore[arg-type]
    other = event("Message Opened", message=str(UUID(int=78)))
    assert not matches(asked, other, world(), scope)  # type: ignore[arg-type]
    assert not matches(asked, opened, world(), Scope())  # type: ignore[arg-type]
    assert holds(asked, world(opened), scope)


def test_inside_where_properties_are_those_of_the_event_matched() -> None:
    condition = read({"event": "E", "where": {"property": "n", "eq": 2}})
    here = world(event("E", n=2))
    assert holds(condition, here, Scope(properties={"n": 1}))
    assert not holds(read({"property": "n", "eq": 2}), here, Scope(properties={"n": 1}))


def test_a_segment_is_its_rule_and_knows_nothing_of_the_run() -> None:
    segments = {"vip": {"trait": "tier", "eq": "gold"}, "odd": {"property": "n", "eq": 1}}
    assert holds(read({"segment": "vip"}), world(tier="gold", segments=segments))
    assert not holds(read({"segment": "vip"}), world(segments=segments))
    assert not holds(read({"segment": "gone"}), world(segments=segments))
    here = world(segments=segments)
    assert not holds(read({"segment": "odd"}), here, Scope(properties={"n": 1}))


def test_a_segment_that_names_itself_ends() -> None:
    here = world(segments={"a": {"not": {"segment": "b"}}, "b": {"any": [{"segment": "a"}]}})
    assert holds(read({"segment": "a"}), here) in {True, False}


def test_what_a_step_kept() -> None:
    scope = Scope(results={"crm": {"points": 7, "card": {"tier": "gold"}}})
    rich = {"result": {"step": "crm", "name": "points"}, "gte": 7, "lt": 8}
    assert holds(read(rich), world(), scope)
    assert holds(
        read({"result": {"step": "crm", "name": "card.tier"}, "eq": "gold"}), world(), scope
    )
    assert not holds(read(rich), world(), Scope())
    assert holds(read({"result": {"step": "crm", "name": "no"}, "exists": False}), world(), scope)


def test_steps_and_addresses() -> None:
    scope = Scope(outcomes={"mail": "sent"})
    assert holds(read({"step": "mail", "is": "sent"}), world(), scope)
    assert not holds(read({"step": "mail", "is": "skipped"}), world(), scope)
    assert not holds(read({"step": "other", "is": "sent"}), world(), scope)
    here = world(addresses={"email": "a@b.c", "push": []})
    reached = [c for c in ("email", "sms", "push") if holds(read({"reachable": c}), here)]
    assert reached == ["email"]


def test_an_address_that_must_not_be_written_to_does_not_reach_her() -> None:
    addresses = {"email": "a@b.c", "phone": "+41446681800"}
    marked = {"email": {"address": "a@b.c", "reason": "bounced"}}
    here = world(addresses=addresses, suppressed=marked)
    assert not holds(read({"reachable": "email"}), here)
    assert holds(read({"reachable": "sms"}), here)
    moved = world(addresses={"email": "new@b.c"}, suppressed=marked)
    assert holds(read({"reachable": "email"}), moved)


def test_what_she_wants_is_asked_by_topic_and_channel() -> None:
    topics = {
        "news": Topic(id="news", name="News", default="unsubscribed"),
        "offers": Topic(id="offers", name="Offers"),
    }
    consent = {"news": {"email": "pending", "sms": "subscribed"}, "*": {"push": "unsubscribed"}}
    here = world(topics=topics, consent=consent)

    def wants(topic: str, channel: str | None = None) -> bool:
        asked = {"subscribed": topic} | ({"channel": channel} if channel else {})
        return holds(read(asked), here)

    assert [c for c in CHANNELS if wants("news", c)] == ["sms"]
    assert [c for c in CHANNELS if wants("offers", c)] == ["email", "sms", "whatsapp"]
    assert wants("news")
    assert wants("nobody_defined_it")
    declined = world(topics=topics, consent={"offers": dict.fromkeys(CHANNELS, "unsubscribed")})
    assert not holds(read({"subscribed": "offers"}), declined)


def test_what_was_asked_is_kept_for_the_trace() -> None:
    seen = Seen()
    condition = read({"all": [{"trait": "a", "eq": 1}, {"event": "E"}, {"trait": "b", "eq": 1}]})
    holds(condition, world(a=1), Scope(), seen)
    assert seen.answers == {"trait a": 1, "event E": 0}  # the first that fails ends the asking


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5),
              st.sampled_from(["2026-05-04", "0001-01-01", "9999-12-31T23:59:59-12:00"])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=5,
)  # fmt: skip
scalars = st.one_of(st.booleans(), st.integers(), st.text(max_size=5), st.floats(allow_nan=False))
zones = st.sampled_from(["Europe/Zurich", "Pacific/Apia", "Etc/GMT+12", "Pacific/Kiritimati"])


@given(values, scalars, st.lists(scalars, max_size=3), zones)
def test_no_value_is_too_odd(value: Any, operand: Any, several: list[Any], zone: str) -> None:
    here = replace(world(x=value), zone=zone, thresholds={("x", 5): 1.5})
    for operator in OPERATORS:
        right: Any = operand
        if operator in RANKS:
            right = "5%" if operator == "top" else "95%"
        if operator in {"in", "nin"}:
            right = several
        elif operator in {"before", "after"}:
            right = "2026-05-04"
        elif operator in {"within", "older_than"}:
            right = "3mo"
        elif operator == "exists":
            right = True
        elif operator == "starts_with":
            right = str(operand)
        elif operator in {"gt", "gte", "lt", "lte"} and isinstance(operand, bool):
            continue
        assert holds(read({"trait": "x", operator: right}), here) in {True, False}


@given(values, st.lists(scalars, max_size=3))
def test_the_negative_operators_are_the_opposite(value: Any, several: list[Any]) -> None:
    here = world(x=value)
    assert holds(read({"trait": "x", "in": several}), here) is not holds(
        read({"trait": "x", "nin": several}), here
    )
    for one in several:
        assert holds(read({"trait": "x", "eq": one}), here) is not holds(
            read({"trait": "x", "ne": one}), here
        )


@given(st.randoms(use_true_random=False))
def test_de_morgan(random: Random) -> None:
    rng = Random(random.random())
    maker = JourneyMaker(rng, "j")
    several = [maker.condition(2, steps=False) for _ in range(rng.randrange(1, 4))]
    history = [
        event(rng.choice(EVENTS), ago=timedelta(hours=rng.randrange(72)), seq=n, **properties(rng))
        for n in range(rng.randrange(6))
    ]
    addresses = {"email": "a@b.c"} if rng.random() < 0.5 else {}
    here = world(*history, **traits(rng), addresses=addresses, segments=SEGMENTS)
    nothing = [{"not": one} for one in several]
    assert holds(read({"not": {"all": several}}), here) is holds(read({"any": nothing}), here)
    assert holds(read({"not": {"any": several}}), here) is holds(read({"all": nothing}), here)
    for one in several:
        assert holds(read({"not": {"not": one}}), here) is holds(read(one), here)


def test_a_deep_rule_is_either_refused_or_decided() -> None:
    rule: dict[str, Any] = {"trait": "x", "eq": 1}
    for _ in range(45):
        rule = {"not": {"all": [rule]}}
    segment = Segment.model_validate({"id": "deep", "name": "deep", "rule": rule})
    assert holds(segment.rule, world(x=1)) is False


def orders(*totals: Any) -> list[Event]:
    return [
        event("Order", ago=(len(totals) - n) * DAY, seq=n, **({} if total is MISSING else {"total": total}))
        for n, total in enumerate(totals)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("totals", "sum_", "avg", "least", "greatest", "distinct", "first", "last"),
    [
        ([], 0, None, None, None, 0, None, None),
        ([MISSING, None], 0, None, None, None, 0, None, None),
        ([0.1, 0.1, 0.1], 0.3, 0.1, 0.1, 0.1, 1, 0.1, 0.1),
        ([10, MISSING, 20.5], 30.5, 15.25, 10, 20.5, 2, 10, 20.5),
        ([1, 1.0, True, "1"], 2, 1, 1, 1, 3, 1, "1"),
        (["a", [1], {"x": 1}, [1]], 0, None, None, None, 3, "a", [1]),
    ],
)
def test_a_property_over_several_events(
    totals: list[Any], sum_: Any, avg: Any, least: Any, greatest: Any, distinct: Any, first: Any,
    last: Any,
) -> None:  # fmt: skip
    here = world(*orders(*totals))

    def value(name: str) -> Any:
        return aggregated(read({"event": "Order", name: "total", "exists": True}), here)  # type: ignore[arg-type]

    names = ("sum", "avg", "min", "max", "distinct", "first", "last")
    assert [value(name) for name in names] == [sum_, avg, least, greatest, distinct, first, last]


def test_what_a_property_comes_to_is_compared() -> None:
    here = world(*orders(100, 40, 60))
    for condition, expected in [
        ({"sum": "total", "gte": 200}, True),
        ({"sum": "total", "gte": 101, "within": "2d"}, False),  # (t - within, t]
        ({"sum": "total", "eq": 60, "within": "2d"}, True),
        ({"sum": "total", "where": {"property": "total", "lt": 50}, "eq": 40}, True),
        ({"last": "total", "lt": 100, "gt": 40}, True),
        ({"avg": "other", "gte": 0}, False),
        ({"avg": "other", "ne": 0}, True),
        ({"max": "other", "exists": False}, True),
        ({"sum": "other", "eq": 0}, True),
    ]:
        assert holds(read({"event": "Order", **condition}), here) is expected, condition


def test_the_first_and_the_last_are_by_when_they_occurred() -> None:
    here = world(event("E", ago=DAY, seq=2, n=1), event("E", ago=2 * DAY, seq=3, n=0),
                 event("E", ago=DAY, seq=4, n=2))  # fmt: skip
    assert holds(read({"event": "E", "first": "n", "eq": 0}), here)
    assert holds(read({"event": "E", "last": "n", "eq": 2}), here)


@pytest.mark.parametrize(
    ("date", "now", "within", "expected"),
    [
        ("1990-05-04", "2026-05-04T10:00Z", "0d", True),  # today
        ("1990-05-03", "2026-05-03T21:59Z", "0d", True),
        ("1990-05-03", "2026-05-03T22:00Z", "7d", False),  # her clock is past midnight
        ("1990-05-11", "2026-05-04T10:00Z", "7d", True),
        ("1990-05-12", "2026-05-04T10:00Z", "7d", False),
        ("1990-01-02", "2026-12-30T10:00Z", "7d", True),
        ("2000-02-29", "2026-02-28T10:00Z", "0d", True),
        ("2000-02-29", "2028-02-28T10:00Z", "0d", False),
        ("2000-02-29", "2028-02-28T10:00Z", "1d", True),
        ("1990-05-03T23:30:00-02:00", "2026-05-04T10:00Z", "0d", True),  # the 4th where she is
        ("2030-05-04", "2026-05-04T10:00Z", "7d", False),  # not before the date itself
        ("2026-05-06", "2026-05-04T10:00Z", "7d", True),
        ("2028-01-01", "2026-12-30T10:00Z", "1y", False),
        ("9999-12-31", "2026-05-04T10:00Z", "999999999y", True),
        ("soon", "2026-05-04T10:00Z", "7d", False),
        (None, "2026-05-04T10:00Z", "7d", False),
        (5, "2026-05-04T10:00Z", "7d", False),
    ],
)
def test_a_date_returns_every_year(date: Any, now: str, within: str, expected: bool) -> None:
    here = replace(world(born=date), now=datetime.fromisoformat(now))
    assert holds(read({"anniversary": "born", "within": within}), here) is expected


@pytest.mark.parametrize(
    ("told", "times", "expected"),
    [
        (5, 2, True), (5.1, 2, False), (10, 1, True), ("10d", 1, True), ("1w", 1.5, False),
        ("1w", 1, True), (0, 1, True), (-1, 1, False), (True, 1, False), ("soon", 1, False),
        (None, 2, False), (10**12, 1000, False), ({"days": 1}, 1, False),
    ],
)  # fmt: skip
def test_an_age_is_compared_with_what_is_usual_for_her(
    told: Any, times: float, expected: bool
) -> None:
    condition = read({"trait": "last", "older_than": {"trait": "usual", "times": times}})
    here = world(last="2026-04-24T10:00:00Z", usual=told)  # ten days ago
    assert holds(condition, here) is expected
    assert not holds(condition, world(usual=told))


def test_what_was_asked_of_new_kinds_can_be_seen() -> None:
    seen = Seen()
    rules = [{"event": "Order", "sum": "total", "gte": 1}, {"anniversary": "born", "within": "1d"},
             {"trait": "last", "older_than": {"trait": "usual"}}]  # fmt: skip
    holds(read({"any": rules}), world(*orders(0), born="1990-01-01", usual=3), Scope(), seen)
    assert seen.answers == {"sum total of Order": 0, "trait born": "1990-01-01",
                            "trait last": None, "trait usual": 3}  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"event": "E", "sum": "n", "within": "1d"}, {"event": "E", "sum": "n", "avg": "n", "gt": 1},
        {"event": "E", "sum": "n", "gt": 1, "count": {"gte": 1}}, {"anniversary": "born"},
        {"trait": "a", "older_than": {"trait": "b", "times": 0}},
        {"trait": "a", "older_than": {"trait": "b", "times": True}}, {"trait": "a", "older_than": 5},
    ],
    ids=str,
)  # fmt: skip
def test_a_condition_that_says_too_much_or_too_little(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        read(wrong)
