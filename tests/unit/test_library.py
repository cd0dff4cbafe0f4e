"""The library's journeys, told as stories on the pure machine, and their templates."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

import journeys
from activities.rendering import render
from engine.compile.compiler import compile as compile_journey
from engine.compile.validate import Known, check
from engine.model.customer import Customer
from engine.model.document import dump_journey, parse_journey
from engine.model.event import Event
from engine.run import entry
from engine.run.changes import updated
from engine.run.entry import Opened, PastRuns, Refused
from engine.run.machine import Machine
from engine.run.state import (
    Deliver,
    Entered,
    Exit,
    Happened,
    Settled,
    State,
    TimeReached,
    Update,
    Wait,
)
from engine.run.world import MemoryWorld
from parcours.demo.load import journey_texts, shop_templates

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
EVERYTHING = [*(journeys.text(name) for name in journeys.names()), journey_texts()[0]]
ZONE = "Europe/Zurich"


class Story:
    """A customer's way through a journey, on a clock that waits for nobody."""

    def __init__(self, text: str, *, number: int = 1, **customer: Any) -> None:
        self.machine = Machine(compile_journey(parse_journey(text)))
        given = {"addresses": {"email": "a@example.com", "phone": "+33639980000"}, **customer}
        self.customer = Customer(id=UUID(int=number), **given)
        self.now, self.seq = MONDAY, 0
        self.history: list[Event] = []
        self.state: State | None = None
        self.command: Any = None
        self.sent: list[str] = []

    def world(self) -> MemoryWorld:
        return MemoryWorld(
            now=self.now, seq=self.seq, zone=ZONE, customer=self.customer, history=self.history
        )

    def does(self, name: str, /, **properties: Any) -> Opened | Refused | None:
        """Let an event happen: to the run, and to the entry when there is no run."""
        self.now += timedelta(seconds=1)
        self.seq += 1
        event = Event(
            id=UUID(int=self.seq),
            seq=self.seq,
            name=name,
            properties=properties,
            occurred_at=self.now,
            received_at=self.now,
        )
        self.history.append(event)
        if self.state is not None and self.state.ended is None:
            self._take(Happened(seq=self.seq, at=self.now, event=event))
            return None
        if not entry.triggers(self.machine.plan, event, self.world()):
            return None
        decided = entry.decide(self.machine.plan, event, self.world(), PastRuns())
        if isinstance(decided, Opened):
            self.state = State(
                run=UUID(int=7),
                customer=self.customer.id,
                entered_at=self.now,
                entry=properties,
                held_out=decided.held_out,
            )
            self._take(Entered(seq=self.seq, at=self.now))
        return decided

    def _take(self, given: Any) -> None:
        assert self.state is not None
        self._advance(given)
        while isinstance(self.command, Deliver):
            self.sent.append(f"{self.command.step} by {self.command.channel}")
            self.seq += 1
            settled = Settled(
                seq=self.seq,
                at=self.now,
                step=self.command.step,
                visit=self.command.visit,
                outcome="sent",
                since=self.seq,
            )
            self._advance(settled)

    def _advance(self, given: Any) -> None:
        assert self.state is not None
        world = self.world()
        advanced = self.machine.advance(self.state, given, world)
        self.state, self.command = advanced.state, advanced.command
        for effect in advanced.effects:
            if isinstance(effect, Update):
                self.customer = updated(world, effect)

    def waits(self) -> timedelta:
        """Let the awaited time come, and return how long that took."""
        assert isinstance(self.command, Wait)
        began, self.now = self.now, self.command.until
        self.seq += 1
        self._take(TimeReached(seq=self.seq, at=self.now))
        return self.now - began

    @property
    def ended(self) -> str | None:
        """Why it ended."""
        return self.command.reason if isinstance(self.command, Exit) else None


@pytest.mark.parametrize("text", EVERYTHING)
def test_a_journey_is_sound_and_survives_a_round_trip(text: str) -> None:
    journey = parse_journey(text)
    known = Known(journeys.templates() | shop_templates())
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
        "customer": {"first_name": "Zoé <b>"},
        "shop": {"name": "Panier & Co", "currency": "CHF"},
        "event": {
            "name": "Gruyère & Cie",
            "price": 14.9,
            "quantity": 2,
            "order_id": "77",
            "url": "https://shop.example.com/p?a=1&b=2",
            "cart_url": "https://shop.example.com/cart",
            "image_url": "https://shop.example.com/p.png",
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
    names = ("name", "price", "quantity", "currency", "url", "order_id", "products")
    variables = {"event": dict.fromkeys(names, odd), "customer": {"first_name": odd}}
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


def test_ten_birthdays_bring_a_gift_a_week_before_and_a_greeting_on_the_day() -> None:
    story = Story(journeys.text("birthday"), traits={"birth_date": "1992-02-29"})
    story.does("Signed Up")
    days = []
    while story.ended is None:
        story.waits()
        days.append((story.now.astimezone(ZoneInfo(ZONE)), len(story.sent)))
    assert story.sent == ["gift by email", "greeting by sms"] * 10
    # She signs up after this year's birthday: the second that is kept is in 2028, a leap year.
    gift, greeting = days[3][0], days[4][0]
    assert (gift.isoformat(), days[3][1]) == ("2028-02-22T09:00:00+01:00", 3)
    assert (greeting.isoformat(), days[4][1]) == ("2028-02-29T09:00:00+01:00", 4)


def test_a_date_of_birth_that_is_missing_or_no_date_brings_no_gift() -> None:
    unknown = Story(journeys.text("birthday"))
    assert isinstance(unknown.does("Signed Up"), Refused)
    odd = Story(journeys.text("birthday"), traits={"birth_date": "in spring"})
    odd.does("Signed Up")
    while odd.ended is None:
        odd.waits()
    assert odd.sent == []


def test_whoever_stays_away_gets_three_waves_and_is_noted_as_dormant() -> None:
    story = Story(journeys.text("win-back"))
    story.does("Order Completed", total=40)
    assert story.customer.traits["lifecycle"] == "active"
    gaps = [story.waits() for _ in range(4)]
    assert gaps == [timedelta(days=n) for n in (60, 15, 15, 15)]
    assert story.sent == [
        f"{step} by email" for step in ("first-wave", "stronger-offer", "last-question")
    ]
    assert story.ended == "completed"
    assert story.customer.traits["lifecycle"] == "dormant"


def test_an_order_ends_a_wave_and_is_the_goal() -> None:
    story = Story(journeys.text("win-back"))
    story.does("Order Completed", total=40)
    story.waits()
    story.does("Order Completed", total=55)
    assert (story.ended, story.sent) == ("bought again", ["first-wave by email"])
    assert story.state is not None
    assert story.state.goal_revenue == 55
