"""The models: their schema for editors, and the small values they share."""

import json
from typing import Any
from uuid import UUID

import jsonschema
import pytest
from pydantic import TypeAdapter, ValidationError

import journeys as library
from engine.model.base import Percent
from engine.model.cap import Cap
from engine.model.condition import (
    KINDS,
    AnyCondition,
    Condition,
    EventHappened,
    Not,
    TraitIs,
    parts,
)
from engine.model.customer import Customer
from engine.model.document import parse_journey
from engine.model.journey import Journey, UntilTime, UntilTrait, WaitStep, arms, walk
from engine.model.template import Template
from engine.model.workspace import Workspace
from tests.journeys import journeys

SCHEMA = Journey.model_json_schema()
VALID = jsonschema.Draft202012Validator(SCHEMA)
READER: TypeAdapter[AnyCondition] = TypeAdapter(Condition)


def journey(**more: Any) -> dict[str, Any]:
    return {"id": "j", "name": "J", "entry": {"on": {"event": "Go"}}, "steps": [], **more}


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


@pytest.mark.parametrize("one", [*journeys(21, 25)], ids=lambda one: str(one.id))
def test_the_schema_accepts_what_the_model_accepts(one: Journey) -> None:
    VALID.validate(one.document())


def test_the_schema_accepts_the_library() -> None:
    for name in library.names():
        VALID.validate(parse_journey(library.text(name)).document())


@pytest.mark.parametrize(
    "wrong",
    [
        {"stps": []}, {"id": "a b"}, {"holdout": 5}, {"holdout": "101%"}, {"priority": 101}, {"format": 2},
        {"entry": {"on": {"evnt": "X"}}}, {"entry": {"on": {"api": False}}},
        {"entry": {"on": {"event": "X"}, "if": {"trait": "a"}}},
        {"entry": {"on": {"event": "X"}, "if": {"trait": "a", "eq": [1]}}},
        {"entry": {"on": {"event": "X"}, "if": {"event": "A", "count": {}}}},
        {"entry": {"on": {"event": "X"}, "if": {"event": "A", "count": {"gte": -1}}}},
        {"entry": {"on": {"event": "X"}, "if": {"trait": "a", "event": "b", "eq": 1}}},
        {"steps": [{"id": "a", "type": "jump"}]}, {"steps": [{"id": "a", "type": "wait"}]},
        {"steps": [{"id": "a", "type": "wait", "for": "soon"}]},
        {"steps": [{"id": "a", "type": "wait", "for": "1h", "until": {"time": "10:00"}}]},
        {"steps": [{"id": "a", "type": "wait", "until": {"time": "25:00"}}]},
        {"steps": [{"id": "a", "type": "send", "template": "t", "channel": "fax"}]},
        {"steps": [{"id": "a", "type": "split", "arms": [{"id": "x", "weight": 101}, {"id": "y", "weight": 0}]}]},
    ],
    ids=str,
)  # fmt: skip
def test_the_schema_refuses_what_the_model_refuses(wrong: dict[str, Any]) -> None:
    document = journey(**wrong)
    assert not VALID.is_valid(document)
    with pytest.raises(ValidationError):
        Journey.model_validate(document)


