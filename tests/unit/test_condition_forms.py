"""The condition builder: every condition has rows, and comes back as it was."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from starlette.datastructures import FormData

from designer.canvas.forms.comparisons import NO_LENGTH, NO_VALUE, TWICE
from designer.canvas.forms.conditions import (
    EMPTY_GROUP,
    NO_CHOICE,
    condition_of,
    group_of,
    open_fields,
    places,
)
from designer.canvas.forms.raw import read
from engine.model.base import CHANNELS, is_tag
from engine.model.condition import AGGREGATES, Condition
from tests.unit.test_step_forms import flat

MODEL: TypeAdapter[Any] = TypeAdapter(Condition)

NAMES = st.one_of(
    st.sampled_from(["tier", "total", "a.b", "Prénom", "with space", 'with "quotes"', "a,b"]),
    st.text(min_size=1, max_size=12),
)
SLUGS = st.sampled_from(["vip", "news", "first-mail", "a.b_c"])
LENGTHS = st.builds(
    lambda n, unit: f"{n}{unit}",
    st.integers(0, 999_999_999),
    st.sampled_from(["s", "m", "h", "d", "w", "mo", "y"]),
)
TEXTS = st.one_of(
    st.sampled_from(
        [
            "",
            "gold",
            "42",
            "1.5",
            "true",
            "false",
            '"gold"',
            '"',
            ' "a" b',
            "a, b",
            ",",
            "007",
            " x ",
        ]
    ),
    st.text(max_size=12),
)
NUMBERS = st.one_of(
    st.integers(-(10**20), 10**20), st.floats(allow_nan=False, allow_infinity=False)
)
SCALARS = st.one_of(TEXTS, NUMBERS, st.booleans())
DATES = st.one_of(st.dates(), st.datetimes()).map(lambda one: one.isoformat())
TIMES = st.one_of(st.integers(1, 1000), st.floats(min_value=0.01, max_value=1000))
OLDER = st.one_of(
    LENGTHS,
    st.fixed_dictionaries({"trait": NAMES}, optional={"times": TIMES}),
)
COMPARISON = {
    "eq": SCALARS, "ne": SCALARS, "in": st.lists(SCALARS, max_size=4),
    "nin": st.lists(SCALARS, max_size=4), "gt": st.one_of(TEXTS, NUMBERS),
    "gte": st.one_of(TEXTS, NUMBERS), "lt": st.one_of(TEXTS, NUMBERS),
    "lte": st.one_of(TEXTS, NUMBERS), "contains": SCALARS, "starts_with": TEXTS,
    "exists": st.booleans(), "before": DATES, "after": DATES, "older_than": OLDER,
}  # fmt: skip
COUNTS = st.fixed_dictionaries(
    {}, optional={name: st.integers(0, 10**12) for name in ("eq", "gt", "gte", "lt", "lte")}
).filter(bool)


RANKED = st.integers(1, 99).map(lambda n: f"{n}%")


def operators(**more: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    known = {**COMPARISON, **more}
    return st.fixed_dictionaries({}, optional=known).filter(bool)


def matching(inner: st.SearchStrategy[Any]) -> dict[str, st.SearchStrategy[Any]]:
    return {"where": inner, "message": SLUGS, "within": LENGTHS}


def compared(
    what: dict[str, st.SearchStrategy[Any]], **more: st.SearchStrategy[Any]
) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(
        lambda subject, tests: {**subject, **tests},
        st.fixed_dictionaries(what), operators(within=LENGTHS, **more),
    )  # fmt: skip


def valued(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(
        lambda events, made, of, tests: {**events, made: of, **tests},
        st.fixed_dictionaries({"event": NAMES}, optional=matching(inner)),
        st.sampled_from(AGGREGATES), NAMES, operators(),
    )  # fmt: skip


LEAVES = st.one_of(
    compared({"trait": NAMES}, top=RANKED, bottom=RANKED),
    compared({"property": NAMES}),
    compared({"result": st.fixed_dictionaries({"step": SLUGS, "name": NAMES})}),
    st.fixed_dictionaries({"anniversary": NAMES, "within": LENGTHS}),
    st.fixed_dictionaries({"segment": SLUGS}),
    st.fixed_dictionaries({"step": SLUGS, "is": TEXTS}),
    st.fixed_dictionaries({"reachable": st.sampled_from(CHANNELS)}),
    st.fixed_dictionaries({"subscribed": SLUGS}, optional={"channel": st.sampled_from(CHANNELS)}),
    st.fixed_dictionaries({"event": NAMES}, optional={"count": COUNTS, "within": LENGTHS}),
    valued(st.nothing()),
)


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        several.map(lambda parts: {"all": parts}),
        several.map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
        st.fixed_dictionaries({"event": NAMES}, optional={**matching(inner), "count": COUNTS}),
        valued(inner),
    )


CONDITIONS = st.recursive(LEAVES, nested, max_leaves=12)


def sent(condition: dict[str, Any]) -> dict[str, Any]:
    """Return the builder's group as a browser sends it back."""
    return read(FormData(flat({"exits": [{"where": group_of(condition)}]})))["exits"][0]["where"]


