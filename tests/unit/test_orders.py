"""What an event says of an order is read as far as it can be, and no further."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.run.orders import ABOUT_ORDERS, order_told, properties_of

AT = datetime(2026, 3, 1, 9, tzinfo=UTC)
ORDER = {
    "order_id": "A-1",
    "total": 120.5,
    "shipping": "5.50",
    "discount": 10,
    "currency": "eur",
    "store": "12",
    "products": [
        {"sku": "tea", "name": "Tea", "category": "Drinks", "price": 9.5, "quantity": 2},
        {"product_id": 7, "price": "4"},
    ],
}


def told(name: str, properties: dict[str, Any]) -> Any:
    return order_told(name, properties, at=AT, event="m1")


def test_an_order_is_read_by_segments_names() -> None:
    row = told("Order Completed", ORDER).row
    assert (row["id"], row["source"], row["state"], row["told"]) == ("A-1", "shop", "placed", True)
    assert (row["total"], row["shipping"], row["discount"]) == (120.5, 5.5, 10)
    assert (row["currency"], row["shop"], row["placed_at"]) == ("EUR", "12", AT)
    assert row["skus"] == ["7", "tea"]
    assert row["lines"] == [
        {"sku": "tea", "name": "Tea", "category": "Drinks", "price": 9.5, "quantity": 2},
        {"sku": "7", "price": 4, "quantity": 1},
    ]


@pytest.mark.parametrize(
    ("properties", "field", "value"),
    [
        ({"order_id": 17}, "id", "17"),
        ({"orderId": "x", "revenue": 4}, "total", 4),
        ({"order_id": "x", "products": [{"price": 2, "quantity": 3}, {"price": 1}]}, "total", 7),
        ({"order_id": "x", "products": [{"price": 2}, {"sku": "a"}]}, "total", None),
        ({"order_id": "x", "total": "a lot"}, "total", None),
        ({"order_id": "x", "total": -3}, "total", None),
        ({"order_id": "x", "total": True}, "total", None),
        ({"order_id": "x", "total": 1e300}, "total", None),
        ({"order_id": "x", "total": "nan"}, "total", None),
        ({"order_id": "x", "currency": "francs"}, "currency", None),
        ({"order_id": "x", "store": "Web"}, "shop", None),
        ({"order_id": "x", "products": "none"}, "lines", []),
        ({"order_id": "x", "products": [None, 3, {}]}, "lines", []),
        ({"order_id": "x", "payments": [{"method": "gift_card", "gift_card": "g", "amount": 5}, 1]},
         "payments", [{"method": "gift_card", "amount": 5, "gift_card": "g"}]),
        ({"order_id": "x", "order_source": "till"}, "source", "till"),
    ],
)  # fmt: skip
def test_what_is_malformed_is_left_out(properties: Any, field: str, value: Any) -> None:
    assert told("Order Completed", properties).row[field] == value


@pytest.mark.parametrize("id", [None, "", "  ", [], {}, 1.5, True, "x" * 201])
def test_without_its_id_there_is_no_order(id: Any) -> None:
    assert told("Order Completed", {"order_id": id, "total": 3}) is None


def test_a_refund_has_its_own_id_or_its_events() -> None:
    named = told(
        "Order Refunded", {"order_id": "1", "refund_id": "r", "total": 5, "reason": "late"}
    )
    assert (named.reversal.kind, named.reversal.id, named.reversal.amount) == ("refund", "r", 5)
    assert (named.reversal.reason, named.row["total"], named.row["told"]) == ("late", None, False)
    assert told("Order Refunded", {"order_id": "1"}).reversal.id == "m1"
    back = told("Order Returned", {"order_id": "1", "total": 5, "products": [{"sku": "tea"}]})
    assert (back.reversal.kind, back.reversal.amount) == ("return", None)
    assert back.reversal.lines == [{"sku": "tea", "quantity": 1}]


def test_a_cancelled_order_says_when() -> None:
    row = told("Order Cancelled", ORDER).row
    assert (row["state"], row["cancelled_at"], row["told"]) == ("cancelled", AT, False)
    assert row["total"] == 120.5


def test_a_row_becomes_the_properties_it_came_from() -> None:
    row = {**told("Order Completed", ORDER).row, "tax": None}
    properties = properties_of(row)
    assert properties["order_id"] == "A-1"
    assert properties["store"] == "12"
    assert "tax" not in properties
    assert told("Order Completed", properties).row == row
    assert properties_of({**row, "shop": None})["store"] == "web"


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
_KEYS = st.sampled_from(
    ["order_id", "total", "currency", "products", "payments", "store", "discount", "refund_id"]
)


@given(st.sampled_from(sorted(ABOUT_ORDERS)), st.dictionaries(_KEYS, _ANY))
def test_nothing_that_is_sent_is_too_odd_to_be_read(name: str, properties: dict[str, Any]) -> None:
    found = told(name, {"order_id": "x"} | properties)
    if found is not None:
        json.dumps(found.row, default=str, allow_nan=False)
