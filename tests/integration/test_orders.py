"""An order exists once, whichever way it becomes known, and its events come once."""

import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select

from engine.errors import Conflict, InvalidInput, NotFound
from engine.flow import shopping
from engine.flow.history import add_events
from engine.flow.intake import Incoming, receive
from engine.flow.orders import add_past, put_orders, refund, take_back
from engine.flow.publish import publish, save_journey
from engine.model.actor import COMMAND_LINE
from engine.model.document import parse_journey
from engine.model.order import Order, Refund, Return
from engine.store import orders, search, tables
from engine.store.session import Database

NOW = datetime.now(UTC).replace(microsecond=0)
LINES = [{"sku": "tea", "name": "Tea", "category": "Drinks", "quantity": 2, "price": 10}]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    found = Database(database_url, pool_size=8)
    yield found
    found.close()


def event(name: str, n: int = 0, user: str = "ada", **properties: Any) -> Incoming:
    at = properties.pop("at", NOW)
    return Incoming(
        source="segment",
        message_id=f"{name}-{n}",
        kind="track",
        name=name,
        user_id=user,
        properties={"order_id": "1", **properties},
        occurred_at=at,
    )


def order(**more: Any) -> Order:
    document = {
        "id": "1", "customer": "external_id:ada", "total": 20, "lines": LINES, "placed_at": NOW,
    }  # fmt: skip
    return Order.model_validate(document | more)


def one(database: Database, id: str = "1", source: str = "shop") -> dict[str, Any]:
    with database.read() as connection:
        return orders.one(connection, id, source)


def events(database: Database) -> list[tuple[str, Any]]:
    query = select(tables.event).order_by(tables.event.c.received_at, tables.event.c.seq)
    with database.read() as connection:
        return [(row.name, row.properties) for row in connection.execute(query)]


def names(database: Database) -> list[str]:
    return [name for name, _ in events(database)]


def test_the_tables_are_as_the_migration_makes_them(database: Database) -> None:
    ours = {
        "product", "shop", "stock", "purchase", "purchase_reversal", "gift_card",
        "product_interest", "product_change", "product_telling",
    }  # fmt: skip
    with database.read() as connection, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of expressions that it cannot compare, in others' tables
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        found = compare_metadata(context, tables.metadata)
    assert not [one for one in found if any(name in repr(one) for name in ours)]


@pytest.mark.parametrize("take_in", [receive, add_events])
def test_an_event_makes_an_order(database: Database, take_in: Any) -> None:
    bought = event("Order Completed", total=20, currency="EUR", store="12", products=LINES)
    take_in(database, [bought])
    take_in(database, [bought])
    found = one(database)
    assert (found["state"], found["total"], found["currency"]) == ("placed", 20, "EUR")
    assert (found["shop"], found["placed_at"]) == ("12", NOW)
    assert found["lines"] == LINES
    assert names(database) == ["Order Completed"]


@pytest.mark.parametrize("take_in", [receive, add_events])
def test_what_came_back_belongs_to_its_order(database: Database, take_in: Any) -> None:
    take_in(database, [event("Order Completed", total=20, products=LINES)])
    take_in(database, [event("Order Refunded", total=5, refund_id="r1", currency="EUR")])
    take_in(database, [event("Order Refunded", 1, total=5, refund_id="r1")])
    take_in(database, [event("Order Returned", products=[{"sku": "tea"}])])
    take_in(database, [event("Order Cancelled")])
    found = one(database)
    assert [(back["id"], back["amount"]) for back in found["refunds"]] == [("r1", 5)]
    assert [back["lines"] for back in found["returns"]] == [[{"sku": "tea", "quantity": 1}]]
    assert (found["state"], found["cancelled_at"], found["total"]) == ("cancelled", NOW, 20)
    assert len(events(database)) == 5


@pytest.mark.parametrize("together", [True, False])
def test_events_may_come_in_any_order(database: Database, *, together: bool) -> None:
    later = NOW - timedelta(minutes=1)
    some = [
        event("Order Cancelled", at=later),
        event("Order Refunded", total=20, refund_id="r", at=later),
        event("Order Completed", total=20, products=LINES, at=NOW - timedelta(hours=1)),
    ]
    for part in [some] if together else [[one] for one in some]:
        receive(database, part)
    found = one(database)
    assert (found["state"], found["total"], found["lines"]) == ("cancelled", 20, LINES)
    assert (found["placed_at"], found["cancelled_at"]) == (NOW - timedelta(hours=1), later)
    assert [back["amount"] for back in found["refunds"]] == [20]


