"""The pages of products, shops and orders."""

from typing import Any

import pytest
from sqlalchemy import select

from designer.catalogue import views
from designer.words import Words
from engine.settings import Settings
from engine.store import documents, tables
from engine.store.session import Database
from tests.web.people import log_in


@pytest.fixture
def database(shop_settings: Settings) -> Any:
    opened = Database(shop_settings.database_url)
    yield opened
    opened.close()


def page(visitor: Any, path: str) -> str:
    answer = visitor.get(path)
    assert answer.status_code == 200, path
    text: str = answer.text
    return text


def test_products_are_listed_and_found(visitor: Any) -> None:
    everything = page(visitor, "/catalogue")
    assert everything.index("Fondue set") < everything.index("Assam tea")
    assert "CHF\N{NO-BREAK SPACE}14.90" in everything
    for word in ("Not sold any more", "Not counted", ">None<"):
        assert word in everything, word
    found = page(visitor, "/catalogue?q=hot")
    assert "Assam tea" in found
    assert "Fondue" not in found
    assert "No product matches" in page(visitor, "/catalogue?q=%25")


def test_a_products_page_tells_where_it_is_who_cares_and_what_was_sold(visitor: Any) -> None:
    tea = page(visitor, "/catalogue/products/tea-250")
    assert "Bern, Marktgasse" in tea
    assert "2 for CHF\N{NO-BREAK SPACE}29.80; 2 for €29.80" in tea
    assert "waits for a lower price" in tea
    assert 'href="/catalogue/orders/shop/A-1001"' in tea
    assert "<img" not in tea
    mug = page(visitor, "/catalogue/products/mug")
    assert "From CHF\N{NO-BREAK SPACE}12.00 to CHF\N{NO-BREAK SPACE}9.00" in mug
    assert visitor.get("/catalogue/products/none").status_code == 404


def test_an_order_shows_its_lines_and_what_came_back(visitor: Any) -> None:
    order = page(visitor, "/catalogue/orders/shop/A-1001")
    for part in ("Assam tea, 250 g", "CHF\N{NO-BREAK SPACE}41.80", "Gift card", "Partly refunded",
                 "Returned", "came too late", 'href="/catalogue/products/mug"'):  # fmt: skip
        assert part in order, part
    other = page(visitor, "/catalogue/orders/shop/A-1002")
    assert "€54.40" in other
    assert "Bern, Marktgasse" in other
    assert visitor.get("/catalogue/orders/till/A-1001").status_code == 404


def test_orders_are_listed_found_and_told_apart_by_customer(
    visitor: Any, database: Database
) -> None:
    listed = page(visitor, "/catalogue/orders")
    assert listed.index("A-1003") < listed.index("A-1002") < listed.index("A-1001")
    assert "Chocolate" in listed
    assert "Assam tea, 250 g and 2 more" in listed
    found = page(visitor, "/catalogue/orders?q=A-1002")
    assert "A-1001" not in found
    with database.read() as connection:
        who = connection.execute(
            select(tables.purchase.c.customer_id).where(tables.purchase.c.id == "A-1001")
        ).scalar_one()
        bought = views.customer_orders(connection, who, Words())
    hers = page(visitor, f"/catalogue/orders?customer={who}")
    assert "A-1002" not in hers
    assert [row.id for row in bought.rows] == ["A-1003", "A-1001"]
    (total,) = bought.sums
    assert total.name == "1 order"
    assert total.value.replace("\N{NO-BREAK SPACE}", " ") == (
        "CHF 41.80, CHF 14.90 of it given back"
    )


def test_shops_are_listed_even_if_only_their_stock_is_known(visitor: Any) -> None:
    shops = page(visitor, "/catalogue/shops")
    assert "Marktgasse 1, 3011 Bern" in shops
    assert ">web<" in shops


def test_who_is_told_of_a_change_can_be_set(stranger: Any, database: Database) -> None:
    csrf = log_in(stranger, database, None)

    def send(drop: str, days: str) -> Any:
        form = {"csrf": csrf, "price_drop": drop, "interest_days": days}
        return stranger.post("/catalogue/settings", data=form)

    for drop, days in (("", "30"), ("101", "30"), ("5", "0"), ("5", "x"), ("-1", "30"), ("5", "٣")):
        answer = send(drop, days)
        assert answer.status_code == 422
        assert "Write a whole number from" in answer.text
    assert send("12", "60").headers["location"] == "/catalogue?saved=1#telling"
    assert "Saved." in stranger.get("/catalogue?saved=1").text
    with database.read() as connection:
        workspace = documents.workspace(connection)
    assert (workspace.price_drop, workspace.interest_days) == (12, 60)
