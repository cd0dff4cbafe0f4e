"""Shops tell by their webhooks: who their customers are, what they agreed to and what they did."""

import hmac
import json
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi import FastAPI
from prometheus_client import REGISTRY
from sqlalchemy import select

from designer.hooks import routes as hooks
from engine.flow import consent, topics
from engine.flow.consent import Proof
from engine.flow.publish import publish, save_journey
from engine.model.actor import COMMAND_LINE
from engine.model.document import parse_journey
from engine.model.topic import Topic
from engine.settings import Settings
from engine.store import tables
from engine.store.session import Database
from tests.doubles import shopify as double

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # starlette would rather have the successor of httpx
    from fastapi.testclient import TestClient

PRESTASHOP = "a secret of the module's"
WELCOME = """
id: welcome
name: Welcome
entry: {on: {event: Signed Up}}
topic: news
steps:
  - {id: cool, type: wait, for: 1h}
"""


class Shops:
    """The hooks' addresses, and the database behind them."""

    def __init__(self, database: Database, **settings: Any) -> None:
        self.database = database
        app = FastAPI()
        app.state.database = database
        app.state.gateway = None
        app.state.settings = Settings.load(
            shopify_secret=double.SECRET, prestashop_secret=PRESTASHOP, **settings
        )
        app.include_router(hooks.router)
        self.client = TestClient(app, raise_server_exceptions=False)

    def shopify(self, topic: str, document: Any, key: str = "k1", **more: Any) -> int:
        body, headers = double.signed(topic, document, key, **more)
        answer = self.client.post("/hooks/shopify", content=body, headers=headers)
        return int(answer.status_code)

    def prestashop(self, hook: str, id_: str = "d1", **parts: Any) -> int:
        body = json.dumps({"id": id_, "hook": hook, "sent_at": "2026-01-06T12:00:00Z", **parts})
        signature = hmac.new(PRESTASHOP.encode(), body.encode(), "sha256").hexdigest()
        headers = {"X-PrestaShop-Hmac-Sha256": signature}
        answer = self.client.post("/hooks/prestashop", content=body.encode(), headers=headers)
        return int(answer.status_code)

    def rows(self, table: Any, *order: Any) -> list[Any]:
        with self.database.read() as connection:
            return list(connection.execute(select(table).order_by(*order)).all())

    def names(self) -> list[str]:
        return [row.name for row in self.rows(tables.event, tables.event.c.seq)]


@pytest.fixture
def shops(database_url: str) -> Iterator[Shops]:
    database = Database(database_url)
    yield Shops(database)
    database.close()


def test_an_order_makes_its_customer_and_is_taken_in_once(shops: Shops) -> None:
    assert [shops.shopify("orders/create", double.order()) for _ in range(3)] == [200] * 3
    (ada,) = shops.rows(tables.customer)
    assert ada.addresses == {"email": "ada@example.com", "phone": "+41446681800"}
    assert ada.locale == "de-CH"
    assert [(row.namespace, row.value) for row in shops.rows(tables.identity)] == [
        ("shopify", "115310627314723954")
    ]
    assert shops.names() == ["Customer Identified", "Order Completed"]
    assert {row.source for row in shops.rows(tables.event)} == {"shopify"}
    assert shops.shopify("refunds/create", double.refund(), "k2") == 200
    assert shops.names()[2:] == ["Order Refunded"]
    assert len(shops.rows(tables.customer)) == 1


def test_a_shop_whose_own_ids_are_shopifys_has_each_customer_once(database_url: str) -> None:
    database = Database(database_url)
    shops = Shops(database, shopify_namespace="external_id")
    assert shops.shopify("customers/create", double.customer(id_=42)) == 200
    (identity,) = shops.rows(tables.identity)
    assert (identity.namespace, identity.value) == ("external_id", "42")
    database.close()


def test_a_journey_that_begins_by_it_knows_her_address(shops: Shops) -> None:
    save_journey(shops.database, parse_journey(WELCOME), actor=COMMAND_LINE)
    publish(shops.database, "welcome", actor=COMMAND_LINE)
    now = datetime.now(UTC).isoformat()
    assert shops.shopify("customers/create", double.customer(created_at=now)) == 200
    (run,) = shops.rows(tables.run)
    assert run.journey_id == "welcome"


@pytest.mark.parametrize("key", ["X-Shopify-Hmac-Sha256", "X-Shopify-Webhook-Id"])
def test_what_shopify_did_not_send_changes_nothing(shops: Shops, key: str) -> None:
    body, headers = double.signed("orders/create", double.order())
    left_out = {name: value for name, value in headers.items() if name != key}
    answer = shops.client.post("/hooks/shopify", content=body, headers=left_out)
    assert answer.status_code == (401 if "Hmac" in key else 400)
    assert shops.shopify("orders/create", double.order(), secret="another") == 401
    assert shops.shopify("orders/create", b"{") == 400
    assert shops.shopify("orders/create", b"x" * 5_000_001) == 413
    assert shops.rows(tables.customer) == []


