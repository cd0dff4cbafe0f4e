"""Documents as Shopify's webhooks carry them, after the resources of its REST Admin API."""

import json
from base64 import b64encode
from collections.abc import Mapping
from hmac import digest
from typing import Any

SECRET = "shpss_double"


def customer(id_: int = 115310627314723954, **more: Any) -> dict[str, Any]:
    """A customer who has an account and a home, and was never asked about marketing."""
    return {
        "id": id_,
        "created_at": "2026-01-05T10:00:00+01:00",
        "updated_at": "2026-01-05T10:00:00+01:00",
        "first_name": "Ada",
        "last_name": "Byron",
        "orders_count": 0,
        "state": "enabled",
        "total_spent": "0.00",
        "last_order_id": None,
        "note": None,
        "verified_email": True,
        "multipass_identifier": None,
        "tax_exempt": False,
        "email": "ada@example.com",
        "phone": "+41446681800",
        "currency": "CHF",
        "addresses": [],
        "tax_exemptions": [],
        "tags": "vip, newsletter",
        "email_marketing_consent": {
            "state": "not_subscribed",
            "opt_in_level": None,
            "consent_updated_at": None,
        },
        "sms_marketing_consent": None,
        "admin_graphql_api_id": f"gid://shopify/Customer/{id_}",
        "default_address": {
            "id": 715243470612851245,
            "customer_id": id_,
            "first_name": None,
            "last_name": None,
            "company": None,
            "address1": "Bahnhofstrasse 1",
            "city": "Zürich",
            "province": None,
            "country": "Switzerland",
            "zip": "8001",
            "phone": None,
            "country_code": "CH",
            "default": True,
        },
        **more,
    }


def consent(state: str, at: str, level: str = "single_opt_in", **more: Any) -> dict[str, Any]:
    """What a customer agreed to on a channel."""
    return {"state": state, "opt_in_level": level, "consent_updated_at": at, **more}


def order(id_: int = 820982911946154508, **more: Any) -> dict[str, Any]:
    """An order of one line, paid and not yet sent."""
    return {
        "id": id_,
        "admin_graphql_api_id": f"gid://shopify/Order/{id_}",
        "buyer_accepts_marketing": True,
        "cancel_reason": None,
        "cancelled_at": None,
        "cart_token": "68778783ad298f1c80c3bafcddeea02f",
        "checkout_token": "bd5a8aa1ecd019dd3520ff791ee3a24c",
        "created_at": "2026-01-06T12:00:00+01:00",
        "currency": "CHF",
        "current_total_price": "120.90",
        "customer_locale": "de-CH",
        "discount_codes": [{"code": "WELCOME", "amount": "10.00", "type": "fixed_amount"}],
        "email": "ada@example.com",
        "financial_status": "paid",
        "fulfillment_status": None,
        "name": "#1001",
        "order_number": 1001,
        "phone": None,
        "processed_at": "2026-01-06T12:00:00+01:00",
        "source_name": "web",
        "subtotal_price": "112.00",
        "tags": "",
        "test": False,
        "total_discounts": "10.00",
        "total_price": "120.90",
        "total_tax": "9.07",
        "total_shipping_price_set": {
            "shop_money": {"amount": "8.90", "currency_code": "CHF"},
            "presentment_money": {"amount": "8.90", "currency_code": "CHF"},
        },
        "updated_at": "2026-01-06T12:00:05+01:00",
        "billing_address": {"first_name": "Ada", "city": "Zürich", "country_code": "CH"},
        "customer": customer(),
        "line_items": [line()],
        **more,
    }


def line(**more: Any) -> dict[str, Any]:
    """A line of an order."""
    return {
        "id": 866550311766439020,
        "product_id": 788032119674292922,
        "variant_id": 548380009,
        "title": "Rain boots",
        "variant_title": "green / 38",
        "sku": "RB-38-G",
        "vendor": "Aigle",
        "quantity": 1,
        "price": "122.00",
        "total_discount": "10.00",
        "fulfillment_status": None,
        "gift_card": False,
        "taxable": True,
        **more,
    }


def refund(order_id: int = 820982911946154508, **more: Any) -> dict[str, Any]:
    """A refund of an order's one line; it does not name the customer."""
    return {
        "id": 890088186047892319,
        "order_id": order_id,
        "created_at": "2026-01-09T09:00:00+01:00",
        "note": "Too small",
        "user_id": 548380009,
        "processed_at": "2026-01-09T09:00:00+01:00",
        "restock": True,
        "refund_line_items": [
            {
                "id": 1058498307,
                "quantity": 1,
                "line_item_id": 866550311766439020,
                "restock_type": "return",
                "subtotal": 112.0,
                "line_item": line(),
            }
        ],
        "transactions": [
            {"id": 245135271310201194, "kind": "refund", "status": "success", "amount": "112.00",
             "currency": "CHF", "gateway": "shopify_payments"},
            {"id": 245135271310201195, "kind": "refund", "status": "failure", "amount": "1.00",
             "currency": "CHF", "gateway": "shopify_payments"},
        ],
        "order_adjustments": [],
        **more,
    }  # fmt: skip


def checkout(**more: Any) -> dict[str, Any]:
    """A checkout at which the customer has said who she is."""
    return {
        "id": 981820079255243537,
        "token": "123123123",
        "cart_token": "eeafa272cebfd4b22385bc4b645e762c",
        "email": "ada@example.com",
        "created_at": "2026-01-06T11:50:00+01:00",
        "updated_at": "2026-01-06T11:51:00+01:00",
        "completed_at": None,
        "abandoned_checkout_url": "https://shop.example/checkouts/123123123/recover",
        "currency": "CHF",
        "customer_locale": "de-CH",
        "total_price": "120.90",
        "subtotal_price": "112.00",
        "line_items": [line()],
        "customer": customer(),
        **more,
    }


def product(**more: Any) -> dict[str, Any]:
    """A product of two variants, one of which has no sku."""
    variant = {"id": 548380009, "title": "green / 38", "sku": "RB-38-G", "price": "122.00",
               "inventory_item_id": 49148385, "inventory_quantity": 3}  # fmt: skip
    return {
        "id": 788032119674292922,
        "title": "Rain boots",
        "vendor": "Aigle",
        "product_type": "Boots",
        "handle": "rain-boots",
        "status": "active",
        "tags": "",
        "image": {"id": 1, "src": "https://cdn.shopify.com/boots.png"},
        "variants": [variant, {**variant, "id": 548380010, "sku": ""}],
        **more,
    }


def signed(
    topic: str, document: Any, key: str = "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043", **more: Any
) -> tuple[bytes, Mapping[str, str]]:
    """Return a request's body and headers, as Shopify sends them."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    secret = more.get("secret", SECRET)
    return body, {
        "Content-Type": "application/json",
        "X-Shopify-Topic": topic,
        "X-Shopify-Hmac-Sha256": b64encode(digest(secret.encode(), body, "sha256")).decode(),
        "X-Shopify-Shop-Domain": "boots.myshopify.com",
        "X-Shopify-API-Version": "2026-01",
        "X-Shopify-Webhook-Id": key,
        "X-Shopify-Triggered-At": "2026-01-06T11:00:06.123456789Z",
    }
