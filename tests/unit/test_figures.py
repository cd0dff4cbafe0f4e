"""The figures of steps and journeys: numbers, rates, and what their titles say."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from designer.canvas.figures import PLAIN, Figures, Reading
from designer.period import Period
from designer.words import Words
from engine.model.journey import AnyStep, Journey, Step

WORDS = Words()
STEPS: TypeAdapter[AnyStep] = TypeAdapter(Step)
SEND = STEPS.validate_python({"id": "m", "type": "send", "channel": "email", "template": "t"})
WAIT = STEPS.validate_python({"id": "w", "type": "wait", "for": "1d"})
EXIT = STEPS.validate_python({"id": "x", "type": "exit", "reason": "done"})
RATES = Reading(rates=True)
MONTH = Period(chosen="30d")


def card(step: AnyStep, found: dict[str, Any], reading: Reading = PLAIN) -> dict[str, str]:
    shown = Figures(WORDS, reading).card(step, found, 100)
    return {one.name: one.value for one in shown}


def test_a_message_says_what_it_led_to_only_when_there_is_any() -> None:
    assert card(SEND, {"sent": 3}) == {"sent": "3", "opened": "", "clicked": "", "held": ""}
    found = {"entered": 1500, "sent": 1200, "opened": 300, "clicked": 6, "held": 2}
    assert card(SEND, found) == {"sent": "1,200", "opened": "300", "clicked": "6", "held": "2"}
    assert card(SEND, found, RATES) == {
        "sent": "80%", "opened": "25%", "clicked": "0.5%", "held": "2",
    }  # fmt: skip


def test_who_waits_now_is_a_number_whatever_is_chosen() -> None:
    for reading in (Reading(), RATES, Reading(rates=True, period=MONTH)):
        assert card(WAIT, {"entered": 50, "waiting": 7}, reading)["waiting"] == "7"
    (waiting, _) = Figures(WORDS, Reading(period=MONTH)).card(WAIT, {}, 0)
    assert waiting.title == "Customers who wait here now, whatever the period"


def test_a_rate_of_nobody_is_none_and_one_of_several_rounds_a_number() -> None:
    assert card(SEND, {}, RATES)["sent"] == "—"
    assert card(EXIT, {"entered": 25}, RATES) == {"left": "25%"}
    assert card(EXIT, {"entered": 250}, RATES) == {"left": "250"}


def test_ways_are_shares_of_all_ways() -> None:
    found = {"arms": {"a": 3, "b": 1}}
    assert Figures(WORDS).arms(found) == {"a": "3", "b": "1"}
    assert Figures(WORDS, RATES).arms(found) == {"a": "75%", "b": "25%"}


@pytest.mark.parametrize(
    ("reading", "goal", "revenue", "title"),
    [
        (Reading(), "10", "CHF 500.00", "Customers who reached the goal in time, of those who entered"),
        (RATES, "25%", "CHF 12.50", "Share of those who entered that reached the goal in time"),
        (
            Reading(rates=True, period=MONTH), "25%", "CHF 12.50",
            "Share of those who entered that reached the goal in time (Last 30 days)",
        ),
    ],
)  # fmt: skip
def test_totals_are_of_those_who_entered(
    reading: Reading, goal: str, revenue: str, title: str
) -> None:
    journey = Journey.model_validate({
        "id": "j", "name": "j", "topic": "t", "entry": {"on": {"event": "Go"}},
        "goal": {"event": "Bought", "within": "7d", "revenue": "total"}, "steps": [],
    })  # fmt: skip
    counted = {"entered": 40, "active": 30, "ended": 10, "held": 0, "held_out": 0, "goal": 10,
               "revenue": "500"}  # fmt: skip
    shown = {one.id: one for one in Figures(WORDS, reading).totals(counted, journey)}
    assert shown["t-goal"].value == goal
    assert shown["t-revenue"].value.replace("\N{NO-BREAK SPACE}", " ") == revenue
    assert shown["t-goal"].title == title
    assert "t-paused" not in shown
    held = Figures(WORDS, reading).totals({**counted, "held": 4}, journey)
    assert {one.id: one.value for one in held}["t-paused"] == "4"