def test_other_topics_are_answered_and_counted(shops: Shops) -> None:
    labels = {"shop": "shopify", "topic": "themes/publish", "outcome": "unknown"}
    before = REGISTRY.get_sample_value("parcours_shop_hooks_total", labels) or 0
    assert shops.shopify("themes/publish", {"id": 1}) == 200
    assert REGISTRY.get_sample_value("parcours_shop_hooks_total", labels) == before + 1
    assert shops.names() == []


def agreed(shops: Shops, state: str, at: str, key: str, **more: Any) -> None:
    stated = double.consent(state, at, **more)
    document = double.customer(email_marketing_consent=stated)
    assert shops.shopify("customers/update", document, key) == 200


def said(shops: Shops) -> dict[str, str]:
    (ada,) = shops.rows(tables.customer)
    return {topic: channels["email"] for topic, channels in ada.consent.items()}


def test_what_she_agreed_to_is_recorded_with_its_proof(shops: Shops) -> None:
    topics.put_topic(shops.database, Topic(id="news", name="News"), actor=COMMAND_LINE)
    agreed(shops, "subscribed", "2026-01-05T09:00:00Z", "a")
    assert said(shops) == {"*": "subscribed"}
    (proof,) = shops.rows(tables.consent)
    assert (proof.how, proof.source, proof.text_version) == (
        "api",
        "Shopify boots.myshopify.com",
        "single_opt_in",
    )
    assert proof.at.isoformat() == "2026-01-05T09:00:00+00:00"
    agreed(shops, "subscribed", "2026-01-05T09:00:00Z", "b")
    assert len(shops.rows(tables.consent)) == 1
    agreed(shops, "unsubscribed", "2026-01-06T09:00:00Z", "c")
    assert said(shops) == {"*": "unsubscribed", "news": "unsubscribed"}
    agreed(shops, "subscribed", "2026-01-05T09:00:00Z", "late")
    assert said(shops) == {"*": "unsubscribed", "news": "unsubscribed"}
    agreed(shops, "subscribed", "2026-01-07T09:00:00Z", "d")
    assert said(shops) == {"*": "subscribed", "news": "subscribed"}


def test_what_she_has_said_here_since_holds(shops: Shops) -> None:
    topics.put_topic(shops.database, Topic(id="news", name="News"), actor=COMMAND_LINE)
    agreed(shops, "subscribed", "2026-01-05T09:00:00Z", "a")
    (ada,) = shops.rows(tables.customer)
    proof = Proof(how="page", source="/preferences")
    consent.say(shops.database, ada.id, {("news", "email"): "unsubscribed"}, proof)
    agreed(shops, "subscribed", "2026-01-06T09:00:00Z", "b")
    assert said(shops)["news"] == "unsubscribed"
    agreed(shops, "subscribed", "2036-01-06T09:00:00Z", "c")
    assert said(shops)["news"] == "unsubscribed"


def test_a_topic_with_double_opt_in_asks_her_unless_the_shop_did(shops: Shops) -> None:
    asks = Topic(id="news", name="News", double_opt_in=True)
    topics.put_topic(shops.database, asks, actor=COMMAND_LINE)
    agreed(shops, "subscribed", "2026-01-05T09:00:00Z", "a")
    assert said(shops) == {"news": "pending"}
    agreed(shops, "subscribed", "2026-01-06T09:00:00Z", "b", level="confirmed_opt_in")
    assert said(shops)["*"] == "subscribed"


def test_products_and_their_stock_are_kept(shops: Shops) -> None:
    assert shops.shopify("products/create", double.product()) == 200
    (boots,) = shops.rows(tables.product)
    assert (boots.sku, boots.name, float(boots.price)) == ("RB-38-G", "Rain boots, green / 38", 122)
    assert (boots.categories, boots.active) == (["Boots"], True)
    assert boots.link == "https://boots.myshopify.com/products/rain-boots"
    level = {"inventory_item_id": 49148385, "location_id": 655441491, "available": 7}
    assert shops.shopify("inventory_levels/update", level, "k2") == 200
    (stock,) = shops.rows(tables.stock)
    assert (stock.sku, stock.shop, int(stock.quantity)) == ("RB-38-G", "655441491", 7)
    for other in ({"available": None}, {"inventory_item_id": 1}):
        assert shops.shopify("inventory_levels/update", {**level, **other}, "k3") == 200
    assert len(shops.rows(tables.stock)) == 1
    assert shops.shopify("products/update", double.product(image={"src": "no address"})) == 200
    product = {"id_product": 3, "reference": "demo_6", "name": "Affiche", "price": 26.0,
               "currency": "EUR", "active": "1"}  # fmt: skip
    assert shops.prestashop("actionObjectProductUpdateAfter", product=product) == 200
    quantity = {"reference": "demo_6", "quantity": 3}
    assert shops.prestashop("actionUpdateQuantity", "d2", stock=quantity) == 200
    assert {(row.sku, row.shop) for row in shops.rows(tables.stock)} >= {("demo_6", "web")}


