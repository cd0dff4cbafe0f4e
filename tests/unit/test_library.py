"""The library's journeys, told as stories on the pure machine, and their templates."""

from datetime import timedelta
from typing import Any

import pytest

import journeys
from activities.rendering import render
from engine.compile.validate import Known, check
from engine.model.document import dump_journey, parse_journey
from engine.run.entry import Refused
from parcours.demo.load import journey_texts, shop_templates
from tests.stories import Story

EVERYTHING = [*(journeys.text(name) for name in journeys.names()), journey_texts()[0]]


@pytest.mark.parametrize("text", EVERYTHING)
def test_a_journey_is_sound_and_survives_a_round_trip(text: str) -> None:
    journey = parse_journey(text)
    segments = {id: one.taken("en") for id, one in journeys.segments().items()}
    known = Known(journeys.templates() | shop_templates(), segments)
    assert check(journey, known) == []
    assert parse_journey(dump_journey(journey)) == journey


def test_every_template_of_the_library_is_used() -> None:
    used: set[str] = set()
    for name in journeys.names():
        used |= journeys.used(parse_journey(journeys.text(name)).steps).keys()
    assert used == journeys.templates().keys()


@pytest.mark.parametrize("template", [*journeys.templates().values(), *shop_templates().values()])
def test_a_template_can_be_rendered_with_nothing_and_with_everything(template: Any) -> None:
    assert {"en", "fr"} <= template.locales.keys()
    full = {
        "customer": {
            "first_name": "Zoé <b>",
            "favourite_category": "Fish & chips",
            "referral_url": "https://shop.example.com/r/1",
        },
        "shop": {"name": "Panier & Co", "currency": "CHF"},
        "event": {
            "name": "Gruyère & Cie",
            "price": 14.9,
            "quantity": 2,
            "order_id": "77",
            "url": "https://shop.example.com/p?a=1&b=2",
            "cart_url": "https://shop.example.com/cart",
            "image_url": "https://shop.example.com/p.png",
            "old_price": 19.9,
            "why": "asked",
            "link": "https://shop.example.com/p?a=1&b=2",
            "picture": "https://shop.example.com/p.png",
            "products": [{"category": "Cheese"}],
        },
        "offer_help": True,
        "warm": True,
        "shop_url": "https://shop.example.com",
        "discount": 15,
    }
    for content in template.locales.values():
        for variables in ({}, full):
            made = render(content, template.channel, variables)
            everything = f"{made.subject} {made.body} {made.text}"
            assert "{{" not in everything
            assert "{%" not in everything
            assert "<mjml" not in made.body
            # Whatever a mail program fetches on its own tells the sender's partners who reads.
            assert "fonts.googleapis" not in made.body
            assert "<b>" not in made.body
            if template.channel == "email":
                assert made.subject
                assert made.subject.strip()


@pytest.mark.parametrize("odd", ["12.50", "abc", [1], {"a": 1}, True, None, -3, 1e18])
def test_what_a_shop_sends_by_mistake_stops_no_message(odd: Any) -> None:
    names = ("name", "price", "quantity", "currency", "url", "order_id", "products", "old_price",
             "link", "picture", "why")  # fmt: skip
    told = ("first_name", "favourite_category", "referral_url")
    variables = {"event": dict.fromkeys(names, odd), "customer": dict.fromkeys(told, odd)}
    for template in journeys.templates().values():
        for content in template.locales.values():
            assert render(content, template.channel, variables).body


def test_an_abandoned_cart_brings_an_email_and_next_morning_a_nudge() -> None:
    story = Story(journeys.text("abandoned-cart"))
    story.does("Product Added", name="Shoes", price=120)
    assert story.waits() == timedelta(hours=1)
    assert story.sent == ["reminder by email"]
    assert story.waits() == timedelta(hours=20)
    story.waits()
    assert (story.now.hour, story.sent[1:]) == (9, ["nudge by sms"])  # ten in Zurich
    assert story.ended == "completed"


def test_whoever_buys_hears_no_more_of_the_cart() -> None:
    for waits in range(3):
        story = Story(journeys.text("abandoned-cart"))
        story.does("Product Added")
        for _ in range(waits):
            story.waits()
        sent = list(story.sent)
        story.does("Order Completed", total=120)
        assert story.ended == "purchased"
        assert story.sent == sent
        assert story.state is not None
        assert story.state.goal_at is not None
        assert story.state.goal_revenue == 120


def test_whoever_is_back_at_the_checkout_gets_time_and_no_nudge() -> None:
    story = Story(journeys.text("abandoned-cart"))
    story.does("Product Added")
    story.waits()
    story.does("Checkout Started")
    assert story.waits() == timedelta(hours=3)
    assert story.ended == "came back"
    assert story.sent == ["reminder by email"]


