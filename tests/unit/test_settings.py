"""Settings are read from the environment, and a wrong one is told by its name."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.errors import InvalidInput
from engine.settings import Settings


@pytest.fixture(autouse=True)
def _no_other_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("PARCOURS_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PORT", "eight", "PARCOURS_PORT: input should be a valid integer"),
        ("PORT", "70000", "PARCOURS_PORT: input should be less than or equal to 65535"),
        ("DATABASE_URL", "mysql://x/y", "PARCOURS_DATABASE_URL: must begin with postgresql://"),
        ("TEMPORAL_ADDRESS", "temporal", "PARCOURS_TEMPORAL_ADDRESS: must be HOST:PORT"),
        ("PUBLIC_URL", "example.com", "PARCOURS_PUBLIC_URL: must be a web address"),
        ("EMAIL", "pigeon", "PARCOURS_EMAIL: input should be 'outbox'"),
        ("EMAIL", "smtp", "PARCOURS_EMAIL=smtp needs PARCOURS_SMTP_URL"),
        ("EMAIL", "sendgrid", "PARCOURS_EMAIL=sendgrid needs PARCOURS_SENDGRID_API_KEY"),
        ("SMS", "twilio", "PARCOURS_SMS=twilio needs PARCOURS_TWILIO_ACCOUNT_SID"),
        ("WHATSAPP", "twilio", "PARCOURS_WHATSAPP=twilio needs PARCOURS_TWILIO_ACCOUNT_SID"),
        ("PUSH", "fcm", "PARCOURS_PUSH=fcm needs PARCOURS_FCM_CREDENTIALS"),
        ("PUSH", "webpush", "PARCOURS_PUSH=webpush needs PARCOURS_VAPID_PRIVATE_KEY"),
        ("EMAIL_RATE", "0", "PARCOURS_EMAIL_RATE: input should be greater than 0"),
        ("SENDGRID_BASE_URL", "sendgrid", "PARCOURS_SENDGRID_BASE_URL: must be a web address"),
        ("VAPID_SUBJECT", "me", "PARCOURS_VAPID_SUBJECT: must be where to reach you"),
        ("DKIM_DOMAIN", "shop.example", "PARCOURS_DKIM_KEY, PARCOURS_DKIM_SELECTOR, PARCOURS_DKIM"),
        ("FCM_CREDENTIALS", "/no/file", "PARCOURS_FCM_CREDENTIALS names a file"),
        ("SMTP_URL", "http://x", "PARCOURS_SMTP_URL: must be smtp://"),
        ("LOG_FORMAT", "xml", "PARCOURS_LOG_FORMAT: input should be 'console' or 'json'"),
        ("TEMPORAL_TLS_CERT", "c.pem", "PARCOURS_TEMPORAL_TLS_CERT and PARCOURS_TEMPORAL_TLS_KEY"),
        ("TEMPORAL_TLS_CA", "/no/ca.pem", "PARCOURS_TEMPORAL_TLS_CA names a file"),
    ],
)
def test_a_wrong_setting_is_a_sentence_with_its_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(f"PARCOURS_{name}", value)
    with pytest.raises(InvalidInput) as caught:
        Settings.load()
    assert str(caught.value).startswith(sentence)


def test_a_secret_is_not_repeated_in_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARCOURS_DATABASE_URL", "mysql://shop:hunter2@db/shop")
    with pytest.raises(InvalidInput) as caught:
        Settings.load()
    assert "hunter2" not in str(caught.value)


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARCOURS_PORT", "")
    assert Settings.load().port == 8000


def test_the_file_is_read_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("PARCOURS_PORT=9000\nPARCOURS_HOST=127.0.0.2\n", encoding="utf-8")
    monkeypatch.setenv("PARCOURS_HOST", "127.0.0.3")
    settings = Settings.load()
    assert (settings.host, settings.port) == ("127.0.0.3", 9000)


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({}, "http://127.0.0.1:8000"),
        ({"host": "0.0.0.0", "port": 81}, "http://127.0.0.1:81"),  # noqa: S104 - nothing listens
        ({"host": "::1"}, "http://[::1]:8000"),
        ({"public_url": "https://journeys.example.com/"}, "https://journeys.example.com"),
    ],
)
def test_the_pages_address_follows_from_what_is_set(given: dict[str, object], url: str) -> None:
    assert Settings.load(**given).url == url


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_any_usual_database_url_gets_the_driver(scheme: str) -> None:
    assert Settings.load(database_url=f"{scheme}://h/d").database_url == "postgresql+psycopg://h/d"


def test_the_generated_key_is_private_and_stays(tmp_path: Path) -> None:
    settings = Settings.load(data_dir=tmp_path / "data")
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: settings.signing_key(), range(32)))
    assert len(keys) == 1
    assert len(keys.pop()) >= 43
    file = tmp_path / "data" / "secret_key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [entry.name for entry in file.parent.iterdir()] == ["secret_key"]


def test_an_emptied_key_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "secret_key").touch()
    with pytest.raises(InvalidInput, match="is empty"):
        Settings.load(data_dir=tmp_path).signing_key()


def test_a_set_key_is_the_key() -> None:
    assert Settings.load(secret_key="k" * 40).signing_key() == "k" * 40


def test_the_folder_of_activities_has_to_be_there(tmp_path: Path) -> None:
    assert Settings.load(activities=tmp_path, _env_file=None).activities == tmp_path
    with pytest.raises(InvalidInput, match="PARCOURS_ACTIVITIES names a folder that is not there"):
        Settings.load(activities=tmp_path / "no", _env_file=None)
