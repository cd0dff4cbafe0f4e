"""The parts of all customers, and the borders between them, frozen once a day."""

from datetime import UTC, datetime, timedelta
from random import Random

from engine.flow import building, definitions, freezing, materials
from engine.flow.history import add_events
from engine.flow.intake import receive
from engine.model.actor import COMMAND_LINE
from engine.model.segment import Segment
from engine.store import trait_builds
from tests.integration import test_deriving
from tests.integration.test_deriving import Shop, ago, anew, incoming
from tests.traits import ORDER, history

shop = test_deriving.shop
QUINTILE = {"id": "quintile", "quantile_of": "spent", "parts": 5}


def rank(shop: Shop) -> None:
    """Have ten customers spend 1 to 10, and one nothing."""
    shop.define(id="spent", event=ORDER, take="sum", of="total")
    receive(shop.database, [incoming(ORDER, None, f"c{n}", {"total": n}) for n in range(1, 11)])
    shop.track("Page Viewed", user="idle")


def test_everybody_is_put_into_equal_parts_by_frozen_borders(shop: Shop) -> None:
    rank(shop)
    shop.define(**QUINTILE)
    shop.define(id="worst", quantile_of="spent", parts=2, reversed=True)
    shop.define(id="both", join=["quintile", "worst"])
    shop.freeze()
    assert [shop.derived(f"c{n}")["both"] for n in range(1, 11)] == [
        "12", "12", "22", "22", "32", "31", "41", "41", "51", "51",
    ]  # fmt: skip
    assert shop.derived("idle") == {"spent": 0}
    rows = shop.query("SELECT top, value, customers FROM threshold ORDER BY top")
    assert [tuple(map(int, row)) for row in rows] == [
        (20, 9, 10), (40, 7, 10), (50, 6, 10), (60, 5, 10), (80, 3, 10),
    ]  # fmt: skip


def test_between_two_freezings_a_customer_moves_and_the_borders_stay(shop: Shop) -> None:
    rank(shop)
    shop.define(**QUINTILE)
    shop.freeze()
    shop.track(user="c1", total=8)
    assert shop.derived("c1") == {"spent": 9, "quintile": 5}
    assert freezing.freeze_due(shop.database) == 0
    shop.do("UPDATE threshold SET frozen_at = now() - interval '25 hours'")
    assert freezing.freeze_due(shop.database) == 4
    shop.build()
    assert shop.derived("c9") == {"spent": 9, "quintile": 4}
    assert shop.derived("c8") == {"spent": 8, "quintile": 4}


def test_where_most_are_alike_they_are_in_the_lowest_part(shop: Shop) -> None:
    shop.define(id="orders", event=ORDER, take="count")
    shop.define(id="quintile", quantile_of="orders")
    receive(shop.database, [incoming(ORDER, None, f"c{n}", {}) for n in (*range(8), 6, 7, 7)])
    shop.freeze()
    assert [shop.derived(f"c{n}")["quintile"] for n in (0, 5, 6, 7)] == [1, 1, 4, 5]


def test_dates_and_scores_have_parts_too(shop: Shop) -> None:
    shop.define(id="last", event=ORDER, take="last_at")
    shop.score(rules=[{"event": ORDER, "points": 100}], half_life="10d", ceiling=80)
    shop.define(id="recent", quantile_of="last", parts=2)
    shop.define(id="hot", quantile_of="heat", parts=2)
    receive(shop.database, [incoming(ORDER, ago(10 + n), f"c{n}", {}) for n in range(4)])
    shop.freeze()
    assert [(shop.derived(f"c{n}")["recent"], shop.derived(f"c{n}")["hot"]) for n in range(4)] == [
        (2, 2), (2, 2), (1, 1), (1, 1),
    ]  # fmt: skip
    assert [
        int(row.value) for row in shop.query("SELECT value FROM threshold WHERE trait = 'heat'")
    ] == [37]


def test_who_makes_a_border_is_on_its_upper_side(shop: Shop) -> None:
    shop.define(id="spent", event=ORDER, take="sum", of="total")
    shop.define(id="part", quantile_of="spent", parts=5)
    for n in range(10):
        receive(shop.database, [incoming(ORDER, None, f"c{n}", {"total": n + 100.12345678901268})])
    shop.freeze()
    assert [shop.derived(f"c{n}")["part"] for n in range(10)] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