def same(one: Any, other: Any) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


@given(CONDITIONS)
def test_a_condition_that_is_shown_and_saved_stays_what_it_was(condition: Any) -> None:
    document = MODEL.validate_python(condition).model_dump(
        mode="json", by_alias=True, exclude_unset=True
    )
    assert same(condition_of(sent(document)), document)


def kinds(group: dict[str, Any]) -> set[str]:
    found: set[str] = set()
    for row in group["rows"]:
        found.add(row["kind"])
        for inner in (row if row["kind"] == "group" else None, row.get("where")):
            found |= kinds(inner) if inner else set()
    return found


CONDITION_OF_EACH_KIND: dict[str, dict[str, Any]] = {
    "trait": {"trait": "tier", "eq": "gold"},
    "property": {"property": "total", "gte": 30, "lt": 100.5},
    "event": {"event": "Order Completed", "count": {"gte": 2, "lte": 5}, "within": "180d",
              "where": {"any": [{"property": "total", "gte": 30},
                                {"not": {"property": "shop", "eq": "web"}}]}},
    "value": {"event": "Order Completed", "sum": "total", "gte": 500, "within": "1y",
              "where": {"not": {"any": [{"property": "shop", "eq": "web"},
                                        {"property": "gift", "eq": True}]}}},
    "anniversary": {"anniversary": "birth_date", "within": "7d"},
    "segment": {"segment": "vip"},
    "step": {"step": "mail", "is": "sent"},
    "result": {"result": {"step": "crm", "name": "points"}, "gte": 100},
    "reachable": {"reachable": "sms"},
    "subscribed": {"subscribed": "news", "channel": "sms"},
    "group": {"all": [{"segment": "vip"}, {"any": [{"segment": "a"}, {"segment": "b"}]}]},
}  # fmt: skip


@pytest.mark.parametrize("kind", CONDITION_OF_EACH_KIND)
@pytest.mark.parametrize("denied", [False, True])
def test_each_kind_has_rows_of_its_own(kind: str, denied: bool) -> None:
    condition = CONDITION_OF_EACH_KIND[kind]
    condition = {"not": condition} if denied else condition
    group = group_of(condition)
    assert "written" not in kinds(group)
    assert kind in kinds({"rows": [{"kind": "group", **group}]})
    assert same(condition_of(sent(condition)), condition)


@pytest.mark.parametrize(
    ("test", "row"),
    [
        ({"older_than": "30d"}, {"op": "older_than", "span": {"n": "30", "unit": "d", "side": "after"}}),
        ({"older_than": {"trait": "usual_gap", "times": 1.5}},
         {"op": "older_than_trait", "trait": "usual_gap", "times": "1.5"}),
        ({"top": "5%"}, {"op": "top", "value": "5%"}),
        ({"bottom": "20%"}, {"op": "bottom", "value": "20%"}),
        ({"eq": "42"}, {"op": "eq", "value": '"42"'}),
        ({"eq": 42}, {"op": "eq", "value": "42"}),
        ({"eq": ""}, {"op": "eq", "value": '""'}),
        ({"in": ["a, b", 1, True, ""]}, {"op": "in", "value": '"a, b", 1, true, ""'}),
    ],
)  # fmt: skip
def test_what_a_value_is_compared_with(test: dict[str, Any], row: dict[str, Any]) -> None:
    assert group_of({"trait": "seen_at", **test})["rows"][0]["tests"] == [row]


def test_a_part_of_all_customers_needs_no_sign() -> None:
    row = {"kind": "trait", "trait": "spend", "tests": [{"op": "top", "value": " 5 "}]}
    assert condition_of({"rows": [row]}) == {"trait": "spend", "top": "5%"}


def deep(levels: int) -> dict[str, Any]:
    condition: dict[str, Any] = {"trait": "a", "eq": 1}
    for n in range(levels):
        condition = {"any" if n % 2 else "all": [condition, {"segment": "b"}]}
    return condition


