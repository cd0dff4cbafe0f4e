"""The resource of webhooks."""

import base64
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from engine.store.session import Database

PATH = "/v1/webhooks/crm"
HOOK = {"url": "https://shop.example.com/parcours?key=1", "events": ["Message Sent"]}


def test_a_webhook_is_made_read_changed_and_deleted(
    client: TestClient, admin: dict[str, str]
) -> None:
    made = client.put(PATH, json=HOOK, headers=admin)
    whole = {"id": "crm", **HOOK, "active": True}
    secret = made.json().pop("secret")
    assert made.status_code == 201
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    assert client.get(PATH, headers=admin).json() == whole
    assert client.get("/v1/webhooks", headers=admin).json()["items"] == [whole]
    changed = client.put(PATH, json=HOOK | {"events": ["*"]}, headers=admin)
    assert (changed.status_code, changed.json()) == (200, whole | {"events": ["*"]})
    assert client.delete(PATH, headers=admin).status_code == 204
    assert client.get(PATH, headers=admin).status_code == 404
    assert client.delete(PATH, headers=admin).status_code == 404


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"url": "shop.example.com"}, "url: write a web address"),
        ({"url": "ftp://shop.example.com"}, "url: write a web address"),
        ({"url": "https://shop.example.com/\nHost: x"}, "url: write a web address"),
        ({"events": ["Message Snet"]}, "events.0: there is no such event; there are Journey"),
        ({"events": []}, "events: "),
        ({"secret": "mine"}, "secret: this key is not known here"),
        ({"id": "other"}, "they must agree"),
    ],
)
def test_a_mistake_is_told(
    client: TestClient, admin: dict[str, str], change: dict[str, Any], words: str
) -> None:
    answer = client.put(PATH, json=HOOK | change, headers=admin)
    assert answer.status_code == 422
    assert words in answer.text


def test_what_a_webhook_was_told_can_be_looked_up(
    client: TestClient, admin: dict[str, str], database: Database
) -> None:
    client.put(PATH, json=HOOK, headers=admin)
    row = text("""
        INSERT INTO hook_delivery (id, hook_id, event, body, attempts, status, problem)
        SELECT gen_random_uuid(), 'crm', 'Message Sent', '{}', n, 500, 'it answered 500'
        FROM generate_series(1, 3) AS n
    """)
    database.transact(lambda connection: connection.execute(row))
    first = client.get(PATH + "/deliveries?limit=2", headers=admin).json()
    rest = client.get(PATH + f"/deliveries?limit=2&cursor={first['next']}", headers=admin).json()
    items = first["items"] + rest["items"]
    assert sorted(item["attempts"] for item in items) == [1, 2, 3]
    assert {item["problem"] for item in items} == {"it answered 500"}
    assert client.get("/v1/webhooks/other/deliveries", headers=admin).status_code == 404
