import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text

from designer.api.admission import Admission
from engine.store.session import Database

Send = Callable[..., Any]

TRACK = {"userId": "42", "event": "Product Added", "properties": {"sku": "A1"}}


def stored(database: Database) -> list[Any]:
    with database.read() as connection:
        return list(connection.execute(text("SELECT * FROM event ORDER BY received_at, seq")))


def test_an_event_is_stored_when_it_is_answered(send: Send, database: Database) -> None:
    answer = send("/v1/track", TRACK)
    assert answer.status_code == 200
    assert answer.json() == {"success": True}
    (event,) = stored(database)
    assert (event.name, event.properties, event.kind) == ("Product Added", {"sku": "A1"}, "track")


def test_the_same_message_id_is_stored_once(send: Send, database: Database) -> None:
    for _ in range(3):
        assert send("/v1/track", {**TRACK, "messageId": "m-1"}).status_code == 200
    assert send("/v1/batch", {"batch": [{**TRACK, "type": "track", "messageId": "m-1"}] * 2})
    assert len(stored(database)) == 1


def test_each_kind_of_call_has_its_name(send: Send, database: Database) -> None:
    assert send("/v1/identify", {"userId": "1", "traits": {"email": "a@example.com"}}).is_success
    page = {"userId": "1", "name": "Home", "category": "Start", "properties": {"path": "/"}}
    assert send("/v1/page", page).is_success
    assert send("/v1/screen", {"userId": "1", "name": "Home"}).is_success
    group = {"userId": "1", "groupId": "g", "traits": {"size": 3}}
    assert send("/v1/group", group).is_success
    assert send("/v1/alias", {"userId": "1", "previousId": "anon"}).is_success
    events = stored(database)
    assert [event.name for event in events] == [
        "Customer Identified",
        "Page Viewed",
        "Screen Viewed",
        "Group Joined",
        "Customer Aliased",
    ]
    assert events[1].properties == {"name": "Home", "category": "Start", "path": "/"}
    assert events[3].properties["groupId"] == "g"
    with database.read() as connection:
        customer = connection.execute(text("SELECT traits, addresses FROM customer")).one()
    assert customer.traits == {"email": "a@example.com"}
    assert customer.addresses == {"email": "a@example.com"}


def test_a_key_is_taken_from_the_body_too(client: TestClient, write_key: str) -> None:
    assert client.post("/v1/track", json={**TRACK, "writeKey": write_key}).status_code == 200
    batch = {"writeKey": write_key, "batch": [{**TRACK, "type": "track"}]}
    assert client.post("/v1/batch", json=batch).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic !"}, {"Authorization": "x y"}])
