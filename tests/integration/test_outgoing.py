"""The shop's web addresses are told, signed, once more after failures, and nothing else."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from engine.flow import outgoing
from engine.model.hook import Hook
from engine.store import hooks, tables
from engine.store.session import Database
from tests.doubles.server import Double, Order, Reply, Request, broken
from tests.integration.test_claim import Story
from workers.outgoing import Outgoing


class Shop(Double):
    """A shop's web address."""

    sending = "/told"

    def answer(self, request: Request) -> Reply:
        assert request.content_type == "application/json"
        return Reply(status=204)

    def problem(self, status: int) -> Any:
        return {"status": status}

    def names(self) -> list[str]:
        """What it was told, in order."""
        return [request.json["type"] for request in self.requests]


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    database = Database(database_url)
    yield Story(database)
    database.close()


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop() as opened:
        yield opened


def listen(story: Story, url: str, *events: str, id: str = "h", active: bool = True) -> str:
    """Put a hook; return its secret."""
    secret = outgoing.new_secret()
    hook = Hook(id=id, url=url, events=events or ("*",), active=active)
    story.put(lambda c: hooks.put(c, hook, secret))
    return secret


def post(story: Story, *, allow_private: bool = True) -> None:
    """Post what is due."""

    async def once() -> None:
        loop = Outgoing(story.database, allow_private=allow_private)
        await loop.round()
        await loop.settled()

    asyncio.run(once())


def pending(story: Story) -> list[Any]:
    return story.rows(tables.hook_delivery, tables.hook_delivery.c.ended_at.is_(None))


def make_due(story: Story) -> None:
    story.put(lambda c: c.execute(text("UPDATE hook_delivery SET due_at = now()")))


def test_what_happened_is_told_signed_by_the_specification(story: Story, shop: Shop) -> None:
    story.set_up()
    secret = listen(story, shop.url + "/told")
    story.go()
    story.record(story.claim())
    post(story)
    assert sorted(shop.names()) == ["Journey Entered", "Message Sent"]
    for request in shop.requests:
        name, at = request.headers["webhook-id"], request.headers["webhook-timestamp"]
        key = base64.b64decode(secret.removeprefix("whsec_"))
        content = name.encode() + b"." + at.encode() + b"." + request.body
        signature = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
        assert request.headers["webhook-signature"] == f"v1,{signature}"
    told = next(r.json for r in shop.requests if r.json["type"] == "Message Sent")
    assert told["data"]["message"] == str(story.message().id)
    assert told["data"]["external_id"] == "ada"
    assert {told["data"][k] for k in ("journey", "step", "channel")} == {"j", "mail", "email"}
    assert "ada@example.com" not in str(told)
    post(story)
    assert len(shop.requests) == 2


def test_a_hook_is_told_what_it_wants_alone(story: Story, shop: Shop) -> None:
    story.set_up()
    listen(story, shop.url + "/told", "Journey Ended")
    listen(story, shop.url + "/told", id="off", active=False)
    story.go()
    story.track("Order Completed")
    post(story)
    assert shop.names() == ["Journey Ended"]
    assert shop.requests[0].json["data"]["reason"] == "purchased"


def test_without_a_hook_nothing_is_kept(story: Story) -> None:
    story.set_up()
    story.go()
    assert story.rows(tables.hook_delivery) == []


def test_what_was_not_taken_is_told_again(story: Story, shop: Shop) -> None:
    story.set_up()
    listen(story, shop.url + "/told", "Journey Entered")
    shop.order(broken(500))
    story.go()
    post(story)
    (row,) = pending(story)
    assert (row.attempts, row.status, row.problem) == (1, 500, "it answered 500")
    wait = (row.due_at - row.created_at).total_seconds()
    assert 5 <= wait < 60
    post(story)
    assert len(shop.requests) == 1  # its time has not come
    make_due(story)
    post(story)
    assert pending(story) == []
    first, second = (request.headers["webhook-id"] for request in shop.requests)
    assert first == second


def test_after_three_days_it_is_given_up_on(story: Story, shop: Shop) -> None:
    story.set_up()
    listen(story, shop.url + "/told", "Journey Entered")
    shop.always = Order(status=503)
    story.go()
    attempts = len(outgoing.AGAIN_AFTER) + 1
    for _ in range(attempts):
        make_due(story)
        post(story)
    (row,) = story.rows(tables.hook_delivery)
    assert row.ended_at is not None
    assert row.problem == f"given up after {attempts} attempts: it answered 503"
    assert timedelta(days=2, hours=22) < sum(outgoing.AGAIN_AFTER, timedelta()) < timedelta(days=3)


def test_a_hook_that_is_gone_is_told_nothing_more(story: Story, shop: Shop) -> None:
    story.set_up()
    listen(story, shop.url + "/told", "Journey Entered", "Journey Ended")
    shop.order(Order(status=410))
    story.go()
    post(story)
    story.track("Order Completed")
    with story.database.read() as connection:
        assert hooks.get(connection, "h")["active"] is False
    assert pending(story) == []
    assert len(story.rows(tables.hook_delivery)) == 1


def test_an_address_of_this_machine_is_refused(story: Story, shop: Shop) -> None:
    story.set_up()
    listen(story, shop.url + "/told", "Journey Entered")
    story.go()
    post(story, allow_private=False)
    (row,) = story.rows(tables.hook_delivery)
    assert row.ended_at is not None
    assert "private network" in row.problem
    assert shop.requests == []


def test_a_hook_that_does_not_answer_holds_up_no_other(story: Story, shop: Shop) -> None:
    story.set_up()
    listen(story, "http://127.0.0.1:1/told", "Journey Entered", id="away")
    listen(story, shop.url + "/told", "Journey Entered", id="here")
    story.go()
    post(story)
    assert shop.names() == ["Journey Entered"]
    assert [row.hook_id for row in pending(story)] == ["away"]
