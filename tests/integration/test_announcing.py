"""A product that is back, or costs less: whom it concerns gets an event, once."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from engine.flow import announcing, intake
from engine.flow.announcing import carry_out, forget
from engine.flow.history import add_events
from engine.flow.intake import Incoming, receive
from engine.flow.materials import change_workspace
from engine.flow.orders import put_orders
from engine.flow.products import put_products, put_stock
from engine.model.actor import COMMAND_LINE
from engine.model.order import Order
from engine.model.product import Product, Stock
from engine.store import customers, tables
from engine.store.session import Database

LINK = "https://shop.example.com/tea"
PICTURE = "https://shop.example.com/tea.jpg"


class Shop:
    """A shop that sells tea."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def price(self, price: float, **more: Any) -> None:
        document = {"sku": "tea", "name": "Tea", "link": LINK, "picture": PICTURE, "price": price}
        put_products(self.database, [Product.model_validate(document | more)])

    def stock(self, *, sku: str = "tea", **shops: float) -> None:
        some = [{"sku": sku, "shop": shop, "quantity": n} for shop, n in shops.items()]
        put_stock(self.database, [Stock.model_validate(one) for one in some])

    def does(self, user: str, name: str, *, sku: str = "tea", days: float = 0, **more: Any) -> None:
        add_events(
            self.database,
            [
                Incoming(
                    source="web",
                    message_id=uuid4().hex,
                    kind="track",
                    name=name,
                    user_id=user,
                    properties={"sku": sku, **more},
                    occurred_at=datetime.now(UTC) - timedelta(days=days),
                )
            ],
        )

    def buys(self, user: str, *, sku: str = "tea", days: float = 0, **more: Any) -> None:
        document = {
            "id": uuid4().hex,
            "customer": f"external_id:{user}",
            "total": 10,
            "lines": [{"sku": sku}],
            "placed_at": datetime.now(UTC) - timedelta(days=days),
            **more,
        }
        put_orders(self.database, [Order.model_validate(document)])

    def changes(self) -> list[tuple[Any, ...]]:
        c = tables.product_change.c
        with self.database.read() as connection:
            query = select(c.kind, c.shop, c.old_price, c.price).order_by(c.at, c.id)
            return [tuple(row) for row in connection.execute(query)]

    def told(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Who was told what, after everything is carried out."""
        while self.left():
            carry_out(self.database)
        return self.events()

    def left(self) -> int:
        query = "SELECT count(*) FROM product_change WHERE ended_at IS NULL"
        with self.database.read() as connection:
            found: int = connection.execute(text(query)).scalar_one()
            return found

    def events(self) -> list[tuple[str, str, dict[str, Any]]]:
        e = tables.event.c
        with self.database.read() as connection:
            rows = connection.execute(
                select(e.customer_id, e.name, e.properties).where(e.source == announcing.SOURCE)
            ).all()
            names = customers.external_ids(connection, {row.customer_id for row in rows})
        return sorted((names[row.customer_id], row.name, row.properties) for row in rows)

    def who(self) -> list[tuple[str, str]]:
        return [(user, properties["why"]) for user, _, properties in self.told()]


@pytest.fixture
def shop(database_url: str) -> Iterator[Shop]:
    database = Database(database_url, pool_size=8)
    yield Shop(database)
    database.close()


def test_those_who_asked_or_looked_are_told_that_it_is_back(shop: Shop) -> None:
    shop.price(12.5)
    shop.stock(web=0, bern=0)
    shop.does("asks", "Back In Stock Requested", days=90)
    shop.does("looks", "Product Viewed", days=29)
    shop.does("chooses", "Product Added")
    shop.does("both", "Product Viewed")
    shop.does("both", "Back In Stock Requested")
    shop.does("long-ago", "Product Viewed", days=31)
    shop.does("elsewhere", "Product Viewed", sku="coffee")
    shop.does("price-only", "Price Alert Requested")
    shop.stock(bern=3)
    told = shop.told()
    assert [(user, properties["why"]) for user, _, properties in told] == [
        ("asks", "asked"), ("both", "asked"), ("chooses", "viewed"), ("looks", "viewed"),
    ]  # fmt: skip
    assert told[0][1:] == (
        "Product Back In Stock",
        {
            "sku": "tea",
            "name": "Tea",
            "price": 12.5,
            "link": LINK,
            "picture": PICTURE,
            "why": "asked",
        },
    )


def test_whoever_has_bought_it_since_waits_no_more(shop: Shop) -> None:
    shop.stock(web=0)
    for user in ("since", "before", "other", "cancelled", "late"):
        shop.does(user, "Product Viewed", days=5)
    shop.buys("since", days=3)
    shop.buys("before", days=7)
    shop.buys("other", sku="coffee", days=3)
    shop.buys("cancelled", days=3, state="cancelled")
    shop.does("again", "Back In Stock Requested", days=20)
    shop.buys("again", days=10)
    shop.does("again", "Product Viewed", days=5)
    shop.stock(web=1)
    carry_out(shop.database, limit=0)  # who is concerned is written down; nobody is told yet
    shop.buys("late")
    assert shop.who() == [
        ("again", "viewed"), ("before", "viewed"), ("cancelled", "viewed"), ("other", "viewed"),
    ]  # fmt: skip


def test_a_shop_that_has_it_again_concerns_those_who_asked_for_it_there(shop: Shop) -> None:
    shop.stock(web=5, bern=0, basel=0)
    shop.does("bern", "Back In Stock Requested", shop="bern")
    shop.does("basel", "Back In Stock Requested", shop="basel")
    shop.does("anywhere", "Back In Stock Requested")
    shop.does("looks", "Product Viewed")
    shop.stock(bern=2)
    assert shop.changes() == [("stock", "bern", None, None)]
    assert shop.who() == [("bern", "asked")]
    assert shop.events()[0][2]["shop"] == "bern"
    shop.stock(web=0, bern=0)
    shop.stock(basel=1)
    assert [user for user, _ in shop.who()] == ["anywhere", "basel", "bern", "looks"]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"web": 0}, {"web": 1}, [None]),
        ({"web": -2}, {"web": 1}, [None]),
        ({"web": 0}, {"bern": 1, "basel": 1}, [None]),
        ({"web": 1}, {"web": 5}, []),
        ({"web": 0}, {"web": 0}, []),
        ({"web": 0}, {"web": -1}, []),
        ({}, {"web": 5}, []),
        ({"web": 1, "bern": 0}, {"bern": 5}, ["bern"]),
        ({"web": 1}, {"bern": 5, "web": 0}, ["bern"]),
    ],
)
def test_only_what_was_away_is_back(
    shop: Shop, before: dict[str, float], after: dict[str, float], expected: list[str | None]
) -> None:
    if before:
        shop.stock(**before)
    shop.stock(**after)
    assert [place for _, place, _, _ in shop.changes()] == expected


def test_what_nobody_had_counted_was_away_if_somebody_asked_for_it(shop: Shop) -> None:
    shop.does("asks", "Back In Stock Requested")
    shop.stock(web=1)
    assert shop.who() == [("asks", "asked")]


@pytest.mark.parametrize(
    ("old", "new", "is_drop"),
    [
        ({"price": 100}, {"price": 95}, True),
        ({"price": 100}, {"price": 95.01}, False),
        ({"price": 100}, {"price": 120}, False),
        ({"price": 100}, {"price": 50, "currency": "EUR"}, False),
        ({"price": 100}, {"price": 50, "active": False}, False),
        ({"price": 100}, {"price": None}, False),
        ({"price": None}, {"price": 1}, False),
    ],
)
def test_a_price_has_to_fall_far_enough(
    shop: Shop, old: dict[str, Any], new: dict[str, Any], *, is_drop: bool
) -> None:
    shop.does("asks", "Price Alert Requested")
    shop.price(**old)
    shop.price(**new)
    assert bool(shop.told()) == is_drop


def test_how_far_a_price_has_to_fall_can_be_set(shop: Shop) -> None:
    change_workspace(shop.database, {"price_drop": 20}, actor=COMMAND_LINE)
    shop.price(100)
    shop.price(81)
    shop.price(64.8)
    assert [(float(old), float(new)) for _, _, old, new in shop.changes()] == [(81, 64.8)]


def test_those_who_asked_or_looked_are_told_of_a_lower_price(shop: Shop) -> None:
    shop.price(20)
    shop.does("asks", "Price Alert Requested", days=50)
    shop.does("looks", "Product Viewed")
    shop.does("stock-only", "Back In Stock Requested")
    shop.price(15)
    told = shop.told()
    assert [(user, name, properties["why"]) for user, name, properties in told] == [
        ("asks", "Price Dropped", "asked"),
        ("looks", "Price Dropped", "viewed"),
    ]
    assert told[0][2] == {
        "sku": "tea", "name": "Tea", "price": 15, "old_price": 20, "currency": "CHF",
        "link": LINK, "picture": PICTURE, "why": "asked",
    }  # fmt: skip


def test_nobody_is_told_of_what_does_not_hold_any_more(shop: Shop) -> None:
    shop.does("asks", "Price Alert Requested")
    shop.does("asks", "Back In Stock Requested")
    shop.price(20)
    shop.price(10)
    shop.price(30)
    shop.stock(web=0)
    shop.stock(web=1)
    shop.stock(web=0)
    assert len(shop.changes()) == 2
    assert shop.told() == []


def test_each_occurrence_tells_once(shop: Shop) -> None:
    shop.does("asks", "Back In Stock Requested")
    shop.stock(web=0)
    for _ in range(2):
        shop.stock(web=1)
        shop.stock(web=1)
        assert shop.told()
        shop.stock(web=0)
    assert len(shop.told()) == 2


def test_stock_written_at_once_comes_back_once(shop: Shop) -> None:
    places = [f"shop{n}" for n in range(8)]
    shop.stock(**dict.fromkeys(places, 0))
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda place: shop.stock(**{place: 1}), places))
    assert [place for _, place, _, _ in shop.changes()].count(None) == 1


def test_many_are_told_once_by_several_dispatchers(shop: Shop) -> None:
    for n in range(60):
        shop.does(f"u{n:02}", "Product Viewed")
    shop.stock(web=0)
    shop.stock(web=1)

    def work(_: int) -> None:
        while shop.left():
            carry_out(shop.database, limit=7)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(4)))
    assert [user for user, _, _ in shop.events()] == [f"u{n:02}" for n in range(60)]


def test_an_interruption_tells_nobody_twice(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(6):
        shop.does(f"u{n}", "Product Viewed")
    shop.stock(web=0)
    shop.stock(web=1)
    store = intake.store

    def interrupted(*given: Any) -> Any:
        store(*given)
        raise KeyboardInterrupt

    monkeypatch.setattr(intake, "store", interrupted)
    with pytest.raises(KeyboardInterrupt):
        carry_out(shop.database)
    monkeypatch.undo()
    assert shop.events() == []
    _due_now(shop)
    assert [user for user, _, _ in shop.told()] == [f"u{n}" for n in range(6)]


def test_one_who_cannot_be_told_holds_up_nobody(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for n in range(4):
        shop.does(f"u{n}", "Product Viewed")
    shop.stock(web=0)
    shop.stock(web=1)
    with shop.database.read() as connection:
        odd = customers.identified(connection, [("external_id", "u2")])["external_id", "u2"]
    store: Callable[..., Any] = intake.store

    def failing(database: Any, some: Any, connection: Any) -> Any:
        if any(item.customer == odd for item in some):
            raise ValueError
        return store(database, some, connection)

    monkeypatch.setattr(intake, "store", failing)
    carry_out(shop.database)
    assert [user for user, _, _ in shop.events()] == ["u0", "u1", "u3"]
    assert "was not told" in caplog.text
    monkeypatch.undo()
    _due_now(shop)
    assert [user for user, _, _ in shop.told()] == ["u0", "u1", "u2", "u3"]


def _due_now(shop: Shop) -> None:
    shop.database.transact(
        lambda connection: connection.execute(text("UPDATE product_telling SET due_at = now()"))
    )


def test_what_is_long_ago_is_forgotten(shop: Shop) -> None:
    shop.does("asks", "Back In Stock Requested", days=40)
    shop.does("looks", "Product Viewed")
    shop.stock(web=0)
    shop.stock(web=1)
    shop.told()
    shop.database.transact(
        lambda connection: connection.execute(
            text("UPDATE product_interest SET at = at - interval '31 days'")
        )
    )
    shop.database.transact(
        lambda connection: connection.execute(
            text("UPDATE product_change SET ended_at = now() - interval '91 days'")
        )
    )
    forget(shop.database)
    with shop.database.read() as connection:
        kinds = connection.execute(select(tables.product_interest.c.kind)).scalars().all()
        assert kinds == ["stock"]
        assert not connection.execute(select(tables.product_telling)).all()


def test_a_look_that_arrives_by_itself_counts_too(shop: Shop) -> None:
    looked = Incoming(
        source="web", message_id="m", kind="track", name="Product Viewed", user_id="ada",
        properties={"product_id": "tea"},
    )  # fmt: skip
    receive(shop.database, [looked])
    shop.stock(web=0)
    shop.stock(web=1)
    assert shop.who() == [("ada", "viewed")]
