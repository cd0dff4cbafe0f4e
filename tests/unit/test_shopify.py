"""What Shopify's webhooks tell, and which requests are Shopify's."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest

from designer.api.problems import Malformed, Unauthorized
from designer.hooks import shopify
from engine.flow.shops import Agreed, Told
from tests.doubles import shopify as double

WHOSE = UUID("00000000-0000-7000-8000-000000000001")


def read(topic: str, document: Any, whose: UUID | None = WHOSE) -> Told:
    body, headers = double.signed(topic, document)
    told = shopify.told(body, shopify.delivery(headers, "shopify", lambda _: whose, lambda _: "RB"))
    assert told is not None
    return told


def test_only_what_the_secret_signed_is_shopifys() -> None:
    body, headers = double.signed("orders/create", double.order())
    signature = headers[shopify.SIGNATURE]
    shopify.check(double.SECRET, body, signature)
    for wrong in (None, "", "bm8=", "nö", signature[:-2], signature.lower()):
        with pytest.raises(Unauthorized):
            shopify.check(double.SECRET, body, wrong)
    with pytest.raises(Unauthorized):
        shopify.check(double.SECRET, body + b" ", signature)
    with pytest.raises(Unauthorized):
        shopify.check("another", body, signature)


def test_an_order_is_completed_by_a_customer_who_is_told_of_first() -> None:
    who, event = read("orders/create", double.order()).events
    assert (who.kind, who.user_id, who.namespace) == ("identify", "115310627314723954", "shopify")
    assert who.locale == "de-CH"
    assert who.traits == {
        "email": "ada@example.com",
        "phone": "+41446681800",
        "first_name": "Ada",
        "last_name": "Byron",
        "city": "Zürich",
        "postal_code": "8001",
        "country": "CH",
        "tags": ["vip", "newsletter"],
        "shopify_orders": 0,
        "shopify_spent": 0,
    }
    assert (event.name, event.user_id) == ("Order Completed", who.user_id)
    assert event.occurred_at == datetime(2026, 1, 6, 11, tzinfo=UTC)
    assert event.properties == {
        "order_id": "820982911946154508",
        "order_number": "#1001",
        "checkout_id": "bd5a8aa1ecd019dd3520ff791ee3a24c",
        "cart_id": "68778783ad298f1c80c3bafcddeea02f",
        "affiliation": "boots.myshopify.com",
        "total": 120.9,
        "subtotal": 112,
        "tax": 9.07,
        "shipping": 8.9,
        "discount": 10,
        "coupon": "WELCOME",
        "currency": "CHF",
        "payment_status": "paid",
        "channel": "web",
        "products": [
            {
                "product_id": "788032119674292922",
                "variant_id": "548380009",
                "sku": "RB-38-G",
                "name": "Rain boots",
                "variant": "green / 38",
                "brand": "Aigle",
                "price": 122,
                "quantity": 1,
            }
        ],
    }


@pytest.mark.parametrize(
    ("topic", "name", "became"),
    [
        ("orders/paid", "Order Updated", "paid"),
        ("orders/fulfilled", "Order Updated", "fulfilled"),
        ("orders/updated", "Order Updated", None),
        ("orders/cancelled", "Order Cancelled", None),
    ],
)
def test_what_becomes_of_an_order(topic: str, name: str, became: str | None) -> None:
    document = double.order(cancelled_at="2026-01-07T08:00:00Z", cancel_reason="customer")
    event = read(topic, document).events[1]
    assert (event.name, event.properties.get("became")) == (name, became)
    assert event.properties["order_id"] == "820982911946154508"
    assert event.properties["cancel_reason"] == "customer"


def test_the_same_order_told_by_two_subscriptions_is_one_event() -> None:
    told = [
        shopify.told(*_with_key("orders/create", double.order(), key)) for key in ("one", "other")
    ]
    ids = [one.events[1].message_id for one in told if one is not None]
    assert ids[0] == ids[1] == "Order Completed:820982911946154508"


def _with_key(topic: str, document: Any, key: str) -> tuple[bytes, shopify.Delivery]:
    body, headers = double.signed(topic, document, key)
    return body, shopify.delivery(headers, "shopify", lambda _: WHOSE, lambda _: "RB")


def test_an_order_of_nobody_known_tells_nothing() -> None:
    assert not read("orders/create", double.order(customer=None)).stores


def test_a_refund_goes_to_whose_order_it_was() -> None:
    (event,) = read("refunds/create", double.refund()).events
    assert (event.name, event.customer, event.user_id) == ("Order Refunded", WHOSE, None)
    properties = event.properties
    assert (properties["order_id"], properties["total"], properties["currency"]) == (
        "820982911946154508",
        112,
        "CHF",
    )
    assert [product["sku"] for product in properties["products"]] == ["RB-38-G"]
    assert not read("refunds/create", double.refund(), whose=None).stores


def test_a_new_customer_signs_up_and_a_changed_one_does_not() -> None:
    document = double.customer()
    assert [event.name for event in read("customers/create", document).events] == [
        "Customer Identified",
        "Signed Up",
    ]
    assert [event.name for event in read("customers/update", document).events] == [
        "Customer Identified"
    ]


def test_what_she_agreed_to_comes_with_its_proof() -> None:
    document = double.customer(
        email_marketing_consent=double.consent(
            "subscribed", "2026-01-05T09:00:00Z", "confirmed_opt_in"
        ),
        sms_marketing_consent=double.consent(
            "unsubscribed", "2026-01-05T09:30:00Z", consent_collected_from="SHOPIFY"
        ),
    )
    told = read("customers/update", document)
    assert told.customer == ("shopify", "115310627314723954")
    assert told.source == "Shopify boots.myshopify.com"
    assert told.agreed == (
        Agreed(
            channel="email",
            state="subscribed",
            at=datetime(2026, 1, 5, 9, tzinfo=UTC),
            confirmed=True,
            wording="confirmed_opt_in",
        ),
        Agreed(
            channel="sms",
            state="unsubscribed",
            at=datetime(2026, 1, 5, 9, 30, tzinfo=UTC),
            wording="single_opt_in, shopify",
        ),
    )


@pytest.mark.parametrize("state", ["not_subscribed", "pending", "redacted", "invalid"])
def test_who_has_not_said_anything_agrees_to_nothing(state: str) -> None:
    consent = double.consent(state, "2026-01-05T09:00:00Z")
    document = double.customer(email_marketing_consent=consent)
    assert read("customers/update", document).agreed == ()


def test_a_checkout_starts_once_and_goes_on() -> None:
    _, started = read("checkouts/create", double.checkout()).events
    assert started.name == "Checkout Started"
    assert started.properties["url"].endswith("/recover")
    assert started.properties["checkout_id"] == "123123123"
    _, again, updated = read("checkouts/update", double.checkout()).events
    assert again.message_id == started.message_id
    assert updated.name == "Checkout Updated"
    done = double.checkout(completed_at="2026-01-06T12:00:00Z")
    assert [event.kind for event in read("checkouts/update", done).events] == ["identify"]
    assert not read("checkouts/create", double.checkout(customer=None)).stores


def test_carts_name_nobody() -> None:
    assert not read("carts/update", {"id": "eeafa272", "token": "eeafa272"}).stores


def test_other_topics_are_told_apart() -> None:
    assert shopify.told(*_with_key("themes/publish", {"id": 1}, "k")) is None


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"id": ', b"{}", b'{"id": {}}'])
def test_what_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        shopify.told(*_with_key("orders/create", body, "k"))


def test_headers_are_needed() -> None:
    _, headers = double.signed("orders/create", double.order())
    for name in (shopify.TOPIC, shopify.WEBHOOK_ID):
        with pytest.raises(Malformed, match=shopify.WEBHOOK_ID):
            shopify.delivery({**headers, name: ""}, "shopify", lambda _: None, lambda _: None)


@pytest.mark.parametrize("value", [None, "", [], {}, "x", -1, True, 1e400, [1], {"a": 1}])
def test_fields_of_any_shape_never_break_it(value: Any) -> None:
    for topic, document in (
        ("orders/create", double.order()),
        ("customers/create", double.customer()),
        ("refunds/create", double.refund()),
        ("checkouts/update", double.checkout()),
        ("products/update", double.product()),
    ):
        for name in document.keys() - {"id"}:
            told = read(topic, orjson.dumps({**document, name: value}))
            for event in told.events:
                orjson.dumps(event.properties)
