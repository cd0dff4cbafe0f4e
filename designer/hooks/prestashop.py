"""What a PrestaShop module tells, signed by a shared secret: see docs/shops.md for its shape.

PrestaShop's core sends no webhooks. The names of hooks and fields are PrestaShop's own (its
developer documentation, "List of hooks", and the classes Order, Customer, Cart, OrderState); the
module in docs/examples/prestashop sends them in this way.
"""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from designer.api.problems import Malformed, Unauthorized
from designer.api.reading import parse_object
from designer.hooks.fields import fitting, given, inside, instant, number, several, text, truth
from engine.flow.intake import Incoming
from engine.flow.shops import Agreed, Told
from engine.model.product import Product, Stock

SOURCE: Final = "prestashop"

WEB: Final = "web"
"""The place whose stock a web shop tells."""

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One request, read."""

    hook: str
    key: str
    document: Document
    namespace: str

    @property
    def shop(self) -> str:
        """The shop's domain."""
        return text(inside(self.document, "shop"), "domain") or ""


def check(secret: str, body: bytes, header: str, signature: str | None) -> None:
    """Refuse a request whose header is not the HMAC-SHA256 of its body, in hexadecimal."""
    if not signature:
        raise Unauthorized(f"The header {header} is needed.")
    expected = hmac.new(secret.encode(), body, sha256).hexdigest()
    given_ = signature.strip().lower().removeprefix("sha256=")
    if not hmac.compare_digest(expected.encode(), given_.encode()):
        raise Unauthorized("The signature is not the module's for this body.")


def delivery(body: bytes, namespace: str) -> Delivery:
    """Read a request that is the module's."""
    document = parse_object(body)
    hook, key = text(document, "hook"), text(document, "id")
    if hook is None or key is None or len(key) > 200:
        raise Malformed("id and hook: both are needed.")
    return Delivery(hook=hook, key=key, document=document, namespace=namespace)


def told(one: Delivery) -> Told | None:
    """Return what a delivery tells; None when its hook is none of ours."""
    read = _HOOKS.get(one.hook)
    return read(one) if read is not None else None


def _account(name: str | None) -> Callable[[Delivery], Told]:
    def read(one: Delivery) -> Told:
        events = [_identify(one)]
        if name is not None:
            at = instant(inside(one.document, "customer"), "date_add")
            events.append(_track(name, {"affiliation": one.shop}, one, at=at))
        return _told(events, one)

    return read


def _order(one: Delivery) -> Told:
    order = inside(one.document, "order")
    event = _track("Order Completed", _order_properties(one), one, at=instant(order, "date_add"),
                   about=_needed(order, "id_order"))  # fmt: skip
    return _told([_identify(one), event], one)


def _status(one: Delivery) -> Told:
    """Read the change of an order's state; PrestaShop says by flags what a state means."""
    order, state = inside(one.document, "order"), inside(one.document, "state")
    became = next((flag for flag in _FLAGS if truth(state, flag)), "")
    name = _FLAGS.get(became, "Order Updated")
    properties = _order_properties(one) | given({"became": became, "state": text(state, "name")})
    at, id_ = instant(order, "date_upd"), _needed(order, "id_order")
    about = f"{id_}:{text(state, 'id_order_state')}" if name != "Order Updated" else None
    return _told([_identify(one), _track(name, properties, one, at=at, about=about)], one)


def _cart(one: Delivery) -> Told:
    cart = inside(one.document, "cart")
    properties = given(
        {
            "cart_id": _needed(cart, "id_cart"),
            "affiliation": one.shop,
            "cart_value": number(cart, "total"),
            "currency": text(cart, "currency"),
            "url": text(cart, "url"),
            "products": [_line(line) for line in several(cart, "products")],
        }
    )
    event = _track("Cart Updated", properties, one, at=instant(cart, "date_upd"))
    return _told([_identify(one), event], one)


def _told(events: list[Incoming], one: Delivery) -> Told:
    who = events[0].user_id
    if who in {None, "0"}:  # a visitor's: PrestaShop writes 0
        return Told()
    return Told(
        events=events,
        customer=(one.namespace, who or ""),
        agreed=_agreed(inside(one.document, "customer")),
        source=f"PrestaShop {one.shop}".strip(),
    )