def test_only_what_lies_very_deep_is_left_as_it_is_written() -> None:
    assert "written" not in kinds(group_of(deep(5)))
    assert "written" in kinds(group_of(deep(6)))
    assert same(condition_of(sent(deep(12))), deep(12))
    twice = {"not": {"not": {"segment": "b"}}}
    assert kinds(group_of(twice)) == {"written"}


@pytest.mark.parametrize(
    ("row", "field", "said"),
    [
        ({"kind": "trait"}, "if.rows.0.trait", NO_CHOICE),
        ({"kind": "trait", "trait": "a"}, "if.rows.0.tests.0", NO_VALUE),
        ({"kind": "trait", "trait": "a", "tests": [{"op": "within"}]}, "if.rows.0.tests.0", NO_LENGTH),
        ({"kind": "trait", "trait": "a", "tests": [{"op": "top"}]}, "if.rows.0.tests.0", NO_VALUE),
        ({"kind": "trait", "trait": "a", "tests": [{"value": "1"}, {"value": "2"}]},
         "if.rows.0.tests.1", TWICE),
        ({"kind": "event"}, "if.rows.0.event", NO_CHOICE),
        ({"kind": "value", "event": "a", "tests": [{"value": "1"}]}, "if.rows.0.of", NO_CHOICE),
        ({"kind": "event", "event": "a", "counts": [{"n": "1"}, {"n": "2"}]},
         "if.rows.0.counts.1", TWICE),
        ({"kind": "event", "event": "a", "where": {"rows": [{"kind": "property"}]}},
         "if.rows.0.where.rows.0.property", NO_CHOICE),
        ({"kind": "group", "rows": []}, "if.rows.0", EMPTY_GROUP),
        ({"kind": "result", "step": "crm", "tests": [{"value": "1"}]}, "if.rows.0.name", NO_CHOICE),
    ],
)  # fmt: skip
def test_what_a_row_leaves_open_is_said_at_its_field(
    row: dict[str, Any], field: str, said: str
) -> None:
    assert dict(open_fields({"join": "all", "rows": [row]}, "if"))[field] == said


def field_of_first_mistake(group: dict[str, Any]) -> str:
    try:
        MODEL.validate_python(condition_of(group))
    except ValidationError as error:
        loc = error.errors()[0]["loc"]
        place = ".".join(["if", *(str(part) for part in loc if not is_tag(part))])
        found = dict(places(group, "if", "if"))
        while place not in found:
            place = place.rpartition(".")[0]
        return found[place]
    raise AssertionError("the model takes it")


@pytest.mark.parametrize(
    ("rows", "field"),
    [
        ([{"kind": "trait", "trait": "a", "tests": [{"op": "gt", "value": "true"}]}], "if.rows.0.tests.0"),
        ([{"kind": "trait", "trait": "a", "tests": [{"op": "top", "value": "many"}]}], "if.rows.0.tests.0"),
        ([{"kind": "segment", "segment": "a"},
          {"kind": "trait", "not": "yes", "trait": "a", "tests": [{"op": "before", "value": "soon"}]}],
         "if.rows.1.tests.0"),
        ([{"kind": "group", "join": "any", "rows": []},
          {"kind": "group", "join": "none", "rows": [
              {"kind": "event", "event": "a", "counts": [{"op": "gte", "n": "often"}]}]}],
         "if.rows.1.rows.0.counts.0"),
        ([{"kind": "event", "event": "a", "span": {"n": "soon", "unit": "d"}}], "if.rows.0.span"),
        ([{"kind": "event", "event": "a", "where": {"join": "all", "rows": [
            {"kind": "property", "property": "b", "tests": [{"value": "1"}]},
            {"kind": "trait", "trait": "c",
             "tests": [{"op": "older_than_trait", "trait": "d", "times": "0"}]}]}}],
         "if.rows.0.where.rows.1.tests.0"),
        ([{"kind": "value", "event": "a", "made": "avg", "of": "", "tests": [{"value": "1"}]}],
         "if.rows.0.of"),
        ([{"kind": "result", "step": "no slug", "name": "a", "tests": [{"value": "1"}]}],
         "if.rows.0.step"),
        ([{"kind": "anniversary", "anniversary": "born", "span": {"n": "x"}}], "if.rows.0.span"),
        ([{"kind": "written", "text": "[1]"}], "if.rows.0.text"),
        ([{"kind": "written", "text": "null"}], "if.rows.0.text"),
    ],
)  # fmt: skip
def test_what_the_model_refuses_is_said_at_its_field(rows: list[Any], field: str) -> None:
    assert field_of_first_mistake({"join": "all", "rows": rows}) == field
