"""Products, shops, stock, orders and gift cards through the interface."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from engine.store import gift_cards, tables
from engine.store.session import Database
from tests.web.api.conftest import Told

TEA = {
    "sku": "tea", "name": "Tea", "categories": ["Drinks"], "price": 12.5,
    "link": "https://shop.example.com/tea", "data": {"origin": "Assam"},
}  # fmt: skip
ORDER = {
    "id": "A-1", "customer": "external_id:ada", "total": 25, "placed_at": "2026-03-01T09:00:00Z",
    "lines": [{"sku": "tea", "quantity": 2, "price": 12.5}],
    "payments": [{"method": "gift_card", "amount": 5, "gift_card": "g1"}],
}  # fmt: skip


class Feed:
    """A shop's system with a key."""

    def __init__(self, client: TestClient, secret: str) -> None:
        self.client = client
        self.headers = {"Authorization": f"Bearer {secret}"}

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(path, headers=self.headers, params=query)

    def put(self, path: str, document: Any) -> Any:
        return self.client.put(path, headers=self.headers, json=document)

    def post(self, path: str, document: Any) -> Any:
        return self.client.post(path, headers=self.headers, json=document)

    def delete(self, path: str) -> Any:
        return self.client.delete(path, headers=self.headers)


@pytest.fixture
def feed(client: TestClient, key: Callable[[str], str]) -> Feed:
    return Feed(client, key("administrator"))


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("/v1/products/tea", TEA),
        ("/v1/shops/bern", {"id": "bern", "name": "Bern", "time_zone": "Europe/Zurich"}),
        ("/v1/stock/tea/bern", {"sku": "tea", "shop": "bern", "quantity": 3}),
        ("/v1/gift-cards/g1", {"id": "g1", "balance": 50, "currency": "EUR"}),
        ("/v1/orders/A-1", {key: value for key, value in ORDER.items() if key != "customer"}),
    ],
)
def test_what_is_put_can_be_read_listed_and_put_back(
    feed: Feed, path: str, document: dict[str, Any]
) -> None:
    first, collection = path, "/".join(path.split("/")[:3])
    more = {"customer": "external_id:ada"} if "orders" in path else {}
    assert feed.put(path, document | more).status_code == 201
    (read,) = feed.get(collection).json()["items"]
    told = {"placed_at"}
    assert {k: v for k, v in document.items() if k not in told}.items() <= read.items()
    again = feed.put(first, read)
    assert again.status_code == 200, again.text
    assert {k: v for k, v in again.json().items() if k != "updated_at"} == {
        k: v for k, v in read.items() if k not in {"updated_at", "stock", "in_shops"}
    }


def test_products_are_found_by_what_people_remember(feed: Feed) -> None:
    some = [
        TEA,
        {"sku": "100%-cocoa", "name": "Cocoa", "price": 4},
        {"sku": "mug_1", "name": "Mug"},
    ]
    answer = feed.post("/v1/products/batch", {"products": some})
    assert answer.json() == {"stored": 3, "created": 3}
    assert feed.post("/v1/products/batch", {"products": some}).json()["created"] == 0
    feed.post("/v1/stock/batch", {"stock": [
        {"sku": "tea", "shop": "bern", "quantity": 2},
        {"sku": "tea", "shop": "web", "quantity": 1.5},
        {"sku": "tea", "shop": "basel", "quantity": -1},
    ]})  # fmt: skip

    def found(query: str) -> list[str]:
        items = feed.get("/v1/products", query=query).json()["items"]
        return [one["sku"] for one in items]

    assert found("TEA") == ["tea"]
    assert found("drink") == ["tea"]
    assert found("100%") == ["100%-cocoa"]
    assert found("g_1") == ["mug_1"]
    assert found("%") == ["100%-cocoa"]
    listed = feed.get("/v1/products", query="tea").json()["items"][0]
    assert (listed["stock"], listed["in_shops"], listed["currency"]) == (3.5, 2, "CHF")
    first = feed.get("/v1/products", limit=2).json()
    rest = feed.get("/v1/products", limit=2, cursor=first["next"]).json()
    assert [one["sku"] for one in first["items"] + rest["items"]] == ["100%-cocoa", "mug_1", "tea"]
    assert len(feed.get("/v1/stock", sku="tea").json()["items"]) == 3
    assert len(feed.get("/v1/stock", shop="web").json()["items"]) == 1


