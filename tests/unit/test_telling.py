"""A run's decisions and a customer's events, as people read them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from designer.canvas.sentences import Sentences
from designer.customers.happenings import days, event_name, summary
from designer.customers.telling import Teller, refusal
from designer.words import Shop, Words
from engine.model.journey import Journey, walk
from engine.store.drafts import Names

AT = datetime(2025, 11, 21, 9, 30, tzinfo=UTC)

JOURNEY = Journey.model_validate(
    {
        "id": "j",
        "name": "J",
        "entry": {"on": {"event": "Signed Up"}},
        "steps": [
            {"id": "mail", "name": "First mail", "type": "send", "channel": "email", "template": "t"},
            {"id": "rest", "type": "wait", "for": "2d"},
            {"id": "fork", "type": "branch",
             "arms": [{"id": "gold", "label": "Gold", "if": {"trait": "tier", "eq": "gold"}}]},
            {"id": "coin", "name": "Coin", "type": "split",
             "arms": [{"id": "a", "weight": 50}, {"id": "b", "weight": 50}]},
            {"id": "loop", "name": "Loop", "type": "repeat", "times": 3,
             "steps": [{"id": "nap", "type": "wait", "for": "1h"}]},
            {"id": "up", "type": "update", "set": {"tier": "gold"}},
            {"id": "next", "type": "enter", "journey": "x"},
        ],
    }
)  # fmt: skip


def words(language: str = "en-GB") -> Words:
    return Words(
        language[:2],
        accepted=language,
        shop=Shop(zone="Europe/Zurich"),
        now=datetime(2025, 11, 21, tzinfo=UTC),
    )


def told(*trace: tuple[str, str | None, dict[str, Any]], language: str = "en-GB") -> list[Any]:
    sentences = Sentences(words(language), JOURNEY, Names())
    teller = Teller(sentences, {step.id: step for step in walk(JOURNEY.steps)})
    return teller.tell(
        [{"at": AT, "what": what, "step": step, "data": data} for what, step, data in trace]
    )


@pytest.mark.parametrize(
    ("what", "step", "data", "text", "why"),
    [
        ("entered", None, {}, "Entered the journey", ""),
        ("called", "mail", {"status": 200}, "First mail: went well", ""),
        (
            "call_failed", "mail", {"status": 404, "reason": "refused"},
            "First mail: went wrong", "the other side refused it (404)",
        ),
        (
            "held", "mail", {"reason": "paused"},
            "First mail: held back for now", "the journey was paused when this was due",
        ),
        (
            "held", "mail", {"reason": "archived"},
            "First mail: held back for now", "the journey was archived when this was due",
        ),
        (
            "resumed", "mail", {"since": AT.isoformat()},
            "First mail: goes on", "the pause is over",
        ),
        ("ended", None, {"reason": "archived"}, "Left the journey: the journey was archived", ""),
        ("held_out", None, {}, "Held out to compare with: receives nothing", ""),
        ("reached", "mail", {}, "Came to First mail", ""),
        (
            "chose", "fork", {"arm": "gold", "seen": {"trait tier": "gold", "event Order Completed": 2}},
            "If tier is gold: “Gold”", "tier is gold; “Order Completed” has happened 2 times",
        ),
        (
            "chose", "fork", {"arm": "gold", "seen": {"step mail": "skipped", "step coin": None}},
            "If tier is gold: “Gold”", "“First mail” was skipped; “Coin”: —",
        ),
        (
            "chose", "fork", {"arm": "else", "seen": {"trait tier": None, "segment vip": False}},
            "If tier is gold: “Otherwise”", "tier is not known; the customer is not in “vip”",
        ),
        ("drew", "coin", {"arm": "a"}, "Coin: by chance “a · 50%”", ""),
        ("waits", "rest", {"until": "2025-11-23T09:30:00+00:00"}, "Wait 2 days: until 23 Nov, 10:30", ""),
        ("hurried", "rest", {}, "Wait 2 days: moved on by hand", "somebody ended the wait before its time"),
        ("passed", "rest", {"reason": "no_date"}, "Wait 2 days: did not wait", "the date is not known"),
        ("received", "rest", {"event": "Order Completed"}, "“Order Completed” happened", ""),
        ("timed_out", "rest", {}, "Wait 2 days: nothing happened in time", ""),
        ("sent", "mail", {}, "First mail: sent", ""),
        ("skipped", "mail", {"reason": "cap", "rule": "three-a-week"},
         "First mail: not sent", "the rule “three a week” is full"),
        ("skipped", "mail", {"reason": "no_address"},
         "First mail: not sent", "no address on any of the channels"),
        ("deferred", "mail", {"reason": "quiet_hours", "until": "2025-11-22T07:00:00+00:00"},
         "First mail: put off until 22 Nov, 08:00", "quiet hours"),
        ("moved", "mail", {"from": "push", "to": "sms", "reason": "no_address"},
         "First mail: by SMS instead of Push", "no address on any of the channels"),
        ("missing", "mail", {"variables": ["event.url", "customer.tier"]},
         "First mail: nothing was there to fill in for “event.url” and “customer.tier”", ""),
        ("no_best_hour", "mail", {},
         "First mail: it is not known yet when she reads most, so it did not wait for that", ""),
        ("sent_again", "mail", {}, "First mail: sent once more", "nobody knew whether it arrived"),
        ("round", "loop", {"round": 2, "arm": "again"}, "Loop: round 2", ""),
        ("repeated", "loop", {"outcome": "stopped", "rounds": 1, "seen": {"trait tier": "gold"}},
         "Loop: no more rounds are needed", "tier is gold"),
        ("repeated", "loop", {"outcome": "done", "rounds": 3, "seen": {}}, "Loop: every round is over", ""),
        ("updated", "up", {"traits": {"tier": "gold"}}, "Set tier to gold", ""),
        ("started", "next", {"journey": "x"}, "Start the journey “x”", ""),
        ("not_started", "next", {"journey": "x", "reason": "running"},
         "Start the journey “x”: did not enter", "was inside already"),
        ("too_deep", "up", {}, "Set tier to gold: not done", "too much would have followed from one event"),
        ("chose", "fork", {"arm": "gold", "seen": {"sum total of Order Completed": 30, "max n of E": None}},
         "If tier is gold: “Gold”",
         "the sum of total over all “Order Completed” is 30; the highest n of all “E” is not known"),
        ("goal", None, {"event": "Order Completed", "revenue": "49.90"},
         "Reached the goal: “Order Completed”", "CHF\N{NO-BREAK SPACE}49.90"),
        ("ended", None, {"reason": "completed"}, "Left the journey: came to the end", ""),
        ("ended", "mail", {"reason": "purchased", "event": "Order Completed"},
         "Left the journey: purchased", "“Order Completed” happened"),
        ("something_new", "mail", {}, "something new First mail", ""),
        ("sent", "a-step-of-another-version", {}, "a step of another version: sent", ""),
    ],
)  # fmt: skip
def test_a_decision_is_told_with_its_reason(
    what: str, step: str | None, data: dict[str, Any], text: str, why: str
) -> None:
    (one,) = told((what, step, data))
    assert (one.text, one.why) == (text, why)
    assert told((what, step, data), language="fr-CH")[0].text


def test_arriving_is_left_out_where_more_follows() -> None:
    shown = told(("reached", "mail", {}), ("sent", "mail", {}), ("reached", "rest", {}))
    assert [one.text for one in shown] == ["First mail: sent", "Came to Wait 2 days"]


def test_entries_refused_for_reasons_nobody_foresaw_are_shown_as_they_are() -> None:
    assert refusal(words(), "too_many_doors") == "too many doors"


def test_amounts_are_written_as_money() -> None:
    properties = {"order_id": "A1", "total": 49.9, "currency": "CHF", "items": [1, 2], "note": ""}
    assert summary(properties, words()) == "order id A1 · total CHF\N{NO-BREAK SPACE}49.90"
    assert summary({"total": 49.9, "currency": "nonsense"}, words()).startswith("total 49.9")


def test_events_without_a_name_are_given_one() -> None:
    assert event_name("identify", "identify", words()) == "Identified"
    assert event_name("", "page", words()) == "Looked at a page"
    assert event_name("Order Completed", "track", words()) == "Order Completed"


def test_days_are_those_of_the_shops_clock() -> None:
    late = datetime(2025, 11, 21, 23, 30, tzinfo=UTC)
    event = {"name": "X", "kind": "track", "properties": {}}
    shown = days([{**event, "occurred_at": late}, {**event, "occurred_at": AT}], words())
    assert [day.name.split(maxsplit=1)[0].strip(",") for day in shown] == ["Saturday", "Friday"]
    assert shown[0].happenings[0].time == "00:30"


def test_numbers_of_any_length_can_be_told() -> None:
    assert words().number(10**30) == "1" + 30 * "0"
    assert words().number(1e300) == "1e+300"
