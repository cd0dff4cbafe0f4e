"""A shop with Segment's own library: those who left a basket are reminded, those who bought are not.

`PARCOURS_TEST_CUSTOMERS=1000` plays it with that many customers.
"""

import json
import os
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from segment.analytics.client import Client

from tests.faults.product import EmbeddedSet, parcours
from tests.faults.reckoning import wait_for_the_end
from tests.faults.sink import Mail, Sink, open_sink

CUSTOMERS = int(os.environ.get("PARCOURS_TEST_CUSTOMERS", "60"))

JOURNEY = """
id: basket
name: Basket
entry: {on: {event: Product Added}}
topic: baskets
exits:
  - {on: {event: Order Completed}, reason: purchased}
steps:
  - {id: think, type: wait, for: 5s}
  - {id: reminder, type: send, channel: email, template: reminder}
"""
TEMPLATE = {
    "name": "Reminder",
    "channel": "email",
    "locales": {
        "en": {
            "subject": "{{ customer.firstName }}, your {{ event.name }} is still here",
            "body": "{{ event.quantity }} of {{ event.name }} for {{ event.price }}. Yours, the shop",
        }
    },
}
PRODUCTS = ("scarf", "teapot", "lamp", "Grüße & more", "kite")


@pytest.fixture
def sink() -> Iterator[Sink]:
    with open_sink() as opened:
        yield opened


@pytest.fixture
def shop(sink: Sink) -> Iterator[EmbeddedSet]:
    with (
        tempfile.TemporaryDirectory(prefix="parcours-test-") as name,
        EmbeddedSet(Path(name), sink.url, layout="1").running() as running,
    ):
        yield running


def key(shop: EmbeddedSet, role: str) -> str:
    made = parcours(shop, "key", "create", "--role", role, "--json")
    assert made.returncode == 0, made.stderr
    return str(json.loads(made.stdout)["key"])


def call(
    shop: EmbeddedSet, administrator: str, method: str, path: str, document: Any = None
) -> Any:
    request = urllib.request.Request(  # noqa: S310 - our own
        f"{shop.url}{path}",
        method=method,
        data=json.dumps(document).encode() if document is not None else None,
        headers={"Authorization": f"Bearer {administrator}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own
        return json.loads(answer.read())


def test_whoever_left_a_basket_is_reminded_once(shop: EmbeddedSet, sink: Sink) -> None:
    administrator = key(shop, "administrator")
    call(shop, administrator, "PUT", "/v1/templates/reminder", TEMPLATE)
    journey = shop.data_dir / "basket.yaml"
    journey.write_text(JOURNEY, encoding="utf-8")
    pushed = parcours(shop, "journey", "push", str(journey), "--publish")
    assert pushed.returncode == 0, pushed.stderr

    client = Client(key(shop, "source"), host=shop.url)
    for n in range(CUSTOMERS):
        user = f"customer-{n}"
        client.identify(user, {"email": f"{user}@customers.example", "firstName": f"Ann {n}"})
        added = {"name": PRODUCTS[n % len(PRODUCTS)], "quantity": n, "price": f"{n}.50"}
        client.track(user, "Product Added", added)
        if n % 2:
            client.track(user, "Order Completed", {"total": n})
    client.flush()
    client.shutdown()

    assert wait_for_the_end(shop.database_url, "customer-", CUSTOMERS, 60 + CUSTOMERS / 5)
    sink.settle()
    expected = {
        (
            f"customer-{n}@customers.example",
            f"Ann {n}, your {PRODUCTS[n % len(PRODUCTS)]} is still here",
            f"{n} of {PRODUCTS[n % len(PRODUCTS)]} for {n}.50. Yours, the shop",
        )
        for n in range(0, CUSTOMERS, 2)
    }
    received = [_seen(mail) for mail in sink.mails]
    assert set(received) == expected
    assert len(received) == len(expected), "each of them once"
    journey_id = "basket"
    counters = call(shop, administrator, "GET", f"/v1/journeys/{journey_id}/counters")
    assert counters["entered"] == CUSTOMERS, counters
    sent = {
        message["id"]
        for message in _messages(shop, administrator, journey_id)
        if message["result"] == "sent"
    }
    assert sent == {mail.id for mail in sink.mails}


def _seen(mail: Mail) -> tuple[str, str, str]:
    return mail.to, mail.subject, mail.body.strip()


def _messages(shop: EmbeddedSet, administrator: str, journey: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    path = f"/v1/messages?journey={journey}&limit=1000"
    cursor = ""
    while True:
        page = call(shop, administrator, "GET", path + cursor)
        found += page["items"]
        if not page["next"]:
            return found
        cursor = f"&cursor={page['next']}"
