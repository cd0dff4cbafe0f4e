"""Segments that many shops have, to begin from: the builder is filled with one, and changed."""

from dataclasses import dataclass
from typing import Any, Final

from designer.words import N_

Rule = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Example:
    """A segment to begin from, by the key that addresses name it by."""

    key: str
    name: str
    icon: str
    rule: Rule


_ORDER: Final[Rule] = {"event": "Order Completed"}


def _not(rule: Rule) -> Rule:
    return {"not": rule}


EXAMPLES: Final = (
    Example(
        "new", N_("New, and has not bought yet"), "user-plus",
        {"all": [{"event": "Signed Up", "within": "30d"}, _not(_ORDER)]},
    ),
    Example(
        "first-order", N_("Has bought once"), "shopping-cart",
        {**_ORDER, "count": {"eq": 1}},
    ),
    Example(
        "loyal", N_("Loyal: five orders in a year"), "heart",
        {**_ORDER, "count": {"gte": 5}, "within": "1y"},
    ),
    Example(
        "vip", N_("VIP: spends the most"), "star",
        {**_ORDER, "sum": "total", "gte": 1000, "within": "1y"},
    ),
    Example(
        "promotions", N_("Buys with coupons"), "badge-percent",
        {**_ORDER, "where": {"property": "coupon", "exists": True}, "count": {"gte": 3},
         "within": "1y"},
    ),
    Example(
        "basket", N_("Left a basket behind"), "package",
        {"all": [{"event": "Product Added", "within": "3d"}, _not({**_ORDER, "within": "3d"})]},
    ),
    Example(
        "dormant", N_("Dormant for 90 days"), "hourglass",
        {"all": [{**_ORDER, "within": "1y"}, _not({**_ORDER, "within": "90d"})]},
    ),
    Example(
        "lost", N_("Lost: nothing for a year"), "log-out",
        {"all": [_ORDER, _not({**_ORDER, "within": "1y"})]},
    ),
    Example(
        "birthday", N_("Birthday in the next 30 days"), "gift",
        {"anniversary": "birth_date", "within": "30d"},
    ),
    Example(
        "category", N_("Fans of a category"), "tag",
        {"event": "Product Viewed", "where": {"property": "category", "eq": "Shoes"},
         "count": {"gte": 3}, "within": "30d"},
    ),
    Example(
        "web-only", N_("Buys on the web only"), "globe",
        {"all": [_ORDER, _not({**_ORDER, "where": {"property": "store", "exists": True}})]},
    ),
    Example(
        "readers", N_("Reads, but does not buy"), "mail",
        {"all": [{"event": "Message Opened", "count": {"gte": 2}, "within": "30d"},
                 _not({**_ORDER, "within": "90d"})]},
    ),
)  # fmt: skip


def example(key: str) -> Example | None:
    """Return an example by its key."""
    return next((one for one in EXAMPLES if one.key == key), None)