def test_nobody_is_chased_who_has_just_bought_or_has_no_email() -> None:
    story = Story(journeys.text("abandoned-cart"))
    story.does("Order Completed")
    refused = story.does("Product Added")
    assert isinstance(refused, Refused)
    assert refused.reason == "condition"
    unreachable = Story(journeys.text("abandoned-cart"), addresses={})
    assert isinstance(unreachable.does("Product Added"), Refused)


def test_push_is_tried_before_sms() -> None:
    addresses = {"email": "a@example.com", "phone": "+33639980000", "push": ["token"]}
    story = Story(journeys.text("abandoned-cart"), addresses=addresses)
    story.does("Product Added")
    for _ in range(3):
        story.waits()
    assert story.sent == ["reminder by email", "nudge by push"]


def second_purchase(total: float) -> Story:
    story = Story(journeys.text("second-purchase"))
    story.does("Order Completed", total=total)
    assert story.waits() == timedelta(days=3)
    assert story.sent == ["thanks by email"]
    assert story.waits() == timedelta(days=11)
    story.waits()
    assert story.now.weekday() in {1, 2, 3}
    return story


def test_a_large_first_order_brings_ideas_and_a_last_word_to_whoever_looks() -> None:
    story = second_purchase(200)
    assert story.sent[1:] == ["ideas-large by email"]
    story.does("Product Viewed")
    assert story.waits() == timedelta(days=2)
    assert story.sent[2:] == ["last-word by email"]
    assert story.ended == "completed"


def test_half_of_the_small_first_orders_bring_a_voucher() -> None:
    seen = {}
    for number in range(1, 30):
        story = Story(journeys.text("second-purchase"), number=number)
        story.does("Order Completed", total=20)
        if story.state is not None and story.state.held_out:
            continue
        for _ in range(3):
            story.waits()
        seen[story.sent[1]] = story
        assert story.waits() == timedelta(days=10)
        assert story.ended == "no interest shown"
    assert seen.keys() == {"ideas-small by email", "offer by email"}


def test_only_the_first_order_counts_and_the_second_ends_it() -> None:
    story = Story(journeys.text("second-purchase"))
    story.does("Order Completed", total=20)
    story.waits()
    story.does("Order Completed", total=35)
    assert story.ended == "bought again"
    assert story.state is not None
    assert story.state.goal_revenue == 35
    later = story.does("Order Completed", total=10)
    assert isinstance(later, Refused)


def test_the_demo_greets_at_once_and_only_its_own_customers() -> None:
    text = journey_texts()[0]
    assert isinstance(Story(text).does("Signed In"), Refused)
    story = Story(text, traits={"demo": True})
    story.does("Signed In")
    assert story.sent == ["greeting by email"]
    story.does("Product Added")
    assert story.ended == "put something into the basket"


def test_a_welcome_ends_with_a_reason_to_buy() -> None:
    story = Story(journeys.text("welcome"))
    story.does("Signed Up")
    assert story.sent == ["hello by email"]
    assert story.waits() == timedelta(days=2)
    assert story.waits() == timedelta(days=3)
    assert story.sent[1:] == ["about-us by email", "reason-to-buy by email"]
    assert story.ended == "completed"


def test_a_first_order_ends_the_welcome_and_an_earlier_one_forestalls_it() -> None:
    story = Story(journeys.text("welcome"))
    story.does("Signed Up")
    story.waits()
    story.does("Order Completed", total=40)
    assert (story.ended, story.sent[1:]) == ("purchased", ["about-us by email"])
    assert story.state is not None
    assert story.state.goal_revenue == 40
    guest = Story(journeys.text("welcome"))
    guest.does("Order Completed", total=40)
    assert isinstance(guest.does("Signed Up"), Refused)


def test_an_order_is_followed_by_thanks_a_tip_and_a_question() -> None:
    story = Story(journeys.text("post-purchase"))
    story.does("Order Completed", order_id="77", total=40)
    assert story.sent == ["thanks by email"]
    assert story.waits() + story.waits() == timedelta(days=14)
    assert story.sent[1:] == ["care-tip by email", "ask-for-review by email"]
    assert story.ended == "completed"


def test_nobody_is_asked_for_a_review_of_what_was_refunded() -> None:
    story = Story(journeys.text("post-purchase"))
    story.does("Order Completed", order_id="77", total=40)
    story.waits()
    story.does("Order Refunded", order_id="77")
    assert (story.ended, story.sent[1:]) == ("refunded", ["care-tip by email"])
