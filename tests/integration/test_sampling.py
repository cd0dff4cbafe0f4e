"""For how many customers a condition holds: asked of real ones, with what they did."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any
from uuid import UUID

import pytest
from pydantic import TypeAdapter
from sqlalchemy import func, insert, literal, select, text
from uuid_utils.compat import uuid7

from engine.flow import sampling
from engine.flow.definitions import put_score
from engine.flow.sampling import sample, unknowable
from engine.model.actor import COMMAND_LINE
from engine.model.condition import AnyCondition, Condition
from engine.model.trait import Score
from engine.store import definitions, samples, tables
from engine.store.session import Database

NOW = datetime.now(UTC).replace(microsecond=0)
MODEL: TypeAdapter[AnyCondition] = TypeAdapter(Condition)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


def condition(document: dict[str, Any]) -> AnyCondition:
    return MODEL.validate_python(document)


def add(database: Database, table: Any, rows: list[dict[str, Any]]) -> None:
    database.transact(lambda connection: connection.execute(insert(table), rows))


def customers(database: Database, traits: list[dict[str, Any]], **more: Any) -> list[UUID]:
    ids = [uuid7() for _ in traits]
    rows = [
        {"id": id_, "seq": 100, "traits": told, **more}
        for id_, told in zip(ids, traits, strict=True)
    ]
    add(database, tables.customer, rows)
    return ids


def events(database: Database, customer: UUID, *did: tuple[str, dict[str, Any], int]) -> None:
    """Store what a customer did: a name, properties, and how many days ago."""
    rows = [
        {
            "customer_id": customer, "seq": n, "id": uuid7(), "name": name, "properties": said,
            "occurred_at": NOW - timedelta(days=ago), "received_at": NOW, "source": "test",
            "kind": "track", "future": False,
        }
        for n, (name, said, ago) in enumerate(did, start=1)
    ]  # fmt: skip
    add(database, tables.event, rows)


def segment(database: Database, id_: str, rule: dict[str, Any]) -> None:
    add(database, tables.segment, [{"id": id_, "name": id_, "rule": rule}])
    database.transact(
        lambda connection: connection.execute(text("UPDATE workspace SET revision = revision + 1"))
    )


def of(database: Database, document: dict[str, Any]) -> tuple[int, int]:
    found = sample(database, condition(document))
    assert found.looked == found.wanted
    return found.matching, found.total


def test_customers_are_asked_with_their_own_histories(database: Database) -> None:
    anna, ben, cleo, _dora = customers(
        database, [{"tier": "gold"}, {"tier": "gold"}, {"tier": "silver"}, {}]
    )
    order = "Order Completed"
    events(database, anna, (order, {"total": 80, "shop": "web"}, 3), (order, {"total": 30}, 200))
    events(database, ben, (order, {"total": 40, "shop": "web"}, 3), ("Ping", {"total": 900}, 1))
    events(database, cleo, (order, {"total": 500, "shop": "web"}, 400))
    assert of(database, {"trait": "tier", "eq": "gold"}) == (2, 4)
    assert of(database, {"event": order}) == (3, 4)
    assert of(database, {"event": order, "within": "1y"}) == (2, 4)
    assert of(database, {"event": order, "sum": "total", "gte": 100}) == (2, 4)
    assert of(database, {"event": order, "sum": "total", "gte": 100, "within": "1y"}) == (1, 4)
    web = {"property": "shop", "eq": "web"}
    assert of(database, {"event": order, "where": web, "avg": "total", "lt": 100}) == (2, 4)
    both = {"all": [{"trait": "tier", "eq": "gold"}, {"event": order, "count": {"gte": 2}}]}
    assert of(database, both) == (1, 4)
    assert of(database, {"not": both}) == (3, 4)


def test_what_lies_inside_a_property_is_asked_too(database: Database) -> None:
    anna, ben, cleo = customers(database, [{}, {}, {}])
    events(database, anna, ("Order Completed", {"cart": {"total": 80, "gift": None}}, 3))
    events(database, ben, ("Order Completed", {"cart.total": 90}, 3), ("Ping", {}, 1))
    events(database, cleo, ("Order Completed", {"cart": "lost"}, 3))
    order = {"event": "Order Completed"}
    assert of(database, {**order, "max": "cart.total", "gte": 50}) == (2, 3)
    gift = {"property": "cart.gift", "exists": False}
    assert of(database, {**order, "where": gift}) == (3, 3)
    known = {"property": "cart", "exists": True}
    assert of(database, {**order, "where": {"not": known}}) == (1, 3)


def test_segments_within_segments_are_asked_too(database: Database) -> None:
    anna, ben = customers(database, [{}, {}])
    events(database, anna, ("Order Completed", {"total": 80}, 300))
    events(database, ben, ("Order Completed", {"total": 80}, 3))
    segment(database, "buyers", {"event": "Order Completed"})
    segment(database, "fresh", {"event": "Order Completed", "within": "30d"})
    segment(database, "lapsed", {"all": [{"segment": "buyers"}, {"not": {"segment": "fresh"}}]})
    assert of(database, {"segment": "lapsed"}) == (1, 2)
    assert of(database, {"any": [{"segment": "lapsed"}, {"segment": "fresh"}]}) == (2, 2)
    assert of(database, {"segment": "nowhere"}) == (0, 2)


def test_the_merged_are_not_counted(database: Database) -> None:
    (kept,) = customers(database, [{"tier": "gold"}])
    customers(database, [{"tier": "gold"}], merged_into=kept)
    assert of(database, {"trait": "tier", "eq": "gold"}) == (1, 1)


def test_a_shop_without_customers(database: Database) -> None:
    found = sample(database, condition({"trait": "tier", "exists": True}))
    assert (found.matching, found.looked, found.wanted, found.total) == (0, 0, 0, 0)
    assert found.share == 0


def test_everybody_of_many_is_counted(database: Database) -> None:
    rng = Random(3)
    traits = [{"tier": "gold" if rng.random() < 0.3 else "silver"} for _ in range(3000)]
    customers(database, traits)
    found = sample(database, condition({"trait": "tier", "eq": "gold"}), patience=30)
    assert found.matching == traits.count({"tier": "gold"})
    assert (found.looked, found.wanted, found.total) == (3000, 3000, 3000)
    assert len(found.examples) == 10
    assert all(one.traits == {"tier": "gold"} for one in found.examples)


def test_what_fades_is_asked_of_a_sample_as_it_is_now(database: Database) -> None:
    score = Score.model_validate(
        {"id": "heat", "name": "Heat", "rules": [{"event": "Ping", "points": 100}],
         "half_life": "30d"}
    )  # fmt: skip
    put_score(database, score, actor=COMMAND_LINE)
    with database.read() as connection:
        version = definitions.for_reading(connection).versions["heat"]
    since = int((NOW - timedelta(days=60, hours=1)).timestamp() * 1_000_000)
    customers(
        database, [{}] * 1100, derived={"heat": 100}, scored={"heat": [version, 100, since, 0]}
    )
    assert of(database, {"trait": "heat", "gte": 60})[0] == 0
    assert of(database, {"trait": "heat", "eq": 25})[0] == 1000
    assert of(database, {"trait": "tier", "exists": False}) == (1100, 1100)


def test_of_many_who_take_too_long_to_count_the_same_ones_are_looked_at_each_time(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = select(func.pg_sleep(20), literal(0).label("matching"))
    monkeypatch.setattr(sampling.conditions_sql, "count", lambda *_, **__: slow)
    monkeypatch.setattr(sampling, "COUNTING", 0.05)
    rng = Random(3)
    traits = [{"tier": "gold" if rng.random() < 0.3 else "silver"} for _ in range(3000)]
    customers(database, traits)
    gold = condition({"trait": "tier", "eq": "gold"})
    found = sample(database, gold, patience=30)
    assert (found.looked, found.wanted, found.total) == (1000, 1000, 3000)
    assert 0.25 < found.share < 0.35
    assert sample(database, gold, patience=30) == found
    with database.read() as connection:
        drawn = {one.customer.id for one in samples.draw(connection, 1000, 3000)}
        # When more is to be drawn from than is ample, fewer pages are read, the same again.
        few = [samples.draw(connection, 10, 3000) for _ in range(2)]
    assert len(drawn) == 1000
    assert len(few[0]) == 10
    assert few[0] == few[1]


def test_it_stops_when_it_takes_too_long(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    customers(database, [{"tier": "gold"}] * 50)
    monkeypatch.setattr(sampling, "_AT_ONCE", 10)
    ticks = count()
    found = sample(
        database, condition({"trait": "tier", "eq": "gold"}), patience=2, clock=lambda: next(ticks)
    )
    assert (found.looked, found.matching, found.wanted, found.total) == (20, 20, 50, 50)


def test_a_statement_that_takes_too_long_is_stopped(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    customers(database, [{"tier": "gold"}] * 5)
    slow = text("SELECT pg_sleep(20), 1 AS customer_id")
    monkeypatch.setattr(samples, "_statement", lambda _properties: slow)
    found = sample(database, condition({"event": "Ping"}), patience=0.2)
    assert (found.looked, found.wanted, found.total) == (0, 5, 5)
    with database.read() as connection:  # whoever gets the connection next is not in such a hurry
        assert connection.execute(text("SHOW statement_timeout")).scalar() == "1min"


@pytest.mark.parametrize(
    ("document", "beforehand"),
    [
        ({"trait": "a", "eq": 1}, True),
        ({"property": "a", "eq": 1}, False),
        ({"not": {"property": "a", "eq": 1}}, False),
        ({"event": "a", "where": {"property": "a", "eq": 1}}, True),
        ({"event": "a", "message": "mail"}, False),
        ({"event": "a", "sum": "b", "gt": 1, "where": {"not": {"step": "mail", "is": "sent"}}}, False),
        ({"any": [{"segment": "a"}, {"result": {"step": "crm", "name": "b"}, "eq": 1}]}, False),
        ({"all": [{"reachable": "sms"}, {"subscribed": "news"},
                  {"anniversary": "born", "within": "1d"}]}, True),
        ({"all": [{"event": "a", "where": {"property": "b", "eq": 1}}, {"property": "b", "eq": 1}]},
         False),
    ],
)  # fmt: skip
def test_what_cannot_be_known_beforehand(document: dict[str, Any], beforehand: bool) -> None:
    assert unknowable(condition(document)) is not beforehand
