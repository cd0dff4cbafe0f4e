"""What became of a message, in a sentence; a rule in a sentence."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from designer.ids import id_of
from designer.manners.rules import RuleForm, cap_of, form_of
from designer.manners.sentences import rule_sentence
from designer.manners.settings import changes_of
from designer.manners.settings import form_of as settings_form_of
from designer.manners.views import gauge, held
from designer.messages.outcome import LED_TO, Outcomes, mark_of
from designer.messages.reasons import REASONS, reason
from designer.words import Shop, Words
from engine.model.cap import Cap
from engine.model.workspace import Workspace
from engine.store.drafts import Names
from engine.store.manners import HOURS, Stopped

AT = datetime(2025, 11, 21, 9, 30, tzinfo=UTC)
NAMES = Names(caps={"r1": "3 a week"}, topics={"offers": "Offers"})
WORDS = Words("en", accepted="en-GB", shop=Shop(zone="Europe/Zurich"), now=AT)


def message(state: str, reason: str | None = None, **more: Any) -> dict[str, Any]:
    nothing = dict.fromkeys([*LED_TO, "rule", "topic", "deferred_until"])
    return {
        **nothing,
        "class": "marketing",
        "state": state,
        "reason": reason,
        "transitions": [],
        **more,
    }


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (message("deferred", "cap", rule="r1", deferred_until=AT + timedelta(hours=22, minutes=42)),
         "Waits until tomorrow 09:12: the rule “3 a week” is full"),
        (message("deferred", "quiet_hours", deferred_until=AT + timedelta(hours=2)),
         "Waits until 12:30: quiet hours"),
        (message("deferred", "holiday", deferred_until=AT + timedelta(days=3)),
         "Waits until 24 Nov, 10:30: a public holiday"),
        (message("deferred", "throttled", deferred_until=AT - timedelta(seconds=1)),
         "Is about to be sent, after it was put off: the provider takes no more for now"),
        (message("skipped", "not_subscribed", topic="offers"),
         "Not sent: she has not subscribed to “Offers”"),
        (message("skipped", "cap", rule="gone-rule"), "Not sent: the rule “gone rule” is full"),
        (message("skipped"), "Not sent"),
        (message("failed", "550 5.1.1 no mailbox"), "Refused: 550 5.1.1 no mailbox"),
        (message("failed"), "Refused by the provider"),
        (message("unknown", "asking"),
         "Nobody knows yet whether it arrived: the provider is being asked"),
        (message("decided", "repeated_with_key"),
         ("Is being prepared: the answer was lost, so it is handed over again, marked so that it is "
          "sent only once")),
        (message("decided"), "Is being prepared"),
        (message("claimed"), "Is being handed over"),
        (message("sent"), "Sent"),
        (message("sent", opened_at=AT, clicked_at=AT), "Sent; opened and clicked"),
        (message("sent", "late"), "Sent; as was known only later"),
    ],
)  # fmt: skip
def test_each_outcome_is_a_sentence(row: dict[str, Any], sentence: str) -> None:
    assert Outcomes(WORDS, NAMES, AT).sentence(row) == sentence


def test_an_unknown_outcome_says_what_was_done_about_it() -> None:
    said = Outcomes(WORDS, NAMES, AT).sentence(message("unknown"))
    assert said.endswith("so that nobody gets it twice it is not sent again")
    again = Outcomes(WORDS, NAMES, AT).sentence(message("unknown", **{"class": "transactional"}))
    assert again == "Nobody knows whether it arrived: the last answer of the provider was lost"


def test_what_came_back_is_not_shown_as_sent() -> None:
    assert mark_of(message("sent", bounced_at=AT), WORDS).tone == "bad"
    assert mark_of(message("sent"), WORDS).text == "Sent"


def test_every_reason_of_the_core_has_words() -> None:
    ours = {*HOURS, "cap", "throttled", "no_address", "suppressed", "not_subscribed", "replaced",
            "template_error", "template_missing", "no_coupon", "refused", "expired", "unsubscribed",
            "late", "asking", "unknown_sent_again", "repeated_with_key"}  # fmt: skip
    assert ours <= REASONS.keys()
    assert reason(WORDS, "mailbox_full", NAMES) == "mailbox full"
    assert reason(WORDS, None, NAMES) == ""


def test_the_story_is_told_in_order() -> None:
    changes = [
        {"at": AT, "from": None, "to": "decided", "reason": None, "rule": None},
        {"at": AT + timedelta(minutes=5), "from": "decided", "to": "decided", "reason": "cap",
         "rule": "r1"},
        {"at": AT + timedelta(hours=1), "from": "decided", "to": "claimed", "reason": None,
         "rule": None},
        {"at": AT + timedelta(hours=2), "from": "claimed", "to": "sent", "reason": None,
         "rule": None},
    ]  # fmt: skip
    moved = {"at": AT + timedelta(minutes=5), "what": "moved",
             "data": {"from": "push", "to": "sms", "reason": "cap", "rule": "r1"}}  # fmt: skip
    sent = message("sent", transitions=changes, opened_at=AT + timedelta(hours=3))
    story = Outcomes(WORDS, NAMES, AT).story(sent, [moved])
    assert [(one.text, one.why) for one in story] == [
        ("The journey decided to send it", ""),
        ("By SMS instead of Push", "the rule “3 a week” is full"),
        ("Nothing stood against it: handed over to the provider", ""),
        ("The provider has taken it", ""),
        ("Opened", ""),
    ]


# Rules


def cap(**given: Any) -> Cap:
    return Cap.model_validate({"id": "r", "limit": 3, "per": "7d", **given})


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        (cap(channels=["email"], keep={"slots": 1, "above_priority": 50}, defer_at_most="2d"),
         ("At most 3 emails in any 7 days; 1 of them kept for journeys above priority 50; "
          "when full: wait up to 2 days, then leave it out.")),
        (cap(limit=1, per="day", channels=["sms", "push"], topics=["offers"], on_full="skip"),
         "At most 1 message by SMS and Push together about “Offers” in a day; when full: not sent."),
        (cap(per="month", offers=["spring-sale"], on_full="next_channel"),
         ("At most 3 messages with the offer “spring sale” in a month of the calendar; "
          "when full: on the step's next channel, else wait.")),
        (cap(per="week"),
         ("At most 3 messages in a week from Monday to Sunday; "
          "when full: wait until there is room.")),
    ],
)  # fmt: skip
def test_a_rule_is_a_sentence(rule: Cap, sentence: str) -> None:
    assert rule_sentence(rule, NAMES, WORDS) == sentence


@pytest.mark.parametrize(
    "rule",
    [
        cap(name="A", channels=["email"], keep={"slots": 1, "above_priority": 70}),
        cap(name="B", per="week", topics=["offers"], offers=["x", "y"], on_full="next_channel"),
        cap(name="C", per="90m", defer_at_most="1y", limit=0),
    ],
)
def test_a_form_says_the_rule_that_it_shows(rule: Cap) -> None:
    assert cap_of(form_of(rule), WORDS) == rule


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"name": ""}, "name"),
        ({"limit": "many"}, "limit"),
        ({"limit": "9" * 12}, "limit"),
        ({"per": "seven"}, "per"),
        ({"wait": "-1"}, "defer_at_most"),
        ({"offers": "two words"}, "offers"),
        ({"keep": "3"}, "keep"),
        ({"keep": "1", "above": "101"}, "keep"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(typed: dict[str, str], field: str) -> None:
    wrong = cap_of(RuleForm(**{"name": "N", **typed}), WORDS)  # type: ignore[arg-type]
    assert isinstance(wrong, dict)
    assert set(wrong) == {field}


def test_a_new_rule_gets_an_id_of_its_own() -> None:
    assert id_of("3 emails à la semaine!", set(), "rule") == "3-emails-a-la-semaine"
    assert id_of("3 a week", {"3-a-week", "3-a-week-2"}, "rule") == "3-a-week-3"
    assert id_of("…", {}, "rule") == "rule"


# Settings


def test_the_settings_form_says_the_settings_that_it_shows() -> None:
    workspace = Workspace.model_validate(
        {"country": "FR", "quiet_hours": {"sms": {"from": "21:00", "to": "08:00"}},
         "sms_stop": {"de": "Stopp mit STOP"}, "sms_cost": "0.07", "legal_hours": False}
    )  # fmt: skip
    changes, wrong = changes_of(settings_form_of(workspace), WORDS)
    assert not wrong
    assert Workspace.model_validate({**workspace.document(), **changes}) == workspace


def test_half_a_quiet_time_is_refused_at_its_channel() -> None:
    form = settings_form_of(Workspace())
    form = type(form)(quiet={"sms": ("21:00", ""), "push": ("8:00", "9:00"), "email": ("9:00", "9:00")},
                      country="Switzerland", sms_cost="cheap")  # fmt: skip
    _, wrong = changes_of(form, WORDS)
    assert set(wrong) == {"sms", "push", "email", "country", "sms_cost"}


# What they did


def test_the_chart_does_not_let_those_without_messages_hide_the_others() -> None:
    shown = gauge({0: 1000, 1: 10, 2: 5, 12: 1, 15: 1}, WORDS)
    assert [(bar.messages, bar.customers, bar.height) for bar in shown.bars[:3]] == [
        ("0", "1,000", 100), ("1", "10", 100), ("2", "5", 50)
    ]  # fmt: skip
    assert [bar.cut for bar in shown.bars[:3]] == [True, False, False]
    assert (shown.bars[-1].messages, shown.bars[-1].customers) == ("10 or more", "2")
    assert (shown.reached, shown.mean, shown.most) == ("17", "2.8", "15")


def test_a_shop_without_messages_has_a_chart() -> None:
    assert [bar.customers for bar in gauge({0: 3}, WORDS).bars] == ["3"]
    assert gauge({0: 0}, WORDS).customers == 0


def test_each_number_leads_to_its_messages() -> None:
    stopped = [
        Stopped(reason="cap", rule="r1", journey="a", how="deferred", messages=4),
        Stopped(reason="quiet_hours", rule=None, journey="a", how="skipped", messages=1),
    ]
    rows = held(stopped, NAMES, {"a": "Journey A"}, AT.date().replace(day=1), WORDS)
    assert [(row.name, row.journey) for row in rows] == [
        ("3 a week", "Journey A"), ("Quiet hours", "Journey A")
    ]  # fmt: skip
    assert rows[0].counts[0] == (
        "Put off", "4", "/messages?journey=a&rule=r1&from=2025-11-01&stopped=deferred"
    )  # fmt: skip
    assert rows[0].counts[1][1] == ""
