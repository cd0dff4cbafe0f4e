"""Journeys as people write them: read without loss, and every mistake with its line and step."""

import json
from contextlib import suppress
from time import perf_counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import InvalidDocument, Problem
from engine.model.document import (
    dump_document,
    dump_journey,
    journey_of,
    locate,
    parse_journey,
)
from engine.model.journey import SendStep, walk
from engine.model.yaml import load, plain
from tests.journeys import journeys

HEAD = "id: j\nname: J\nentry: {on: {event: Go}}\n"  # three lines


def problems(text: str) -> list[Problem]:
    with pytest.raises(InvalidDocument) as refused:
        parse_journey(text)
    return refused.value.problems


def only(text: str) -> Problem:
    found = problems(text)
    assert len(found) == 1, [str(one) for one in found]
    return found[0]


def entering(condition: str) -> str:
    return f"id: j\nname: J\nentry:\n  on: {{event: Go}}\n  if: {condition}\nsteps: []\n"


@pytest.mark.parametrize("one", journeys(3, 12), ids=lambda one: str(one.id))
def test_a_round_trip_loses_nothing(one: Any) -> None:
    text = dump_journey(one)
    again = parse_journey(text)
    assert again == one
    assert again.document() == one.document()
    assert dump_journey(again) == text
    assert parse_journey(json.dumps(one.document())) == one
    assert parse_journey(json.dumps(one.document(), indent="\t", ensure_ascii=False)) == one


def test_what_is_written_is_kept_and_no_more() -> None:
    document = {
        "id": "j", "name": "J", "entry": {"on": {"event": "Go"}}, "holdout": "0%",
        "steps": [{"id": "w", "type": "wait", "until": {"time": "09:30", "days": ["mon"]}}],
    }  # fmt: skip
    assert journey_of(document).document() == document


json_values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30),
        st.sampled_from(["yes", "10:00", "2026-01-31", "~", "null", "0x1", "1e3", " a", "a ", "# a", "- a",
                         "a: b", "\n", "a\n b\n", "\u2028", "\x85", "\ufeff", "'", '"', "🎁", "<<", "=", "!a", "&a"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8), inner, max_size=3),
    ),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=40)
@given(
    st.dictionaries(st.sampled_from(["a", "b", "on", "y", "1", "-", "?x"]), json_values, max_size=3)
)
def test_any_value_survives_being_written_as_yaml(document: dict[str, Any]) -> None:
    assert plain(load(dump_document(document))) == document
    assert plain(load(json.dumps(document))) == document


@given(st.text(max_size=40))
def test_no_text_is_too_odd(text: str) -> None:
    for prefix in ("", HEAD + "steps:\n  - ", "a: "):
        with suppress(InvalidDocument):
            parse_journey(prefix + text)


@given(st.lists(st.sampled_from(
    ["- ", "? ", ": ", "[", "]", "{", "}", ",", "a", "\n", "  ", "|", ">", "&x ", "*x", "!!int ", "!t ", "'", '"',
     "#", "<<", "%YAML 1.1\n", "---\n", "...\n", "=", "1", "~", "2026-01-01", ".inf", "\t", "@", "`"]
), max_size=25).map("".join))  # fmt: skip
def test_no_yaml_is_too_odd(text: str) -> None:
    with suppress(InvalidDocument):
        plain(load(text))