def test_every_condition_is_of_one_kind_in_the_schema() -> None:
    """An editor completes by `oneOf`: no document may fit two of its ways."""
    schema = READER.json_schema()
    ways = [{"$defs": schema["$defs"], **way} for way in schema["oneOf"]]
    assert len(ways) == len(KINDS) + 1  # an event is also asked for what a property comes to
    for condition in (
        {"all": [{"trait": "a", "eq": 1}]}, {"any": [{"reachable": "sms"}]}, {"not": {"segment": "a"}},
        {"trait": "a", "exists": False}, {"property": "a", "in": [1, "b", True]}, {"event": "A", "within": "1d"},
        {"segment": "vip"}, {"step": "a", "is": "sent"}, {"reachable": "email"},
        {"event": "A", "sum": "total", "gte": 500, "within": "1y"}, {"event": "A", "last": "b", "exists": False},
        {"anniversary": "birth_date", "within": "7d"}, {"trait": "a", "older_than": "90d"},
        {"trait": "a", "older_than": {"trait": "b", "times": 2}},
        {"trait": "spend", "top": "5%"}, {"trait": "spend", "bottom": "99%", "gt": 0},
        {"subscribed": "news"}, {"subscribed": "news", "channel": "sms"},
    ):  # fmt: skip
        fits = [way for way in ways if jsonschema.Draft202012Validator(way).is_valid(condition)]
        assert len(fits) == 1, condition
        assert READER.dump_python(
            READER.validate_python(condition), mode="json", by_alias=True, exclude_unset=True
        ) == condition  # fmt: skip


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ({"trait": "a", "top": 5}, "a share is written in whole percents"),
        ({"trait": "a", "top": "0%"}, 'write more than "0%" and less than "100%"'),
        ({"trait": "a", "bottom": "100%"}, 'write more than "0%" and less than "100%"'),
        ({"property": "a", "top": "5%"}, "`top` compares with all customers, which only a trait can"),
        ({"event": "A", "sum": "b", "bottom": "5%"}, "`bottom` compares with all customers"),
        ({"result": {"step": "s", "name": "n"}, "top": "5%"}, "which only a trait can"),
    ],
)  # fmt: skip
def test_only_a_trait_has_a_place_among_all_customers(condition: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        READER.validate_python(condition)
    way = {"$defs": READER.json_schema()["$defs"], "oneOf": READER.json_schema()["oneOf"]}
    assert not jsonschema.Draft202012Validator(way).is_valid(condition)


def test_keys_are_the_documents_in_the_schema() -> None:
    steps = SCHEMA["$defs"]
    assert {"for", "until"} <= steps["WaitStep"]["properties"].keys()
    assert {"else", "events", "since"} <= steps["WaitForStep"]["properties"].keys()
    assert {"if", "then"} <= steps["BranchArm"]["properties"].keys()
    assert {"class", "from", "on_full"} <= steps["SendStep"]["properties"].keys()
    assert {"in", "eq"} <= steps["TraitIs"]["properties"].keys()
    assert {"on", "if"} <= steps["Entry"]["properties"].keys()
    assert not any(name.endswith("_") for d in steps.values() for name in d.get("properties", {}))


def test_kinds_of_until_are_told_by_their_keys() -> None:
    def until(**told: Any) -> Any:
        return WaitStep.model_validate({"id": "w", "type": "wait", "until": told}).until

    assert isinstance(until(time="10:00"), UntilTime)
    assert isinstance(until(trait="x", time="10:00"), UntilTrait)
    assert until(property="x", time="10:00", offset="-1d").offset == "-1d"


def test_a_model_never_changes() -> None:
    one = Journey.model_validate(journey())
    with pytest.raises(ValidationError):
        one.name = "other"  # type: ignore[misc]
    assert isinstance(one.steps, tuple)


def test_models_are_made_from_python_too() -> None:
    made = Not(not_=TraitIs(trait="a", eq=1))
    assert made == READER.validate_python({"not": {"trait": "a", "eq": 1}})
    assert [type(part) for part in parts(made)] == [Not, TraitIs]


def test_the_parts_of_a_condition_include_those_of_where() -> None:
    condition = READER.validate_python({"event": "A", "where": {"all": [{"segment": "b"}]}})
    assert isinstance(condition, EventHappened)
    assert [type(part).__name__ for part in parts(condition)] == [
        "EventHappened",
        "All",
        "InSegment",
    ]


@pytest.mark.parametrize("text", ["0%", "5%", "100%"])
def test_a_share_is_written_in_percent(text: str) -> None:
    reader: TypeAdapter[int] = TypeAdapter(Percent)
    assert reader.dump_python(reader.validate_python(text), mode="json") == text


@pytest.mark.parametrize("text", ["101%", "5", "-1%", "1.5%", "\u0665%", "%", 5, None, True])
def test_anything_else_is_no_share(text: Any) -> None:
    with pytest.raises(ValidationError, match="whole percents"):
        TypeAdapter(Percent).validate_python(text)


def test_walking_meets_every_step_in_order() -> None:
    one = parse_journey(library.text("second-purchase"))
    assert [step.id for step in walk(one.steps)] == [
        "settle", "thanks", "two-weeks", "evening", "basket", "ideas-large", "voucher", "ideas-small",
        "offer", "looks-around", "think", "last-word", "quiet",
    ]  # fmt: skip
    named = {step.id: [name for name, _ in arms(step)] for step in walk(one.steps)}
    assert named["basket"] == ["large", "else"]
    assert named["voucher"] == ["ideas", "ten"]
    assert named["looks-around"] == ["event-0", "else"]
    assert named["settle"] == []


def test_a_customers_addresses() -> None:
    def reached(**addresses: Any) -> list[str | None]:
        one = Customer(id=UUID(int=1), addresses=addresses)
        return [one.address(channel) for channel in ("email", "sms", "push")]

    assert reached() == [None, None, None]
    assert reached(email="a@b.c", phone="+41", push=["old", "new"]) == ["a@b.c", "+41", "new"]
    assert reached(push=[]) == [None, None, None]


def test_a_template_speaks_the_wanted_language_or_the_nearest() -> None:
    template = Template.model_validate({
        "id": "t", "name": "t", "channel": "email",
        "locales": {"en": {"body": "en"}, "fr": {"body": "fr"}, "fr-CH": {"body": "fr-CH"}},
    })  # fmt: skip
    assert template.content("fr-CH").body == "fr-CH"
    assert template.content("fr_CA").body == "fr"
    assert template.content("de", "fr").body == "fr"
    assert template.content(None, "it").body == "en"


def test_what_a_workspace_and_a_cap_refuse() -> None:
    with pytest.raises(ValidationError, match="Mars/Olympus is no time zone"):
        Workspace(time_zone="Mars/Olympus")
    with pytest.raises(ValidationError, match="whole number"):
        Cap.model_validate({"id": "c", "limit": "3", "per": "1d"})
    with pytest.raises(ValidationError, match="no duration"):
        Cap.model_validate({"id": "c", "limit": 3, "per": "fortnight"})
    quiet = Workspace.model_validate({"quiet_hours": {"sms": {"from": "21:00", "to": "08:00"}}})
    assert quiet.document() == {"quiet_hours": {"sms": {"from": "21:00", "to": "08:00"}}}
