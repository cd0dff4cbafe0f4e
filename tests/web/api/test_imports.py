"""Imports by programs: a file in the body, and how far it is."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from engine.flow import importing
from engine.flow.importing import Folder
from engine.store import tables
from engine.store.session import Database

CSV = b"userId;date;montant\n7;31.01.2025;1 234,50\n8;32.01.2025;2,00\n"
WHOLE = {"kind": "events", "name": "orders.csv", "event": "Order Completed"}


@pytest.fixture
def work(client: TestClient, database: Database, tmp_path: Path) -> Callable[[], None]:
    """Do what a dispatcher does."""
    app: Any = client.app
    app.state.settings = SimpleNamespace(data_dir=tmp_path)

    def work() -> None:
        while importing.portion(database, Folder(tmp_path / "imports")):
            pass

    return work


def stored(database: Database) -> int:
    with database.read() as connection:
        count = select(func.count()).select_from(tables.event)
        return int(connection.execute(count).scalar_one())


def test_a_file_is_imported_and_asked_for(
    client: TestClient, admin: dict[str, str], database: Database, work: Callable[[], None]
) -> None:
    begun = client.post("/v1/imports", params=WHOLE, content=CSV, headers=admin)
    assert begun.status_code == 202
    assert begun.json()["state"] == "running"
    work()
    place = f"/v1/imports/{begun.json()['id']}"
    found = client.get(place, headers=admin).json()
    assert (found["state"], found["accepted"], found["rejected"]) == ("done", 1, 1)
    assert found["done"] == found["size"] == len(CSV)
    assert found["reasons"] == [
        {"reason": "date: … is no date like 31.01.2026", "rows": 1, "first_line": 3}
    ]
    rejected = client.get(found["rejects"], headers=admin)
    assert json.loads(rejected.text)["line"] == 3
    assert stored(database) == 1


def test_a_file_is_checked_and_then_run_or_not(
    client: TestClient, admin: dict[str, str], database: Database, work: Callable[[], None]
) -> None:
    places = []
    for _ in range(2):
        asked = {**WHOLE, "run": "false"}
        begun = client.post("/v1/imports", params=asked, content=CSV, headers=admin)
        places.append(f"/v1/imports/{begun.json()['id']}")
    work()
    assert stored(database) == 0
    found = client.get(places[0], headers=admin).json()
    assert (found["state"], found["checked"]["customers_new"]) == ("checked", 1)
    assert client.post(f"{places[0]}/cancel", headers=admin).json()["state"] == "cancelled"
    assert client.post(f"{places[0]}/start", headers=admin).status_code == 409
    assert client.post(f"{places[1]}/start", headers=admin).status_code == 202
    work()
    assert stored(database) == 1


def test_a_file_in_a_form(
    client: TestClient, admin: dict[str, str], work: Callable[[], None], tmp_path: Path
) -> None:
    lines = b'{"userId": "1", "traits": {"email": "ada@example.com"}}\n'
    asked = {"kind": "customers", "name": "a.jsonl"}
    files = {"file": ("a.jsonl", lines, "application/jsonl")}
    begun = client.post("/v1/imports", params=asked, files=files, headers=admin)
    assert begun.status_code == 202
    work()
    found = client.get(f"/v1/imports/{begun.json()['id']}", headers=admin).json()
    assert (found["state"], found["accepted"], found["rejects"]) == ("done", 1, None)
    other = client.post("/v1/imports", params=asked, files={"other": lines}, headers=admin)
    assert other.status_code == 400
    assert list((tmp_path / "imports").iterdir()) == []


@pytest.mark.parametrize(
    ("asked", "content", "said"),
    [
        ({"kind": "unicorns"}, CSV, "customers and events"),
        ({"event": ""}, CSV, "Say which event the rows are"),
        ({}, b"", "empty"),
        ({}, b"userId;userId\n", "twice"),
        ({"kind": "events"}, b"a;b\n1;2\n", "an id of hers"),
    ],
)
def test_what_is_wrong_is_said(
    client: TestClient,
    admin: dict[str, str],
    work: Callable[[], None],
    tmp_path: Path,
    asked: dict[str, str],
    content: bytes,
    said: str,
) -> None:
    answer = client.post("/v1/imports", params={**WHOLE, **asked}, content=content, headers=admin)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]
    folder = tmp_path / "imports"
    assert not folder.exists() or list(folder.iterdir()) == []
