"""What the demonstration shop sells, where, and how much of it is there."""

import random
from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, text

from engine.flow.products import put_products, put_shops, put_stock
from engine.model.order import WEB
from engine.model.product import Product, Shop, Stock
from engine.store.session import Database
from parcours.demo.first import added
from parcours.demo.shop import CURRENCY, Shelf, Thing, things

MARK: Final = {"demo": True}
"""By this it is known what the demonstration brought."""

COUNTED: Final = 12
"""How many of the largest shops say what they have."""

AWAY: Final = frozenset({"fondue-set", "olive-oil-75"})
"""What the web has none of just now."""

_AT_ONCE: Final = 5_000

_KNOWN: Final = {
    "product": text("SELECT sku FROM product"),
    "shop": text("SELECT id FROM shop"),
    "stock": text("SELECT DISTINCT sku FROM stock"),
}
_REMOVE: Final = tuple(
    text(statement)
    for statement in (
        "DELETE FROM stock WHERE sku IN (SELECT sku FROM product WHERE data @> CAST(:mark AS jsonb))",
        "DELETE FROM product_change WHERE sku IN (SELECT sku FROM product WHERE data @> CAST(:mark AS jsonb))",
        "DELETE FROM product WHERE data @> CAST(:mark AS jsonb)",
        "DELETE FROM shop WHERE data @> CAST(:mark AS jsonb)",
    )
)


def put(database: Database, shelves: Iterable[Shelf], stores: Sequence[str]) -> None:
    """Bring products, shops and stock; what is there already is left alone."""
    known = {name: _known(database, name) for name in _KNOWN}
    sold = [*map(_shelf, shelves), *map(_thing, things())]
    put_products(database, [one for one in sold if one.sku not in known["product"]])
    shops = [*map(_shop, stores), Shop(id=WEB, name="Web shop", data=MARK)]
    put_shops(database, [one for one in shops if one.id not in known["shop"]])
    stock = [one for one in _stock(sold, stores[:COUNTED]) if one.sku not in known["stock"]]
    for start in range(0, len(stock), _AT_ONCE):
        put_stock(database, stock[start : start + _AT_ONCE])


def remove(database: Database) -> None:
    """Take them away again, and nothing else."""

    def work(connection: Connection) -> None:
        for statement in _REMOVE:
            connection.execute(statement, {"mark": '{"demo": true}'})

    database.transact(work)


def _known(database: Database, name: str) -> set[str]:
    with database.read() as connection:
        return set(connection.execute(_KNOWN[name]).scalars())


def _shelf(shelf: Shelf) -> Product:
    return Product.model_validate(
        {
            "sku": shelf.sku,
            "name": shelf.name,
            "categories": [shelf.name],
            "price": shelf.price,
            "currency": CURRENCY,
            "data": MARK,
        }
    )


def _thing(thing: Thing) -> Product:
    return Product.model_validate(
        {
            "sku": thing.sku,
            "name": thing.name,
            "categories": [thing.category],
            "price": thing.price,
            "currency": CURRENCY,
            "link": added(thing)["url"],
            "data": MARK,
        }
    )


def _shop(store: str) -> Shop:
    return Shop(id=store, name=f"Shop {store}", time_zone="Europe/Zurich", data=MARK)


def _stock(sold: Iterable[Product], stores: Sequence[str]) -> list[Stock]:
    """Return how much is where: the web has what it shows, the shops what is on their shelves."""
    found: list[dict[str, Any]] = []
    for product in sold:
        chance = random.Random(f"stock of {product.sku}")  # noqa: S311 - made up
        places = [WEB] if product.link else stores
        for place in places:
            quantity = 0 if product.sku in AWAY else chance.randint(0, 60)
            found.append({"sku": product.sku, "shop": place, "quantity": quantity})
    return [Stock.model_validate(one) for one in found]
