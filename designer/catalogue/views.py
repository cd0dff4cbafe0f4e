"""What the pages of products, shops and orders show."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

from sqlalchemy import Connection

from designer.canvas.views import Fact
from designer.views import Mark, customer_name
from designer.words import N_, Words
from engine.store import orders as store
from engine.store import products

SHOWN: Final = 10
"""How many of a customer's orders her own page shows."""

_STATES: Final = {
    "pending": (N_("Not paid yet"), "warn"),
    "placed": (N_("Placed"), "good"),
    "cancelled": (N_("Cancelled"), "bad"),
}
_METHODS: Final = {
    "card": N_("Card"),
    "cash": N_("Cash"),
    "gift_card": N_("Gift card"),
    "credit_note": N_("Credit note"),
}
_INTERESTS: Final = {
    "viewed": N_("looked at it"),
    "stock": N_("waits until it is back"),
    "price": N_("waits for a lower price"),
}


@dataclass(frozen=True, slots=True)
class ProductRow:
    """A product in the list."""

    sku: str
    href: str
    name: str
    categories: str
    price: str
    stock: Mark
    shops: str


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order in a list."""

    id: str
    href: str
    customer: str
    who: str
    what: str
    where: str
    total: str
    marks: list[Mark]
    at: datetime


@dataclass(frozen=True, slots=True)
class LineRow:
    """One line of an order, a refund or a return; `href` when the catalogue has the product."""

    name: str
    sku: str
    href: str
    quantity: str
    price: str
    amount: str


@dataclass(frozen=True, slots=True)
class Back:
    """Money or goods that came back."""

    title: str
    at: datetime
    facts: list[Fact]
    lines: list[LineRow]


@dataclass(frozen=True, slots=True)
class CustomerOrders:
    """What a customer bought: sums for each currency, her last orders, and whether there are more."""

    sums: list[Fact]
    rows: list[OrderRow]
    more: str


def product_rows(items: Iterable[Mapping[str, Any]], words: Words) -> list[ProductRow]:
    """Return the rows of the list of products."""
    return [
        ProductRow(
            sku=one["sku"],
            href=product_href(one["sku"]),
            name=one["name"],
            categories=", ".join(one["categories"]),
            price=money(one["price"], one["currency"], words),
            stock=stock_mark(one, words),
            shops=words.ngettext("in %(n)s shop", "in %(n)s shops", one["in_shops"])
            if one["in_shops"]
            else "",
        )
        for one in items
    ]


def stock_mark(product: Mapping[str, Any], words: Words) -> Mark:
    """Say how much of a product there is."""
    if not product["active"]:
        return Mark(words.gettext("Not sold any more"))
    if product["stock"] is None:
        return Mark(words.gettext("Not counted"))
    if product["stock"] > 0:
        return Mark(words.number(product["stock"]), "good")
    return Mark(words.gettext("None"), "warn")


def product_href(sku: str) -> str:
    """Return the address of a product's page."""
    return f"/catalogue/products/{quote(sku, safe='')}"


def order_href(order: Mapping[str, Any]) -> str:
    """Return the address of an order's page."""
    return f"/catalogue/orders/{quote(order['source'], safe='')}/{quote(order['id'], safe='')}"


def money(amount: Any, currency: str | None, words: Words) -> str:
    """Write an amount in its own currency; none is taken for another."""
    if amount is None:
        return ""
    return words.money(amount, currency) if currency else words.number(amount)


def product_facts(
    product: Mapping[str, Any], sales: Sequence[Mapping[str, Any]], words: Words
) -> list[Fact]:
    """Return what is known of a product."""
    sold = [
        words.gettext(
            "%(quantity)s for %(amount)s",
            quantity=words.number(one["quantity"]),
            amount=money(one["amount"], one["currency"], words) or "—",
        )
        for one in sales
    ]
    facts = [
        Fact(words.gettext("Number"), product["sku"]),
        Fact(words.gettext("Categories"), ", ".join(product["categories"])),
        Fact(words.gettext("Price"), money(product["price"], product["currency"], words)),
        Fact(words.gettext("Sold in the last 90 days"), "; ".join(sold)),
        *(Fact(name, words.value(value)) for name, value in product["data"].items()),
    ]
    return [fact for fact in facts if fact.value]


@dataclass(frozen=True, slots=True)
class InterestRow:
    """Somebody who cares for a product."""

    customer: str
    who: str
    what: str
    at: datetime


