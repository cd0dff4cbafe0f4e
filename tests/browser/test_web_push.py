"""A shop's page subscribes a real browser, whose worker then shows what is sent to it.

Only the push service is a double: the real one is on the internet.
"""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page

from activities.push.webpush import WebPushTransport
from engine.settings import Settings
from engine.store import consent, customers, keys
from tests.doubles.letters import ID, letter
from tests.doubles.webpush import PushService, vapid_key

PRIVATE, PUBLIC = vapid_key()
WHO = "mailto:it@shop.example"

PAGE = "<!doctype html><title>Shop</title><script src='{home}/static/push/subscribe.js'></script>"
WORKER = "self.parcoursIcon = '/icon.png'; importScripts('{home}/static/push/worker.js');"

SUBSCRIBES = """
    (given) => {
      window.asked = [];
      PushManager.prototype.getSubscription = async () => null;
      PushManager.prototype.subscribe = async (options) => {
        const key = btoa(String.fromCharCode(...options.applicationServerKey));
        window.asked.push(key.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", ""));
        return { toJSON: () => ({ ...given, expirationTime: null }) };
      };
    }
"""


SHOWN = """
    async () => {
      const registration = await navigator.serviceWorker.ready;
      for (let n = 0; n < 60; n++) {
        const found = await registration.getNotifications();
        if (found.length) return found.map(({title, body, tag, data, icon}) =>
          ({title, body, tag, url: data.parcours, icon: new URL(icon).pathname}));
        await new Promise((then) => setTimeout(then, 50));
      }
    }
"""


@pytest.fixture
def shop_page(site: Any) -> Iterator[str]:
    """A page of the shop, of another origin than ours, with the shop's worker beside it."""

    class Shop(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, text = ("text/javascript", WORKER) if "js" in self.path else ("text/html", PAGE)
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(text.format(home=site.url).encode())

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Shop) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def page(browser: Browser, site: Any, shop_page: str, tmp_path: Path) -> Iterator[Page]:
    ordinary = site.app.state.settings
    site.app.state.settings = Settings.load(
        database_url=site.settings.database_url, data_dir=tmp_path, push="webpush",
        vapid_private_key=PRIVATE, vapid_subject=WHO,
    )  # fmt: skip
    context = browser.new_context()
    context.grant_permissions(["notifications"], origin=shop_page)
    opened = context.new_page()
    opened.goto(shop_page)
    yield opened
    context.close()
    site.app.state.settings = ordinary


def test_a_visitor_subscribes_and_reads_what_is_sent(page: Page, site: Any) -> None:
    secret = site.database.transact(lambda connection: keys.create(connection, "source")).secret
    who = f"web-{uuid4()}"
    with PushService() as service:
        _, token = service.subscribe(PUBLIC)
        page.evaluate(SUBSCRIBES, json.loads(token))
        result = page.evaluate(
            "(given) => parcoursPush.subscribe(given)", {"writeKey": secret, "userId": who}
        )
        assert result == "subscribed"
        assert page.evaluate("asked") == [PUBLIC]

        named = ("external_id", who)
        with site.database.read() as connection:
            customer = consent.customer(
                connection, customers.identified(connection, [named])[named]
            )
        (to,) = customer.addresses["push"]  # type: ignore[union-attr]
        given = letter(channel="push", to=to, link="https://shop.example/cart")
        WebPushTransport(PRIVATE, WHO, allow_private=True).send(given)
        (message,) = service.messages

    shown = None
    for _ in range(
        6
    ):  # the browser loses one now and then; by its tag it is shown once all the same
        _deliver(page, json.dumps(message.content))
        if shown := page.evaluate(SHOWN):
            break
    assert shown == [
        {"title": "Hello", "body": "Hi Ada ✓", "tag": str(ID), "icon": "/icon.png",
         "url": "https://shop.example/cart"}
    ]  # fmt: skip


def test_the_page_learns_why_it_was_not_taken(page: Page) -> None:
    with PushService() as service:
        page.evaluate(SUBSCRIBES, json.loads(service.subscribe(PUBLIC)[1]))
    said = page.evaluate(
        """(given) => parcoursPush.subscribe(given).catch((error) => error.message)""",
        {"writeKey": "wrong", "userId": "1"},
    )
    assert "The write key is not known" in said


def _deliver(page: Page, content: str) -> None:
    """Hand the worker a message, as the browser does once it has decrypted it."""
    session = page.context.new_cdp_session(page)
    found: list[dict[str, Any]] = []
    session.on(
        "ServiceWorker.workerRegistrationUpdated", lambda said: found.extend(said["registrations"])
    )
    session.send("ServiceWorker.enable")
    while not found:
        page.wait_for_timeout(20)
    origin = page.evaluate("location.origin")
    session.send(
        "ServiceWorker.deliverPushMessage",
        {"origin": origin, "registrationId": found[0]["registrationId"], "data": content},
    )
