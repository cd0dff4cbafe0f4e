"""What the canvas says of steps and conditions, in both languages."""
# ruff: noqa: RUF001 - French has its own apostrophe

from typing import Any

import pytest
from pydantic import TypeAdapter

from designer.canvas.sentences import Sentences
from designer.words import Words
from engine.model.condition import Condition
from engine.model.journey import Entry, Journey, Step
from engine.store.drafts import Names

STEP: TypeAdapter[Any] = TypeAdapter(Step)
CONDITION: TypeAdapter[Any] = TypeAdapter(Condition)

REST = [{"id": "rest", "type": "wait", "for": "1d"}]
JOURNEY = Journey.model_validate(
    {
        "id": "j",
        "name": "J",
        "entry": {"on": {"api": True}},
        "steps": [
            {"id": "first-mail", "name": "First mail", "type": "send", "channel": "email", "template": "t"}
        ],
    }
)  # fmt: skip


def told(language: str = "en-GB") -> Sentences:
    words = Words(language[:2], accepted=language)
    names = Names(
        {"hello": "Hello mail"},
        {"vip": "VIP"},
        {"offers": "Offers by mail"},
        journeys={"win-back": "Win back"},
    )
    return Sentences(words, JOURNEY, names)


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("step", "english", "french"),
    [
        ({"type": "wait", "for": "1h"}, "Wait 1 hour", "Attendre 1 heure"),
        ({"type": "wait", "for": "2d"}, "Wait 2 days", "Attendre 2 jours"),
        ({"type": "wait", "for": "6mo"}, "Wait 6 months", "Attendre 6 mois"),
        (
            {"type": "wait", "until": {"time": "10:00", "days": ["mon", "tue", "wed", "thu", "fri"]}},
            "Wait until 10:00 on weekdays",
            "Attendre jusqu’à 10:00 les jours ouvrables",
        ),
        (
            {"type": "wait", "until": {"time": "18:30", "days": ["fri", "tue"]}},
            "Wait until 18:30 on Tuesday or Friday",
            "Attendre jusqu’à 18:30 le mardi ou vendredi",
        ),
        (
            {"type": "wait", "until": {"trait": "birth_date", "offset": "-7d", "time": "09:00", "yearly": True}},
            "Wait until 7 days before birth date, every year at 09:00",
            "Attendre jusqu’à 7 jours avant birth date, chaque année à 09:00",
        ),
        (
            {"type": "wait", "until": {"property": "delivery_date", "offset": "2d"}},
            "Wait until 2 days after delivery date",
            "Attendre jusqu’à 2 jours après delivery date",
        ),
        (
            {"type": "send", "channel": "email", "template": "hello"},
            "Send “Hello mail”",
            "Envoyer « Hello mail »",
        ),
        (
            {
                "type": "wait_for", "timeout": "24h",
                "events": [{"on": {"event": "Order Completed"}}, {"on": {"event": "Message Opened"}}],
            },
            "Wait for “Order Completed” or “Message Opened”",
            "Attendre « Order Completed » ou « Message Opened »",
        ),
        (
            {"type": "branch", "arms": [{"id": "y", "if": {"trait": "tier", "eq": "gold"}}]},
            "If tier is gold",
            "Si tier vaut gold",
        ),
        (
            {"type": "split", "arms": [{"id": "a", "weight": 50}, {"id": "b", "weight": 50}]},
            "Split by chance",
            "Répartir au hasard",
        ),
        ({"type": "webhook", "url": "https://crm.example.com/a?b={{ secret.C }}"}, "Call crm.example.com", None),
        ({"type": "webhook", "url": "{{ event.callback }}"}, "Call a web address", None),
        ({"type": "repeat", "times": 3, "steps": REST}, "Repeat up to 3 times", None),
        ({"type": "repeat", "times": 1, "steps": REST}, "Repeat once", None),
        (
            {"type": "repeat", "times": 3, "steps": REST, "until": {"step": "first-mail", "is": "sent"}},
            "Repeat up to 3 times, until “First mail” was sent",
            None,
        ),
        ({"type": "update", "set": {"loyalty_tier": "gold"}}, "Set loyalty tier to gold", None),
        (
            {
                "type": "update", "set": {"old": None, "city": {"property": "billing_city"}},
                "subscribe": ["weekly_news"], "unsubscribe": ["offers"],
            },
            ("Forget old, set city to the event's billing city, subscribe to “weekly news” and "
             "unsubscribe from “Offers by mail”"),
            None,
        ),
        ({"type": "enter", "journey": "win-back"}, "Start the journey “Win back”", None),
        ({"type": "enter", "journey": "gone"}, "Start the journey “gone”", None),
        ({"type": "exit", "reason": "too-late"}, "Leaves: too late", "Sort : too late"),
    ],
)  # fmt: skip
def test_a_step_says_what_it_does(step: dict[str, Any], english: str, french: str | None) -> None:
    parsed = STEP.validate_python({"id": "s", **step})
    assert plain(told().does(parsed)) == english
    if french is not None:
        assert plain(told("fr-CH").does(parsed)) == french


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "Email"),
        ({"at": {"window": "09:00-20:00"}}, "Email · between 09:00 and 20:00"),
        ({"at": "best_hour", "class": "transactional"}, "Email · at her best hour · always sent"),
    ],
)
def test_a_message_says_at_what_time_of_day_it_goes_out(more: dict[str, Any], said: str) -> None:
    given = {"id": "s", "type": "send", "channel": "email", "template": "hello", **more}
    assert plain(told().detail(STEP.validate_python(given))) == said


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ({"trait": "birth_date", "exists": False}, "birth date is not known"),
        ({"not": {"trait": "tier", "eq": "gold"}}, "tier is not gold"),
        ({"not": {"trait": "age", "gte": 30}}, "not (age is at least 30)"),
        ({"trait": "age", "gte": 18, "lt": 65}, "age is at least 18 and age is less than 65"),
        ({"trait": "country", "in": ["CH", "FR"]}, "country is CH or FR"),
        ({"property": "cart.value", "gt": 30}, "the event's cart.value is more than 30"),
        ({"segment": "vip"}, "the customer is in “VIP”"),
        ({"not": {"segment": "vip"}}, "the customer is not in “VIP”"),
        ({"reachable": "sms"}, "the customer can be reached by SMS"),
        ({"subscribed": "weekly_news"}, "the customer wants “weekly news”"),
        (
            {"not": {"subscribed": "offers", "channel": "sms"}},
            "the customer does not want “offers” by SMS",
        ),
        ({"step": "first-mail", "is": "sent"}, "“First mail” was sent"),
        (
            {"result": {"step": "first-mail", "name": "open_points"}, "gte": 3},
            "open points of “First mail” is at least 3",
        ),
        (
            {"not": {"result": {"step": "first-mail", "name": "tier"}, "eq": "gold"}},
            "tier of “First mail” is not gold",
        ),
        ({"not": {"step": "first-mail", "is": "skipped"}}, "“First mail” was not skipped"),
        ({"event": "Order Completed"}, "“Order Completed” has happened"),
        (
            {"not": {"event": "Order Completed", "within": "1d"}},
            "“Order Completed” has not happened in the last 1 day",
        ),
        (
            {"event": "Order Completed", "where": {"property": "total", "gte": 100}, "count": {"gte": 3}},
            "“Order Completed” where total is at least 100 has happened at least 3 times",
        ),
        (
            {"event": "Message Opened", "message": "first-mail"},
            "“Message Opened” (of “First mail”) has happened",
        ),
        (
            {"any": [{"segment": "vip"}, {"all": [{"trait": "a", "eq": 1}, {"trait": "b", "eq": True}]}]},
            "the customer is in “VIP” or (a is 1 and b is yes)",
        ),
        ({"trait": "last_visit", "within": "2w"}, "last visit lies within the last 2 weeks"),
    ],
)  # fmt: skip
def test_a_condition_is_said_in_plain_words(condition: dict[str, Any], said: str) -> None:
    parsed = CONDITION.validate_python(condition)
    assert plain(told().conditions.say(parsed)) == said
    assert told("fr").conditions.say(parsed) != said or said.startswith("“")


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (
            {"event": "Order Completed", "sum": "total", "gte": 500, "within": "1y"},
            "the sum of total over all “Order Completed” in the last 1 year is at least 500",
        ),
        (
            {"event": "Order Completed", "avg": "total", "where": {"property": "total", "gt": 0}, "lt": 9},
            "the average total of all “Order Completed” where total is more than 0 is less than 9",
        ),
        ({"event": "E", "min": "n", "gt": 1}, "the lowest n of all “E” is more than 1"),
        ({"event": "E", "max": "n", "exists": True}, "the highest n of all “E” is known"),
        ({"event": "E", "distinct": "n", "gt": 1}, "the number of different n of all “E” is more than 1"),
        ({"event": "E", "first": "n", "eq": "a"}, "the n of the first “E” is a"),
        ({"not": {"event": "E", "last": "n", "eq": "a"}}, "the n of the last “E” is not a"),
        ({"not": {"event": "E", "last": "n", "gt": 1}}, "not (the n of the last “E” is more than 1)"),
        (
            {"anniversary": "birth_date", "within": "7d"},
            "the yearly birth date is today or within 7 days",
        ),
        (
            {"not": {"anniversary": "birth_date", "within": "7d"}},
            "the yearly birth date is neither today nor within 7 days",
        ),
        ({"trait": "last_order_at", "older_than": "90d"}, "last order at lies at least 90 days back"),
        (
            {"trait": "last_order_at", "older_than": {"trait": "usual_interval", "times": 2}},
            "last order at lies at least 2 times usual interval back",
        ),
        ({"trait": "a", "older_than": {"trait": "usual_b"}}, "a lies at least usual b back"),
        ({"step": "first-mail", "is": "stopped"}, "“First mail” was over early"),
        ({"trait": "spend_1y", "top": "5%"}, "spend 1y is among the highest 5% of all customers"),
        (
            {"not": {"trait": "spend_1y", "bottom": "20%"}},
            "not (spend 1y is among the lowest 20% of all customers)",
        ),
    ],
)  # fmt: skip
def test_a_condition_over_events_or_time_is_said_in_plain_words(
    condition: dict[str, Any], said: str
) -> None:
    assert plain(told().conditions.say(CONDITION.validate_python(condition))) == said


