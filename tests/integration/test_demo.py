"""The demonstration shop comes at once, comes once, and goes without a trace."""

import importlib.util
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import phonenumbers
import pytest
from sqlalchemy import func, select, text

from engine.flow import materials
from engine.flow.history import Profile, add_customers
from engine.flow.intake import Incoming, receive
from engine.flow.publish import save_journey
from engine.model.actor import COMMAND_LINE
from engine.model.document import parse_journey
from engine.store import documents, tables
from engine.store.session import Database
from parcours.demo import baskets, clear, load, madeup, manners, segments, shop
from parcours.demo.first import LEAVING, NEW, RETURNING
from parcours.demo.marker import is_loaded
from parcours.demo.visits import Town

TODAY = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(madeup, "HOUSEHOLDS", 40)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    found = Database(database_url, pool_size=4)
    yield found
    found.close()


def counts(database: Database) -> dict[str, int]:
    with database.read() as connection:
        return {
            name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in tables.metadata.tables.items()
            if name not in {"audit", "trait_build"}  # one only grows, one is work still to be done
        }


def settings(database: Database) -> dict[str, Any]:
    with database.read() as connection:
        found: dict[str, Any] = connection.execute(select(tables.workspace.c.settings)).scalar_one()
        return found


def test_it_is_loaded_once(database: Database, database_url: str) -> None:
    assert not is_loaded(database_url)
    loaded = load.load(database, made_up=True)
    assert loaded.customers == madeup.HOUSEHOLDS
    assert not loaded.real
    assert is_loaded(database_url)
    before = counts(database)
    assert before["event"] > loaded.orders > 300
    assert before["journey"] == 3
    again = load.load(database, made_up=True)
    assert (again.customers, again.orders) == (0, 0)
    assert counts(database) == before


def test_there_is_something_to_see_at_once(database: Database) -> None:
    load.load(database, made_up=True)
    with database.read() as connection:
        entered = dict(
            connection.execute(
                select(tables.run.c.journey_id, func.count()).group_by(tables.run.c.journey_id)
            ).all()
        )
        states = {
            stored.id: (stored.state, stored.version)
            for stored in documents.journeys(connection)[0]
        }
        waiting = connection.execute(
            select(func.count()).where(tables.message.c.state == "decided")
        ).scalar_one()
    assert entered == {
        "demo-welcome-back": len(RETURNING),
        "abandoned-cart": len(LEAVING),
        "second-purchase": len(NEW),
    }
    assert set(states.values()) == {("live", 1)}
    assert waiting == len(RETURNING)
    with database.read() as connection:
        topics, caps = documents.topics(connection), documents.caps(connection)
    assert {topic.name for topic in topics.values()} == {topic.name for topic in manners.TOPICS}
    assert list(caps.values()) == sorted(manners.CAPS, key=lambda cap: cap.id)
    with database.read() as connection:
        found = documents.segments(connection)
    assert found == {segment.id: segment for segment in segments.fitting()}
    assert settings(database) == {**shop.SETTINGS, "demo_visits": False}


def test_an_interrupted_load_is_simply_repeated(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "_AT_ONCE", 100)
    given = load.add_events
    calls = iter(range(100))

    def failing(database: Database, some: list[Incoming]) -> int:
        if next(calls) == 3:
            raise ConnectionError
        return given(database, some)

    monkeypatch.setattr(load, "add_events", failing)
    with pytest.raises(ConnectionError):
        load.load(database, made_up=True)
    monkeypatch.setattr(load, "add_events", given)
    repeated = load.load(database, made_up=True)
    assert repeated.customers == 0
    with database.read() as connection:
        orders = connection.execute(
            text("SELECT count(*) FROM event WHERE properties ->> 'order_id' LIKE 'made-up-%'")
        ).scalar_one()
    assert orders == 300 + repeated.orders
    assert counts(database)["run"] == len(RETURNING) + len(LEAVING) + len(NEW)