def test_what_is_deleted_takes_its_stock_along(feed: Feed) -> None:
    feed.put("/v1/products/tea", TEA)
    feed.put("/v1/stock/tea/bern", {"quantity": 3})
    assert feed.delete("/v1/products/tea").status_code == 204
    assert feed.delete("/v1/products/tea").status_code == 404
    assert feed.get("/v1/stock").json()["items"] == []


@pytest.mark.parametrize(
    ("path", "document", "words"),
    [
        ("/v1/products/tea", {**TEA, "sku": "x"}, "must agree"),
        ("/v1/products/tea", {}, "name: this is needed"),
        ("/v1/products/tea", {**TEA, "price": -1}, "price"),
        ("/v1/products/tea", {**TEA, "price": "cheap"}, "price"),
        ("/v1/products/tea", {**TEA, "link": "javascript:alert(1)"}, "link"),
        ("/v1/products/tea", {**TEA, "currency": "francs"}, "currency"),
        ("/v1/products/tea", {**TEA, "colour": "red"}, "colour: this key is not known here"),
        ("/v1/shops/bern", {"name": "Bern", "time_zone": "Bern"}, "no time zone"),
        ("/v1/stock/tea/bern", {}, "quantity: this is needed"),
        ("/v1/stock/tea/bern", {"quantity": "NaN"}, "quantity"),
        ("/v1/orders/A-1", {**ORDER, "total": None}, "total"),
        ("/v1/orders/A-1", {**ORDER, "placed_at": "yesterday"}, "placed_at"),
        ("/v1/orders/A-1", {**ORDER, "lines": [{"sku": "a", "quantity": 0}]}, "lines.0.quantity"),
        ("/v1/orders/A-1", {**ORDER, "state": "lost"}, "state"),
        ("/v1/orders/A-1", {**ORDER, "customer": "external_id:"}, "namespace:value"),
        ("/v1/gift-cards/g1", {"balance": -1}, "balance"),
        ("/v1/gift-cards/g1", {"balance": 1, "code": "123"}, "code"),
    ],
)
def test_a_document_with_mistakes_is_refused_in_words(
    feed: Feed, path: str, document: dict[str, Any], words: str
) -> None:
    answer = feed.put(path, document)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert words in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "document", "status", "words"),
    [
        ("/v1/products/batch", {"products": [TEA, {"sku": "a"}]}, 422, "products[1].name: this"),
        ("/v1/products/batch", {"products": [TEA, 3]}, 422, "products[1]: a JSON object"),
        ("/v1/products/batch", {"products": TEA}, 422, "products: a list is needed"),
        ("/v1/products/batch", [TEA], 400, "JSON object"),
        ("/v1/stock/batch", {"stock": [{"sku": "a"}]}, 422, "stock[0].shop"),
        ("/v1/orders/batch", {"orders": [ORDER, {**ORDER, "customer": "email:no@x.ch"}]}, 404,
         "no customer"),
        ("/v1/stock/batch", {"stock": [{}] * 1001}, 413, "1,000 is the most"),
    ],
)  # fmt: skip
def test_a_batch_is_stored_whole_or_not_at_all(
    feed: Feed, path: str, document: Any, status: int, words: str
) -> None:
    answer = feed.post(path, document)
    assert answer.status_code == status
    assert words in answer.json()["detail"]
    for kind in ("products", "stock", "orders"):
        assert feed.get(f"/v1/{kind}").json()["items"] == []


def test_an_order_is_an_event_and_tells_its_journeys(feed: Feed, database: Database) -> None:
    answer = feed.put("/v1/orders/A-1", ORDER)
    assert answer.status_code == 201
    assert answer.json()["lines"] == ORDER["lines"]
    assert answer.json()["payments"] == ORDER["payments"]
    with database.read() as connection:
        (event,) = connection.execute(select(tables.event)).all()
    assert event.name == "Order Completed"
    assert str(event.customer_id) == answer.json()["customer"]
    assert event.properties["products"] == ORDER["lines"]
    assert event.properties["payments"] == ORDER["payments"]


