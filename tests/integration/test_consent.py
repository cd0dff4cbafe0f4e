"""What customers say they want, addresses that are suppressed, and the claims that obey."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from engine.flow.claim import Claimed, Rendered
from engine.flow.consent import (
    Proof,
    confirm,
    decline_everything,
    lift,
    say,
    start,
    stop,
    suppress,
)
from engine.flow.customers import CustomerRecord, put_customer
from engine.flow.history import Profile, add_customers
from engine.flow.publish import publish, save_journey
from engine.flow.topics import put_topic
from engine.model.actor import COMMAND_LINE
from engine.model.journey import Journey
from engine.model.topic import Topic
from engine.run.links import CONFIRM, Links
from engine.store import tables
from engine.store.session import Database
from tests.integration.test_claim import Story

LINKS = Links(base="https://shop.example", keys=("k" * 40,))
PAGE = Proof(how="page", source="/preferences", text_version="1")
NEWS = Topic(id="news", name="News", default="unsubscribed", double_opt_in=True)


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    """A shop whose journey sends offers, and Ada, who is in it."""
    database = Database(database_url)
    told = Story(database)
    told.set_up()
    put_topic(database, NEWS, actor=COMMAND_LINE)
    yield told
    database.close()


def ada(story: Story) -> Any:
    return story.rows(tables.customer)[0]


def records(story: Story) -> list[Any]:
    return sorted(story.rows(tables.consent), key=lambda row: row.id)


def named(story: Story, name: str) -> list[dict[str, Any]]:
    rows = story.rows(tables.event, tables.event.c.name == name)
    return [row.properties for row in sorted(rows, key=lambda row: row.seq)]


def decline(story: Story, **proof: Any) -> list[UUID]:
    said: Any = Proof(how="link", **proof)
    changes: Any = {("offers", "email"): "unsubscribed"}
    return say(story.database, ada(story).id, changes, said)[0]


def test_what_she_says_is_kept_with_its_proof(story: Story) -> None:
    story.go()
    message = story.message().id
    assert decline(story, source="/u", text_version="7", message=message) == []
    assert ada(story).consent == {"offers": {"email": "unsubscribed"}}
    (row,) = records(story)
    assert (row.topic, row.channel, row.state, row.how, row.source, row.text_version) == (
        "offers", "email", "unsubscribed", "link", "/u", "7",
    )  # fmt: skip
    assert row.message_id == message
    assert story.message().unsubscribed_at == row.at
    assert named(story, "Unsubscribed") == [
        {"topic": "offers", "channel": "email", "message": str(message)}
    ]


def test_saying_it_again_is_no_news(story: Story) -> None:
    decline(story)
    decline(story)
    assert len(records(story)) == len(named(story, "Unsubscribed")) == 1


def test_after_it_nothing_is_claimed(story: Story) -> None:
    story.go()
    decline(story)
    assert not isinstance(story.claim(), Claimed)
    assert story.states()[-1] == ("skipped", "not_subscribed")


def test_what_was_under_way_is_named_in_the_record(story: Story) -> None:
    story.go()
    claimed = story.claim()
    assert isinstance(claimed, Claimed)
    assert decline(story) == [claimed.message]
    assert records(story)[0].data == {"under_way": [str(claimed.message)]}


def test_a_journey_can_await_it(story: Story) -> None:
    journey = {
        "id": "farewell", "name": "f", "entry": {"on": {"event": "Unsubscribed",
        "where": {"property": "topic", "eq": "offers"}}},
        "steps": [{"id": "rest", "type": "wait", "for": "1d"}],
    }  # fmt: skip
    save_journey(story.database, Journey.model_validate(journey), actor=COMMAND_LINE)
    publish(story.database, "farewell", actor=COMMAND_LINE)
    changes: Any = {("offers", "email"): "unsubscribed"}
    _, wakes = say(story.database, ada(story).id, changes, PAGE)
    assert [wake.journey for wake in wakes] == ["farewell"]


def test_a_topic_may_ask_for_confirmation(story: Story) -> None:
    who = ada(story).id
    say(story.database, who, {("news", "email"): "subscribed"}, PAGE, links=LINKS)
    assert ada(story).consent["news"] == {"email": "pending"}
    (asked,) = named(story, "Subscription Requested")
    assert asked["topic_name"] == "News"
    link = LINKS.read(CONFIRM, asked["confirm_url"].rpartition("/")[2])
    assert link is not None
    assert (link.customer, link.topic, link.channel) == (who, "news", "email")
    state, _ = confirm(story.database, who, "news", "email", PAGE)
    assert state == "subscribed"
    assert ada(story).consent["news"] == {"email": "subscribed"}
    assert [row.state for row in records(story)] == ["pending", "subscribed"]


def test_an_old_confirmation_brings_nobody_back(story: Story) -> None:
    who = ada(story).id
    say(story.database, who, {("news", "email"): "subscribed"}, PAGE)
    say(story.database, who, {("news", "email"): "unsubscribed"}, PAGE)
    assert confirm(story.database, who, "news", "email", PAGE)[0] == "unsubscribed"
    assert ada(story).consent["news"] == {"email": "unsubscribed"}


def test_everything_means_topics_to_come_too(story: Story) -> None:
    story.go()
    decline_everything(story.database, ada(story).id, PAGE)
    assert not isinstance(story.claim(), Claimed)
    put_topic(story.database, Topic(id="later", name="Later"), actor=COMMAND_LINE)
    consent = ada(story).consent
    assert set(consent) == {"*", "news", "offers"}
    say(story.database, ada(story).id, {("offers", "email"): "subscribed"}, PAGE)
    story.go(2)
    assert isinstance(story.claim(2), Claimed)


def suppressed(story: Story) -> dict[str, str]:
    return {channel: told["reason"] for channel, told in ada(story).suppressed.items()}


def test_a_suppressed_address_is_not_written_to(story: Story) -> None:
    story.go()
    assert suppress(story.database, "email", "ADA@example.com", "bounced") == [ada(story).id]
    assert suppressed(story) == {"email": "bounced"}
    assert not isinstance(story.claim(), Claimed)
    assert story.states()[-1] == ("skipped", "suppressed")


def test_lifting_lets_it_be_written_to_again(story: Story) -> None:
    suppress(story.database, "email", "ada@example.com", "bounced")
    assert lift(story.database, "email", "ada@example.com") == [ada(story).id]
    assert suppressed(story) == {}
    assert lift(story.database, "email", "ada@example.com") == []
    story.go()
    assert isinstance(story.claim(), Claimed)


def test_a_stop_ends_sms_and_the_channel_it_came_by(story: Story) -> None:
    stop(story.database, "+41790000000", "whatsapp")
    assert suppressed(story) == {"sms": "stop", "whatsapp": "stop"}
    start(story.database, "+41790000000", "sms")
    assert suppressed(story) == {"whatsapp": "stop"}


def test_an_address_is_marked_when_a_customer_gets_it(story: Story) -> None:
    suppress(story.database, "email", "Bad@Example.com", "complained")
    story.track("Customer Identified", kind="identify", traits={"email": "bad@example.com"})
    assert ada(story).suppressed == {
        "email": {"address": "bad@example.com", "reason": "complained"}
    }
    story.go()
    assert not isinstance(story.claim(rendered=Rendered(to="bad@example.com")), Claimed)
    story.track("Customer Identified", kind="identify", traits={"email": "new@example.com"})
    assert suppressed(story) == {}


@pytest.mark.parametrize("way", ["api", "import", "import of a known one"])
def test_whichever_way_the_address_comes(story: Story, way: str) -> None:
    suppress(story.database, "sms", "+41780000000", "stop")
    addresses = {"phone": "+41780000000"}
    if way == "api":
        put_customer(story.database, "external_id:eve", CustomerRecord(addresses=addresses))
    else:
        who = "ada" if way == "import of a known one" else "eve"
        profile = Profile(identities=(("external_id", who),), addresses=addresses)
        add_customers(story.database, [profile])
    marked = [row.suppressed for row in story.rows(tables.customer) if row.suppressed]
    assert marked == [{"sms": {"address": "+41780000000", "reason": "stop"}}]


def test_publishing_defines_the_topics_it_sends(story: Story) -> None:
    (row,) = story.rows(tables.topic, tables.topic.c.id == "offers")
    assert row.document == {"id": "offers", "name": "offers"}
