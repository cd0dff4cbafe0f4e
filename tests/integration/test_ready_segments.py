"""Two of the library's segments on real purchases, against a count that knows nothing of conditions."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

import journeys
from engine.flow import building, materials
from engine.flow.history import add_customers, add_events
from engine.model.actor import COMMAND_LINE
from engine.store.session import Database
from parcours.demo import shop
from parcours.demo.baskets import Purchases, folder
from parcours.demo.load import _order

SHOP = ZoneInfo("Europe/Zurich")
EVERY = 10
"""One household in so many is looked at."""

_INSIDE = text("""
SELECT i.value FROM membership m JOIN identity i ON i.customer_id = m.customer_id
WHERE m.segment_id = :segment AND m.inside AND i.namespace = 'external_id'
""")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url, pool_size=2)
    opened.transact(lambda c: c.execute(text(_ZONE)))
    yield opened
    opened.close()


_ZONE = """UPDATE workspace SET settings = '{"name": "Le Panier", "time_zone": "Europe/Zurich"}'"""


def a_year_before(now: datetime) -> datetime:
    """Return the same time of day a year ago, where the shop is."""
    here = now.astimezone(SHOP)
    leap = (here.month, here.day) == (2, 29)
    return here.replace(year=here.year - 1, day=28 if leap else here.day).astimezone(UTC)


def loyal(orders: list[datetime], now: datetime) -> bool:
    return sum(at > a_year_before(now) for at in orders) >= 5


def dormant(orders: list[datetime], now: datetime) -> bool:
    last = max(orders)
    return a_year_before(now) < last <= now - timedelta(days=90)


def inside(database: Database, segment: str) -> set[str]:
    with database.read() as connection:
        return set(connection.execute(_INSIDE, {"segment": segment}).scalars())


def test_the_loyal_and_the_dormant_are_those_whom_the_purchases_show(database: Database) -> None:
    data = folder()
    if data is None:
        pytest.skip("the demo extra is not installed")
    purchases = Purchases(data)
    households = [one for one in purchases.households() if one.id % EVERY == 0]
    baskets = [one for one in purchases.baskets(datetime.now(UTC)) if one.household % EVERY == 0]
    add_customers(database, shop.profiles(households))
    add_events(database, [_order(basket) for basket in baskets])
    orders: dict[str, list[datetime]] = defaultdict(list)
    for basket in baskets:
        orders[shop.user_id(basket.household)].append(basket.at)
    for name in ("loyal", "dormant"):
        segment = journeys.segments()[name].taken("en")
        materials.put_segment(database, segment, actor=COMMAND_LINE)
    before = datetime.now(UTC)
    while building.carry_on(database):
        pass
    after = datetime.now(UTC)
    for name, belongs in (("loyal", loyal), ("dormant", dormant)):
        then = {who for who, at in orders.items() if belongs(at, before)}
        now = {who for who, at in orders.items() if belongs(at, after)}
        # Whoever crosses a border during these seconds may be on either side.
        assert then & now <= inside(database, name) <= then | now
        assert 5 < len(then) < len(orders)
