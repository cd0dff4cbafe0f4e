"""Forms of settings: what is shown and saved unchanged is what was there."""

from typing import Any

import pytest
from starlette.datastructures import FormData

from designer.canvas.forms import journey as journey_form
from designer.canvas.forms import steps as step_forms
from designer.canvas.forms.conditions import condition_of, group_of
from designer.canvas.forms.raw import fields, read, scalar
from designer.canvas.settings import rearranged
from engine.compile.compiler import content_hash
from engine.model.document import journey_of
from engine.model.editing import change, walk
from tests.journeys import journeys


def flat(raw: Any, name: str = "") -> list[tuple[str, str]]:
    """Return a form's fields as a browser sends them."""
    if isinstance(raw, dict):
        return [
            field
            for key, value in raw.items()
            for field in flat(value, f"{name}.{key}" if name else key)
        ]
    if isinstance(raw, list):
        if all(isinstance(one, str) for one in raw):
            return [(f"{name}[]", one) for one in raw]
        return [field for n, one in enumerate(raw) for field in flat(one, f"{name}.{n}")]
    return [(name, raw)]


def alone(node: Any) -> Any:
    """Return the same without groups of one condition: the builder shows the condition itself."""
    if isinstance(node, list):
        return [alone(one) for one in node]
    if not isinstance(node, dict):
        return node
    for join in ("all", "any"):
        if set(node) == {join} and len(node[join]) == 1:
            return alone(node[join][0])
    return {key: alone(value) for key, value in node.items()}


def meaning(document: dict[str, Any]) -> str:
    return content_hash(journey_of(alone(document)))


@pytest.mark.parametrize("seed", range(25))
def test_saving_a_form_unchanged_changes_nothing(seed: int) -> None:
    for journey in journeys(seed, 4):
        document = journey.document()
        for step in walk(document["steps"]):
            raw = read(FormData(flat(step_forms.raw_of(step))))
            same = change(document, step["id"], step_forms.document_of(step, raw)).document
            assert meaning(same) == meaning(document)
        raw = read(FormData(flat(journey_form.raw_of(document))))
        same = {**journey_form.document_of(document, raw), "id": document["id"]}
        assert meaning({**same, "steps": document["steps"]}) == meaning(document)


@pytest.mark.parametrize(
    "condition",
    [
        {"trait": "country", "in": ["CH", "FR"]},
        {"trait": "country", "exists": False},
        {"trait": "age", "gte": 18, "lt": 30},
        {"trait": "seen_at", "within": "30d"},
        {"not": {"trait": "a", "eq": True}},
        {"not": {"not": {"trait": "a", "eq": 1}}},
        {"any": [{"segment": "vip"}, {"all": [{"reachable": "sms"}, {"property": "total", "gt": 1.5}]}]},
        {"not": {"any": [{"segment": "vip"}, {"segment": "new"}]}},
        {"event": "Order Completed", "count": {"gte": 3}, "within": "180d",
         "where": {"all": [{"property": "total", "gte": 30}, {"property": "shop", "eq": "web"}]}},
        {"not": {"event": "Order Completed", "within": "1d"}},
        {"subscribed": "news", "channel": "sms"},
        {"step": "mail", "is": "sent"},
    ],
)  # fmt: skip
def test_a_condition_is_the_same_after_the_builder(condition: dict[str, Any]) -> None:
    raw = read(FormData(flat({"if": group_of(condition)})))
    assert condition_of(raw["if"]) == condition


@pytest.mark.parametrize(
    ("written", "meant"),
    [("42", 42), ("-1.5", -1.5), ("007", "007"), ("true", True), ("+41", "+41"), ("1e3", "1e3"),
     ("CH", "CH"), ("", "")],
)  # fmt: skip
def test_what_is_typed_as_a_value(written: str, meant: Any) -> None:
    assert scalar(written) == meant
    assert type(scalar(written)) is type(meant)


def test_rows_come_and_go() -> None:
    raw: dict[str, Any] = {"if": {"join": "all"}}
    raw = rearranged(raw, "add if.rows trait")
    raw = rearranged(raw, "add if.rows group")
    raw = rearranged(raw, "add if.rows.1.rows trait")
    assert [row["kind"] for row in raw["if"]["rows"]] == ["trait", "group"]
    raw = rearranged(raw, "drop if.rows.0")
    assert raw["if"]["rows"][0]["rows"] == [{"kind": "trait"}]


def test_shares_add_up_when_ways_come_and_go() -> None:
    raw = rearranged({}, "add variants")
    assert [(one["id"], one["weight"]) for one in raw["variants"]] == [("a", "50"), ("b", "50")]
    raw = rearranged(raw, "add variants")
    assert [one["weight"] for one in raw["variants"]] == ["34", "33", "33"]
    raw = rearranged(raw, "drop variants.0")
    assert [(one["id"], one["weight"]) for one in raw["variants"]] == [("b", "50"), ("c", "50")]


def test_what_a_form_does_not_have_is_blank() -> None:
    raw = fields({"a": {"b": "x"}})
    assert str(raw["nothing"]["at"]["all"]) == ""
    assert not raw["nothing"]
    assert raw["a"]["b"] == "x"
