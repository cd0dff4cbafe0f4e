"""A journey becomes flat instructions; its hash names what it says."""

import json
from typing import Any

import pytest

from engine.compile.compiler import compile as compile_journey
from engine.compile.compiler import content_hash
from engine.compile.plan import (
    Await,
    CallOut,
    Change,
    Choose,
    Draw,
    End,
    Jump,
    Plan,
    Repeat,
    SendTo,
    Start,
    WaitHere,
)
from engine.model.document import dump_journey, parse_journey
from engine.model.journey import Journey, SendStep, walk
from tests.journeys import journeys

RANDOM = journeys(5, 60)


def journey(*steps: dict[str, Any], **more: Any) -> Journey:
    document = {"id": "j", "name": "j", "entry": {"on": {"event": "Go"}}, "steps": list(steps)}
    return Journey.model_validate({**document, **more})


def wait(id: str) -> dict[str, Any]:
    return {"id": id, "type": "wait", "for": "1h"}


def bye(id: str) -> dict[str, Any]:
    return {"id": id, "type": "exit", "reason": "bye"}


def shown(plan: Plan) -> list[Any]:
    """Write the instructions down as tuples."""
    found: list[Any] = []
    for instruction in plan.instructions:
        match instruction:
            case SendTo(step=step, topic=topic):
                found.append(("send", step.id, topic))
            case WaitHere(step=step):
                found.append(("wait", step.id))
            case Await(step=step, events=events, otherwise=otherwise):
                found.append(("await", step.id, [target for _, target in events], otherwise))
            case Choose(step=step, arms=arms, otherwise=otherwise):
                found.append(("choose", step.id, [target for _, _, target in arms], otherwise))
            case Draw(step=step, arms=arms):
                found.append(("draw", step.id, [target for _, _, target in arms]))
            case Jump(target=target):
                found.append(("jump", target))
            case End(reason=reason):
                found.append(("end", reason))
    return found


def test_a_list_ends_with_the_end_of_the_journey() -> None:
    assert shown(compile_journey(journey(wait("a"), wait("b")))) == [
        ("wait", "a"), ("wait", "b"), ("end", "completed"),
    ]  # fmt: skip


def test_a_topic_is_the_steps_or_else_the_journeys() -> None:
    mail = {"type": "send", "channel": "email", "template": "t"}
    compiled = compile_journey(
        journey({"id": "a", **mail}, {"id": "b", "topic": "news", **mail}, topic="offers")
    )
    assert shown(compiled)[:2] == [("send", "a", "offers"), ("send", "b", "news")]


def test_arms_rejoin_at_the_next_step() -> None:
    condition = {"trait": "x", "eq": 1}
    branch = {
        "id": "b", "type": "branch",
        "arms": [{"id": "one", "if": condition, "then": [wait("w1")]}, {"id": "two", "if": condition}],
        "else": [wait("w2"), bye("x")],
    }  # fmt: skip
    assert shown(compile_journey(journey(branch, wait("after")))) == [
        ("choose", "b", [1, 3], 4), ("wait", "w1"), ("jump", 6), ("jump", 6), ("wait", "w2"),
        ("end", "bye"), ("wait", "after"), ("end", "completed"),
    ]  # fmt: skip


def test_arms_within_arms_and_at_the_end() -> None:
    split = {"id": "s", "type": "split", "arms": [{"id": "x", "weight": 50, "then": [wait("w")]},
                                                  {"id": "y", "weight": 50}]}  # fmt: skip
    outer = {
        "id": "f", "type": "wait_for", "timeout": "1h",
        "events": [{"on": {"event": "E"}, "then": [split]}, {"on": {"event": "F"}}],
    }  # fmt: skip
    assert shown(compile_journey(journey(outer))) == [
        ("await", "f", [1, 5], 6), ("draw", "s", [2, 4]), ("wait", "w"), ("jump", 4), ("jump", 6),
        ("jump", 6), ("end", "completed"),
    ]  # fmt: skip


def test_every_run_is_interested_in_exits_and_the_goal() -> None:
    compiled = compile_journey(journey(
        wait("a"), goal={"event": "Bought", "within": "1d"}, exits=[{"on": {"event": "Left"}}],
    ))  # fmt: skip
    assert compiled.always == {"Bought", "Left"}


@pytest.mark.parametrize("one", RANDOM, ids=lambda one: str(one.id))
def test_a_plan_is_closed(one: Journey) -> None:
    plan = compile_journey(one)
    size = len(plan.instructions)
    steps = {step.id for step in walk(one.steps)}
    assert plan.places.keys() == steps
    for index, instruction in enumerate(plan.instructions):
        for target in _targets(instruction, index):
            assert index < target < size or isinstance(plan.instructions[target], Repeat)
    reached, ahead = set(), [0]
    while ahead:
        index = ahead.pop()
        if index not in reached:
            reached.add(index)
            ahead += _targets(plan.instructions[index], index)
    assert set(plan.places.values()) <= reached


def _targets(instruction: Any, index: int) -> list[int]:
    match instruction:
        case SendTo() | WaitHere() | Change() | Start():
            return [index + 1]
        case Await(events=events, otherwise=otherwise):
            return [*(target for _, target in events), otherwise]
        case CallOut(then=then, otherwise=otherwise):
            return [then, otherwise]
        case Choose(arms=arms, otherwise=otherwise):
            return [*(target for _, _, target in arms), otherwise]
        case Draw(arms=arms):
            return [target for _, _, target in arms]
        case Jump(target=target):
            return [target]
        case Repeat(after=after):
            return [index + 1, after]
        case End():
            return []
        case _:
            raise AssertionError(f"what follows {instruction}?")


def test_the_hash_is_of_what_is_said() -> None:
    plain = journey(wait("a"))
    assert content_hash(plain) == content_hash(
        journey(wait("a"), priority=50, exits=[], holdout="0%")
    )
    assert content_hash(plain) != content_hash(journey(wait("b")))
    assert content_hash(plain) != content_hash(journey(wait("a"), priority=51))
    assert len({content_hash(one) for one in RANDOM}) == len(RANDOM)


def test_the_hash_of_a_journey_never_changes_between_releases() -> None:
    """Runs name their version by it: a key that a release adds must not change it."""
    mail = {"id": "m", "type": "send", "channel": ["email"], "template": "t", "topic": "o",
            "variants": [{"id": "v", "weight": 100, "set": {"é": [1, 2.5, None]}}]}  # fmt: skip
    assert content_hash(journey(mail, wait("w"))) == (
        "21b83eaf1bcd8db44b1653fc00d461312124628a18cec1df07f0b14a8303423f"
    )


@pytest.mark.parametrize("one", RANDOM[:12], ids=lambda one: str(one.id))
def test_the_hash_survives_every_way_of_writing(one: Journey) -> None:
    again = [
        parse_journey(dump_journey(one)),
        parse_journey(json.dumps(one.document())),
        Journey.model_validate(one.document()),
        Journey.model_validate(one.model_dump(mode="json", by_alias=True)),
    ]
    assert {content_hash(other) for other in again} == {content_hash(one)}
    assert all(other == one for other in again)


def test_what_is_compiled_is_what_was_written() -> None:
    for one in RANDOM:
        sends = [step for step in walk(one.steps) if isinstance(step, SendStep)]
        plan = compile_journey(one)
        assert {i.step.id for i in plan.instructions if isinstance(i, SendTo)} == {
            s.id for s in sends
        }
