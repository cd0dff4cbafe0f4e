"""FCM's answers, and what they mean for the message."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from activities.push.fcm import FcmTransport
from activities.transport import TransportError
from engine.errors import InvalidInput
from tests.doubles.fcm import Fcm
from tests.doubles.letters import ID, fate, letter
from tests.doubles.server import Order, broken, cut, cut_unread, slow, throttled

TOKEN = "token-of-adas-phone"
PUSH = {"channel": "push", "to": TOKEN}


@pytest.fixture
def double() -> Iterator[Fcm]:
    with Fcm() as running:
        yield running


@pytest.fixture
def sending(double: Fcm, tmp_path: Path) -> FcmTransport:
    return FcmTransport.load(double.credentials(tmp_path / "account.json"), double.url)


def test_a_push_message_is_taken_under_our_id(double: Fcm, sending: FcmTransport) -> None:
    given = sending.send(
        letter(**PUSH, link="https://shop.example/cart", image="https://shop.example/i.png")
    )
    (push,) = double.messages
    assert push.name.endswith(f"/{given}")
    assert (push.token, push.ours) == (TOKEN, str(ID))
    assert push.message["notification"] == {
        "title": "Hello", "body": "Hi Ada ✓", "image": "https://shop.example/i.png",
    }  # fmt: skip
    assert push.message["data"]["link"] == "https://shop.example/cart"
    assert push.message["android"]["notification"]["tag"] == str(ID)


def test_one_token_serves_many_messages_until_it_is_revoked(
    double: Fcm, sending: FcmTransport
) -> None:
    assert [fate(sending, **PUSH)[0] for _ in range(3)] == ["sent"] * 3
    assert len(double.granted) == 1
    double.revoked.add(double.granted[0])
    assert fate(sending, **PUSH)[0] == "released"
    assert fate(sending, **PUSH)[0] == "sent"
    assert len(double.granted) == 2


@pytest.mark.parametrize(
    ("order", "result"),
    [
        (throttled(3), ("released", 3)),
        (broken(500), ("released", None)),
        (broken(503, **{"Retry-After": "60"}), ("released", 60)),
        (broken(400), ("refused", None)),
        (broken(404), ("released", None)),
        (slow(0.2), ("sent", None)),
        (cut(), ("unknown", None)),
        (cut_unread(), ("unknown", None)),
    ],
)
def test_what_an_answer_means(
    double: Fcm, sending: FcmTransport, order: Order, result: Any
) -> None:
    double.order(order)
    assert fate(sending, **PUSH) == result


def test_the_token_of_a_removed_app_has_expired(double: Fcm, sending: FcmTransport) -> None:
    double.gone.add(TOKEN)
    with pytest.raises(TransportError) as caught:
        sending.send(letter(**PUSH))
    assert (caught.value.reason, caught.value.permanent) == ("expired", True)


def test_too_much_is_refused_for_good(double: Fcm, sending: FcmTransport) -> None:
    assert fate(sending, **PUSH, body="x" * 5000)[0] == "refused"
    assert double.messages == []


def test_without_access_nothing_is_sent(double: Fcm, tmp_path: Path) -> None:
    file = double.credentials(tmp_path / "account.json")
    double.account = "somebody.else"
    assert fate(FcmTransport.load(file, double.url), **PUSH)[0] == "released"
    double.account = "parcours@double.iam.gserviceaccount.com"
    late = FcmTransport.load(file, double.url)
    assert fate(late, **PUSH, seconds=-0.1)[0] == "released"
    assert double.messages == []


def test_no_answer_in_time_is_an_unknown_outcome(
    double: Fcm, sending: FcmTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("activities.provider._LIMIT", 0.3)
    double.order(slow(5))
    assert fate(sending, **PUSH)[0] == "unknown"


def test_a_file_that_is_no_service_account(tmp_path: Path) -> None:
    for content in ("", "{}", '{"type": "service_account"}'):
        file = tmp_path / "account.json"
        file.write_text(content)
        with pytest.raises(InvalidInput, match="PARCOURS_FCM_CREDENTIALS"):
            FcmTransport.load(file, "https://fcm.googleapis.com")
