"""Developers' activities: declared, found, and tried as a shop's developer would."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from activities import Customer, GiveUp, activity
from activities.custom.declaring import LARGEST, DeclarationError
from activities.custom.finding import GROUP, find
from activities.custom.running import Runner
from activities.testing import RefusedError, run_activity

SHOP = Path(__file__).parents[1] / "shop_activities"


class Order(BaseModel):
    total: float
    articles: list[str] = []


class Text(BaseModel):
    text: str


@activity
def praise(order: Order, who: Customer) -> Text:
    """Praise a customer for an order."""
    return Text(text=f"{who.traits['first_name']}: {order.total:.2f} for {len(order.articles)}")


def test_an_activity_is_tried_like_a_function() -> None:
    assert run_activity(praise, {"total": "12.5", "articles": ["hat"]}).text == "Ada: 12.50 for 1"
    bob = Customer(traits={"first_name": "Bob"})
    assert run_activity(praise, {"total": 1}, customer=bob) == Text(text="Bob: 1.00 for 0")
    assert praise(Order(total=2), bob).text == "Bob: 2.00 for 0"


def test_what_is_refused_is_said_in_a_sentence() -> None:
    with pytest.raises(RefusedError, match=r"^total: field required$"):
        run_activity(praise)
    with pytest.raises(RefusedError, match=r"^total: input should be a valid number"):
        run_activity(praise, {"total": "much"})


def test_what_an_activity_raises_comes_through() -> None:
    @activity
    def refuse(order: Order) -> None:
        raise GiveUp(f"no account for {order.total}")

    with pytest.raises(GiveUp, match="no account for 3"):
        run_activity(refuse, {"total": 3})


def test_an_async_activity_without_parameters() -> None:
    @activity
    async def count() -> Text:
        return Text(text="one")

    assert run_activity(count).text == "one"
    with pytest.raises(RefusedError, match="points: is not known here"):
        run_activity(count, {"points": 1})


@pytest.mark.parametrize(
    ("returned", "sentence"),
    [
        (None, "it returned NoneType, and its type hint says Text"),
        (Text(text="a" * LARGEST), "the result takes more than 32,768 bytes"),
        (Text(text="a\0"), "NUL"),
        (Text(text="\ud800"), "not JSON"),
    ],
)
def test_a_result_is_what_was_promised(returned: Any, sentence: str) -> None:
    @activity
    def promise() -> Text:
        return returned  # type: ignore[no-any-return]

    with pytest.raises(RefusedError, match=sentence):
        run_activity(promise)


def test_what_it_declares() -> None:
    declared = praise.declared
    assert (declared.name, declared.title, declared.icon) == ("praise", "Praise", "puzzle")
    assert declared.help == "Praise a customer for an order."
    assert (declared.queue, declared.timeout, declared.retry_for) == (
        "parcours-custom",
        "10s",
        "1d",
    )
    assert declared.parameters["required"] == ["total"]
    assert declared.results == ("text",)


def test_a_function_that_cannot_be_one_is_refused_with_what_mends_it() -> None:
    def nothing(order: Order):  # type: ignore[no-untyped-def]  # noqa: ANN202
        pass

    def strange(order: dict[str, str]) -> None:
        pass

    class Bad(BaseModel):
        outcome: str

    def bad() -> Bad:
        return Bad(outcome="")

    with pytest.raises(DeclarationError, match="say by a type hint what it returns"):
        activity(nothing)
    with pytest.raises(DeclarationError, match="give the argument order one of these"):
        activity(strange)
    with pytest.raises(DeclarationError, match="`outcome` is every step's own"):
        activity(bad)
    with pytest.raises(DeclarationError, match="the queue parcours-email is taken"):
        activity(queue="parcours-email")(praise)
    with pytest.raises(DeclarationError, match="from 1s to 1h"):
        activity(timeout="2h")(praise)
    with pytest.raises(DeclarationError, match="7d at most"):
        activity(retry_for="8d")(praise)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return tmp_path


def test_activities_are_found_in_a_folder(folder: Path) -> None:
    found = find(SHOP)
    assert found.broken == []
    assert {name: one.declared.queue for name, one in found.activities.items()} == {
        "add_points": "parcours-custom", "greet": "parcours-greetings",
    }  # fmt: skip


def test_a_broken_file_is_told_and_the_others_still_work(folder: Path) -> None:
    good = "from activities import activity\n\n\n@activity\ndef fine() -> None:\n    pass\n"
    files = {
        "a_syntax.py": "def (:\n",
        "b_error.py": "x = 1\nraise ValueError('no till')\n",
        "c_hints.py": good.replace(" -> None", ""),
        "d_exits.py": "import sys\nsys.exit(3)\n",
        "e_good.py": good,
        "f_twice.py": good,
        "g_neighbour.py": "from e_good import fine\n",
        "_private.py": "raise ValueError\n",
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    found = find(folder)
    assert list(found.activities) == ["fine"]
    said = [sentence.replace(f"{folder}/", "") for sentence in found.broken]
    assert said == [
        "a_syntax.py, line 1: it cannot be read as Python: invalid syntax",
        "b_error.py, line 2: ValueError: no till",
        "c_hints.py, line 4: fine: say by a type hint what it returns: a pydantic model, or None",
        "d_exits.py, line 2: it ends the process when it is imported",
        "f_twice.py: there is an activity fine in e_good.py already; give this one another name",
    ]


def test_installed_packages_bring_activities(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import EntryPoint

    from activities.custom import finding

    points = [
        EntryPoint("mine", "tests.shop_activities.points:add_points", GROUP),
        EntryPoint("nothing", "tests.there_is_no_such", GROUP),
    ]
    monkeypatch.setattr(finding, "entry_points", lambda group: points if group == GROUP else [])
    found = find(None)
    assert list(found.activities) == ["add_points"]
    (sentence,) = found.broken
    assert "entry point nothing (tests.there_is_no_such): ModuleNotFoundError" in sentence


def test_async_activities_share_a_loop_and_keep_to_their_time() -> None:
    runner = Runner(None)  # type: ignore[arg-type]

    async def loop() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    async def too_long() -> None:
        await asyncio.sleep(30)

    try:
        assert runner._awaited(loop(), 5) is runner._awaited(loop(), 5)
        with pytest.raises(TimeoutError):
            runner._awaited(too_long(), 0.05)
    finally:
        runner.close()
