"""A journey started for many, by the interface for programs."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from engine.flow import starting
from engine.store.session import Database
from tests.web.api.test_resources import Shop

JOURNEY = {
    "id": "news", "name": "News", "entry": {"on": {"api": True}, "pace": "100/min"},
    "steps": [{"id": "rest", "type": "wait", "for": "30d"}],
}  # fmt: skip
PATH = "/v1/journeys/news/starts"


@pytest.fixture
def shop(client: TestClient, admin: dict[str, str]) -> Shop:
    made = Shop(client, admin)
    rule = {"id": "vip", "name": "VIP", "rule": {"trait": "tier", "eq": "gold"}}
    assert made.put("/v1/segments/vip", rule).status_code == 201
    assert made.put("/v1/journeys/news", JOURNEY).status_code == 201
    for n in range(3):
        made.put(f"/v1/customers/external_id:{n}", {})
    return made


def test_a_start_is_asked_for_looked_at_and_stopped(shop: Shop, database: Database) -> None:
    assert shop.post(PATH, {}).status_code == 409
    shop.post("/v1/journeys/news/publish")
    begun = shop.post(PATH, {"pace": "2/s"})
    assert begun.status_code == 201
    start = begun.json()
    assert (start["state"], start["pace"], start["segment"], start["total"]) == (
        "running", "2/s", None, None,
    )  # fmt: skip
    assert starting.go_on(database) == 1
    read = shop.get(f"{PATH}/{start['id']}").json()
    assert (read["total"], read["entered"], read["refused"]) == (3, 1, 0)
    stopped = shop.post(f"{PATH}/{start['id']}/stop").json()
    assert (stopped["state"], stopped["reason"]) == ("stopped", "by_hand")
    assert shop.get(PATH).json() == {"items": [stopped], "next": None}
    shop.post(PATH, {})
    page = shop.get(PATH, limit=1).json()
    assert [one["state"] for one in page["items"]] == ["running"]
    assert shop.get(PATH, limit=1, cursor=page["next"]).json()["items"] == [stopped]


def test_a_segment_is_waited_for(shop: Shop, database: Database) -> None:
    shop.post("/v1/journeys/news/publish")
    assert shop.post(PATH, {"segment": "vip"}).json()["pace"] == "100/min"
    database.transact(lambda c: c.execute(text("UPDATE segment SET state = 'building'")))
    assert starting.go_on(database) == 0


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"segment": "lost"}, "There is no segment lost"),
        ({"pace": "soon"}, "is no pace"),
        ({"for": "vip"}, "for: this key is not known here"),
    ],
)
def test_a_mistake_is_refused_in_a_sentence(shop: Shop, body: dict[str, Any], words: str) -> None:
    shop.post("/v1/journeys/news/publish")
    answer = shop.post(PATH, body)
    assert answer.status_code == 422
    assert words in answer.json()["detail"]


def test_only_who_publishes_may_start(shop: Shop, key: Callable[[str], str]) -> None:
    shop.post("/v1/journeys/news/publish")
    shop.headers = {"Authorization": f"Bearer {key('marketer')}"}
    assert shop.post(PATH, {}).status_code == 403
    assert shop.get(PATH).status_code == 200
    assert shop.get(f"{PATH}/01900000-0000-7000-8000-000000000000").status_code == 404
    assert shop.get("/v1/journeys/lost/starts").status_code == 404