ADA = {
    "id_customer": 7,
    "email": "ada@example.com",
    "firstname": "Ada",
    "lastname": "Byron",
    "birthday": "1990-12-10",
    "language": "fr",
    "newsletter": 1,
    "newsletter_date_add": "2026-01-05T09:00:00+01:00",
    "date_add": "2026-01-05T09:00:00+01:00",
    "date_upd": "2026-01-05T09:00:00+01:00",
}
ORDER = {
    "id_order": 12,
    "reference": "XKBKNABJK",
    "id_cart": 15,
    "total_paid": "59.900000",
    "total_products_wt": "52.000000",
    "total_shipping": "7.900000",
    "total_discounts": "0.000000",
    "currency": "EUR",
    "current_state": 2,
    "payment": "Carte",
    "date_add": "2026-01-06T12:00:00+01:00",
    "date_upd": "2026-01-06T12:30:00+01:00",
    "products": [
        {"product_id": 3, "product_attribute_id": 13, "product_reference": "demo_6",
         "product_name": "Affiche", "product_quantity": 2, "unit_price_tax_incl": "26.000000"}
    ],
}  # fmt: skip


def test_a_prestashop_module_tells_of_customers_and_orders(shops: Shops) -> None:
    assert shops.prestashop("actionCustomerAccountAdd", customer=ADA) == 200
    for key in ("d2", "d2", "d3"):
        assert shops.prestashop("actionValidateOrder", key, customer=ADA, order=ORDER) == 200
    assert shops.names().count("Order Completed") == shops.names().count("Signed Up") == 1
    (ada,) = shops.rows(tables.customer)
    assert (ada.locale, ada.traits["birthday"]) == ("fr", "1990-12-10")
    assert said(shops) == {"*": "subscribed"}
    (order,) = [row for row in shops.rows(tables.event) if row.name == "Order Completed"]
    assert order.properties == {
        "order_id": "12",
        "order_number": "XKBKNABJK",
        "cart_id": "15",
        "total": 59.9,
        "subtotal": 52,
        "shipping": 7.9,
        "discount": 0,
        "currency": "EUR",
        "payment": "Carte",
        "products": [
            {"product_id": "3", "variant_id": "13", "sku": "demo_6", "name": "Affiche",
             "price": 26, "quantity": 2}
        ],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("flags", "name", "became"),
    [
        ({"paid": 1}, "Order Updated", "paid"),
        ({"paid": True, "shipped": "1"}, "Order Updated", "shipped"),
        ({"paid": 1, "canceled": 1}, "Order Cancelled", "canceled"),
        ({"refunded": 1}, "Order Refunded", "refunded"),
        ({"paid": [], "shipped": 0}, "Order Updated", None),
    ],
)
def test_what_becomes_of_a_prestashop_order(
    shops: Shops, flags: dict[str, Any], name: str, became: str | None
) -> None:
    state = {"id_order_state": 4, "name": "Expédié", **flags}
    parts = {"customer": ADA, "order": ORDER, "state": state}
    assert shops.prestashop("actionOrderStatusPostUpdate", **parts) == 200
    (event,) = [row for row in shops.rows(tables.event) if row.name == name]
    assert event.properties.get("became") == became


def test_a_visitors_cart_tells_nothing_and_a_customers_does(shops: Shops) -> None:
    cart = {"id_cart": 15, "total": 52, "currency": "EUR", "products": ORDER["products"]}
    assert shops.prestashop("actionCartSave", customer={"id_customer": 0}, cart=cart) == 200
    assert shops.rows(tables.customer) == []
    assert shops.prestashop("actionCartSave", "d2", customer=ADA, cart=cart) == 200
    (event,) = [row for row in shops.rows(tables.event) if row.name == "Cart Updated"]
    assert event.properties["cart_value"] == 52


def test_only_the_module_is_heard(shops: Shops) -> None:
    url = "/hooks/prestashop"
    body = json.dumps({"id": "d", "hook": "actionCustomerAccountAdd", "customer": ADA}).encode()
    for signature in (None, "", "0" * 64, "ä"):
        headers = {} if signature is None else {"X-PrestaShop-Hmac-Sha256": signature.encode()}
        assert shops.client.post(url, content=body, headers=headers).status_code == 401
    assert shops.prestashop("actionCustomerAccountAdd", "") == 400
    assert shops.prestashop("actionValidateOrder", customer=ADA) == 400
    assert shops.prestashop("actionSomethingElse", customer=ADA) == 200
    assert shops.rows(tables.customer) == []


def test_the_header_has_the_name_that_was_set(database_url: str) -> None:
    database = Database(database_url)
    shops = Shops(database, prestashop_header="X-Signature")
    body = json.dumps({"id": "d", "hook": "actionCustomerAccountAdd", "customer": ADA}).encode()
    signature = hmac.new(PRESTASHOP.encode(), body, "sha256").hexdigest()
    answer = shops.client.post(
        "/hooks/prestashop", content=body, headers={"X-Signature": f"sha256={signature}"}
    )
    assert answer.status_code == 200
    database.close()
