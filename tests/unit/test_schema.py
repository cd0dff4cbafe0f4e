"""Values against JSON schemas, and the fields that a form makes of them."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from designer.canvas.fields import Field as FormField
from designer.canvas.fields import fields_of
from engine.model.duration import Duration
from engine.model.schema import conform, unsound


class Inner(BaseModel):
    n: int


class Wide(BaseModel):
    model_config = {"extra": "forbid"}

    points: Annotated[int, Field(ge=1, lt=1000, title="Points", description="How many")]
    share: float | None = None
    why: Literal["gift", "sorry"] = "gift"
    loud: bool = False
    note: Annotated[str, Field(max_length=2000)] = ""
    name: str = ""
    rest: Duration = Duration("1h")
    inner: Inner | None = None
    tags: list[str] = []


SCHEMA = Wide.model_json_schema()


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({"points": 3}, {"points": 3}),
        ({"points": " 3 ", "share": "0.5", "loud": "true"}, {"points": 3, "share": 0.5, "loud": True}),
        ({"points": "3.0", "share": None}, {"points": 3, "share": None}),
        ({"points": 3, "inner": {"n": "7"}, "tags": ["a"]}, {"points": 3, "inner": {"n": 7}, "tags": ["a"]}),
        ({"points": 3, "rest": "2d", "why": "sorry"}, {"points": 3, "rest": "2d", "why": "sorry"}),
    ],
)  # fmt: skip
def test_what_fits_is_made_what_is_wanted(given: Any, read: Any) -> None:
    assert conform(given, SCHEMA) == (read, [])


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "points: is needed"),
        ({"points": "many"}, "points: write a whole number"),
        ({"points": True}, "points: write a whole number"),
        ({"points": 0}, "points: at least 1"),
        ({"points": 1000}, "points: less than 1000"),
        ({"points": 1, "why": "x"}, "why: write one of gift, sorry"),
        ({"points": 1, "share": "half"}, "share: write a number"),
        ({"points": 1, "note": "n" * 2001}, "note: at most 2000 characters"),
        ({"points": 1, "rest": "soon"}, "rest: it does not fit the pattern " + Duration.pattern),
        ({"points": 1, "inner": {}}, "inner.n: is needed"),
        ({"points": 1, "tags": ["a", 1]}, "tags[1]: write a text"),
        ({"points": 1, "other": 1}, "other: is not known here"),
        ([], "write a mapping"),
    ],
)
def test_what_does_not_fit_is_told(given: Any, sentence: str) -> None:
    assert conform(given, SCHEMA)[1] == [sentence]


def test_what_comes_about_later_is_not_judged() -> None:
    given = {"points": "{{ event.n }}", "why": "{{ event.why }}", "tags": "{{ event.tags }}"}
    assert conform(given, SCHEMA, later=lambda text: "{{" in text) == (given, [])


def test_a_schema_may_be_wrong_and_stops_nobody() -> None:
    endless: dict[str, Any] = {"$ref": "#/a", "a": {"$ref": "#/a"}}
    assert conform(1, endless) == (1, [])
    deep: dict[str, Any] = {"properties": {"a": {"$ref": "#/x"}}, "x": {"items": {"$ref": "#/x"}}}
    value: Any = 1
    for _ in range(60):
        value = [value]
    assert conform({"a": value}, deep)[1][0].endswith("is nested too deeply")


def test_a_schema_that_leads_back_to_itself_ends() -> None:
    twice: dict[str, Any] = {"anyOf": [{"$ref": "#/x"}, {"$ref": "#/x"}]}
    assert conform("a", {**twice, "x": twice})[1] == ["is nested too deeply"]


def test_a_value_that_is_too_large_is_not_looked_at_for_ever() -> None:
    read, mistakes = conform([1] * 30_000, {"items": {"type": "integer"}})
    assert len(read) == 30_000
    assert mistakes[0] == "[19999]: is too large to check"


@pytest.mark.parametrize(
    ("schema", "sentence"),
    [
        (SCHEMA, None),
        ({"properties": []}, "`properties` is a mapping"),
        ({"properties": {"a": {"minimum": "1"}}}, "`minimum` is a number"),
        ({"$defs": {"A": {"pattern": "("}}}, "`pattern` is a regular expression"),
        ({"items": {"anyOf": [{"required": "a"}]}}, "`required` is a list of texts"),
        ({"properties": {"a": "text"}}, "a schema is a mapping"),
    ],
)
def test_a_schema_is_held_to_what_is_known_of_schemas(schema: Any, sentence: str | None) -> None:
    assert unsound(schema) == sentence


def test_a_schema_becomes_the_fields_of_a_form() -> None:
    fields = {field.name: field for field in fields_of(SCHEMA)}
    assert list(fields) == list(Wide.model_fields)
    assert fields["points"] == FormField(
        name="points", title="Points", help="How many", kind="integer", required=True,
        minimum=1, maximum=999,
    )  # fmt: skip
    assert fields["share"] == FormField(name="share", title="Share", kind="number")
    assert (fields["why"].kind, fields["why"].choices) == ("choice", ("gift", "sorry"))
    assert fields["why"].default == "gift"
    assert (fields["loud"].kind, fields["loud"].default) == ("boolean", False)
    assert [fields[name].kind for name in ("note", "name", "rest", "inner", "tags")] == [
        "long_text", "text", "duration", "other", "other",
    ]  # fmt: skip
    assert fields_of({}) == []
