"""Computed traits that a new shop can take as they are: of its orders, and RFM made of them.

They look at `Order Completed` as Segment describes it: `total`, `currency`, `products` with their
`category`; `store` is the shop's.
"""

from typing import Any

from engine.model.trait import AnyTrait, Score, TraitDocument


def ready_traits(currency: str) -> tuple[AnyTrait, ...]:
    """Return the traits; money is what was paid in this currency, or in none that was told."""
    order: dict[str, Any] = {"event": "Order Completed"}
    told = {"property": "currency", "eq": currency}
    money = {"of": "total", "where": {"any": [told, {"property": "currency", "exists": False}]}}
    documents: tuple[dict[str, Any], ...] = (
        {"id": "orders_count", "name": "Orders", **order, "take": "count"},
        {"id": "spend_total", "name": "Spent in all", **order, "take": "sum", **money},
        {"id": "spend_1y", "name": "Spent within a year", **order, "take": "sum", **money, "within": "1y"},
        {"id": "average_basket", "name": "Average basket", **order, "take": "avg", **money},
        {"id": "first_order_at", "name": "First order", **order, "take": "first_at"},
        {"id": "last_order_at", "name": "Last order", **order, "take": "last_at"},
        {"id": "usual_interval", "name": "Usual days between orders", **order, "take": "interval"},
        {"id": "favourite_category", "name": "Favourite category", **order, "take": "most", "of": "products[].category"},
        {"id": "last_shop", "name": "Shop of the last order", **order, "take": "last", "of": "store"},
        {"id": "recency_quintile", "name": "Recency, 1 to 5", "quantile_of": "last_order_at", "parts": 5},
        {"id": "frequency_quintile", "name": "Frequency, 1 to 5", "quantile_of": "orders_count", "parts": 5},
        {"id": "monetary_quintile", "name": "Money, 1 to 5", "quantile_of": "spend_total", "parts": 5},
        {"id": "rfm", "name": "RFM", "join": ["recency_quintile", "frequency_quintile", "monetary_quintile"]},
    )  # fmt: skip
    return tuple(TraitDocument.read(document) for document in documents)


def ready_score() -> Score:
    """Return a score of how close a customer is to the shop, which fades by half in a month."""
    return Score.model_validate(
        {
            "id": "engagement",
            "name": "Engagement",
            "rules": [
                {"event": "Order Completed", "points": 50},
                {"event": "Message Clicked", "points": 10},
                {"event": "Message Opened", "points": 5},
                {"event": "Product Viewed", "points": 1},
            ],
            "half_life": "30d",
            "floor": 0,
            "ceiling": 500,
            "thresholds": [{"at": 50, "name": "Warm"}, {"at": 200, "name": "Ardent"}],
        }
    )