def test_it_goes_without_a_trace_and_can_come_back(database: Database, database_url: str) -> None:
    before = counts(database)
    load.load(database, made_up=True)
    cleared = clear.clear(database)
    assert cleared.customers == madeup.HOUSEHOLDS + len(NEW)
    assert (cleared.journeys, cleared.kept) == (3, [])
    assert counts(database) == before
    assert settings(database) == {}
    assert not is_loaded(database_url)
    assert load.load(database, made_up=True).orders > 300


def test_what_is_not_the_demos_stays(database: Database) -> None:
    add_customers(
        database,
        [
            Profile(identities=(("external_id", "demo-real"),)),
            Profile(identities=(("external_id", "7"),), traits={"demo": True}),
        ],
    )
    load.load(database, made_up=True)
    changed = load.journey_texts()[1].replace("priority: 60", "priority: 61")
    save_journey(database, parse_journey(changed), changed, actor=COMMAND_LINE)
    signed_in = Incoming(source="s", message_id="1", kind="track", name="Signed In", user_id="7")
    receive(database, [signed_in])
    mine = segments.fitting()[0].model_copy(update={"name": "Mine"})
    materials.put_segment(database, mine, actor=COMMAND_LINE)
    cleared = clear.clear(database)
    assert sorted(cleared.kept) == ["abandoned-cart", "demo-welcome-back"]
    with database.read() as connection:
        kept = set(connection.execute(select(tables.identity.c.value)).scalars())
        templates = set(documents.templates(connection))
        left = documents.segments(connection)
    assert list(left.values()) == [mine]
    assert kept == {"demo-real", "7"}
    assert templates == {"cart-reminder", "cart-nudge", "demo-welcome-back"}


def test_a_shop_that_is_set_up_keeps_its_settings(database: Database) -> None:
    with database._engine.begin() as connection:
        connection.execute(tables.workspace.update().values(settings={"name": "Mine"}))
    load.load(database, made_up=True)
    assert settings(database) == {"name": "Mine", "demo_visits": False}
    clear.clear(database)
    assert settings(database) == {"name": "Mine"}


def test_nobody_can_be_reached() -> None:
    made = shop.profiles(shop.Household(n) for n in range(3_000))
    assert len({profile.addresses["email"] for profile in made}) == 3_000
    assert len({profile.addresses["phone"] for profile in made}) == 3_000
    for profile in made:
        assert profile.addresses["email"].split("@")[1] in {
            "example.com",
            "example.org",
            "example.net",
        }
        assert profile.addresses["phone"].startswith("+3363998")
        assert profile.traits["demo"] is True
        assert profile.locale in {"en-CH", "en-FR", "fr-CH", "fr-FR"}
    born = [profile.traits["birth_date"] for profile in made if "birth_date" in profile.traits]
    assert 1_600 < len(born) < 2_000
    assert all(1940 < date.fromisoformat(day).year < 2010 for day in born)
    old = shop.profiles(shop.Household(n, {"age_group": "65+"}) for n in range(50))
    assert max(p.traits.get("birth_date", "") for p in old) < "1962"
    parsed = phonenumbers.parse(made[0].addresses["phone"])
    assert phonenumbers.is_possible_number(parsed)
    assert made == shop.profiles(shop.Household(n) for n in range(3_000))


def test_the_made_up_year_ends_yesterday() -> None:
    made = list(madeup.baskets(TODAY))
    assert max(basket.at for basket in made).date() == TODAY.date() - timedelta(days=1)
    assert min(basket.at for basket in made) > TODAY - timedelta(days=367)
    for basket in made:
        products = basket.properties["products"]
        total = sum(one["quantity"] * one["price"] for one in products)
        assert basket.properties["total"] == pytest.approx(total, abs=0.01)


