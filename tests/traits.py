"""Definitions and histories for the tests of computed traits."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from engine.model.trait import AnyTrait, Score, TraitDocument

TODAY = datetime(2026, 5, 4, 10, tzinfo=UTC)
ORDER = "Order Completed"
CHF = {"any": [{"property": "currency", "eq": "CHF"}, {"property": "currency", "exists": False}]}

DOCUMENTS: tuple[dict[str, Any], ...] = (
    {"id": "orders", "name": "Orders", "event": ORDER, "take": "count"},
    {"id": "spent", "name": "S", "event": ORDER, "take": "sum", "of": "total", "where": CHF},
    {"id": "average", "name": "A", "event": ORDER, "take": "avg", "of": "total"},
    {"id": "least", "name": "L", "event": ORDER, "take": "min", "of": "total"},
    {"id": "greatest", "name": "G", "event": ORDER, "take": "max", "of": "total"},
    {"id": "first_shop", "name": "F", "event": ORDER, "take": "first", "of": "store"},
    {"id": "last_shop", "name": "L", "event": ORDER, "take": "last", "of": "store"},
    {"id": "first_at", "name": "F", "event": ORDER, "take": "first_at"},
    {"id": "last_at", "name": "L", "event": ORDER, "take": "last_at"},
    {"id": "shops", "name": "Shops", "event": ORDER, "take": "distinct", "of": "store"},
    {"id": "usual", "name": "U", "event": ORDER, "take": "interval"},
    {"id": "category", "name": "C", "event": ORDER, "take": "most", "of": "products[].category"},
    {"id": "items", "name": "I", "event": ORDER, "take": "sum", "of": "products[].quantity"},
    {"id": "month", "name": "M", "event": ORDER, "take": "sum", "of": "total", "within": "1mo"},
    {"id": "views", "name": "V", "event": "Product Viewed", "take": "count", "within": "30d"},
    {"id": "joined", "name": "J", "join": ["orders", "heat"]},
)
TRAITS: tuple[AnyTrait, ...] = tuple(TraitDocument.read(document) for document in DOCUMENTS)
HEAT = Score.model_validate(
    {
        "id": "heat",
        "name": "Heat",
        "rules": [
            {"event": ORDER, "points": 50, "where": {"property": "total", "gte": 20}},
            {"event": "Product Viewed", "points": 3},
            {"event": "Order Refunded", "points": -40},
        ],
        "half_life": "10d",
        "floor": 0,
        "ceiling": 200,
        "thresholds": [{"at": 100, "name": "Hot"}, {"at": 50, "name": "Warm"}],
    }
)


def history(
    random: Random, n: int, *, days: int = 90, until: datetime = TODAY
) -> list[tuple[str, datetime, dict[str, Any]]]:
    """Return events in the order in which they arrive: some late, some at the same moment."""
    at, found = until - timedelta(days=days), []
    for _ in range(n):
        at += random.choice((timedelta(), timedelta(hours=3), timedelta(days=days / n)))
        late = random.choice((timedelta(), timedelta(), timedelta(days=20)))
        name = random.choice((ORDER, ORDER, "Product Viewed", "Order Refunded", "Page Viewed"))
        found.append((name, at - late, _properties(random)))
    return found


def _properties(random: Random) -> dict[str, Any]:
    every = {
        "total": random.choice((10, 19.9, 20, 0.1, 99.95, "12", None, True)),
        "currency": random.choice(("CHF", "EUR")),
        "store": random.choice(("Bern", "Basel", 1, 1.0, None)),
        "products": random.choice(
            (
                [{"category": "Tea", "quantity": 2}, {"category": "Bread", "quantity": 1}],
                [{"category": "Tea"}, {"quantity": 0.5}, "odd"],
                [],
                {"category": "Tea"},
            )
        ),
    }
    return {name: value for name, value in every.items() if random.random() < 0.8}