def test_in_sql_everybody_is_put_where_one_by_one_puts_her(shop: Shop) -> None:
    random = Random(5)
    shop.everything()
    for id, of in (
        ("a", "spent"),
        ("b", "average"),
        ("c", "last_at"),
        ("d", "heat"),
        ("e", "month"),
    ):
        shop.define(id=id, quantile_of=of, parts=4)
    shop.define(id="letters", join=["a", "b", "c", "d", "last_shop", "average", "first_at"])
    users = [f"c{n}" for n in range(12)]
    for user in users:
        some = history(random, random.randrange(1, 12), days=30, until=datetime.now(UTC))
        receive(shop.database, [incoming(name, at, user, told) for name, at, told in some])
    shop.freeze()
    parts = [*"abcde", "letters", "joined"]
    shop.do("UPDATE customer SET derived = derived - ARRAY['a','b','c','d','e','letters','joined']")
    shop.database.transact(lambda connection: trait_builds.ask(connection, parts))
    shop.build()
    assert {user: shop.derived(user) for user in users} == {
        user: anew(shop, user) for user in users
    }
    assert any("letters" in shop.derived(user) for user in users), [shop.derived(u) for u in users]


def test_borders_that_nobody_asks_for_are_forgotten(shop: Shop) -> None:
    rank(shop)
    shop.define(**QUINTILE)
    shop.freeze()
    definitions.delete_trait(shop.database, "quintile", actor=COMMAND_LINE)
    shop.freeze()
    assert shop.query("SELECT 1 FROM threshold") == []
    assert shop.derived("c9") == {"spent": 9}


def test_borders_are_frozen_at_night_by_the_shops_clock() -> None:
    zone = "Europe/Zurich"
    at = datetime(2026, 7, 1, 0, 59, tzinfo=UTC)
    assert freezing.last_night(at, zone) == datetime(2026, 6, 30, 1, tzinfo=UTC)
    assert freezing.last_night(at + timedelta(minutes=1), zone) == datetime(
        2026, 7, 1, 1, tzinfo=UTC
    )


def test_the_top_of_all_customers_is_known_once_its_border_is_frozen(shop: Shop) -> None:
    rank(shop)
    rule = {"trait": "spent", "top": "20%"}
    segment = Segment.model_validate({"id": "best", "name": "Best", "rule": rule})
    materials.put_segment(shop.database, segment, actor=COMMAND_LINE)
    shop.freeze()
    rows = shop.query("SELECT trait, top, value FROM threshold")
    assert [(row.trait, int(row.top), int(row.value)) for row in rows] == [("spent", 20, 9)]
    while building.carry_on(shop.database):
        pass
    inside = shop.query("SELECT count(*) FROM membership WHERE inside")
    assert inside[0][0] == 2
    shop.track(user="c1", total=50)
    assert shop.query("SELECT count(*) FROM membership WHERE inside")[0][0] == 3


def test_borders_are_found_anew_when_much_has_changed_at_once(shop: Shop) -> None:
    shop.define(id="spent", event=ORDER, take="sum", of="total")
    shop.define(**QUINTILE)
    shop.freeze()
    shop.do("UPDATE threshold SET customers = 100000")  # few customers' borders do not last
    assert freezing.freeze_due(shop.database) == 0
    some = [incoming(ORDER, ago(1), f"c{n}", {"total": n}) for n in range(1, 11)]
    add_events(shop.database, some)
    assert freezing.freeze_due(shop.database) == 0  # not while they are still to be computed
    shop.freeze()
    assert [shop.derived(f"c{n}")["quintile"] for n in (1, 4, 10)] == [1, 2, 5]
    shop.do("UPDATE threshold SET customers = 100000")
    shop.define(
        id="spent", event=ORDER, take="sum", of="total", where={"property": "total", "gt": 5}
    )
    shop.freeze()
    assert [shop.derived(f"c{n}").get("quintile") for n in (5, 6, 10)] == [None, 1, 5]