def test_a_malformed_order_loses_no_event(database: Database) -> None:
    odd = [
        event("Order Completed", 1, order_id=None, total="x"),
        event("Order Completed", 2, order_id="2", products={"sku": 1}, total=[]),
        event("Order Refunded", 3, order_id={}),
        event("Product Viewed", 4, sku=["a"]),
    ]
    receive(database, odd)
    assert len(events(database)) == 4
    assert one(database, "2")["total"] is None


def test_an_order_put_is_told_once(database: Database) -> None:
    assert put_orders(database, [order(shop="12", discount=2)]).created == 1
    assert put_orders(database, [order(total=18)]).created == 0
    assert one(database)["total"] == 18
    ((name, told),) = events(database)
    assert name == "Order Completed"
    assert told == {
        "order_id": "1", "total": 20, "currency": "CHF", "discount": 2, "store": "12",
        "products": LINES,
    }  # fmt: skip


def test_of_many_orders_none_is_stored_when_a_customer_is_unknown(database: Database) -> None:
    some = [order(id=str(n)) for n in range(150)]
    for unknown in ("email:no@example.com", "external_id:"):
        with pytest.raises((NotFound, InvalidInput)):
            put_orders(database, [*some, order(id="last", customer=unknown)])
    assert names(database) == []
    assert put_orders(database, [*some, order(id="7")]).created == 150


def test_a_pending_order_is_told_when_it_is_placed(database: Database) -> None:
    put_orders(database, [order(state="pending")])
    assert names(database) == []
    put_orders(database, [order()])
    put_orders(database, [order(state="cancelled")])
    put_orders(database, [order(state="cancelled")])
    assert names(database) == ["Order Completed", "Order Cancelled"]
    assert one(database)["state"] == "cancelled"


def test_an_order_known_both_ways_exists_once(database: Database) -> None:
    receive(database, [event("Order Completed", total=3, user="anna")])
    assert put_orders(database, [order()]).created == 0
    assert names(database) == ["Order Completed"]
    receive(database, [event("Order Completed", 2, total=5, products=[], user="anna")])
    found = one(database)
    with database.read() as connection:
        assert found["customer"] == str(search.find(connection, "external_id:ada"))
        assert orders.orders(connection).items == [found]
    assert (found["total"], found["lines"]) == (20, LINES)


def test_one_number_of_two_sources_is_two_orders(database: Database) -> None:
    put_orders(database, [order(), order(source="till", total=7)])
    assert (one(database)["total"], one(database, source="till")["total"]) == (20, 7)
    assert names(database) == ["Order Completed"] * 2


def test_an_order_opens_a_journey_unless_it_is_long_past(database: Database) -> None:
    text = """\
id: thanks
name: Thanks
topic: news
entry: {on: {event: Order Completed}, max_age: 1d, reentry: {mode: per_key, key: order_id}}
steps:
  - {id: pause, type: wait, for: 1d}
"""
    save_journey(database, parse_journey(text), text, actor=COMMAND_LINE)
    publish(database, "thanks", actor=COMMAND_LINE)
    assert len(put_orders(database, [order()]).wakes) == 1
    assert not put_orders(database, [order(id="2", placed_at=NOW - timedelta(days=9))]).wakes
    assert add_past(database, [order(id="3"), order(id="4"), order()]) == 2
    with database.read() as connection:
        assert len(connection.execute(select(tables.run)).all()) == 1
    assert names(database) == ["Order Completed"] * 4


def test_a_refund_gives_back_what_is_left_and_no_more(database: Database) -> None:
    put_orders(database, [order()])
    first = refund(database, "1", "shop", Refund(id="r", amount=Decimal("12.5")), NOW)
    assert first.created
    assert not refund(database, "1", "shop", Refund(id="r", amount=Decimal(3)), NOW).created
    with pytest.raises(InvalidInput, match=r"only 7\.5 CHF are left"):
        refund(database, "1", "shop", Refund(amount=Decimal(8)), NOW)
    refund(database, "1", "shop", Refund(reason="late"), NOW + timedelta(seconds=1))
    with pytest.raises(Conflict, match="given back already"):
        refund(database, "1", "shop", Refund(), NOW)
    assert [back["amount"] for back in one(database)["refunds"]] == [12.5, 7.5]
    told = [properties for name, properties in events(database) if name == "Order Refunded"]
    assert [(one["order_id"], one["total"], one["currency"]) for one in told] == [
        ("1", 12.5, "CHF"),
        ("1", 7.5, "CHF"),
    ]
    with pytest.raises(NotFound, match="no order 'none'"):
        refund(database, "none", "shop", Refund(), NOW)


