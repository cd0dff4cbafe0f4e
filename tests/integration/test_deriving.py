"""Computed traits and scores, kept up with what customers do, against all of it computed anew."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from engine.errors import Conflict, InvalidDocument
from engine.flow import computing, definitions, deriving, freezing, materials
from engine.flow.customers import CustomerRecord, put_customer
from engine.flow.history import Profile, add_customers, add_events
from engine.flow.intake import Incoming, receive
from engine.flow.internal import in_turn_of_customer
from engine.flow.publish import publish, save_journey
from engine.model.actor import COMMAND_LINE
from engine.model.journey import Journey
from engine.model.segment import Segment
from engine.model.trait import Score, TraitDocument
from engine.run.deriving import compute
from engine.store import catalogue, computed, rollups, trait_builds
from engine.store.session import Database
from tests.traits import HEAT, ORDER, TRAITS, history

WHOLE = 60.0


class Shop:
    """A shop with definitions, and what is known of its customers."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def define(self, **document: Any) -> None:
        trait = TraitDocument.read({"name": document["id"], **document})
        definitions.put_trait(self.database, trait, actor=COMMAND_LINE)

    def score(self, **document: Any) -> None:
        score = Score.model_validate({"id": "heat", "name": "Heat", **document})
        definitions.put_score(self.database, score, actor=COMMAND_LINE)

    def everything(self) -> None:
        for trait in TRAITS:
            if trait.id != "joined":
                definitions.put_trait(self.database, trait, actor=COMMAND_LINE)
        definitions.put_score(self.database, HEAT, actor=COMMAND_LINE)
        definitions.put_trait(self.database, TRAITS[-1], actor=COMMAND_LINE)

    def build(self) -> None:
        while computing.carry_on(self.database, seconds=WHOLE):
            pass

    def freeze(self) -> None:
        self.build()
        freezing.freeze_due(self.database)
        self.build()

    def track(
        self, name: str = ORDER, at: datetime | None = None, /, user: str = "ada", **told: Any
    ) -> None:
        receive(self.database, [incoming(name, at, user, told)])

    def row(self, user: str = "ada") -> Any:
        return self.query(
            "SELECT c.*, r.states FROM customer c JOIN identity i ON i.customer_id = c.id "
            "LEFT JOIN customer_rollup r ON r.customer_id = c.id WHERE i.value = :user",
            user=user,
        )[0]

    def derived(self, user: str = "ada") -> dict[str, Any]:
        found: dict[str, Any] = self.row(user).derived
        return found

    def query(self, statement: str, **given: Any) -> list[Any]:
        with self.database.read() as connection:
            return list(connection.execute(text(statement), given).all())

    def do(self, statement: str, **given: Any) -> None:
        self.database.transact(lambda connection: connection.execute(text(statement), given))

    def names(self) -> list[tuple[str, Any]]:
        """Return the events of scores, in order."""
        rows = self.query(
            "SELECT name, properties FROM event WHERE name LIKE 'Score %' ORDER BY seq"
        )
        return [(row.name, row.properties["name"]) for row in rows]


def incoming(name: str, at: datetime | None, user: str, told: dict[str, Any]) -> Incoming:
    return Incoming(source="t", message_id=uuid4().hex, kind="track", name=name, user_id=user,
                    properties=told, occurred_at=at)  # fmt: skip


@pytest.fixture
def shop(database_url: str) -> Iterator[Shop]:
    """An empty shop."""
    database = Database(database_url)
    yield Shop(database)
    database.close()


def ago(days: float) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


def test_an_event_is_counted_before_anybody_is_given_it(shop: Shop) -> None:
    shop.define(id="orders", event=ORDER, take="count")
    document = {
        "id": "second", "name": "Second",
        "entry": {"on": {"event": ORDER}, "if": {"trait": "orders", "eq": 2}},
        "steps": [{"id": "rest", "type": "wait", "for": "1d"}],
    }  # fmt: skip
    save_journey(shop.database, Journey.model_validate(document), actor=COMMAND_LINE)
    publish(shop.database, "second", actor=COMMAND_LINE)
    shop.track()
    assert shop.query("SELECT 1 FROM run") == []
    shop.track()
    assert len(shop.query("SELECT 1 FROM run")) == 1
    assert shop.derived() == {"orders": 2}


