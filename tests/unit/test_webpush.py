"""Push services' answers, what they mean, and what a browser gets to read."""

from collections.abc import Iterator
from typing import Any

import pytest

from activities.push.webpush import WebPushTransport, application_server_key, service_of
from activities.transport import TransportError
from engine.errors import InvalidInput
from tests.doubles.letters import ID, fate, letter
from tests.doubles.server import Order, broken, cut, cut_unread, slow, throttled
from tests.doubles.webpush import PushService, vapid_key

PRIVATE, PUBLIC = vapid_key()
WHO = "mailto:it@shop.example"


@pytest.fixture
def double() -> Iterator[PushService]:
    with PushService() as running:
        yield running


@pytest.fixture
def sending() -> WebPushTransport:
    return WebPushTransport(PRIVATE, WHO, allow_private=True)


def push(to: str, **changes: Any) -> dict[str, Any]:
    return {"channel": "push", "to": to, **changes}


def test_a_browser_reads_what_was_sent(double: PushService, sending: WebPushTransport) -> None:
    _, to = double.subscribe(PUBLIC)
    sending.send(letter(**push(to, link="https://shop.example/cart", class_="transactional")))
    (shown,) = double.messages
    assert shown.content == {
        "id": str(ID), "title": "Hello", "body": "Hi Ada ✓", "url": "https://shop.example/cart",
    }  # fmt: skip
    assert shown.topic is not None
    assert (len(shown.topic), shown.urgency) == (22, "high")
    assert shown.ttl > 0


def test_a_message_again_has_the_same_topic(double: PushService, sending: WebPushTransport) -> None:
    _, to = double.subscribe(PUBLIC)
    for _ in range(2):
        sending.send(letter(**push(to)))
    assert len({shown.topic for shown in double.messages}) == 1


@pytest.mark.parametrize(
    ("order", "result"),
    [
        (throttled(3), ("released", 3)),
        (broken(500), ("released", None)),
        (broken(401), ("released", None)),
        (broken(413), ("refused", None)),
        (slow(0.2), ("sent", None)),
        (cut(), ("unknown", None)),
        (cut_unread(), ("unknown", None)),
    ],
)
def test_what_an_answer_means(
    double: PushService, sending: WebPushTransport, order: Order, result: Any
) -> None:
    _, to = double.subscribe(PUBLIC)
    double.order(order)
    assert fate(sending, **push(to)) == result


def test_a_subscription_that_is_no_more_has_expired(
    double: PushService, sending: WebPushTransport
) -> None:
    browser, to = double.subscribe(PUBLIC)
    browser.gone = True
    for address in (to, to.replace("/push/1", "/push/9")):
        with pytest.raises(TransportError) as caught:
            sending.send(letter(**push(address)))
        assert (caught.value.reason, caught.value.permanent) == ("expired", True)


def test_a_subscription_under_another_key_is_refused(
    double: PushService, sending: WebPushTransport
) -> None:
    _, to = double.subscribe(vapid_key()[1])
    assert fate(sending, **push(to))[0] == "refused"


def test_private_addresses_are_not_called(double: PushService) -> None:
    _, to = double.subscribe(PUBLIC)
    careful = WebPushTransport(PRIVATE, WHO)
    for address in (to, to.replace("http://", "https://"), to.replace("http://", "ftp://")):
        assert fate(careful, **push(address))[0] == "refused"
    assert double.requests == []


@pytest.mark.parametrize(
    "to",
    ["", "[]", "{}", "null", '{"endpoint": "https://push.example/1"}',
     '{"endpoint": "https://push.example/1", "keys": {"auth": "x", "p256dh": "y"}}'],
)  # fmt: skip
def test_an_address_that_is_no_subscription_is_refused(sending: WebPushTransport, to: str) -> None:
    assert fate(sending, **push(to))[0] == "refused"
    assert service_of(letter(**push(to))) in {"", "https://push.example"}


def test_too_late_and_too_slow(
    double: PushService, sending: WebPushTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, to = double.subscribe(PUBLIC)
    assert fate(sending, **push(to), seconds=-0.1)[0] == "released"
    monkeypatch.setattr("activities.provider._LIMIT", 0.3)
    double.order(slow(5))
    assert fate(sending, **push(to))[0] == "unknown"


def test_keys_that_cannot_sign() -> None:
    for key in ("", "short"):
        with pytest.raises(InvalidInput, match="PARCOURS_VAPID_PRIVATE_KEY"):
            WebPushTransport(key, WHO)
    with pytest.raises(InvalidInput, match="PARCOURS_VAPID_SUBJECT"):
        WebPushTransport(PRIVATE, "me")


def test_the_page_subscribes_with_the_public_half() -> None:
    assert application_server_key(PRIVATE) == PUBLIC