def test_orders_are_listed_by_customer_and_time(feed: Feed) -> None:
    some = [
        {**ORDER, "id": str(n), "customer": f"external_id:{who}", "placed_at": f"2026-03-0{n}"}
        for n, who in ((1, "ada"), (2, "bo"), (3, "ada"))
    ]
    assert feed.post("/v1/orders/batch", {"orders": some}).json() == {"stored": 3, "created": 3}

    def listed(**query: Any) -> list[str]:
        return [one["id"] for one in feed.get("/v1/orders", **query).json()["items"]]

    assert listed() == ["3", "2", "1"]
    assert listed(customer="external_id:ada") == ["3", "1"]
    assert listed(since="2026-03-02") == ["3", "2"]
    assert listed(since="2026-03-02T00:00:01Z", customer="external_id:ada") == ["3"]
    assert listed(sku="none") == []
    assert feed.get("/v1/orders", customer="external_id:none").status_code == 404
    assert feed.get("/v1/orders", since="soon").status_code == 422


def test_money_and_goods_come_back(feed: Feed) -> None:
    feed.put("/v1/orders/A-1", ORDER)
    first = feed.post("/v1/orders/A-1/refunds", {"id": "r", "amount": 20, "method": "gift_card"})
    assert (first.status_code, first.json()["amount"]) == (201, 20)
    assert feed.post("/v1/orders/A-1/refunds", {"id": "r", "amount": 20}).status_code == 200
    over = feed.post("/v1/orders/A-1/refunds", {"amount": 20})
    assert (over.status_code, "only 5 CHF are left" in over.json()["detail"]) == (422, True)
    assert feed.post("/v1/orders/A-1/refunds", {}).json()["amount"] == 5
    assert feed.post("/v1/orders/A-1/refunds", {}).status_code == 409
    back = feed.post("/v1/orders/A-1/returns", {"reason": "too cold"})
    assert (back.status_code, back.json()["lines"]) == (201, ORDER["lines"])
    read = feed.get("/v1/orders/A-1").json()
    assert (len(read["refunds"]), len(read["returns"])) == (2, 1)
    assert feed.post("/v1/orders/none/refunds", {}).status_code == 404
    assert feed.post("/v1/orders/A-1/returns?source=till", {}).status_code == 404


def test_a_gift_cards_code_is_never_shown(feed: Feed, database: Database) -> None:
    feed.put("/v1/customers/external_id:ada", {})
    card = {"code": "ABCD-EFGH-1234", "balance": 50, "customer": "external_id:ada"}
    answer = feed.put("/v1/gift-cards/g1", card)
    assert answer.json()["code"] == "•••• 1234"
    assert "ABCD" not in feed.get("/v1/gift-cards").text
    feed.put("/v1/gift-cards/g1", {**answer.json(), "balance": 30})
    with database.read() as connection:
        found = gift_cards.by_code(connection, "abcd efgh 1234")
        (row,) = connection.execute(select(tables.gift_card)).all()
    assert (found["id"], found["balance"]) == ("g1", 30)
    assert b"ABCD" not in row.code_hash
    assert len(feed.get("/v1/gift-cards", customer="external_id:ada").json()["items"]) == 1


def test_a_source_whose_key_stands_in_a_page_changes_no_price(
    client: TestClient, key: Callable[[str], str], gateway: Told
) -> None:
    source = Feed(client, key("source"))
    assert source.put("/v1/products/tea", TEA).status_code == 403
    assert source.put("/v1/stock/tea/web", {"quantity": 1}).status_code == 403
    assert source.put("/v1/orders/A-1", ORDER).status_code == 403
    for path in ("/v1/products", "/v1/orders", "/v1/gift-cards"):
        assert source.get(path).status_code == 403
    assert source.put("/v1/gift-cards/g1", {"balance": 1}).status_code == 403
    steward = Feed(client, key("steward"))
    assert steward.put("/v1/products/tea", TEA).status_code == 201
    assert Feed(client, key("marketer")).put("/v1/products/tea", TEA).status_code == 403
    assert gateway.wakes == []


def test_the_interface_describes_itself(feed: Feed) -> None:
    document = feed.get("/openapi.json").json()
    body = document["paths"]["/v1/orders/{order}"]["put"]["requestBody"]["content"]
    assert body["application/json"]["schema"]["$ref"].endswith("/Order")
    assert "lines" in document["components"]["schemas"]["Order"]["properties"]
