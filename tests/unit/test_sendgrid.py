"""SendGrid's answers, and what they mean for the message."""

import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from activities.email.sendgrid import SendGridTransport
from activities.transport import OutcomeUnknownError, Sought, TransportError
from tests.doubles.letters import ID, fate, letter
from tests.doubles.sendgrid import SendGrid
from tests.doubles.server import Order, broken, cut, cut_unread, slow, throttled

FROM = "Shop <shop@example.com>"


def transport(double: SendGrid, key: str = "SG.double", **more: Any) -> SendGridTransport:
    return SendGridTransport(key, FROM, base_url=double.url, **more)


def test_a_mail_is_taken_under_our_id_with_its_headers() -> None:
    headers = {"List-Unsubscribe": "<https://shop.example/u>"}
    with SendGrid() as double:
        given = transport(double).send(
            letter(to="ada@bücher.example", body="<p>Hi</p>", text="Hi", headers=headers)
        )
        (mail,) = double.messages
    assert (given, mail.ours) == (mail.id, str(ID))
    assert (mail.to, mail.subject) == ("ada@xn--bcher-kva.example", "Hello")
    assert (mail.text, mail.html, mail.headers) == ("Hi", "<p>Hi</p>", headers)


def test_a_mail_of_text_alone() -> None:
    with SendGrid() as double:
        transport(double).send(letter(body="Hi", text=None))
        (mail,) = double.messages
    assert (mail.text, mail.html) == ("Hi", None)


@pytest.mark.parametrize(
    ("order", "result"),
    [
        (throttled(3), ("released", 3)),
        (throttled(None), ("released", None)),
        (broken(500), ("released", None)),
        (broken(503), ("released", None)),
        (broken(504), ("unknown", None)),
        (broken(400), ("refused", None)),
        (broken(413), ("refused", None)),
        (broken(302), ("released", None)),
        (slow(0.2), ("sent", None)),
        (cut(), ("unknown", None)),
        (cut_unread(), ("unknown", None)),
    ],
)
def test_what_an_answer_means(order: Order, result: Any) -> None:
    with SendGrid() as double:
        double.order(order)
        assert fate(transport(double)) == result


def test_what_is_not_the_messages_fault_is_released() -> None:
    with SendGrid() as double:
        assert fate(transport(double, "SG.revoked")) == ("released", None)
        double.order(broken(403))
        assert fate(transport(double)) == ("released", None), "the key may not send"
    assert fate(transport(double)) == ("released", None), "nobody is there"


def test_what_can_never_be_sent_is_refused() -> None:
    with SendGrid() as double:
        assert fate(transport(double), subject="")[0] == "refused"
        double.senders = {"other@example.com"}
        assert fate(transport(double))[0] == "refused"
        calls = len(double.requests)
        for changes in ({"to": "nobody"}, {"headers": {"X": "a\r\nBcc: all@example.com"}}):
            assert fate(transport(double), **changes)[0] == "refused"
        assert len(double.requests) == calls, "nobody is called about it"
        assert double.messages == []


def test_after_the_deadline_nothing_is_handed_over() -> None:
    with SendGrid() as double:
        assert fate(transport(double), seconds=-0.1) == ("released", None)
        assert double.requests == []


def test_no_answer_in_time_is_an_unknown_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("activities.provider._LIMIT", 0.3)
    with SendGrid() as double:
        double.order(slow(5))
        began = time.monotonic()
        assert fate(transport(double)) == ("unknown", None)
        assert time.monotonic() - began < 2


def test_a_message_is_found_by_our_id() -> None:
    def sought(number: int) -> Sought:
        return Sought(
            id=UUID(int=number), channel="email", to="ada@example.com", body="",
            since=datetime.now(UTC),
        )  # fmt: skip

    with SendGrid() as double:
        double.order(cut())
        asking = transport(double, activity=True)
        assert asking.settling == "ask"
        with pytest.raises(OutcomeUnknownError):
            asking.send(letter())
        found = asking.find(sought(7))
        assert found is not None
        assert found.provider_id == double.messages[0].id
        assert asking.find(sought(8)) is None
        double.activity = False
        with pytest.raises(TransportError):
            asking.find(sought(7))
        assert transport(double).settling == "class"