def _identify(one: Delivery) -> Incoming:
    customer = inside(one.document, "customer")
    traits = given(
        {
            "email": text(customer, "email"),
            "phone": text(customer, "phone"),
            "first_name": text(customer, "firstname"),
            "last_name": text(customer, "lastname"),
            "company": text(customer, "company"),
            "city": text(customer, "city"),
            "postal_code": text(customer, "postcode"),
            "country": text(customer, "country"),
        }
    )
    birthday = text(customer, "birthday")
    if birthday and birthday != "0000-00-00":
        traits["birthday"] = birthday
    return Incoming(
        source=SOURCE,
        message_id=f"{one.key}:who",
        kind="identify",
        name="Customer Identified",
        user_id=text(customer, "id_customer"),
        namespace=one.namespace,
        traits=traits,
        occurred_at=instant(one.document, "sent_at"),
        locale=text(customer, "language"),
    )


def _track(
    name: str, properties: Document, one: Delivery, *, at: Any, about: str | None = None
) -> Incoming:
    """Return an event; `about` names what can happen once, however it is told."""
    return Incoming(
        source=SOURCE,
        message_id=f"{name}:{about}" if about else one.key,
        kind="track",
        name=name,
        user_id=text(inside(one.document, "customer"), "id_customer"),
        namespace=one.namespace,
        properties=properties,
        occurred_at=at or instant(one.document, "sent_at"),
    )


def _agreed(customer: Document) -> tuple[Agreed, ...]:
    """Return what she said of the newsletter; one who never took it has said nothing."""
    began = instant(customer, "newsletter_date_add")
    if began is None or "newsletter" not in customer:
        return ()
    if truth(customer, "newsletter"):
        return (Agreed(channel="email", state="subscribed", at=began, wording="newsletter"),)
    ended = instant(customer, "date_upd")
    if ended is None:
        return ()
    return (Agreed(channel="email", state="unsubscribed", at=ended, wording="newsletter"),)


def _needed(document: Document, name: str) -> str:
    value = text(document, name)
    if value is None:
        raise Malformed(f"{name}: this is needed.")
    return value


def _order_properties(one: Delivery) -> dict[str, Any]:
    order = inside(one.document, "order")
    return given(
        {
            "order_id": _needed(order, "id_order"),
            "order_number": text(order, "reference"),
            "cart_id": text(order, "id_cart"),
            "affiliation": one.shop,
            "total": number(order, "total_paid"),
            "subtotal": number(order, "total_products_wt"),
            "shipping": number(order, "total_shipping"),
            "discount": number(order, "total_discounts"),
            "currency": text(order, "currency"),
            "payment": text(order, "payment"),
            "products": [_line(line) for line in several(order, "products")],
        }
    )


def _line(line: Document) -> dict[str, Any]:
    return given(
        {
            "product_id": text(line, "product_id"),
            "variant_id": text(line, "product_attribute_id"),
            "sku": text(line, "product_reference"),
            "name": text(line, "product_name"),
            "price": number(line, "unit_price_tax_incl"),
            "quantity": number(line, "product_quantity"),
        }
    )


def _product(one: Delivery) -> Told:
    product = inside(one.document, "product")
    kind = text(product, "category")
    values = {
        "sku": text(product, "reference"),
        "name": text(product, "name"),
        "categories": (kind,) if kind else (),
        "price": text(product, "price") or number(product, "price"),
        "currency": text(product, "currency"),
        "picture": text(product, "image"),
        "link": text(product, "link"),
        "active": truth(product, "active"),
        "data": given({"product_id": text(product, "id_product")}),
    }
    return Told(products=fitting(Product, [values]) if values["sku"] else ())


def _stock(one: Delivery) -> Told:
    stock = inside(one.document, "stock")
    values = {"sku": text(stock, "reference"), "shop": WEB, "quantity": number(stock, "quantity")}
    return Told(stock=fitting(Stock, [values]) if None not in values.values() else ())


_FLAGS: Final = {
    "canceled": "Order Cancelled",
    "refunded": "Order Refunded",
    "delivered": "Order Updated",
    "shipped": "Order Updated",
    "paid": "Order Updated",
}
"""What the flags of an order's state mean, the last stage first: a shipped order is paid, too."""

_HOOKS: Final[dict[str, Callable[[Delivery], Told]]] = {
    "actionCustomerAccountAdd": _account("Signed Up"),
    "actionCustomerAccountUpdate": _account(None),
    "actionValidateOrder": _order,
    "actionOrderStatusPostUpdate": _status,
    "actionCartSave": _cart,
    "actionObjectProductUpdateAfter": _product,
    "actionUpdateQuantity": _stock,
}
"""How each hook is read."""