def test_refunds_at_once_give_no_more_than_there_is(database: Database) -> None:
    put_orders(database, [order()])

    def give(n: int) -> bool:
        try:
            return refund(database, "1", "shop", Refund(id=str(n), amount=Decimal(8)), NOW).created
        except InvalidInput:
            return False

    with ThreadPoolExecutor(6) as threads:
        assert sum(threads.map(give, range(6))) == 2


def test_a_return_is_of_some_lines_or_of_all(database: Database) -> None:
    put_orders(database, [order()])
    some = Return.model_validate({"id": "a", "lines": [{"sku": "tea"}], "reason": "too cold"})
    assert take_back(database, "1", "shop", some, NOW).created
    assert not take_back(database, "1", "shop", some, NOW).created
    take_back(database, "1", "shop", Return(), NOW + timedelta(seconds=1))
    lines = [back["lines"] for back in one(database)["returns"]]
    assert lines == [[{"sku": "tea", "quantity": 1}], LINES]
    told = [properties for name, properties in events(database) if name == "Order Returned"]
    assert told[0]["products"] == [{"sku": "tea", "quantity": 1}]
    assert told[0]["reason"] == "too cold"


def test_the_same_order_at_once_by_many_is_one(database: Database) -> None:
    def tell(n: int) -> None:
        if n % 2:
            put_orders(database, [order(id="7"), order(id="8")])
        else:
            more = {"total": 20, "products": LINES, "user": f"u{n}"}
            some = [
                event("Order Completed", n, order_id="8", **more),
                event("Order Completed", n + 100, order_id="7", **more),
            ]
            receive(database, some)

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(tell, range(12)))
    with database.read() as connection:
        assert sorted(found["id"] for found in orders.orders(connection).items) == ["7", "8"]


def test_orders_can_be_read_anew_out_of_their_events(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_orders(database, [order(id="put")])
    refund(database, "put", "shop", Refund(id="r", amount=Decimal(3)), NOW)
    receive(database, [event("Order Completed", total=20, products=LINES)])
    receive(database, [event("Order Refunded", total=5), event("Product Viewed", sku="tea")])
    add_events(database, [event("Order Refunded", 1, total=2), event("Order Cancelled")])
    read: list[int] = []
    monkeypatch.setattr(shopping, "AT_ONCE", 2)

    def kept() -> list[Any]:
        with database.read() as connection:
            looks = connection.execute(select(tables.product_interest.c.sku)).scalars().all()
            return [*orders.orders(connection).items, looks]

    before = kept()
    assert shopping.rebuild(database, read.append) == 7
    assert kept() == before
    assert read == [2, 4, 6, 7]
    for table in (tables.purchase, tables.product_interest):
        database.transact(lambda connection, table=table: connection.execute(table.delete()))
    shopping.rebuild(database, read.append)
    (anew,) = (one for one in kept()[:-1] if one["id"] == "1")
    assert anew == next(one for one in before[:-1] if one["id"] == "1")
    assert kept()[-1] == ["tea"]


def test_currencies_are_never_added(database: Database) -> None:
    put_orders(
        database,
        [order(), order(id="2"), order(id="3", currency="EUR"), order(id="4", state="cancelled")],
    )
    refund(database, "2", "shop", Refund(amount=Decimal(5)), NOW)
    ada = one(database)["customer"]
    with database.read() as connection:
        spent = orders.spent(connection, search.find(connection, ada))
        sold = orders.sales(connection, "tea", NOW - timedelta(days=1))
    assert [(s["currency"], s["orders"], s["total"], s["refunded"]) for s in spent] == [
        ("CHF", 2, 40, 5),
        ("EUR", 1, 20, 0),
    ]
    assert [(s["currency"], s["quantity"], s["amount"]) for s in sold] == [
        ("CHF", 4, 40),
        ("EUR", 2, 20),
    ]


def test_orders_are_listed_newest_first_in_pages(database: Database) -> None:
    some = [order(id=str(n), placed_at=NOW - timedelta(days=n)) for n in range(5)]
    put_orders(database, some)
    put_orders(database, [order(id="b", customer="external_id:bo", lines=[])])
    with database.read() as connection:
        ada = search.find(connection, "external_id:ada")
        first = orders.orders(connection, customer=ada, limit=3)
        rest = orders.orders(connection, customer=ada, limit=3, cursor=first.next)
        since = orders.orders(connection, since=NOW - timedelta(days=1))
        with_tea = orders.orders(connection, sku="tea").items
    assert [found["id"] for found in first.items + rest.items] == ["0", "1", "2", "3", "4"]
    assert rest.next is None
    assert {found["id"] for found in since.items} == {"0", "1", "b"}
    assert len(with_tea) == 5
