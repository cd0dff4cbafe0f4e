"""Edits of a journey's document: nothing gets lost, and every outcome is a journey."""

from random import Random
from typing import Any

import pytest

from engine.errors import Conflict, InvalidInput
from engine.model.document import journey_of
from engine.model.editing import (
    Slot,
    change,
    delete,
    duplicate,
    find,
    fresh_id,
    insert,
    lists,
    move,
    slot_of,
    walk,
)
from engine.model.journey import arms
from engine.model.journey import walk as walk_steps
from tests.journeys import journeys

WAIT = {"id": "wait", "type": "wait", "for": "1d"}
EXIT = {"id": "exit", "type": "exit"}
BRANCH = {
    "id": "vip",
    "type": "branch",
    "arms": [{"id": "yes", "if": {"trait": "tier", "eq": "gold"}, "then": [{**WAIT, "id": "in"}]}],
}


def document(*steps: Any) -> dict[str, Any]:
    return {"id": "j", "name": "J", "entry": {"on": {"event": "Go"}}, "steps": list(steps)}


def ids(edited: dict[str, Any]) -> list[str]:
    return [step["id"] for step in walk(edited["steps"])]


def test_a_step_goes_where_the_slot_is() -> None:
    draft = document(WAIT, BRANCH)
    assert (
        ids(insert(draft, slot_of(":"), EXIT | {"type": "wait", "for": "1h"}).document)[0] == "exit"
    )
    inside = insert(draft, slot_of("vip/yes:in"), WAIT).document
    assert ids(inside) == ["wait", "vip", "in", "wait-2"]
    other = insert(draft, slot_of("vip/else:"), WAIT).document
    assert find(other, "vip")["else"][0]["id"] == "wait-2"  # type: ignore[index]
    assert ids(draft) == ["wait", "vip", "in"], "an edit leaves the document as it was"


def test_a_step_takes_along_what_is_in_it() -> None:
    draft = document(BRANCH, WAIT)
    moved = move(draft, "vip", Slot("", "wait")).document
    assert ids(moved) == ["wait", "vip", "in"]
    assert ids(delete(draft, "vip").document) == ["wait"]
    assert ids(duplicate(draft, "vip").document) == ["vip", "in", "vip-2", "in-2", "wait"]


def test_moving_behind_itself_changes_nothing() -> None:
    draft = document(WAIT, BRANCH)
    assert move(draft, "vip", Slot("", "vip")).document == draft
    assert move(draft, "wait", Slot("", "wait")).document == draft


def test_a_copy_refers_to_what_was_copied_with_it() -> None:
    send = {"id": "mail", "type": "send", "channel": "email", "template": "t"}
    asks = {
        "id": "asks", "type": "branch",
        "arms": [{"id": "yes", "if": {"step": "mail", "is": "sent"}, "then": [send]}],
        "else": [{"id": "w", "type": "wait_for", "since": "mail", "timeout": "1d",
                  "events": [{"on": {"event": "Message Opened", "message": "mail"}}]}],
    }  # fmt: skip
    copied = find(duplicate(document(asks), "asks").document, "asks-2")
    assert copied is not None
    assert copied["arms"][0]["if"]["step"] == "mail-2"
    assert copied["else"][0]["since"] == "mail-2"
    assert copied["else"][0]["events"][0]["on"]["message"] == "mail-2"


@pytest.mark.parametrize(
    ("edit", "error"),
    [
        (lambda d: move(d, "vip", slot_of("vip/yes:")), InvalidInput),
        (lambda d: insert(d, slot_of(":"), EXIT), InvalidInput),
        (lambda d: insert(d, slot_of(":gone"), WAIT), Conflict),
        (lambda d: insert(d, slot_of("vip/no:"), WAIT), Conflict),
        (lambda d: insert(d, slot_of("nowhere"), WAIT), InvalidInput),
        (lambda d: delete(d, "gone"), Conflict),
        (lambda d: change(d, "vip", {**BRANCH, "arms": [{"id": "yes", "if": {}}]}), InvalidInput),
    ],
)
def test_what_cannot_be_is_refused(edit: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        edit(document(BRANCH, WAIT))


def test_nobody_gets_past_an_exit() -> None:
    with pytest.raises(InvalidInput, match="past an exit"):
        insert(document(WAIT, EXIT), slot_of(":exit"), WAIT)
    with pytest.raises(InvalidInput, match="cut them off"):
        move(document(WAIT, EXIT), "exit", slot_of(":"))


def test_ids_are_free_and_short() -> None:
    assert fresh_id({"a"}, "b") == "b"
    assert fresh_id({"a", "a-2"}, "a") == "a-3"
    assert fresh_id({"a-2"}, "a-2") == "a-3"
    assert len(fresh_id({"x" * 63}, "x" * 63)) <= 63


@pytest.mark.parametrize("seed", range(20))
def test_the_lists_of_a_document_are_those_of_its_journey(seed: int) -> None:
    for journey in journeys(seed, 3):
        written = {step["id"]: step for step in walk(journey.document()["steps"])}
        for step in walk_steps(journey.steps):
            names = [name for name, _, _ in lists(written[step.id])]
            assert set(names) >= {name for name, _ in arms(step)} - {"done"}


@pytest.mark.parametrize("seed", range(30))
def test_whatever_is_edited_it_stays_a_journey_and_loses_nothing(seed: int) -> None:
    rng = Random(seed)
    draft = journeys(seed, 1)[0].document()
    for _ in range(40):
        steps = ids(draft)
        slots = [":"] + [f":{step['id']}" for step in draft["steps"]]
        for step in walk(draft["steps"]):
            for name, holder, key in lists(step):
                here = f"{step['id']}/{name}:"
                slots += [here, *(here + one["id"] for one in holder.get(key) or [])]
        step, slot = rng.choice(steps), slot_of(rng.choice(slots))
        what = rng.choice(["insert", "move", "duplicate", "delete"])
        try:
            match what:
                case "insert":
                    edited = insert(draft, slot, rng.choice([WAIT, EXIT, BRANCH]))
                    assert set(ids(edited.document)) > set(steps)
                case "move":
                    edited = move(draft, step, slot)
                    assert sorted(ids(edited.document)) == sorted(steps)
                case "duplicate":
                    edited = duplicate(draft, step)
                    assert set(ids(edited.document)) > set(steps)
                case _ if len(draft["steps"]) > 2:
                    edited = delete(draft, step)
                    assert step not in ids(edited.document)
                case _:
                    continue
        except InvalidInput:
            continue
        draft = edited.document
        assert len(set(ids(draft))) == len(ids(draft))
        journey_of(draft)
