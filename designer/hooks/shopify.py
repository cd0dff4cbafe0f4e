"""Shopify's webhooks: their signature, and what each topic tells.

Sources: shopify.dev, "Deliver webhooks through HTTPS", "Ignore duplicate webhooks", and the
resources Order, Refund, Customer, Checkout and Cart of the REST Admin API, whose documents
webhooks carry. What Shopify leaves empty is left out here, too.
"""

import hmac
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from designer.api.problems import Malformed, Unauthorized
from designer.api.reading import parse_object
from designer.hooks.fields import fitting, given, inside, instant, number, several, text
from engine.flow.intake import Incoming
from engine.flow.shops import Agreed, Told
from engine.model.base import Channel
from engine.model.product import Product, Stock

SIGNATURE: Final = "X-Shopify-Hmac-Sha256"
TOPIC: Final = "X-Shopify-Topic"
WEBHOOK_ID: Final = "X-Shopify-Webhook-Id"
TRIGGERED_AT: Final = "X-Shopify-Triggered-At"
SHOP: Final = "X-Shopify-Shop-Domain"

SOURCE: Final = "shopify"

Document = Mapping[str, Any]

_CHANNELS: Final[dict[str, Channel]] = {
    "email_marketing_consent": "email",
    "sms_marketing_consent": "sms",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One webhook, as its headers tell it.

    `whose_order` finds the customer of an order, `sku_of` the product that is counted as an item.
    """

    topic: str
    key: str
    shop: str
    at: datetime | None
    namespace: str
    whose_order: Callable[[str], UUID | None]
    sku_of: Callable[[str], str | None]


def check(secret: str, body: bytes, signature: str | None) -> None:
    """Refuse a request that was not signed with the app's secret."""
    if not signature:
        raise Unauthorized(f"The header {SIGNATURE} is needed.")
    expected = b64encode(hmac.digest(secret.encode(), body, sha256))
    if not hmac.compare_digest(expected, signature.strip().encode()):
        raise Unauthorized("The signature is not Shopify's for this body.")


def delivery(
    headers: Mapping[str, str],
    namespace: str,
    whose_order: Callable[[str], UUID | None],
    sku_of: Callable[[str], str | None],
) -> Delivery:
    """Read the headers of a request that is Shopify's."""
    topic, key = headers.get(TOPIC, "").strip(), headers.get(WEBHOOK_ID, "").strip()
    if not topic or not 0 < len(key) <= 200:
        raise Malformed(f"The headers {TOPIC} and {WEBHOOK_ID} are needed.")
    return Delivery(
        topic=topic.lower(),
        key=key,
        shop=headers.get(SHOP, "").strip().lower()[:200],
        at=instant(headers, TRIGGERED_AT),
        namespace=namespace,
        whose_order=whose_order,
        sku_of=sku_of,
    )


def told(body: bytes, one: Delivery) -> Told | None:
    """Return what a delivery tells; None when its topic is none of ours."""
    read = _TOPICS.get(one.topic)
    if read is None:
        return None
    document = parse_object(body)
    if not any(text(document, name) for name in ("id", "token", "inventory_item_id")):
        raise Malformed("id: the document has none.")
    return read(document, one)


def _customer(document: Document, one: Delivery) -> Told:
    events = [_identify(document, one)]
    if one.topic == "customers/create":
        properties = given({"account": text(document, "state"), "affiliation": one.shop})
        at = instant(document, "created_at")
        event = _track("Signed Up", properties, document, one, at=at)
        events.append(_once(event, "", document))
    return _told(events, document, one)


def _order(name: str, clock: str, became: str = "") -> Callable[[Document, Delivery], Told]:
    """Return how a topic of orders is read: as the event `name`, of the instant `clock`."""

    def read(document: Document, one: Delivery) -> Told:
        customer = inside(document, "customer")
        if text(customer, "id") is None:
            return Told()  # sold at the till to somebody unknown
        properties = _order_properties(document, one) | given({"became": became})
        event = _track(name, properties, customer, one, at=instant(document, clock))
        if one.topic != "orders/updated":
            event = _once(event, became, document)
        return _told([_identify(customer, one, beside=document), event], customer, one)

    return read


def _refund(document: Document, one: Delivery) -> Told:
    order = text(document, "order_id")
    customer = one.whose_order(order) if order else None
    if customer is None:
        return Told()  # of an order from before the webhooks
    paid = [
        (number(payment, "amount") or 0, text(payment, "currency"))
        for payment in several(document, "transactions")
        if payment.get("kind") == "refund" and payment.get("status") == "success"
    ]
    lines = several(document, "refund_line_items")
    properties = given(
        {
            "order_id": order,
            "refund_id": text(document, "id"),
            "total": round(sum(amount for amount, _ in paid), 6),
            "currency": next((currency for _, currency in paid if currency), None),
            "reason": text(document, "note"),
            "affiliation": one.shop,
            "products": [
                {
                    **_line(inside(line, "line_item")),
                    **given({"quantity": number(line, "quantity")}),
                }
                for line in lines
            ],
        }
    )
    event = Incoming(
        source=SOURCE,
        message_id=f"{one.topic}:{text(document, 'id')}",
        kind="track",
        name="Order Refunded",
        customer=customer,
        properties=properties,
        occurred_at=instant(document, "processed_at") or instant(document, "created_at"),
    )
    return Told(events=(event,))


def _checkout(document: Document, one: Delivery) -> Told:
    customer = inside(document, "customer")
    if text(customer, "id") is None:
        return Told()  # she has not said yet who she is
    events = [_identify(customer, one, beside=document)]
    if instant(document, "completed_at") is None:  # else its order follows
        properties = _order_properties(document, one)
        for of_an_order in ("order_id", "order_number"):
            properties.pop(of_an_order, None)
        # Its order names it by its token.
        properties["checkout_id"] = text(document, "token") or text(document, "id")
        properties |= given({"url": text(document, "abandoned_checkout_url")})
        at = instant(document, "updated_at")
        # The topic that first names a customer tells of the start, whichever it is.
        started = _track("Checkout Started", properties, customer, one, at=at)
        events.append(_once(started, "", document))
        if one.topic == "checkouts/update":
            events.append(_track("Checkout Updated", properties, customer, one, at=at))
    return _told(events, customer, one)


def _product(document: Document, one: Delivery) -> Told:
    """Read a product: here each of its variants is one, known by its sku."""
    name, kind = text(document, "title") or "", text(document, "product_type")
    handle, data = text(document, "handle"), given({"product_id": text(document, "id")})
    found = []
    for variant in several(document, "variants"):
        title = text(variant, "title")
        numbers = {"variant_id": text(variant, "id"),
                   "inventory_item_id": text(variant, "inventory_item_id")}  # fmt: skip
        values = {
            "sku": text(variant, "sku"),
            "name": name if title in {None, "Default Title"} else f"{name}, {title}",
            "categories": (kind,) if kind else (),
            "price": text(variant, "price"),
            "picture": text(inside(document, "image"), "src"),
            "link": f"https://{one.shop}/products/{handle}" if handle and one.shop else None,
            "active": text(document, "status") in {None, "active"},
            "data": {**data, **given(numbers)},
        }
        if values["sku"] is not None:
            found.append(values)
    return Told(products=fitting(Product, found))


def _stock(document: Document, one: Delivery) -> Told:
    item, place = text(document, "inventory_item_id"), text(document, "location_id")
    sku = one.sku_of(item) if item else None
    values = {"sku": sku, "shop": place, "quantity": number(document, "available")}
    if None in values.values():
        return Told()  # not counted there, or of a product that was never told of
    return Told(stock=fitting(Stock, [values]))


def _nobody(document: Document, one: Delivery) -> Told:
    return Told()


def _told(events: Sequence[Incoming], customer: Document, one: Delivery) -> Told:
    return Told(
        events=events,
        customer=(one.namespace, text(customer, "id") or ""),
        agreed=_agreed(customer),
        source=f"Shopify {one.shop}".strip(),
    )


def _track(
    name: str,
    properties: Mapping[str, Any],
    customer: Document,
    one: Delivery,
    *,
    at: datetime | None,
) -> Incoming:
    return Incoming(
        source=SOURCE,
        message_id=one.key,
        kind="track",
        name=name,
        user_id=text(customer, "id"),
        namespace=one.namespace,
        properties=properties,
        occurred_at=at or one.at,
    )


def _once(event: Incoming, became: str, document: Document) -> Incoming:
    """Name an event by what it is about: a second subscription to a topic tells nothing new."""
    parts = (event.name, became, text(document, "id") or text(document, "token"))
    return replace(event, message_id=":".join(part for part in parts if part))


def _identify(customer: Document, one: Delivery, beside: Document | None = None) -> Incoming:
    """Return who she is; `beside` is her order or checkout, which knows her address, too."""
    beside = beside or {}
    home = inside(customer, "default_address") or inside(beside, "billing_address")
    tags = [tag.strip() for tag in (text(customer, "tags") or "").split(",")]
    traits = given(
        {
            "email": text(customer, "email") or text(beside, "email"),
            "phone": text(customer, "phone") or text(beside, "phone") or text(home, "phone"),
            "first_name": text(customer, "first_name") or text(home, "first_name"),
            "last_name": text(customer, "last_name") or text(home, "last_name"),
            "city": text(home, "city"),
            "postal_code": text(home, "zip"),
            "country": text(home, "country_code"),
            "tags": [tag for tag in tags if tag],
            "shopify_orders": number(customer, "orders_count"),
            "shopify_spent": number(customer, "total_spent"),
        }
    )
    return Incoming(
        source=SOURCE,
        message_id=f"{one.key}:who",
        kind="identify",
        name="Customer Identified",
        user_id=text(customer, "id"),
        namespace=one.namespace,
        traits=traits,
        occurred_at=one.at,
        locale=text(beside, "customer_locale"),
    )


def _agreed(customer: Document) -> tuple[Agreed, ...]:
    """Return what she agreed to; one who was never asked, or has yet to confirm, said nothing."""
    agreed = []
    for field, channel in _CHANNELS.items():
        consent = inside(customer, field)
        state, at = text(consent, "state"), instant(consent, "consent_updated_at")
        if state not in {"subscribed", "unsubscribed"} or at is None:
            continue
        words = (text(consent, "opt_in_level"), text(consent, "consent_collected_from"))
        agreed.append(
            Agreed(
                channel=channel,
                state="subscribed" if state == "subscribed" else "unsubscribed",
                at=at,
                confirmed=words[0] == "confirmed_opt_in",
                wording=", ".join(word.lower() for word in words if word) or None,
            )
        )
    return tuple(agreed)


def _order_properties(document: Document, one: Delivery) -> dict[str, Any]:
    shipping = inside(document, "total_shipping_price_set", "shop_money")
    codes = [text(code, "code") for code in several(document, "discount_codes")]
    return given(
        {
            "order_id": text(document, "id"),
            "order_number": text(document, "name"),
            "checkout_id": text(document, "checkout_token"),
            "cart_id": text(document, "cart_token"),
            "affiliation": one.shop,
            "total": number(document, "total_price"),
            "subtotal": number(document, "subtotal_price"),
            "tax": number(document, "total_tax"),
            "shipping": number(shipping, "amount"),
            "discount": number(document, "total_discounts"),
            "coupon": ", ".join(code for code in codes if code),
            "currency": text(document, "currency"),
            "payment_status": text(document, "financial_status"),
            "fulfillment_status": text(document, "fulfillment_status"),
            "cancel_reason": text(document, "cancel_reason"),
            "channel": text(document, "source_name"),
            "products": [_line(line) for line in several(document, "line_items")],
        }
    )


def _line(line: Document) -> dict[str, Any]:
    return given(
        {
            "product_id": text(line, "product_id"),
            "variant_id": text(line, "variant_id"),
            "sku": text(line, "sku"),
            "name": text(line, "title"),
            "variant": text(line, "variant_title"),
            "brand": text(line, "vendor"),
            "price": number(line, "price"),
            "quantity": number(line, "quantity"),
        }
    )


_TOPICS: Final[dict[str, Callable[[Document, Delivery], Told]]] = {
    "customers/create": _customer,
    "customers/update": _customer,
    "orders/create": _order("Order Completed", "created_at"),
    "orders/updated": _order("Order Updated", "updated_at"),
    "orders/paid": _order("Order Updated", "updated_at", "paid"),
    "orders/fulfilled": _order("Order Updated", "updated_at", "fulfilled"),
    "orders/cancelled": _order("Order Cancelled", "cancelled_at"),
    "refunds/create": _refund,
    "checkouts/create": _checkout,
    "checkouts/update": _checkout,
    "products/create": _product,
    "products/update": _product,
    "inventory_levels/update": _stock,
    "carts/create": _nobody,
    "carts/update": _nobody,
}
"""How each topic is read. Carts name no customer, so nothing follows from them."""
