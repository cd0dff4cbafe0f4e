"""Links in messages, as customers and strangers open them."""

from typing import Any
from uuid import uuid4

from sqlalchemy import select

from activities.content.links import Tracker
from engine.settings import Settings
from engine.store import tables


def _path(settings: Settings, url: str) -> str:
    signed = Tracker(settings.link_keys(), settings.url).sign(uuid4(), url)
    return signed.removeprefix(settings.url)


def test_a_link_leads_on_without_a_login(stranger: Any, shop_settings: Settings) -> None:
    url = "https://shop.example/a b?c=%20&d=é"
    answer = stranger.get(_path(shop_settings, url))
    assert answer.status_code == 302
    assert answer.headers["location"] == "https://shop.example/a%20b?c=%20&d=%C3%A9"
    assert answer.headers["cache-control"] == "no-store"
    assert stranger.head(_path(shop_settings, url)).status_code == 302


def test_a_click_is_noted_with_the_message(stranger: Any, shop_settings: Settings) -> None:
    database = stranger.app.state.database
    sent = select(tables.message.c.id).where(
        tables.message.c.state == "sent",
        tables.message.c.channel == "email",
        tables.message.c.customer_id.not_in(
            select(tables.run.c.customer_id).where(tables.run.c.ended_at.is_(None))
        ),
    )
    with database.read() as connection:
        message = connection.execute(sent.limit(1)).scalar_one()
    tracker = Tracker(shop_settings.link_keys(), shop_settings.url)
    path = tracker.sign(message, "https://shop.example/").removeprefix(shop_settings.url)
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
    assert stranger.get(path, headers={"User-Agent": agent}).status_code == 302
    clicked = select(tables.message.c.clicked_at).where(tables.message.c.id == message)
    with database.read() as connection:
        assert connection.execute(clicked).scalar_one() is not None


def test_nobody_is_led_elsewhere(stranger: Any, shop_settings: Settings) -> None:
    path = _path(shop_settings, "https://shop.example/")
    for forged in ("/l/https://evil.example/", "/l/x", "/l/", path + "x", path[:-2]):
        answer = stranger.get(forged)
        assert answer.status_code == 404
        assert "location" not in answer.headers