def test_without_a_key_nothing_is_taken(client: TestClient, headers: dict[str, str]) -> None:
    answer = client.post("/v1/track", json=TRACK, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert "WWW-Authenticate" in answer.headers


def test_unknown_revoked_and_other_keys_are_refused(
    client: TestClient, key: Callable[[str], str], database: Database
) -> None:
    assert client.post("/v1/track", json=TRACK, auth=("pk_wrong", "")).status_code == 401
    assert client.post("/v1/track", json=TRACK, auth=(key("administrator"), "")).status_code == 403
    secret = key("source")
    database.transact(lambda c: c.execute(text("UPDATE api_key SET revoked_at = now()")))
    assert client.post("/v1/track", json=TRACK, auth=(secret, "")).status_code == 401


@pytest.mark.parametrize(
    ("body", "position"),
    [
        (b"", "not JSON"),
        (b"{", "line 1"),
        (b"[]", "JSON object"),
        (b'{"batch": 1}', "batch"),
        (b'{"batch": [1]}', "batch[0]:"),
        (b'{"batch": [{"type": "buy", "userId": "1"}]}', "batch[0].type"),
        (b'{"batch": [{"type": "track", "event": "A"}]}', "batch[0].userId"),
        (b'{"batch": [{"type": "track", "userId": "1"}]}', "batch[0].event"),
        (b'{"batch": [{"type": "track", "userId": "1", "event": 5}]}', "batch[0].event"),
        (b'{"batch": [{"type": "track", "userId": [], "event": "A"}]}', "batch[0].userId"),
        (b'{"batch": [{"type": "track", "userId": true, "event": "A"}]}', "batch[0].userId"),
        (b'{"batch": [{"type": "alias", "userId": "1"}]}', "batch[0].previousId"),
        (b'{"batch": [{"type": "group", "userId": "1"}]}', "batch[0].groupId"),
        (b'{"batch": [], "sentAt": "soon"}', "sentAt"),
        (b'{"batch": [], "context": []}', "context"),
        (b'{"batch": [{"type": "page", "userId": "1", "name": 7}]}', "batch[0].name"),
        (b'{"batch": [{"type": "identify", "userId": "1", "traits": 7}]}', "batch[0].traits"),
    ],
)
def test_a_malformed_batch_is_refused_with_the_place(
    client: TestClient, write_key: str, body: bytes, position: str
) -> None:
    answer = client.post("/v1/batch", content=body, auth=(write_key, ""))
    assert answer.status_code == 400
    assert position in answer.json()["detail"]


def test_a_batch_with_one_fault_stores_nothing(send: Send, database: Database) -> None:
    good = {**TRACK, "type": "track"}
    answer = send("/v1/batch", {"batch": [good, good, good, {"type": "track", "userId": "1"}]})
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("batch[3].event")
    assert stored(database) == []


@pytest.mark.parametrize(
    ("change", "position"),
    [
        ({"properties": {"a": ["x", {"b": "\0"}]}}, "batch[1].properties.a[1].b"),
        ({"event": "A\0"}, "batch[1].event"),
        ({"properties": {"a\0": 1}}, "batch[1].properties"),
        ({"timestamp": "yesterday"}, "batch[1].timestamp"),
        ({"timestamp": 1700000000}, "batch[1].timestamp"),
        ({"properties": []}, "batch[1].properties"),
        ({"context": {"traits": 1}}, "batch[1].context.traits"),
        ({"userId": "x" * 501}, "batch[1].userId"),
        ({"messageId": "x" * 501}, "batch[1].messageId"),
        ({"event": "x" * 201}, "batch[1].event"),
    ],
)
def test_a_faulty_event_is_refused_with_the_place(
    send: Send, database: Database, change: dict[str, Any], position: str
) -> None:
    good = {**TRACK, "type": "track"}
    answer = send("/v1/batch", {"batch": [good, {**good, **change}]})
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(position)
    assert stored(database) == []


def test_a_text_that_only_spells_nul_is_taken(send: Send, database: Database) -> None:
    assert send("/v1/track", {**TRACK, "properties": {"code": "\\u0000"}}).status_code == 200
    assert stored(database)[0].properties == {"code": "\\u0000"}


@pytest.mark.parametrize(
    "body",
    [
        b'{"userId": "1", "event": "A", "properties": {"a": NaN}}',
        b'{"userId": "1", "event": "\xff"}',
        b'{"userId": "1", "event": "\\ud800"}',
        b'{"userId": "1", "event": "A", "properties": ' + b'{"a":' * 400 + b"1" + b"}" * 401,
        b'{"userId": "1", "event": "A", "properties": ' + b'{"a":' * 4000 + b"1" + b"}" * 4001,
    ],
)
def test_what_no_database_holds_is_malformed(
    client: TestClient, write_key: str, body: bytes
) -> None:
    assert client.post("/v1/track", content=body, auth=(write_key, "")).status_code == 400


def test_limits_are_segments(send: Send, database: Database) -> None:
    event = {**TRACK, "type": "track"}
    large = {**event, "properties": {"text": "x" * 33_000}}
    assert send("/v1/track", large).status_code == 413
    answer = send("/v1/batch", {"batch": [event, large]})
    assert answer.status_code == 413
    assert answer.json()["detail"].startswith("batch[1]")
    fitting = {**event, "properties": {"text": "x" * 30_000}}
    assert send("/v1/batch", {"batch": [fitting] * 18}).status_code == 413
    assert send("/v1/batch", {"batch": [{"type": "page", "userId": "1"}] * 2501}).status_code == 413
    assert stored(database) == []
    assert send("/v1/batch", {"batch": [fitting] * 16}).status_code == 200
    assert len(stored(database)) == 16


def test_a_compressed_body_is_unpacked_within_its_limit(
    client: TestClient, write_key: str, database: Database
) -> None:
    def post(content: bytes, encoding: str = "gzip") -> int:
        headers = {"Content-Encoding": encoding}
        return client.post(
            "/v1/batch", content=content, headers=headers, auth=(write_key, "")
        ).status_code

    packed = gzip.compress(json.dumps({"batch": [{**TRACK, "type": "track"}]}).encode())
    assert post(packed) == 200
    assert post(b"not gzip") == 400
    assert post(packed[:-9]) == 400
    assert post(gzip.compress(b" " * 50_000_000)) == 413
    assert post(packed, "br") == 400
    assert len(stored(database)) == 1


def test_the_senders_clock_is_corrected(send: Send, database: Database) -> None:
    wrong = datetime(2001, 1, 1, tzinfo=UTC)
    event = {**TRACK, "type": "track", "timestamp": (wrong - timedelta(hours=1)).isoformat()}
    assert send("/v1/batch", {"batch": [event], "sentAt": wrong.isoformat()}).is_success
    (row,) = stored(database)
    assert abs(row.received_at - row.occurred_at - timedelta(hours=1)) < timedelta(seconds=5)


def test_without_a_time_of_sending_the_timestamp_holds(send: Send, database: Database) -> None:
    assert send("/v1/track", {**TRACK, "timestamp": "2024-02-29T10:00:00.5Z"}).is_success
    (row,) = stored(database)
    assert row.occurred_at == datetime(2024, 2, 29, 10, 0, 0, 500_000, tzinfo=UTC)


def test_locale_and_time_zone_come_from_the_context(send: Send, database: Database) -> None:
    context = {"locale": "fr-CH", "timezone": "Europe/Zurich", "device": {"token": "t1"}}
    assert send("/v1/track", {**TRACK, "context": context}).is_success
    nonsense = {"locale": 5, "timezone": "../etc/passwd", "device": "none"}
    assert send("/v1/track", {**TRACK, "context": nonsense}).is_success
    with database.read() as connection:
        row = connection.execute(text("SELECT locale, time_zone, addresses FROM customer")).one()
    assert tuple(row) == ("fr-CH", "Europe/Zurich", {"push": ["t1"]})


def test_numbers_are_taken_for_ids(send: Send, database: Database) -> None:
    assert send("/v1/track", {**TRACK, "userId": 42}).is_success
    assert send("/v1/track", TRACK).is_success
    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM customer")).scalar_one() == 1


def test_too_many_waiting_are_asked_to_come_again(send: Send, app: FastAPI) -> None:
    app.state.admission = Admission(app.state, waiting=0)
    answer = send("/v1/track", TRACK)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "2"


def test_a_database_that_is_away_is_503(app: FastAPI, write_key: str, key: Any) -> None:
    app.state.database = Database("postgresql+psycopg://nobody@127.0.0.1:9/none")
    client = TestClient(app)
    answer = client.post("/v1/track", json=TRACK, auth=(write_key, ""))
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "2"
    assert "127.0.0.1" not in answer.text


def test_an_unforeseen_error_tells_nothing(
    send: Send, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError(TRACK["userId"] + "@example.com")

    monkeypatch.setattr("engine.flow.intake.receive", fail)
    answer = send("/v1/track", TRACK)
    assert answer.status_code == 500
    assert "42@example.com" not in answer.text + caplog.text
    assert "ZeroDivisionError" in caplog.text
