"""Twilio's answers by SMS and WhatsApp, and what they mean for the message."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from activities.sms.twilio import TwilioSmsTransport
from activities.transport import Letter, Sought, TransportError
from activities.twilio import Account
from activities.whatsapp.twilio import TwilioWhatsAppTransport
from tests.doubles.letters import ID, fate
from tests.doubles.letters import letter as any_letter
from tests.doubles.server import Order, broken, cut, cut_unread, slow, throttled
from tests.doubles.twilio import Twilio

TO, FROM = "+33612345678", "+15550001111"


def letter(**changes: Any) -> Letter:
    return any_letter(**{"channel": "sms", "to": TO, **changes})


def account(double: Twilio, **changes: str) -> Account:
    given = {"sid": double.account, "token": double.token, "base_url": double.url, **changes}
    return Account(**given)


def sms(double: Twilio, **changes: str) -> TwilioSmsTransport:
    return TwilioSmsTransport(account(double, **changes), FROM)


def test_an_sms_is_taken_and_its_callback_names_our_id() -> None:
    with Twilio() as double:
        given = sms(double, hooks="https://shop.example/hooks/twilio").send(letter())
        (message,) = double.messages
    assert (given, message.to, message.from_, message.body) == (message.sid, TO, FROM, "Hi Ada ✓")
    assert message.status_callback == f"https://shop.example/hooks/twilio?message={ID}"


def test_a_messaging_service_sends_instead_of_a_number() -> None:
    with Twilio() as double:
        sms(double).send(letter(from_="MG" + "a" * 32))
        assert double.requests[0].form["MessagingServiceSid"] == "MG" + "a" * 32
        assert "From" not in double.requests[0].form


def test_whatsapp_addresses_and_approved_templates() -> None:
    with Twilio() as double:
        sending = TwilioWhatsAppTransport(account(double), FROM)
        sending.send(letter())
        sending.send(letter(approved="HX" + "b" * 32, fields={"1": "Ada"}))
        plain, approved = double.messages
    assert (plain.to, plain.from_) == (f"whatsapp:{TO}", f"whatsapp:{FROM}")
    assert (approved.content_sid, approved.content_variables) == ("HX" + "b" * 32, {"1": "Ada"})
    assert approved.body == ""


@pytest.mark.parametrize(
    ("order", "result"),
    [
        (throttled(3), ("released", 3)),
        (broken(500), ("released", None)),
        (broken(502), ("unknown", None)),
        (slow(0.2), ("sent", None)),
        (cut(), ("unknown", None)),
        (cut_unread(), ("unknown", None)),
    ],
)
def test_what_an_answer_means(order: Order, result: Any) -> None:
    with Twilio() as double:
        double.order(order)
        assert fate(sms(double), to=TO) == result


@pytest.mark.parametrize(
    ("code", "result"),
    [(21211, "refused"), (21610, "refused"), (21614, "refused"), (30003, "refused"),
     (20429, "released"), (21606, "released"), (30001, "released"), (21609, "released")],
)  # fmt: skip
def test_what_a_code_means(code: int, result: str) -> None:
    with Twilio() as double:
        double.refuse[TO] = code
        assert fate(sms(double), to=TO)[0] == result


def test_one_who_wrote_stop_is_told_apart() -> None:
    with Twilio() as double:
        double.refuse[TO] = 21610
        with pytest.raises(TransportError, match="unsubscribed"):
            sms(double).send(letter())


def test_what_is_not_the_messages_fault_is_released() -> None:
    with Twilio() as double:
        assert fate(sms(double, token="revoked"), to=TO)[0] == "released"
        assert fate(sms(double, sid="AC" + "0" * 32), to=TO)[0] == "released"
        assert fate(sms(double), seconds=-0.1, to=TO)[0] == "released"
        assert double.messages == []
    assert fate(sms(double), to=TO)[0] == "released", "nobody is there"


def test_no_answer_in_time_is_an_unknown_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("activities.provider._LIMIT", 0.3)
    with Twilio() as double:
        double.order(slow(5))
        assert fate(sms(double), to=TO)[0] == "unknown"


def sought(body: str = "Hi  Ada ✓\n", **changes: Any) -> Sought:
    given: dict[str, Any] = {
        "id": ID, "channel": "sms", "to": TO, "body": body, "since": datetime.now(UTC), **changes,
    }  # fmt: skip
    return Sought(**given)


def test_a_message_is_found_by_its_recipient_and_text() -> None:
    with Twilio() as double:
        double.order(cut())
        assert fate(sms(double), to=TO)[0] == "unknown"
        found = sms(double).find(sought())
        assert found is not None
        assert found.provider_id == double.messages[0].sid
        assert sms(double).find(sought("Another text")) is None
        assert sms(double).find(sought(to="+33600000000")) is None
        later = datetime.now(UTC) + timedelta(minutes=1)
        assert sms(double).find(sought(since=later)) is None, "it was an earlier one"
        assert TwilioWhatsAppTransport(account(double), FROM).find(sought()) is None


def test_a_search_without_an_answer_says_so() -> None:
    with Twilio() as double, pytest.raises(TransportError):
        sms(double, token="revoked").find(sought())
    with pytest.raises(TransportError):
        sms(double).find(sought())
