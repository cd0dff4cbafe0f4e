"""What a shop's page needs for Web Push: a key for its browsers, and a place to tell where they are."""

import json
from typing import Any
from uuid import uuid4

import pytest

from activities.push.webpush import WebPushTransport
from engine.settings import Settings
from engine.store import consent, customers, keys
from tests.doubles.letters import letter
from tests.doubles.webpush import PushService, vapid_key

PRIVATE, PUBLIC = vapid_key()
WHO = "mailto:it@shop.example"


@pytest.fixture
def client(stranger: Any, shop_settings: Settings) -> Any:
    stranger.app.state.settings = Settings.load(
        database_url=shop_settings.database_url,
        data_dir=shop_settings.data_dir,
        push="webpush",
        vapid_private_key=PRIVATE,
        vapid_subject=WHO,
    )
    return stranger


def test_a_page_anywhere_may_read_the_key(client: Any) -> None:
    answer = client.get("/push/key", headers={"Origin": "https://shop.example"})
    assert (answer.status_code, answer.text) == (200, PUBLIC)
    assert answer.headers["access-control-allow-origin"] == "*"


def test_without_web_push_there_is_no_key(stranger: Any) -> None:
    answer = stranger.get("/push/key")
    assert answer.status_code == 404
    assert "PARCOURS_PUSH" in answer.json()["detail"]


def test_the_scripts_are_served_as_scripts(stranger: Any) -> None:
    for name in ("subscribe", "worker"):
        answer = stranger.get(f"/static/push/{name}.js")
        assert answer.status_code == 200
        assert "javascript" in answer.headers["content-type"]  # else no worker runs them
        assert answer.headers["cache-control"] == "no-cache"


def test_a_subscription_becomes_a_push_address(client: Any) -> None:
    database = client.app.state.database
    secret = database.transact(lambda connection: keys.create(connection, "source")).secret
    who = f"web-{uuid4()}"
    with PushService() as service:
        _, token = service.subscribe(PUBLIC)
        told = {"writeKey": secret, "userId": who, "context": {"device": {"token": token}}}
        for _ in range(2):  # a page tells it at each visit
            answer = client.post(
                "/v1/identify",
                content=json.dumps(told),
                headers={"Content-Type": "text/plain;charset=UTF-8"},
            )
            assert answer.status_code == 200
            assert answer.headers["access-control-allow-origin"] == "*"
        named = ("external_id", who)
        with database.read() as connection:
            customer = consent.customer(
                connection, customers.identified(connection, [named])[named]
            )
        assert customer is not None
        assert customer.addresses["push"] == [token]
        to = customer.address("push")
        WebPushTransport(PRIVATE, WHO, allow_private=True).send(letter(channel="push", to=to))
        assert [shown.content["title"] for shown in service.messages] == ["Hello"]


def test_a_page_reads_why_it_was_not_taken(client: Any) -> None:
    answer = client.post("/v1/identify", content=json.dumps({"writeKey": "wrong", "userId": "1"}))
    assert answer.status_code == 401
    assert "write key" in answer.json()["detail"]
    assert answer.headers["access-control-allow-origin"] == "*"