def interests(found: Iterable[Mapping[str, Any]], words: Words) -> list[InterestRow]:
    """Return who cares for a product, and how it is known."""
    return [
        InterestRow(
            customer=str(one["customer_id"]),
            who=customer_name(one["traits"], one["addresses"], words),
            what=words.items([words.gettext(_INTERESTS[kind]) for kind in one["kinds"]]),
            at=one["at"],
        )
        for one in found
    ]


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A product that came back or cost less, and how many customers were told."""

    text: str
    told: str
    at: datetime


def changes(found: Iterable[Mapping[str, Any]], words: Words) -> list[ChangeRow]:
    """Return what happened to a product."""
    return [ChangeRow(_change(one, words), _told(one, words), one["at"]) for one in found]


def _change(one: Mapping[str, Any], words: Words) -> str:
    if one["kind"] == "price":
        return words.gettext(
            "From %(old)s to %(new)s",
            old=money(one["old_price"], one["currency"], words),
            new=money(one["price"], one["currency"], words),
        )
    if one["shop"] is None:
        return words.gettext("Back in stock")
    return words.gettext("Back in stock in %(shop)s", shop=one["shop"])


def _told(one: Mapping[str, Any], words: Words) -> str:
    told = words.ngettext("%(n)s customer told", "%(n)s customers told", one["told"])
    if one["left"]:
        return f"{told}, {words.gettext('%(n)s to go', n=words.number(one['left']))}"
    return told


def order_rows(
    connection: Connection, items: Sequence[Mapping[str, Any]], words: Words
) -> list[OrderRow]:
    """Return the rows of a list of orders."""
    people = store.buyers(connection, {UUID(one["customer"]) for one in items})
    shops = products.names(connection, [one["shop"] for one in items if one["shop"]])
    rows = []
    for one in items:
        who = people.get(one["customer"])
        rows.append(
            OrderRow(
                id=one["id"],
                href=order_href(one),
                customer=one["customer"],
                who=customer_name(who["traits"], who["addresses"], words) if who else "",
                what=_summary(one["lines"], words),
                where=place(one["shop"], shops, words),
                total=money(one["total"], one["currency"], words),
                marks=order_marks(one, words),
                at=one["placed_at"],
            )
        )
    return rows


def _summary(lines: Sequence[Mapping[str, Any]], words: Words) -> str:
    named = [_line_name(line) for line in lines]
    if len(named) <= 2:
        return ", ".join(named)
    return words.gettext("%(first)s and %(n)s more", first=named[0], n=words.number(len(named) - 1))


def _line_name(line: Mapping[str, Any]) -> str:
    return str(line.get("name") or line.get("category") or line.get("sku") or "—")


def place(shop: str | None, names: Mapping[str, str], words: Words) -> str:
    """Name the shop of an order."""
    return words.gettext("Web") if shop is None else names.get(shop, shop)


def order_marks(order: Mapping[str, Any], words: Words) -> list[Mark]:
    """Say where an order stands, and what came back of it."""
    name, tone = _STATES.get(order["state"], (order["state"], ""))
    marks = [Mark(words.gettext(name), tone)]
    back = sum(one["amount"] or 0 for one in order["refunds"])
    if order["refunds"]:
        whole = order["total"] is not None and back >= order["total"]
        text = words.gettext("Refunded") if whole else words.gettext("Partly refunded")
        marks.append(Mark(text, "blue"))
    if order["returns"]:
        marks.append(Mark(words.gettext("Returned"), "blue"))
    return marks


def order_facts(order: Mapping[str, Any], words: Words) -> list[Fact]:
    """Return the amounts of an order, and how it was paid."""
    currency = order["currency"]
    titles = (
        ("discount", words.gettext("Discount")),
        ("shipping", words.gettext("Shipping")),
        ("tax", words.gettext("Tax")),
        ("total", words.gettext("Total")),
    )
    facts = [Fact(title, money(order[key], currency, words)) for key, title in titles]
    facts += [
        Fact(method(one["method"], words), money(one.get("amount"), currency, words) or "—")
        for one in order["payments"]
    ]
    facts += [Fact(name, words.value(value)) for name, value in order["data"].items()]
    return [fact for fact in facts if fact.value]


def method(given: str, words: Words) -> str:
    """Name a way of paying."""
    return words.gettext(_METHODS.get(given, given))


def line_rows(
    lines: Iterable[Mapping[str, Any]], currency: str | None, known: Iterable[str], words: Words
) -> list[LineRow]:
    """Return the lines of an order."""
    known = set(known)
    return [
        LineRow(
            name=_line_name(line),
            sku=line.get("sku") or "",
            href=product_href(line["sku"]) if line.get("sku") in known else "",
            quantity=words.number(line.get("quantity", 1)),
            price=money(line.get("price"), currency, words),
            amount=money(_amount(line), currency, words),
        )
        for line in lines
    ]


def _amount(line: Mapping[str, Any]) -> float | None:
    price = line.get("price")
    return None if price is None else round(price * line.get("quantity", 1), 4)


def backs(order: Mapping[str, Any], known: Iterable[str], words: Words) -> list[Back]:
    """Return the refunds and returns of an order, in the order they came."""
    found = []
    for title, kind in ((words.gettext("Refund"), "refunds"), (words.gettext("Return"), "returns")):
        for one in order[kind]:
            facts = [
                Fact(words.gettext("Amount"), money(one.get("amount"), order["currency"], words)),
                Fact(
                    words.gettext("As"), method(one["method"], words) if one.get("method") else ""
                ),
                Fact(words.gettext("Reason"), one["reason"] or ""),
            ]
            lines = line_rows(one["lines"], order["currency"], known, words)
            at = datetime.fromisoformat(one["at"])
            found.append(Back(title, at, [fact for fact in facts if fact.value], lines))
    return sorted(found, key=lambda back: back.at)


def customer_orders(connection: Connection, customer: UUID, words: Words) -> CustomerOrders:
    """Return what a customer bought, for `customers/_orders.html`."""
    found = store.orders(connection, customer=customer, limit=SHOWN)
    sums = [
        Fact(
            words.ngettext("%(n)s order", "%(n)s orders", one["orders"]),
            _spent(one, words),
        )
        for one in store.spent(connection, customer)
    ]
    more = f"/catalogue/orders?customer={customer}" if found.next else ""
    return CustomerOrders(sums, order_rows(connection, found.items, words), more)


def _spent(one: Mapping[str, Any], words: Words) -> str:
    total = money(one["total"], one["currency"], words)
    if not one["refunded"]:
        return total
    back = money(one["refunded"], one["currency"], words)
    return words.gettext("%(total)s, %(back)s of it given back", total=total, back=back)
