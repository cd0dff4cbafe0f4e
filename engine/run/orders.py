"""What an event's properties say of an order, by Segment's conventions, and the other way round.

An event comes from anywhere: what cannot be read of it is left out, and the rest is taken.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal

from engine.model.order import SHOP, WEB

COMPLETED: Final = "Order Completed"
CANCELLED: Final = "Order Cancelled"
REFUNDED: Final = "Order Refunded"
RETURNED: Final = "Order Returned"

ABOUT_ORDERS: Final = frozenset({COMPLETED, CANCELLED, REFUNDED, RETURNED})

INTERESTS: Final[Mapping[str, str]] = {
    "Product Viewed": "viewed",
    "Product Added": "viewed",
    "Back In Stock Requested": "stock",
    "Price Alert Requested": "price",
}
"""The events that tell of an interest in a product, and in what."""

LONGEST: Final = 200
"""The longest id of an order, a product or a shop, in characters: they live in indexes."""

MOST_LINES: Final = 1000
_MOST: Final = 1e12


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversal:
    """Money or goods that came back of an order."""

    kind: Literal["refund", "return"]
    id: str
    at: datetime
    amount: float | None
    method: str | None
    reason: str | None
    lines: list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTold:
    """What one event says of an order: its row's columns, and what came back of it."""

    row: dict[str, Any]
    reversal: Reversal | None = None


def order_told(
    name: str, properties: Mapping[str, Any], *, at: datetime, event: str
) -> OrderTold | None:
    """Return what an event says of an order; None when it does not name one.

    `event` is the event's own id, by which a refund or return that has none is known.
    """
    order = _code(properties, "order_id", "orderId")
    if order is None:
        return None
    row = {
        "source": _code(properties, "order_source") or SHOP,
        "id": order,
        "state": "cancelled" if name == CANCELLED else "placed",
        "told": name == COMPLETED,
        "placed_at": at,
        "cancelled_at": at if name == CANCELLED else None,
        "currency": _currency(properties),
        **_nothing(),
    }
    if name in {COMPLETED, CANCELLED}:
        return OrderTold(row=row | _bought(properties))
    return OrderTold(row=row, reversal=_reversal(name, properties, at, event))


def _nothing() -> dict[str, Any]:
    amounts = dict.fromkeys(("total", "discount", "shipping", "tax", "shop"))
    return {**amounts, "lines": [], "skus": [], "payments": []}


def _bought(properties: Mapping[str, Any]) -> dict[str, Any]:
    lines = _lines(properties.get("products"))
    return {
        "shop": shop_of(properties),
        "total": _total(properties, lines),
        "discount": _amount(properties, "discount"),
        "shipping": _amount(properties, "shipping"),
        "tax": _amount(properties, "tax"),
        "lines": lines,
        "skus": sorted({line["sku"] for line in lines if "sku" in line}),
        "payments": _payments(properties),
    }


def _reversal(name: str, properties: Mapping[str, Any], at: datetime, event: str) -> Reversal:
    is_refund = name == REFUNDED
    given = _code(properties, "refund_id" if is_refund else "return_id")
    return Reversal(
        kind="refund" if is_refund else "return",
        id=given or event,
        at=at,
        amount=_amount(properties, "total", "amount", "revenue") if is_refund else None,
        method=_code(properties, "method", "payment_method"),
        reason=_code(properties, "reason"),
        lines=_lines(properties.get("products")),
    )


def shop_of(properties: Mapping[str, Any]) -> str | None:
    """Return the shop that an event names; the web is none."""
    found = _code(properties, "store", "shop", "store_id", "shop_id")
    return None if found is None or found.lower() == WEB else found


def sku_of(properties: Mapping[str, Any]) -> str | None:
    """Return the product that an event is about."""
    return _code(properties, "sku", "product_id")


def _lines(given: Any) -> list[dict[str, Any]]:
    if not isinstance(given, list):
        return []
    lines = [_line(one) for one in given[:MOST_LINES] if isinstance(one, Mapping)]
    return [line for line in lines if line]


def _line(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a line of an order: this runs a million times for a large import."""
    line: dict[str, Any] = {}
    if (sku := _text(given.get("sku")) or _text(given.get("product_id"))) is not None:
        line["sku"] = sku
    for key in ("name", "category"):
        if key in given and (found := _text(given[key])) is not None:
            line[key] = found
    if (price := _number(given.get("price"))) is not None:
        line["price"] = price
    if line:
        line["quantity"] = _number(given.get("quantity")) or 1
    return line


def _payments(properties: Mapping[str, Any]) -> list[dict[str, Any]]:
    given = properties.get("payments")
    if not isinstance(given, list):
        method = _code(properties, "payment_method")
        return [{"method": method}] if method else []
    payments = []
    for one in given[:50]:
        if isinstance(one, Mapping) and (method := _code(one, "method", "type")):
            amount, card = _amount(one, "amount"), _code(one, "gift_card")
            more: dict[str, Any] = {"amount": amount, "gift_card": card}
            payments.append({"method": method} | {k: v for k, v in more.items() if v is not None})
    return payments


def _total(properties: Mapping[str, Any], lines: list[dict[str, Any]]) -> float | None:
    """Return what was paid, or what the lines come to when nothing says it."""
    given = _amount(properties, "total", "revenue", "value")
    if given is None and lines and all("price" in line for line in lines):
        return round(math.fsum(line["price"] * line["quantity"] for line in lines), 4)
    return given


def _amount(given: Mapping[str, Any], *names: str) -> float | None:
    """Return the first of these that is an amount; shops send numbers as texts, too."""
    for name in names:
        if (found := _number(given.get(name))) is not None:
            return found
    return None


def _number(value: Any) -> float | None:
    kind = type(value)  # a bool is no number
    if kind is str:
        try:
            value = float(value)
        except ValueError:
            return None
    elif kind is not float and kind is not int:
        return None
    return round(value, 4) if 0 <= value < _MOST else None


def _code(given: Mapping[str, Any], *names: str) -> str | None:
    for name in names:
        if (found := _text(given.get(name))) is not None:
            return found
    return None


def _text(value: Any) -> str | None:
    if type(value) is int:  # some shops' ids are numbers, and a bool is none
        value = str(value)
    if isinstance(value, str) and 0 < len(text := value.strip()) <= LONGEST:
        return text
    return None


def _currency(properties: Mapping[str, Any]) -> str | None:
    value = properties.get("currency")
    if isinstance(value, str) and len(value) == 3 and value.isascii() and value.isalpha():
        return value.upper()
    return None


def properties_of(order: Mapping[str, Any]) -> dict[str, Any]:
    """Return an order's row as the properties of an event."""
    lines = [{key: _plain(value) for key, value in line.items()} for line in order["lines"]]
    told: dict[str, Any] = {
        "order_id": order["id"],
        **{
            name: _plain(order[name])
            for name in ("total", "currency", "discount", "shipping", "tax")
        },
        "store": order["shop"] or WEB,
        "order_source": None if order["source"] == SHOP else order["source"],
        "payments": order["payments"] or None,
        "products": lines,
    }
    return {key: value for key, value in told.items() if value is not None}


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value
