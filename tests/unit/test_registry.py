"""Each channel's transport, as the settings say."""

import os
from pathlib import Path
from typing import Any

import pytest

from engine.errors import InvalidInput
from engine.settings import Settings
from tests.doubles.fcm import Fcm
from tests.doubles.webpush import vapid_key
from workers.registry import transports

TWILIO = {"twilio_account_sid": "AC" + "0" * 32, "twilio_auth_token": "token"}


@pytest.fixture(autouse=True)
def _no_other_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("PARCOURS_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def names(**given: Any) -> dict[str, str]:
    return {
        channel: transport.name for channel, transport in transports(Settings.load(**given)).items()
    }


def test_a_new_machine_sends_nothing() -> None:
    assert set(names().values()) == {"outbox"}


@pytest.mark.parametrize(
    ("channel", "given", "name"),
    [
        ("email", {"email": "smtp", "smtp_url": "smtp://mail"}, "smtp"),
        ("email", {"email": "sendgrid", "sendgrid_api_key": "SG.x"}, "sendgrid"),
        ("sms", {"sms": "twilio", "sms_from": "+15550001111", **TWILIO}, "twilio"),
        ("whatsapp", {"whatsapp": "twilio", "whatsapp_from": "+15550001111", **TWILIO}, "twilio"),
        (
            "push",
            {"push": "webpush", "vapid_private_key": vapid_key()[0],
             "vapid_subject": "mailto:it@shop.example"},
            "webpush",
        ),
    ],
)  # fmt: skip
def test_a_provider_carries_its_channel_alone(
    channel: str, given: dict[str, str], name: str
) -> None:
    others = {"email", "sms", "whatsapp", "push"} - {channel}
    assert names(**given) == {channel: name} | dict.fromkeys(others, "outbox")


def test_fcm_reads_its_account(tmp_path: Path) -> None:
    with Fcm() as double:
        file = double.credentials(tmp_path / "account.json")
    assert names(push="fcm", fcm_credentials=file)["push"] == "fcm"


@pytest.mark.parametrize("given", ["@", "Shop", ""])
def test_a_sender_that_cannot_be_is_told_at_the_start(given: str) -> None:
    settings = Settings.load(email="sendgrid", sendgrid_api_key="SG.x").model_copy(
        update={"email_from": given}
    )
    with pytest.raises(InvalidInput, match="PARCOURS_EMAIL_FROM"):
        transports(settings)


def test_sendgrid_is_asked_only_where_it_can_be() -> None:
    given = {"email": "sendgrid", "sendgrid_api_key": "SG.x"}
    settling = [
        transports(Settings.load(**given, sendgrid_activity=can))["email"].settling
        for can in (False, True)
    ]
    assert settling == ["class", "ask"]
