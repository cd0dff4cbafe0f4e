"""Files of products, stock and orders come in once, and what is wrong with them is kept apart."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from engine.errors import InvalidInput, Unavailable
from engine.store import orders, products, tables
from engine.store.session import Database
from parcours.imports import job
from parcours.imports.job import import_orders, import_products, import_stock, rejects_of

ORDER = {"customer": "external_id:ada", "total": 20, "placed_at": "2025-03-01T09:00:00Z"}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    found = Database(database_url, pool_size=4)
    yield found
    found.close()


def lines(file: Path, some: list[Any]) -> Path:
    file.write_text("".join(json.dumps(one) + "\n" for one in some))
    return file


def rejected(file: Path) -> list[tuple[int, str]]:
    found = [json.loads(line) for line in rejects_of(file).read_text().splitlines()]
    return [(one["line"], one["reason"]) for one in found]


def test_products_come_from_a_table(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "products.csv"
    file.write_text(
        "sku;name;categories;price;currency;active;data.origin\n"
        "0012;Tea;Drinks|Hot drinks;12.50;EUR;true;Assam\n"
        "mug;Mug;;;;false;\n"
        ";Nameless;;;;;\n"
        "cup;Cup;;-1;;;\n"
    )
    report = import_products(database, file, "csv", resume=False)
    assert (report.accepted, report.known, report.rejected) == (2, 0, 2)
    assert import_products(database, file, "csv", resume=False).known == 2
    (_, first), (_, second) = rejected(file)
    assert first == "sku: this is needed"
    assert second.startswith("price: ")
    with database.read() as connection:
        tea = products.product(connection, "0012")
        mug = products.product(connection, "mug")
    assert (tea["categories"], tea["price"]) == (["Drinks", "Hot drinks"], 12.5)
    assert (tea["currency"], tea["data"]) == ("EUR", {"origin": "Assam"})
    assert (mug["active"], mug["price"]) == (False, None)


def test_stock_comes_from_lines(database: Database, tmp_path: Path) -> None:
    some = [
        {"sku": "tea", "shop": "bern", "quantity": 3},
        {"sku": "tea", "shop": "bern", "quantity": 4},
        {"sku": "tea", "shop": "web"},
    ]
    file = lines(tmp_path / "stock.jsonl", some)
    report = import_stock(database, file, "jsonl", resume=False)
    assert (report.accepted, report.rejected) == (2, 1)
    with database.read() as connection:
        (found,) = products.stock(connection).items
    assert (found["shop"], found["quantity"]) == ("bern", 4)


def test_orders_come_with_their_events_and_start_nothing(
    database: Database, tmp_path: Path
) -> None:
    some = [
        {**ORDER, "id": "1", "lines": [{"sku": "tea"}]},
        {**ORDER, "id": "2", "customer": "email:no@example.com"},
        {**ORDER, "id": "3", "customer": "ada"},
        {**ORDER, "id": "4", "customer": "external_id:"},
        {**ORDER, "id": "5", "total": None},
        {**ORDER, "id": "6", "state": "cancelled"},
    ]
    file = lines(tmp_path / "orders.jsonl", some)
    report = import_orders(database, file, "jsonl", start_journeys=False, resume=False)
    assert (report.accepted, report.known, report.rejected) == (2, 0, 4)
    assert [line for line, _ in rejected(file)] == [2, 3, 4, 5]
    assert "external_id:42" in rejected(file)[1][1]
    again = import_orders(database, file, "jsonl", start_journeys=False, resume=False)
    assert again.known == 2
    with database.read() as connection:
        names = connection.execute(select(tables.event.c.name)).scalars().all()
        assert sorted(one["id"] for one in orders.orders(connection).items) == ["1", "6"]
    assert sorted(names) == ["Order Cancelled", "Order Completed"]


def test_a_table_of_orders_has_its_lines_in_json(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text(
        "id,customer,total,placed_at,lines\n"
        '1,external_id:ada,20,2025-03-01,"[{""sku"": ""tea"", ""quantity"": 2}]"\n'
        "2,external_id:ada,20,2025-03-01,tea\n"
    )
    report = import_orders(database, file, "csv", start_journeys=True, resume=False)
    assert (report.accepted, report.rejected) == (1, 1)
    with database.read() as connection:
        assert orders.one(connection, "1", "shop")["lines"] == [{"sku": "tea", "quantity": 2}]


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("id,customer,total,placed_at,colour", "columns that orders have not: colour"),
        ("id,customer,total", "must name the columns placed_at"),
    ],
)
def test_a_table_of_something_else_is_refused(
    database: Database, tmp_path: Path, header: str, words: str
) -> None:
    file = tmp_path / "orders.csv"
    file.write_text(f"{header}\n1,2,3\n")
    with pytest.raises(InvalidInput, match=words):
        import_orders(database, file, "csv", start_journeys=False, resume=False)


def test_an_interrupted_import_goes_on(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = lines(tmp_path / "orders.jsonl", [{**ORDER, "id": str(n)} for n in range(6)])
    monkeypatch.setattr(job, "AT_ONCE", 2)
    add, calls = job.add_past, []

    def failing(database: Database, some: Any) -> int:
        calls.append(len(some))
        if len(calls) == 2:
            raise Unavailable("The database does not answer.")
        return add(database, some)

    monkeypatch.setattr(job, "add_past", failing)
    with pytest.raises(Unavailable):
        import_orders(database, file, "jsonl", start_journeys=False, resume=False)
    report = import_orders(database, file, "jsonl", start_journeys=False, resume=True)
    assert (report.accepted, report.known) == (6, 0)
    with database.read() as connection:
        assert len(orders.orders(connection).items) == 6
