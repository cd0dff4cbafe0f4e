"""The words that the shop's data uses, and of what kind their values are."""

from collections.abc import Iterator

import pytest

from engine.store.session import Database
from engine.store.vocabulary import vocabulary
from tests.integration.test_sampling import customers, events


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


def test_names_are_told_with_the_kind_of_their_values(database: Database) -> None:
    anna, ben = customers(
        database,
        [
            {"tier": "gold", "born": "1990-02-28", "age": 30, "vip": True, "likes": ["shoes"],
             "mixed": 1, "home": {"city": "Basel"}, "gone": None},
            {"tier": "silver", "born": "1991-01-01T10:00:00Z", "mixed": "one", "age": None},
        ],
    )  # fmt: skip
    events(database, anna, ("Order Completed", {"total": 30, "on": "2026-01-31", "gift": None}, 1))
    events(database, ben, ("Order Completed", {"total": "30", "shop": "web"}, 1), ("Ping", {}, 1))
    with database.read() as connection:
        found = vocabulary(connection)
    assert found.events == ("Order Completed", "Ping")
    assert found.properties["Order Completed"] == ("gift", "on", "shop", "total")
    assert found.properties["Ping"] == ()
    assert found.property_kinds["Order Completed"] == {"on": "date", "shop": "text"}
    assert found.traits == ("age", "born", "gone", "home", "likes", "mixed", "tier", "vip")
    assert found.trait_kinds == {
        "age": "number", "born": "date", "likes": "list", "tier": "text", "vip": "yes_no",
    }  # fmt: skip