def test_visits_are_plausible() -> None:
    town = Town([f"demo-{n}" for n in range(50)], random.Random(1))
    seen: list[tuple[int, Incoming]] = []
    for second in range(3_600):
        seen += [(second, event) for event in town.due(float(second))]
    assert 600 < len(seen) < 3_000  # a few in ten seconds
    names = {event.name for _, event in seen}
    assert names == {
        "Product Viewed",
        "Product Added",
        "Checkout Started",
        "Order Completed",
        "Signed In",
        "Signed Up",
        "Customer Identified",
    }
    happened: dict[str, list[str]] = {}
    for _, event in seen:
        assert event.user_id is not None
        happened.setdefault(event.user_id, []).append(event.name)
        if event.user_id.startswith("demo-new-") and len(happened[event.user_id]) == 1:
            assert event.traits["demo"] is True
    assert len({event.message_id for _, event in seen}) == len(seen)
    for names_of_one in happened.values():
        if "Order Completed" in names_of_one:
            assert names_of_one.index("Checkout Started") < names_of_one.index("Order Completed")


@pytest.fixture
def tiny_data(tmp_path: Path) -> Path:
    """Tables in the shape of the real data, with a few rows."""
    if importlib.util.find_spec("pyarrow") is None:
        pytest.skip("the demo extra is not installed")
    arrow = importlib.import_module("pyarrow")
    parquet = importlib.import_module("pyarrow.parquet")
    at = [datetime(2017, 5, 1, 20, n) for n in (0, 0, 0, 30)] + [datetime(2018, 1, 1, 4)]  # noqa: DTZ001 - as in the data
    bought = {
        "household_id": [2, 2, 2, 2, 1],
        "store_id": [9, 9, 9, 9, 8],
        "basket_id": [11, 11, 11, 12, 13],
        "product_id": [100, 101, 200, 999, 100],
        "quantity": [1, 2, 1, 0, 5000],
        "sales_value": [1.0, 3.0, 2.5, 4.0, 20.0],
        "retail_disc": [0.5, 0.0, 0.25, 0.0, 0.0],
        "coupon_disc": [0.0, 1.0, 0.0, 0.0, 0.0],
        "coupon_match_disc": [0.0, 0.4, 0.0, 0.0, 0.0],
        "transaction_timestamp": at,
    }
    products = {
        "product_id": [200, 100, 101],
        "product_category": ["FLUID MILK PRODUCTS", "CHEESE", "CHEESE"],
    }
    asked = {"household_id": [1], "age": ["65+"], "household_size": ["2"], "kids_count": [None]}
    for name, table in (("transactions", bought), ("products", products), ("demographics", asked)):
        parquet.write_table(arrow.table(table), tmp_path / f"{name}.parquet")
    return tmp_path


def test_the_real_baskets_are_read(tiny_data: Path) -> None:
    purchases = baskets.Purchases(tiny_data)
    assert purchases.households() == [
        shop.Household(1, {"age_group": "65+", "household_size": "2"}),
        shop.Household(2, {}),
    ]
    made = {basket.id: basket for basket in purchases.baskets(TODAY)}
    assert list(made) == [13, 11, 12]
    assert made[13].at == datetime(2026, 3, 9, 22, tzinfo=UTC)
    assert made[12].at - made[11].at == timedelta(minutes=30)
    assert made[11].properties == {
        "order_id": "11",
        "total": 6.5,
        "currency": "CHF",
        "store": "9",
        "products": [
            {"sku": "milk", "category": "Milk", "quantity": 1, "price": 2.5},
            {"sku": "cheese", "category": "Cheese", "quantity": 3, "price": 1.33},
        ],
        "discount": 0.75,
        "coupon": 1.4,
    }
    assert made[12].properties["products"] == [
        {"sku": "other", "category": "Other", "quantity": 1, "price": 4.0}
    ]
    assert made[13].properties["products"] == [
        {"sku": "cheese", "category": "Cheese", "quantity": 1, "price": 20.0}
    ]
    assert [shelf.sku for shelf in purchases.shelves()] == ["milk", "cheese", "other"]
    assert purchases.stores() == ["9", "8"]
