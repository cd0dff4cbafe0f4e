"""What the canvas draws from: what is in a way, and by what a step is found."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from designer.canvas.sentences import Sentences
from designer.canvas.sought import sought
from designer.canvas.tree import LONG, Drawing
from designer.words import Words
from engine.errors import Problem
from engine.model.journey import Step
from engine.store.drafts import Names

STEP: TypeAdapter[Any] = TypeAdapter(Step)
NAMES = Names({"hello": "Hello mail", "gift": "A present"})
SENTENCES = Sentences(Words("en", accepted="en-GB"), names=NAMES)
BUYERS = {"event": "Order Completed", "within": "30d"}


def wait(id_: str) -> dict[str, Any]:
    return {"id": id_, "type": "wait", "for": "1d"}


def branch(id_: str, *then: dict[str, Any], label: str = "") -> dict[str, Any]:
    arm = {"id": "yes", "if": BUYERS, "then": [*then]} | ({"label": label} if label else {})
    return {"id": id_, "type": "branch", "arms": [arm], "else": [wait(f"{id_}-no")]}


def test_a_way_counts_its_steps_and_what_is_wrong_with_them() -> None:
    step = STEP.validate_python(branch("outer", branch("inner", wait("deep")), wait("plain")))
    problems = [Problem(message="no", step=name) for name in ("outer", "deep", "inner", "deep")]
    (card,) = Drawing(SENTENCES, {}, problems).tree([step]).cards
    yes, no = card.arms
    assert (yes.size, yes.wrong) == (4, 2), "inner and deep, each once"
    assert (no.size, no.wrong) == (1, 0)
    assert (card.size, card.wrong) == (5, 2), "itself is on its own card"


def test_a_journey_is_long_from_so_many_steps_on() -> None:
    def drawn(n: int) -> bool:
        steps = [STEP.validate_python(wait(f"w{k}")) for k in range(n)]
        return Drawing(SENTENCES, {}).tree(steps).long

    assert not drawn(LONG)
    assert drawn(LONG + 1)


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ({"type": "send", "channel": "email", "template": "hello"}, ["hello", "Hello mail"]),
        (
            {"type": "send", "channel": "email", "subject": "For you", "variants": [
                {"id": "a", "weight": 50, "set": {"template": "hello"}},
                {"id": "b", "weight": 50, "set": {"template": "gift"}},
            ]},
            ["For you", "hello", "gift", "A present"],
        ),
        (branch("b", label="Buyers"), ["Order Completed"]),
        ({"type": "enter", "journey": "win-back"}, ["win-back"]),
        ({"type": "webhook", "url": "https://crm.example/hook"}, ["crm.example"]),
    ],
)  # fmt: skip
def test_a_step_is_found_by_what_its_card_does_not_show(
    step: dict[str, Any], words: list[str]
) -> None:
    found = sought(STEP.validate_python({"id": "s", **step}), SENTENCES)
    assert [word for word in words if word not in found] == []


def test_what_the_card_says_is_not_said_twice() -> None:
    assert sought(STEP.validate_python(wait("w")), SENTENCES) == ""
    assert sought(STEP.validate_python(branch("b")), SENTENCES) == ""