def test_no_history_is_read_for_a_plain_aggregate(shop: Shop) -> None:
    shop.define(id="spent", event=ORDER, take="sum", of="total")
    shop.track(total=10)
    shop.do("DELETE FROM event")
    shop.track(total=0.5)
    assert shop.derived() == {"spent": 10.5}


def test_who_did_nothing_yet_has_zeros(shop: Shop) -> None:
    shop.define(id="orders", event=ORDER, take="count")
    shop.define(id="last", event=ORDER, take="last_at")
    shop.track("Page Viewed")
    put_customer(shop.database, "external_id:put", CustomerRecord())
    add_customers(shop.database, [Profile(identities=(("external_id", "told"),))])
    assert [shop.derived(user) for user in ("ada", "put", "told")] == [{"orders": 0}] * 3


def test_late_and_simultaneous_events_count_rightly(shop: Shop) -> None:
    shop.define(id="last", event=ORDER, take="last", of="store")
    shop.define(id="first", event=ORDER, take="first", of="store")
    shop.track(ORDER, ago(1), store="Bern")
    shop.track(ORDER, ago(5), store="Basel")
    assert shop.derived() == {"last": "Bern", "first": "Basel"}


@pytest.mark.parametrize("seed", range(6))
def test_kept_up_is_as_computed_in_bulk_and_from_scratch(shop: Shop, seed: int) -> None:
    random = Random(seed)
    events = {f"c{n}": history(random, random.randrange(1, 40)) for n in range(4)}
    everything = [
        (name, at, user, told) for user, some in events.items() for name, at, told in some
    ]
    # Half of them before there are definitions, then some by the thousand, the rest one by one.
    before, imported, after = thirds(random, everything)
    receive(shop.database, [incoming(*one) for one in before])
    shop.everything()
    receive(shop.database, [incoming(*one) for one in after[: len(after) // 2]])
    add_events(shop.database, [incoming(*one) for one in imported])
    receive(shop.database, [incoming(*one) for one in after[len(after) // 2 :]])
    kept = {user: shop.derived(user) for user in events}
    shop.build()
    bulk = {user: shop.derived(user) for user in events}
    scratch = {user: anew(shop, user) for user in events}
    assert bulk == scratch
    concerned = {user for _, _, user, _ in after[len(after) // 2 :]}
    touched = {user: values for user, values in kept.items() if user in concerned}
    for user, values in touched.items():
        for id in values.keys() - {"joined"}:
            if any(name == ORDER for name, _, who, _ in after[len(after) // 2 :] if who == user):
                assert values[id] == bulk[user][id] or id in {"views", "heat", "month"}
    # Once everybody is built, whatever comes keeps them up to date.
    more = [(name, at, f"c{n}", told) for n in range(4) for name, at, told in history(random, 8)]
    for one in more:
        receive(shop.database, [incoming(*one)])
    kept = {user: shop.derived(user) for user in events}
    assert kept == {user: anew(shop, user) for user in events}
    definitions_again(shop)
    assert kept == {user: shop.derived(user) for user in events}


def thirds(random: Random, some: list[Any]) -> tuple[list[Any], list[Any], list[Any]]:
    groups: tuple[list[Any], list[Any], list[Any]] = ([], [], [])
    for one in some:
        random.choice(groups).append(one)
    return groups


def anew(shop: Shop, user: str) -> dict[str, Any]:
    """Return what the pure function makes of her whole history."""
    id = shop.row(user).id
    with shop.database.read() as connection:
        now = catalogue.current(shop.database, connection)
        names = now.derivation.events_of(None)
        found = rollups.facts(connection, [id], names)[id]
        clock = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    zone = now.workspace.time_zone
    return dict(compute(now.derivation, lambda name: found.get(name, ()), clock, zone).derived)


def definitions_again(shop: Shop) -> None:
    """Compute everything for everybody once more."""
    names = [trait.id for trait in TRAITS] + ["heat"]
    shop.database.transact(lambda connection: trait_builds.ask(connection, names))
    shop.build()


def test_a_window_is_left_when_its_time_comes(shop: Shop) -> None:
    shop.define(id="views", event="Product Viewed", take="count", within="30d")
    shop.track("Product Viewed", ago(29.99999))
    shop.track("Product Viewed", ago(1))
    assert shop.derived() == {"views": 2}
    due = shop.row().derived_due_at
    assert due < datetime.now(UTC) + timedelta(seconds=2)
    shop.do("UPDATE customer SET derived_due_at = now() - interval '1 second'")
    shop.do("UPDATE event SET occurred_at = occurred_at - interval '5 seconds'")
    shop.do("UPDATE customer_rollup SET states = jsonb_set(states, '{views,2}', '0')")
    assert computing.due(shop.database) == 1
    assert shop.derived() == {"views": 1}
    assert shop.row().derived_due_at > datetime.now(UTC) + timedelta(days=28)


def test_a_decision_sees_a_score_as_it_is_now(shop: Shop) -> None:
    shop.score(rules=[{"event": ORDER, "points": 100}], half_life="10d")
    shop.track(ORDER, ago(10))
    assert shop.derived() == {"heat": 50}
    shop.do(
        "UPDATE customer SET scored = jsonb_set(scored, '{heat,2}', to_jsonb((scored #>> '{heat,2}')::bigint - 864000000000))"
    )
    seen, _ = in_turn_of_customer(
        shop.database, shop.row().id, lambda turn: turn.customer.known["heat"]
    )
    assert seen == 25


def test_thresholds_are_told_once_each(shop: Shop) -> None:
    shop.everything()
    shop.build()
    shop.track(total=20)
    shop.track(total=30)
    shop.track("Product Viewed")
    assert shop.names() == [("Score Reached", "Warm"), ("Score Reached", "Hot")]
    shop.track("Order Refunded")
    assert shop.names()[2:] == [("Score Dropped", "Hot")]


def test_one_event_may_reach_several_thresholds(shop: Shop) -> None:
    levels = [{"at": 10, "name": "a"}, {"at": 20, "name": "b"}]
    shop.score(
        rules=[{"event": ORDER, "points": 25}, {"event": "No", "points": -25}], thresholds=levels
    )
    shop.track()
    shop.track("No")
    assert shop.names() == [
        ("Score Reached", "a"), ("Score Reached", "b"), ("Score Dropped", "b"), ("Score Dropped", "a"),
    ]  # fmt: skip


def test_fading_below_a_threshold_is_told_when_it_happens(shop: Shop) -> None:
    levels = [{"at": 60, "name": "Warm"}]
    shop.score(rules=[{"event": ORDER, "points": 100}], half_life="10d", thresholds=levels)
    shop.track(ORDER, ago(7))
    assert shop.derived() == {"heat": 62}
    assert ago(-0.99) < shop.row().derived_due_at < ago(-1)
    shop.do(
        "UPDATE customer SET derived_due_at = now(), scored = jsonb_set(scored, '{heat,2}', to_jsonb((scored #>> '{heat,2}')::bigint - 86400000000))"
    )
    assert computing.due(shop.database) == 1
    assert shop.names() == [("Score Reached", "Warm"), ("Score Dropped", "Warm")]
    assert shop.derived() == {"heat": 57}
    assert (computing.due(shop.database), shop.row().derived_due_at) == (0, None)


def test_a_score_that_nobody_asks_about_is_never_due(shop: Shop) -> None:
    shop.score(rules=[{"event": ORDER, "points": 100}], half_life="10d")
    shop.track(ORDER, ago(7))
    assert shop.row().derived_due_at is None
    rule = {"trait": "heat", "gte": 60}
    segment = Segment.model_validate({"id": "warm", "name": "Warm", "rule": rule})
    materials.put_segment(shop.database, segment, actor=COMMAND_LINE)
    shop.build()
    assert shop.row().derived_due_at is not None


def test_what_a_score_reached_in_the_past_is_told_to_nobody(shop: Shop) -> None:
    shop.track(total=50)
    shop.track(total=50)
    shop.everything()
    shop.build()
    assert shop.derived()["heat"] == 100
    shop.track("Product Viewed")
    assert shop.names() == []


def test_an_event_before_the_build_reaches_her_computes_what_it_concerns(shop: Shop) -> None:
    shop.track(total=50)
    shop.everything()
    shop.track(total=20)
    assert (shop.derived()["orders"], shop.derived()["spent"], shop.derived()["heat"]) == (
        2,
        70,
        100,
    )
    assert shop.names() == [("Score Reached", "Hot")]


def test_history_is_computed_in_bulk_afterwards(shop: Shop) -> None:
    shop.everything()
    shop.build()
    add_events(shop.database, [incoming(ORDER, ago(3), "ada", {"total": 7}) for _ in range(3)])
    assert shop.query("SELECT count(*) FROM trait_stale")[0][0] == 1
    shop.build()
    assert (shop.derived()["orders"], shop.derived()["spent"]) == (3, 21)
    assert shop.query("SELECT count(*) FROM trait_stale")[0][0] == 0


def test_a_definition_that_goes_takes_its_values_along(shop: Shop) -> None:
    shop.define(id="orders", event=ORDER, take="count")
    shop.define(id="other", event=ORDER, take="count")
    shop.track()
    definitions.delete_trait(shop.database, "orders", actor=COMMAND_LINE)
    shop.build()
    assert shop.derived() == {"other": 1}


def test_a_changed_definition_is_computed_anew(shop: Shop) -> None:
    shop.define(id="spent", event=ORDER, take="sum", of="total")
    shop.track(total=10, tax=2)
    shop.build()
    shop.define(id="spent", event=ORDER, take="sum", of="tax")
    shop.build()
    assert shop.derived() == {"spent": 2}


def test_recompute_is_from_the_whole_history(shop: Shop) -> None:
    shop.everything()
    shop.track(total=50)
    before = shop.derived()
    shop.do("UPDATE customer SET derived = '{}', scored = '{}'")
    shop.do("DELETE FROM customer_rollup")
    in_turn_of_customer(shop.database, shop.row().id, deriving.recompute)
    assert shop.derived() == before
    assert shop.row().states.keys() >= {"orders", "spent"}


def test_definitions_that_clash_or_go_in_circles_are_refused(shop: Shop) -> None:
    shop.define(id="orders", event=ORDER, take="count")
    shop.define(id="store", event=ORDER, take="most", of="store")
    for document, told in (
        ({"id": "q", "quantile_of": "nothing"}, "create it first"),
        ({"id": "q", "quantile_of": "store"}, "no number"),
        ({"id": "j", "join": ["orders", "j"]}, "made of itself: j → j"),
    ):
        with pytest.raises(InvalidDocument, match=told):
            shop.define(**document)
    with pytest.raises(InvalidDocument, match="a computed trait orders already"):
        shop.score(id="orders", rules=[{"event": ORDER, "points": 1}])
    shop.score(rules=[{"event": ORDER, "points": 1}])
    with pytest.raises(InvalidDocument, match="a score heat already"):
        shop.define(id="heat", event=ORDER, take="count")


def test_what_is_asked_for_cannot_be_deleted(shop: Shop) -> None:
    shop.define(id="orders", event=ORDER, take="count")
    shop.define(id="joined", join=["orders", "orders"])
    with pytest.raises(Conflict, match="The computed trait joined uses orders"):
        definitions.delete_trait(shop.database, "orders", actor=COMMAND_LINE)
    definitions.delete_trait(shop.database, "joined", actor=COMMAND_LINE)
    rule = {"not": {"trait": "orders", "gte": 60}}
    segment = Segment.model_validate({"id": "few", "name": "Few", "rule": rule})
    materials.put_segment(shop.database, segment, actor=COMMAND_LINE)
    with pytest.raises(Conflict, match="The segment few uses orders"):
        definitions.delete_trait(shop.database, "orders", actor=COMMAND_LINE)


def test_a_customers_page_is_told_where_everything_comes_from(shop: Shop) -> None:
    shop.define(id="spent", event=ORDER, take="sum", of="total")
    shop.define(id="part", quantile_of="spent", parts=2)
    shop.score(
        rules=[{"event": ORDER, "points": 50}, {"event": "No", "points": -5}], half_life="10d"
    )
    shop.track(ORDER, ago(20), total=7)
    shop.track("No", ago(10))
    shop.freeze()
    with shop.database.read() as connection:
        traits, scores = computed.of_customer(connection, shop.row().id)
    told = {one.trait.id: (one.value, one.events) for one in traits}
    assert told == {"spent": (7, 1), "part": (1, None)}
    assert (scores[0].value, [change.points for change in scores[0].changes]) == (10, [-5, 50])
    with shop.database.read() as connection:
        assert computed.having(connection) == {"spent": 1, "part": 1, "heat": 1}
        assert computed.spread(connection, "spent").bars == (("7", 1),)
