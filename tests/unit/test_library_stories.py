"""The library's journeys for occasions and for segments: the main way, the purchase, the silence."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import journeys
from engine.run.entry import Opened, Refused
from tests.stories import ZONE, Story

DAYS = timedelta(days=1)


def story(name: str, **customer: Any) -> Story:
    return Story(journeys.text(name), **customer)


def opened(told: Opened | Refused | None) -> None:
    assert isinstance(told, Opened)
    assert not told.held_out


def refused(told: Opened | Refused | None, reason: str) -> None:
    assert isinstance(told, Refused)
    assert told.reason == reason


def bought(told: Story, total: float, reason: str) -> None:
    """Let her buy, which ends it, and see that the journey takes the credit."""
    sent = [*told.sent]
    told.does("Order Completed", order_id="77", total=total)
    assert (told.ended, told.sent) == (reason, sent)
    assert told.state is not None
    assert told.state.goal_revenue == total


# Birthday


def test_a_birthday_brings_a_gift_a_week_before_and_a_greeting_on_the_day() -> None:
    leap = story("birthday", traits={"birth_date": "1992-02-29"})
    opened(leap.date_comes())
    day = leap.now.astimezone(ZoneInfo(ZONE))
    assert (day.isoformat(), leap.sent) == ("2027-02-21T09:00:00+01:00", ["gift by email"])
    leap.waits()
    day = leap.now.astimezone(ZoneInfo(ZONE))
    # The year has no 29th.
    assert (day.isoformat(), leap.sent[1:]) == ("2027-02-28T09:00:00+01:00", ["greeting by sms"])
    assert leap.ended == "completed"


def test_a_birthday_that_was_ordered_for_is_greeted_all_the_same() -> None:
    told = story("birthday", traits={"birth_date": "1990-05-17"})
    opened(told.date_comes())
    told.does("Order Completed", total=60)
    assert told.ended is None
    told.waits()
    assert told.sent == ["gift by email", "greeting by sms"]
    assert told.state is not None
    assert told.state.goal_revenue == 60


def test_each_year_has_one_birthday_even_when_its_date_is_put_right() -> None:
    told = story("birthday", traits={"birth_date": "1990-05-17"})
    opened(told.date_comes())
    told.waits()
    told.customer.traits["birth_date"] = "1990-07-17"
    refused(told.date_comes(), "cooldown")
    opened(told.date_comes())
    assert told.now.year == 2027


def test_a_date_of_birth_that_is_missing_or_no_date_brings_nothing() -> None:
    assert story("birthday").date_comes() is None
    assert story("birthday", traits={"birth_date": "in spring"}).date_comes() is None


def test_a_gift_that_comes_after_the_day_is_not_followed_by_a_greeting_a_year_later() -> None:
    told = story("birthday", traits={"birth_date": "1990-05-17"}, takes=8 * DAYS)
    opened(told.date_comes())
    assert (told.sent, told.ended) == (["gift by email"], "completed")


# Replenishment


def test_when_her_usual_day_has_come_she_is_reminded_twice_at_most() -> None:
    told = story("replenishment", number=2)
    opened(told.comes_into("due-again"))
    assert told.sent == ["reminder by email"]
    assert told.waits() == 4 * DAYS
    assert told.sent[1:] == ["nudge by sms"]
    assert told.ended == "completed"
    refused(told.comes_into("due-again"), "cooldown")


def test_whoever_orders_again_is_reminded_no_more() -> None:
    told = story("replenishment", number=2)
    opened(told.comes_into("due-again"))
    bought(told, 40, "bought again")


def test_whoever_looks_around_after_the_reminder_is_left_to_decide() -> None:
    told = story("replenishment", number=2)
    opened(told.comes_into("due-again"))
    told.does("Product Viewed")
    assert told.waits() == 3 * DAYS
    assert (told.ended, told.sent) == ("has looked around", ["reminder by email"])


# Win back


def test_whoever_is_dormant_gets_three_waves() -> None:
    told = story("win-back", number=3)
    opened(told.comes_into("dormant"))
    assert [told.waits(), told.waits()] == [15 * DAYS, 15 * DAYS]
    steps = ("first-wave", "stronger-offer", "last-question")
    assert told.sent == [f"{step} by email" for step in steps]
    assert told.ended == "completed"
    told.past_by(170 * DAYS)
    refused(told.comes_into("dormant"), "cooldown")
    told.past_by(10 * DAYS)
    opened(told.comes_into("dormant"))


def test_an_order_ends_the_waves_and_is_the_goal() -> None:
    told = story("win-back", number=3)
    opened(told.comes_into("dormant"))
    bought(told, 55, "bought again")
    assert told.sent == ["first-wave by email"]


def test_no_other_segment_opens_it_and_nobody_without_an_address() -> None:
    assert story("win-back", number=3).comes_into("lost") is None
    refused(story("win-back", addresses={}).comes_into("dormant"), "condition")


# VIP and ambassador


def vip_asked() -> Story:
    told = story("vip", number=3)
    opened(told.comes_into("vip"))
    assert told.sent == ["thanks by email"]
    assert told.waits() == 14 * DAYS
    told.waits()
    assert told.now.astimezone(ZoneInfo(ZONE)).hour == 10
    assert told.now.weekday() in {1, 2, 3}
    assert told.sent[1:] == ["ask by email"]
    return told


def test_a_vip_who_follows_the_link_is_an_ambassador() -> None:
    told = vip_asked()
    told.answers("Message Clicked", "ask")
    assert (told.ended, told.sent[2:]) == ("completed", ["welcome by email"])
    assert told.customer.traits["ambassador"] is True
    refused(told.comes_into("vip"), "once")


def test_a_vip_who_does_not_answer_is_asked_once() -> None:
    told = vip_asked()
    told.answers("Message Clicked", "thanks")
    assert told.waits() > 13 * DAYS
    assert (told.ended, told.sent[2:]) == ("did not answer", [])
    assert "ambassador" not in told.customer.traits


def test_a_purchase_of_a_vip_counts_and_ends_nothing() -> None:
    told = story("vip", number=3)
    opened(told.comes_into("vip"))
    told.does("Order Completed", total=300)
    assert told.ended is None
    assert told.state is not None
    assert told.state.goal_revenue == 300


@pytest.mark.parametrize(
    ("event", "properties", "reason"),
    [
        ("Order Refunded", {"order_id": "1"}, "refunded"),
        ("Segment Left", {"segment": "vip"}, "no VIP any more"),
        ("Segment Left", {"segment": "loyal"}, None),
    ],
)
def test_no_favour_is_asked_of_whom_it_would_annoy(
    event: str, properties: dict[str, str], reason: str | None
) -> None:
    told = story("vip", number=3)
    opened(told.comes_into("vip"))
    told.does(event, **properties)
    assert told.ended == reason


# Back in stock


def test_whoever_asked_is_told_at_once_that_it_is_back() -> None:
    told = story("back-in-stock")
    opened(told.does("Product Back In Stock", sku="a", why="asked"))
    assert (told.sent, told.ended) == (["tell by email"], "completed")
    refused(told.does("Product Back In Stock", sku="a", why="asked"), "cooldown")


def test_whoever_only_looked_is_told_in_passing() -> None:
    told = story("back-in-stock")
    opened(told.does("Product Back In Stock", sku="a", why="viewed"))
    assert (told.sent, told.ended) == (["mention by email"], "completed")


@pytest.mark.parametrize("name", ["back-in-stock", "price-drop"])
def test_whoever_buys_while_it_waits_for_the_morning_hears_nothing(name: str) -> None:
    told = story(name, number=2, holds=("mention", "tell"))
    event = "Price Dropped" if name == "price-drop" else "Product Back In Stock"
    opened(told.does(event, sku="a", why="viewed"))
    bought(told, 25, "purchased")
    assert told.sent == []


# Price drop


def test_a_lower_price_is_told_once() -> None:
    told = story("price-drop", number=2)
    opened(told.does("Price Dropped", sku="a", price=9.9, old_price=12, why="viewed"))
    assert (told.sent, told.ended) == (["tell by email"], "completed")
    told.past_by(29 * DAYS)
    refused(told.does("Price Dropped", sku="a", price=8, old_price=9.9), "cooldown")


def test_nobody_is_told_what_she_could_have_saved() -> None:
    told = story("price-drop")
    told.does("Order Completed", total=12)
    refused(told.does("Price Dropped", sku="a", price=9.9, old_price=12), "condition")
    told.past_by(3 * DAYS)
    opened(told.does("Price Dropped", sku="a", price=9.9, old_price=12))


# Browse abandonment


def test_a_second_look_brings_one_reminder() -> None:
    told = story("browse-abandonment", number=2)
    refused(told.does("Product Viewed", name="Shoes"), "condition")
    told.past_by(2 * DAYS)
    opened(told.does("Product Viewed", name="Shoes"))
    assert told.waits() == timedelta(hours=4)
    assert told.sent == ["reminder by email"]
    assert told.waits() == 3 * DAYS
    assert told.ended == "completed"
    told.past_by(10 * DAYS)
    told.does("Product Viewed")
    refused(told.does("Product Viewed"), "cooldown")


@pytest.mark.parametrize(
    ("event", "reason"),
    [("Order Completed", "purchased"), ("Product Added", "put something into the basket")],
)
def test_whoever_makes_up_her_mind_is_not_reminded(event: str, reason: str) -> None:
    told = story("browse-abandonment", number=2)
    told.does("Product Viewed")
    opened(told.does("Product Viewed"))
    told.does(event, total=30)
    assert (told.ended, told.sent) == (reason, [])


@pytest.mark.parametrize("event", ["Order Completed", "Product Added"])
def test_whoever_has_just_bought_or_chosen_may_look_around_in_peace(event: str) -> None:
    told = story("browse-abandonment", number=2)
    told.does(event)
    told.does("Product Viewed")
    refused(told.does("Product Viewed"), "condition")


# Sunset


def test_whoever_does_not_answer_is_left_in_peace_on_email_alone() -> None:
    told = story("sunset")
    opened(told.comes_into("unresponsive"))
    assert told.sent == ["question by email"]
    assert told.waits() == 21 * DAYS
    assert told.ended == "completed"
    assert told.customer.consent == {
        topic: {"email": "unsubscribed"}
        for topic in ("news", "offers", "baskets", "advice", "alerts")
    }
    assert told.customer.traits["lifecycle"] == "unresponsive"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("Message Clicked", "wants to stay"),
        ("Message Opened", "still reads"),
        ("Subscribed", "has chosen what she gets"),
        ("Product Viewed", "visits the shop"),
        ("Order Completed", "bought again"),
    ],
)
def test_whoever_gives_a_sign_of_life_stays(answer: str, reason: str) -> None:
    told = story("sunset")
    opened(told.comes_into("unresponsive"))
    told.answers(answer, "question")
    assert (told.ended, told.customer.consent) == (reason, {})


def test_a_question_that_could_not_be_asked_ends_nothing() -> None:
    told = story("sunset", skips=("question",))
    opened(told.comes_into("unresponsive"))
    told.waits()
    assert (told.ended, told.customer.consent) == ("completed", {})


def test_sunset_ends_every_topic_of_the_library() -> None:
    from engine.flow.publish import topics_of
    from engine.model.document import parse_journey

    every = {
        topic
        for name in journeys.names()
        for topic in topics_of(parse_journey(journeys.text(name)))
    }
    told = story("sunset")
    opened(told.comes_into("unresponsive"))
    told.waits()
    assert told.customer.consent.keys() == every