@pytest.mark.parametrize(
    ("text", "line", "path", "message"),
    [
        ("id: j\nentry: {on: {event: Go}}\nsteps: []\n", 1, "name", "this is needed"),
        ("# note\n\nid: j\nname: J\nsteps: []\n", 3, "entry", "this is needed"),
        (HEAD + "stps: []\n", 4, "stps", "this key is not known here"),
        (HEAD + "steps:\n  a: b\n", 4, "steps", "write a list"),
        (HEAD + "steps:\n  - hello\n", 5, "steps.0", "write a mapping"),
        (HEAD + "steps:\n  - {name: a}\n", 5, "steps.0", "the type of a step is one of send, wait"),
        (HEAD + "steps:\n  - {type: jump}\n", 5, "steps.0", "the type of a step is one of"),
        (HEAD + "holdout: 5\n", 4, "holdout", 'like "5%"'),
        (HEAD + "holdout: 101%\n", 4, "holdout", 'like "5%"'),
        (HEAD + "priority: 101\n", 4, "priority", "at most 100"),
        (HEAD + "priority: high\n", 4, "priority", "whole number"),
        (HEAD + "priority: true\n", 4, "priority", "whole number"),
        (HEAD + "topic: a b\n", 4, "topic", "letters, digits"),
        (HEAD + "goal: {event: X, within: soon}\n", 4, "goal.within", "'soon' is no duration"),
        (HEAD + "goal:\n  event: X\n", 4, "goal.within", "this is needed"),
        (HEAD + "format: 2\n", 4, "format", "write 1"),
        (HEAD + "exits:\n  - reason: x\n    on:\n      message: m\n", 6, "exits.0.on.event", "this is needed"),
        ("id: j\nname: 2026\nentry: {on: {event: Go}}\n", 2, "name", "in quotes"),
        ("id: j\nname: ''\nentry: {on: {event: Go}}\n", 2, "name", "not be empty"),
        ("id: j\nname: J\nentry:\n  on: {evnt: Go}\n", 4, "entry.on", "opens on an `event`, `segment_entered`"),
        ("id: j\nname: J\nentry:\n  on: Go\n", 4, "entry.on", "opens on an `event`, `segment_entered`"),
        ("id: j\nname: J\nentry:\n  on: {event: Go, message: x}\n", 4, "entry.on.message", "not known"),
        ("id: j\nname: J\nentry:\n  on: {event: X}\n  reentry: {mode: per_key}\n", 5, "entry.reentry", "`key`"),
        (entering("{trait: a}"), 5, "entry.if", "say what to compare with"),
        (entering("{trait: a, eq: [1]}"), 5, "entry.if.eq", "a text, a number, true or false"),
        (entering("{trait: a, in: [1, {}]}"), 5, "entry.if.in.1", "a text, a number, true or false"),
        (entering("{trait: a, in: a}"), 5, "entry.if.in", "write a list"),
        (entering("{trait: a, gt: true}"), 5, "entry.if.gt", "a number or a text"),
        (entering("{trait: a, before: soon}"), 5, "entry.if.before", "a date like 2026-01-31"),
        (entering("{trait: a, exists: maybe}"), 5, "entry.if.exists", "true or false"),
        (entering("{event: X, cout: 3}"), 5, "entry.if.cout", "not known"),
        (entering("{event: X, count: {}}"), 5, "entry.if.count", "how often"),
        (entering("{event: X, count: {gte: null}}"), 5, "entry.if.count", "how often"),
        (entering("{event: X, count: {gte: -1}}"), 5, "entry.if.count.gte", "at least 0"),
        (entering("{evnt: X}"), 5, "entry.if", "a condition starts with one of: all, any, not"),
        (entering("X"), 5, "entry.if", "a condition starts with one of"),
        (entering("{all: []}"), 5, "entry.if.all", "at least 1"),
        (entering("\n    all:\n      - {trait: a, eq: 1}\n      - {any: [{not: {trait: b}}]}"), 8,
         "entry.if.all.1.any.0.not", "say what to compare with"),
        (entering("\n    event: X\n    where:\n      property: y"), 7, "entry.if.where", "compare with"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_once_with_its_line(
    text: str, line: int, path: str, message: str
) -> None:
    found = only(text)
    assert (found.line, ".".join(map(str, found.path))) == (line, path)
    assert message in found.message
    assert found.message.startswith(f"{path}: ")
    assert found.step is None
    assert str(found).startswith(f"line {line}: ")


@pytest.mark.parametrize(
    ("step", "path", "message"),
    [
        ("type: send, channel: fax, template: t", "channel", "'email', 'sms', 'whatsapp' or 'push'"),
        ("type: send, channel: [email, fax], template: t", "channel.1", "'email', 'sms', 'whatsapp' or 'push'"),
        ("type: send, channel: [], template: t", "channel", "at least 1"),
        ("type: send, template: t", "channel", "this is needed"),
        ("type: send, channel: email, template: t, send: x", "send", "not known"),
        ("type: send, channel: email, template: t, class: ad", "class", "'marketing' or"),
        ("type: send, channel: email, template: t, variants: [{id: v}]", "variants.0.weight", "needed"),
        ("type: wait", "", "either `for` or `until`"),
        ("type: wait, for: 1h, until: {time: '10:00'}", "", "either `for` or `until`"),
        ("type: wait, for: 1 hour", "for", "is no duration"),
        ("type: wait, until: {tim: '10:00'}", "until", "until a `time`"),
        ("type: wait, until: {time: 600}", "until.time", "in quotes"),
        ("type: wait, until: {time: '24:00'}", "until.time", "from 00:00 to 23:59"),
        ("type: wait, until: {time: 10.5}", "until.time", "from 00:00 to 23:59"),
        ("type: wait, until: {time: '10:00', days: [monday]}", "until.days.0", "'mon'"),
        ("type: wait, until: {trait: x, time: '9:00'}", "until.time", "from 00:00"),
        ("type: wait, until: {property: x, yearly: true}", "until.yearly", "not known"),
        ("type: wait_for, timeout: 1h", "events", "needed"),
        ("type: wait_for, timeout: 1h, events: [{on: {event: X, within: 1d}}]", "events.0.on.within", "not known"),
        ("type: branch, arms: [{id: a, then: []}]", "arms.0.if", "needed"),
        ("type: split, arms: [{id: a, weight: 100}]", "arms", "at least 2"),
        ("type: split, arms: [{id: a, weight: x}, {id: b, weight: 50}]", "arms.0.weight", "whole"),
        ("type: exit, reason: [x]", "reason", "write a text"),
    ],
)  # fmt: skip
def test_a_mistake_names_its_step(step: str, path: str, message: str) -> None:
    found = only(f"{HEAD}steps:\n  - {{id: one, type: exit}}\n  - {{id: two, {step}}}\n")
    assert (found.step, found.line) == ("two", 6)
    assert ".".join(map(str, found.path)) == f"steps.1.{path}".rstrip(".")
    assert message in found.message


def test_a_mistake_deep_inside_names_the_innermost_step() -> None:
    text = HEAD + (
        "steps:\n"
        "  - id: outer\n"
        "    type: branch\n"
        "    arms:\n"
        "      - id: yes\n"
        "        if: {trait: a, eq: 1}\n"
        "        then:\n"
        "          - id: inner\n"
        "            type: wait_for\n"
        "            timeout: 1h\n"
        "            events:\n"
        "              - on: {event: X}\n"
        "                then:\n"
        "                  - {id: most, type: wait, for: x}\n"
    )
    found = only(text)
    assert (found.step, found.line) == ("most", 17)
    assert found.path == ("steps", 0, "arms", 0, "then", 0, "events", 0, "then", 0, "for")


def test_every_mistake_is_told() -> None:
    found = problems("id: j\nname: 5\nholdout: 3\nsteps:\n  - {id: a, type: wait}\n  - 7\n")
    assert {one.line for one in found} == {1, 2, 3, 5, 6}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: [1\nb: 2", 2, "not YAML"),
        ("a: 1\na: 2", 2, 'duplicate key "a"'),
        ("a: 1\n---\nb: 2", 2, "another document"),
        ("a: *b", 1, "undefined alias"),
        ("a: b\nc: \x07", 2, "special characters"),
        ("a: b\nc: \0", 2, "NUL"),
        ('a: b\nc: "\\0"', 2, "c: this text holds a NUL"),
        ('a:\n  b: "\\ud800"', 2, "a.b: this text holds half a character"),
        ("a:\n  1: x", 2, "put 1 in quotes"),
        ("a:\n  - {null: x}", 2, "put None in quotes"),
        ("%YAML 1.1\n---\non: x", 3, "put True in quotes"),
        ("a: .nan", 1, "no number"),
        ("a: [1, -.inf]", 1, "no number"),
        ("a: 1e999", 1, "no number"),
        ("a: 9223372036854775808", 1, "64 bits"),
        ("a:\n  " + "9" * 6000, 2, "64 bits"),
        ("a: 0x" + "f" * 6000, 1, "64 bits"),
        ("a: !!python/object/apply:os.system [x]", 1, "!!python/object/apply:os.system is not used"),
        ("a: !!set {x}", 1, "!!set is not used"),
        ("a:\n  !mine x", 2, "!mine is not used"),
        ("a: !!binary '%%'", 1, "!!binary"),
        ("a: {<<: 3}", 1, "merging"),
    ],
)  # fmt: skip
def test_what_is_refused_as_yaml(text: str, line: int, message: str) -> None:
    with pytest.raises(InvalidDocument) as refused:
        plain(load(text))
    assert refused.value.problems[0].line == line
    assert message in str(refused.value)
    with pytest.raises(InvalidDocument):
        parse_journey(text)


@pytest.mark.parametrize("text", ["", "   \n", "# only a note", "[]", "7", "null", "text"])
def test_what_is_no_mapping_is_no_journey(text: str) -> None:
    assert "a journey is a mapping" in only(text).message


def test_a_date_stays_the_text_that_was_written() -> None:
    for written in ("2026-01-31", "2026-01-31T10:00:00Z", "2026-01-31T10:00:00+02:00"):
        read = parse_journey(entering(f"{{trait: a, before: {written}}}"))
        assert read.document()["entry"]["if"]["before"] == written


def test_aliases_and_merges_are_read() -> None:
    text = HEAD + (
        "steps:\n"
        "  - &mail {id: a, type: send, channel: email, template: t}\n"
        "  - {<<: *mail, id: b}\n"
        "  - &mail {id: c, type: wait, for: 1h}\n"
    )
    steps = parse_journey(text).steps
    assert [step.id for step in steps] == ["a", "b", "c"]
    assert isinstance(steps[1], SendStep)
    assert steps[1].template == "t"


def test_a_bomb_of_aliases_is_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    began = perf_counter()
    assert "50,000 values" in only("\n".join(lines)).message
    assert perf_counter() - began < 5


@pytest.mark.parametrize("text", ["a: &a [*a]", "&a\nid: *a\nname: *a", "a: &a {b: *a}"])
def test_a_document_within_itself_is_refused(text: str) -> None:
    assert problems(text)


@pytest.mark.parametrize("text", ["[" * 300, "{a: " * 300, "a:\n" + "- " * 300, "- " * 500 + "x"])
def test_depth_without_end_is_refused(text: str) -> None:
    began = perf_counter()
    assert "more than 100 levels deep" in only(text).message
    assert perf_counter() - began < 10


def nested(levels: int) -> dict[str, Any]:
    steps: list[Any] = [{"id": "end", "type": "exit"}]
    for n in range(levels):
        arm = {"id": "a", "if": {"trait": "x", "eq": 1}, "then": steps}
        steps = [{"id": f"b{n}", "type": "branch", "arms": [arm]}]
    return {"id": "j", "name": "J", "entry": {"on": {"event": "Go"}}, "steps": steps}


def test_a_journey_nested_as_deep_as_anyone_needs_is_read() -> None:
    one = journey_of(nested(20))
    assert len(list(walk(one.steps))) == 21
    assert parse_journey(dump_journey(one)) == one


@pytest.mark.parametrize("levels", [30, 500, 5000])
def test_a_journey_nested_too_deep_is_refused(levels: int) -> None:
    with pytest.raises(InvalidDocument, match="more than 100 levels deep"):
        journey_of(nested(levels))


def test_a_condition_nested_too_deep_is_refused() -> None:
    condition = "{not: " * 200 + "{trait: x, eq: 1}" + "}" * 200
    assert "levels deep" in only(entering(condition)).message


def test_a_text_of_megabytes_is_refused_at_once() -> None:
    began = perf_counter()
    assert "longer than 250,000 characters" in only(HEAD + "# x\n" * 1_250_000).message
    assert perf_counter() - began < 1


def test_problems_are_located_by_their_step() -> None:
    text = HEAD + "steps:\n  - {id: a, type: exit}\n  - id: b\n    type: exit\n"
    found = locate(text, [
        Problem(message="x", step="b"), Problem(message="y"), Problem(message="z", step="gone"),
        Problem(message="v", step="a", line=99, severity="warning"),
    ])  # fmt: skip
    assert [one.line for one in found] == [6, None, None, 99]
    assert [one.severity for one in found] == ["error", "error", "error", "warning"]
    assert locate("a: [", found) == found
    assert locate("a: &a [*a]", found) == found


@pytest.mark.parametrize(
    ("step", "path", "message"),
    [
        ("type: update, set: {x: [1]}", "set.x", "take one from the event: {property: name}"),
        ("type: update", "", "say what to `set`, `subscribe` or `unsubscribe`"),
        ("type: update, subscribe: [n], unsubscribe: [n]", "", "n cannot be both begun and ended"),
        ("type: repeat, times: 101, steps: [{id: b, type: exit}]", "times", "this is at most 100"),
        ("type: enter", "journey", "this is needed"),
    ],
)
def test_a_mistake_in_a_step_names_it(step: str, path: str, message: str) -> None:
    found = only(HEAD + f"steps:\n  - {{id: a, {step}}}\n")
    assert (found.step, found.line) == ("a", 5)
    assert ".".join(map(str, found.path)) == f"steps.0.{path}".rstrip(".")
    assert message in found.message


def test_repeats_updates_and_entries_come_back_as_they_were_written() -> None:
    text = (
        HEAD
        + """steps:
  - id: loop
    type: repeat
    times: 2
    until:
      event: Order Completed
      sum: total
      gte: 500
      within: 1y
    steps:
      - id: up
        type: update
        set:
          tier: gold
          old:
          city:
            property: town
        subscribe:
          - news
      - id: rest
        type: wait
        for: 1h
  - id: next
    type: enter
    journey: other
    properties:
      n: 1
"""
    )
    one = parse_journey(text)
    written = dump_journey(one)
    assert parse_journey(written) == one
    assert written.partition("steps:")[2] == text.partition("steps:")[2]


def test_true_is_written_as_true_wherever_a_condition_stands() -> None:
    asked = {
        "all": [
            {"trait": "demo", "eq": True},
            {"not": {"event": "A", "where": {"property": "b", "ne": False}}},
        ]
    }
    document = {
        "id": "j",
        "name": "J",
        "entry": {"on": {"event": "A"}, "if": asked},
        "steps": [{"id": "a", "type": "exit"}],
    }
    written = dump_journey(journey_of(document))
    assert "eq: true" in written
    assert "ne: false" in written