@pytest.mark.parametrize(
    ("reentry", "said"),
    [
        ({}, "Again after leaving"),
        ({"mode": "once"}, "Once in a lifetime"),
        ({"mode": "after_exit", "cooldown": "3d"}, "Again 3 days after leaving, at the earliest"),
        ({"mode": "per_key", "key": "cart_id"}, "Once for each cart id"),
    ],
)
def test_an_entry_says_who_enters_and_how_often(reentry: dict[str, Any], said: str) -> None:
    entry = Entry.model_validate(
        {"on": {"event": "Product Added", "where": {"property": "value", "gte": 30}}, "reentry": reentry}
    )  # fmt: skip
    assert told().opens(entry) == "On “Product Added” where value is at least 30"
    assert told().again(entry) == said


def test_the_way_through_a_repeat_is_labelled() -> None:
    loop = STEP.validate_python({"id": "l", "type": "repeat", "times": 2, "steps": REST})
    assert told().arm(loop, "again") == "Each round"
    assert (told().kind(loop).icon, told().kind(loop).name) == ("repeat", "Repeat")


def test_the_ways_out_of_a_step_are_labelled() -> None:
    say = told()
    one = STEP.validate_python(
        {"id": "b", "type": "branch", "arms": [{"id": "gold", "if": {"segment": "vip"}}]}
    )
    assert [say.arm(one, name) for name in ("gold", "else")] == ["Yes", "No"]
    two = STEP.validate_python(
        {"id": "b", "type": "branch", "arms": [
            {"id": "gold", "label": "Gold", "if": {"segment": "vip"}},
            {"id": "rest", "if": {"trait": "tier", "eq": "silver"}},
        ]}
    )  # fmt: skip
    labels = [say.arm(two, name) for name in ("gold", "rest", "else")]
    assert labels == ["Gold", "tier is silver", "Otherwise"]
    wait = STEP.validate_python(
        {"id": "w", "type": "wait_for", "timeout": "2d", "events": [{"on": {"event": "Order Completed"}}]}
    )  # fmt: skip
    assert [say.arm(wait, name) for name in ("event-0", "else")] == [
        "Order Completed",
        "Not within 2 days",
    ]


@pytest.mark.parametrize(
    ("activity", "icon", "title"),
    [
        ("add_points", "gift", "Add points"),
        ("draw", "puzzle", "Draw a card"),  # an icon that there is not
        ("unheard_of", "puzzle", "unheard of"),
    ],
)
def test_an_activity_is_shown_as_its_developer_says(activity: str, icon: str, title: str) -> None:
    names = Names(
        activities={"add_points": "Add points", "draw": "Draw a card"},
        icons={"add_points": "gift", "draw": "dragon"},
    )
    step = STEP.validate_python(
        {"id": "x", "type": "activity", "activity": activity, "parameters": {"max_points": 10}}
    )
    sentences = Sentences(Words("en"), JOURNEY, names)
    assert (sentences.kind(step).icon, sentences.kind(step).name) == (icon, title)
    assert sentences.title(step) == title
    assert sentences.detail(step) == "max points: 10"
    assert sentences.arm(step, "on_error") == "Went wrong"
