"""A smaller shop whose purchases are made up too, for where the real ones are not installed."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from parcours.demo.categories import sku_of
from parcours.demo.shop import CURRENCY, Basket, Household, Shelf

HOUSEHOLDS: Final = 240

_SHELVES: Final = (
    ("Milk", 1.8), ("Cheese", 6.5), ("Bread", 3.9), ("Eggs", 4.6), ("Yogurt", 1.4),
    ("Apples", 4.2), ("Potatoes", 3.1), ("Tomatoes", 3.8), ("Coffee", 9.9), ("Soft drinks", 2.2),
    ("Pasta", 2.4), ("Soup", 3.2), ("Chicken", 11.5), ("Frozen pizza", 5.9), ("Soap", 3.4),
    ("Cat food", 8.7), ("Chocolate", 2.9), ("Laundry detergents", 12.8),
)  # fmt: skip
_STORES: Final = ("1", "2", "3", "web")


def households() -> list[Household]:
    """Return those who buy."""
    return [Household(number) for number in range(1, HOUSEHOLDS + 1)]


def shelves() -> list[Shelf]:
    """Return what the shops sell."""
    return [Shelf(sku_of(category), category, usual) for category, usual in _SHELVES]


def stores() -> list[str]:
    """Return the shops but the web."""
    return [store for store in _STORES if store != "web"]


def baskets(today: datetime) -> Iterator[Basket]:
    """Yield a year of purchases, household by household, the last of all on the day before."""
    number = 0
    evening = today.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(hours=3)
    for household in households():
        chance = random.Random(f"made up {household.id}")  # noqa: S311 - no secret
        store, pace = chance.choice(_STORES), chance.uniform(9, 60)
        at = evening - timedelta(hours=chance.uniform(0, 24 * pace) if household.id > 1 else 0)
        while evening - at < timedelta(days=364):
            number += 1
            yield Basket(household.id, number, at, _order(chance, number, store))
            days = max(1, round(chance.expovariate(1 / pace)))
            at -= timedelta(days=days, minutes=chance.randrange(-180, 180))


def _order(chance: random.Random, number: int, store: str) -> dict[str, Any]:
    products, total = [], 0.0
    for category, usual in chance.sample(_SHELVES, chance.randint(1, 7)):
        quantity, price = chance.choice((1, 1, 1, 2, 3)), round(usual * chance.uniform(0.8, 1.3), 2)
        products.append(
            {"sku": sku_of(category), "category": category, "quantity": quantity, "price": price}
        )
        total += quantity * price
    return {
        "order_id": f"made-up-{number}",
        "total": round(total, 2),
        "currency": CURRENCY,
        "store": store,
        "products": products,
    }
