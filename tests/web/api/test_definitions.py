"""Computed traits and scores through the interface."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from engine.flow import computing, freezing
from engine.store.session import Database

ORDERS = {"id": "orders", "name": "Orders", "event": "Order Completed", "take": "count"}
HEAT = {
    "id": "heat",
    "name": "Heat",
    "rules": [{"event": "Order Completed", "points": 50}],
    "half_life": "30d",
    "thresholds": [{"at": 50, "name": "Warm"}],
}


class Shop:
    """The interface as an administrator uses it."""

    def __init__(self, client: TestClient, headers: dict[str, str]) -> None:
        self._client, self._headers = client, headers

    def __call__(self, method: str, path: str, document: Any = None) -> Any:
        return self._client.request(method, path, headers=self._headers, json=document)


@pytest.fixture
def shop(client: TestClient, admin: dict[str, str]) -> Shop:
    return Shop(client, admin)


def ago(days: int) -> str:
    return (datetime.now(UTC) - timedelta(days=days, seconds=60)).isoformat()


def build(database: Database) -> None:
    for _ in range(2):
        while computing.carry_on(database):
            pass
        freezing.freeze_due(database)
    while computing.carry_on(database):
        pass


@pytest.mark.parametrize(
    ("path", "document"), [("/v1/traits/orders", ORDERS), ("/v1/scores/heat", HEAT)]
)
def test_a_definition_is_put_read_listed_and_deleted(
    shop: Shop, database: Database, path: str, document: dict[str, Any]
) -> None:
    put = shop("PUT", path, document)
    assert (put.status_code, put.json()["state"]) == (201, "building")
    assert put.json()["warnings"] == ["No event called 'Order Completed' has come lately."]
    build(database)
    found = shop("GET", path).json()
    assert found == {**document, "state": "ready"}
    assert shop("PUT", path, found).status_code == 200
    assert shop("GET", path.rpartition("/")[0]).json()["items"] == [found]
    assert shop("DELETE", path).status_code == 204
    assert shop("GET", path).status_code == 404


@pytest.mark.parametrize(
    ("path", "document", "told"),
    [
        ("/v1/traits/orders", {**ORDERS, "take": "sum"}, "say which property"),
        ("/v1/traits/orders", {"name": "O", "quantile_of": "nothing"}, "create it first"),
        ("/v1/traits/or.ders", ORDERS | {"id": "or.ders"}, "letters, digits and _"),
        ("/v1/scores/heat", {**HEAT, "half_life": "1mo"}, "whole days"),
        ("/v1/scores/heat", {**HEAT, "rules": [{"event": "x", "points": 1.5}]}, "whole number"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(shop: Shop, path: str, document: dict[str, Any], told: str) -> None:
    answer = shop("PUT", path, document)
    assert answer.status_code == 422
    assert told in answer.text


def test_a_customer_shows_what_is_computed_of_her(
    shop: Shop, database: Database, send: Any
) -> None:
    shop("PUT", "/v1/traits/orders", ORDERS)
    shop("PUT", "/v1/traits/part", {"name": "Part", "quantile_of": "orders", "parts": 2})
    shop("PUT", "/v1/scores/heat", HEAT)
    send("/v1/track", {"userId": "ada", "event": "Order Completed", "timestamp": ago(30)})
    build(database)
    found = shop("GET", "/v1/customers/external_id:ada").json()
    assert found["derived"] == {"orders": 1, "heat": 25, "part": 1}
    assert found["scores"] == {"heat": 25}
    assert found["traits"] == {}
    assert shop("PUT", "/v1/customers/external_id:ada", found).status_code == 200


def test_what_somebody_uses_is_kept(shop: Shop) -> None:
    shop("PUT", "/v1/traits/orders", ORDERS)
    shop("PUT", "/v1/segments/many", {"name": "Many", "rule": {"trait": "orders", "gte": 5}})
    answer = shop("DELETE", "/v1/traits/orders")
    assert (answer.status_code, "The segment many uses orders" in answer.text) == (409, True)


def test_the_interface_describes_both(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert {"/v1/traits/{trait}", "/v1/scores/{score}"} <= document["paths"].keys()
    assert {"Trait", "EventTrait", "QuantileTrait", "JoinedTrait", "Score"} <= document[
        "components"
    ]["schemas"].keys()
