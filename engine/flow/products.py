"""Products, shops and stock as the shop's systems feed them, and what customers may wait for.

Whoever writes compares before and after, alone: so a product comes back once, whoever tells of
it first. Only the change itself is written here; telling customers is the dispatcher's
(`engine.flow.announcing`).
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping
from uuid_utils.compat import uuid7

from engine.model.product import Product, Shop, Stock
from engine.store import documents, product_changes, products
from engine.store.session import Database


def put_products(database: Database, some: Sequence[Product]) -> int:
    """Create or replace products; return how many are new."""
    rows = {product.sku: product.model_dump(mode="json") for product in some}

    def work(connection: Connection) -> int:
        workspace = documents.workspace(connection)
        products.alone(connection, "product")
        before = products.before(connection, list(rows))
        for row in rows.values():
            row["currency"] = row["currency"] or workspace.currency
        products.put_products(connection, list(rows.values()))
        fallen = [
            change
            for sku, row in rows.items()
            if sku in before and (change := _fallen(before[sku], row, workspace.price_drop))
        ]
        if fallen:
            product_changes.add(connection, fallen)
        return len(rows) - len(before)

    return database.transact(work)


def _fallen(before: RowMapping, row: Mapping[str, Any], percent: int) -> dict[str, Any] | None:
    """Return the change when the price fell far enough: in one currency, of what is on sale."""
    if before["price"] is None or row["price"] is None or not row["active"]:
        return None
    old, new = before["price"], Decimal(str(row["price"]))
    if before["currency"] != row["currency"] or new >= old:
        return None
    if old - new < old * percent / 100:
        return None
    return _change("price", row["sku"], old_price=old, price=new, currency=row["currency"])


def put_shops(database: Database, some: Sequence[Shop]) -> int:
    """Create or replace shops; return how many are new."""
    rows = {shop.id: shop.model_dump(mode="json") for shop in some}
    return database.transact(lambda connection: products.put_shops(connection, list(rows.values())))


def put_stock(database: Database, some: Sequence[Stock]) -> int:
    """Write how much of products is where; return how many places are new."""
    rows = {(one.sku, one.shop): one.model_dump(mode="json") for one in some}
    skus = sorted({sku for sku, _ in rows})

    def work(connection: Connection) -> int:
        products.alone(connection, "stock")
        before = products.stock_of(connection, skus)
        products.put_stock(connection, list(rows.values()))
        after = products.stock_of(connection, skus)
        unknown = [sku for sku in skus if sku not in before]
        asked = product_changes.asked_for(connection, unknown) if unknown else set()
        back = [
            change
            for sku in skus
            for change in _back(sku, before.get(sku), after[sku], asked=sku in asked)
        ]
        if back:
            product_changes.add(connection, back)
        return sum(shop not in before.get(sku, {}) for sku, shop in rows)

    return database.transact(work)


def _back(
    sku: str, before: Mapping[str, Any] | None, after: Mapping[str, Any], *, asked: bool
) -> Iterator[dict[str, Any]]:
    """Yield what has come back: the product altogether, or else to single shops.

    Of what nobody has counted before, it is only known that it was away if somebody asked for it.
    """
    if before is None and not asked:
        return
    had = {shop for shop, quantity in (before or {}).items() if quantity > 0}
    has = {shop for shop, quantity in after.items() if quantity > 0}
    if has and not had:
        yield _change("stock", sku)
    elif had:
        for shop in sorted(has - had):
            yield _change("stock", sku, shop=shop)


def _change(kind: str, sku: str, **more: Any) -> dict[str, Any]:
    id: UUID = uuid7()
    empty = dict.fromkeys(("shop", "old_price", "price", "currency"))
    return {"id": id, "kind": kind, "sku": sku, **empty, **more}


def remove(database: Database, table: str, key: str) -> None:
    """Delete a product or a shop, with what is known of its stock."""
    database.transact(lambda connection: products.remove(connection, table, key))
