"""What the small shop of the pages sells, where, and what was bought: without a single event."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from engine.flow.products import put_products, put_shops, put_stock
from engine.model.product import Product, Shop, Stock
from engine.store import interests, orders, tables
from engine.store.session import Database

PRODUCTS = [
    {"sku": "tea-250", "name": "Assam tea, 250 g", "categories": ["Tea", "Hot drinks"],
     "price": 14.9, "currency": "CHF", "link": "https://shop.example.com/tea",
     "picture": "https://shop.example.com/tea.jpg", "data": {"origin": "Assam"}},
    {"sku": "mug", "name": "Mug", "categories": ["Kitchen"], "price": 12, "currency": "CHF"},
    {"sku": "fondue", "name": "Fondue set", "price": 89, "currency": "CHF"},
    {"sku": "voucher", "name": "Voucher", "price": 50, "currency": "CHF"},
    {"sku": "old-1", "name": "Last year's calendar", "active": False},
]  # fmt: skip
STOCK = [("tea-250", "bern", 12), ("tea-250", "web", 30.5), ("mug", "web", 3), ("fondue", "web", 0)]


def fill(database: Database, now: datetime) -> None:
    """Bring products, stock, orders of two customers, and interests."""
    put_products(database, [Product.model_validate(one) for one in PRODUCTS])
    shops = [Shop(id="bern", name="Bern, Marktgasse", address="Marktgasse 1, 3011 Bern")]
    put_shops(database, shops)
    put_stock(
        database,
        [Stock.model_validate({"sku": s, "shop": p, "quantity": q}) for s, p, q in STOCK],
    )
    put_products(database, [Product.model_validate({**PRODUCTS[1], "price": 9})])
    database.transact(lambda connection: _bought(connection, now))


def _bought(connection: Connection, now: datetime) -> None:
    ids = list(
        connection.execute(select(tables.customer.c.id).order_by(tables.customer.c.id).limit(2))
        .scalars()
        .all()
    )
    tea = {"sku": "tea-250", "name": "Assam tea, 250 g", "quantity": 2, "price": 14.9}
    mug = {"sku": "mug", "name": "Mug", "quantity": 1, "price": 12}
    lost = {"category": "Chocolate", "quantity": 3, "price": 4.2}
    paid = [{"method": "gift_card", "amount": 10}, {"method": "card", "amount": 31.8}]
    orders.put(
        connection,
        [
            _order("A-1001", ids[0], now - timedelta(days=2), [tea, mug], payments=paid, total=41.8),
            _order("A-1002", ids[1], now - timedelta(days=1), [tea, mug, lost], shop="bern",
                   currency="EUR", total=54.4),
            _order("A-1003", ids[0], now - timedelta(hours=3), [lost], state="cancelled", total=12.6),
        ],
    )  # fmt: skip
    back = {"source": "shop", "order_id": "A-1001", "at": now - timedelta(days=1), "lines": [tea]}
    money = {"amount": 14.9, "method": "gift_card", "reason": "came too late"}
    none = {"amount": None, "method": None, "reason": None}
    orders.reverse(
        connection,
        [
            {**back, "kind": "refund", "id": "r1", **money},
            {**back, "kind": "return", "id": "t1", **none},
        ],
    )
    interests.note(
        connection,
        [
            {"sku": sku, "customer_id": ids[who], "kind": kind, "shop": "", "at": now - timedelta(hours=9)}
            for sku, who, kind in (
                ("fondue", 0, "stock"), ("fondue", 1, "viewed"), ("tea-250", 1, "viewed"),
                ("tea-250", 1, "price"), ("mug", 0, "price"),
            )
        ],
    )  # fmt: skip


def _order(id: str, customer: Any, at: datetime, lines: list[Any], **more: Any) -> dict[str, Any]:
    empty = dict.fromkeys(("shop", "discount", "shipping", "tax"))
    return {
        "customer_id": customer, "source": "shop", "id": id, "state": "placed", "currency": "CHF",
        **empty, "lines": lines, "skus": sorted({line["sku"] for line in lines if "sku" in line}),
        "payments": [], "data": {}, "placed_at": at, "told": True, "by_api": True,
        "cancelled_at": at if more.get("state") == "cancelled" else None, **more,
    }  # fmt: skip
