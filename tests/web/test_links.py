"""Links in messages, as customers and strangers open them."""

from typing import Any
from uuid import uuid4

from activities.content.links import Tracker
from engine.settings import Settings


def _path(settings: Settings, url: str) -> str:
    signed = Tracker(settings.signing_key(), settings.url).sign(uuid4(), url)
    return signed.removeprefix(settings.url)


def test_a_link_leads_on_without_a_login(stranger: Any, shop_settings: Settings) -> None:
    url = "https://shop.example/a b?c=%20&d=é"
    answer = stranger.get(_path(shop_settings, url))
    assert answer.status_code == 302
    assert answer.headers["location"] == "https://shop.example/a%20b?c=%20&d=%C3%A9"
    assert answer.headers["cache-control"] == "no-store"
    assert stranger.head(_path(shop_settings, url)).status_code == 302


def test_nobody_is_led_elsewhere(stranger: Any, shop_settings: Settings) -> None:
    path = _path(shop_settings, "https://shop.example/")
    for forged in ("/l/https://evil.example/", "/l/x", "/l/", path + "x", path[:-2]):
        answer = stranger.get(forged)
        assert answer.status_code == 404
        assert "location" not in answer.headers
