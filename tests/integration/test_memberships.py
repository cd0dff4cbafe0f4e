"""Customers enter and leave segments: by events, by traits, by time; and builds."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from engine.flow import building, memberships
from engine.flow.customers import CustomerRecord, put_customer
from engine.flow.intake import Incoming, receive
from engine.flow.materials import delete, put_segment
from engine.model.actor import COMMAND_LINE
from engine.model.segment import Segment
from engine.store import builds
from engine.store.session import Database
from parcours.imports import job

FIRST_ORDER = {"event": "Order Completed"}
QUIET = {"all": [{"event": "Order Completed"},
                 {"not": {"event": "Order Completed", "within": "90d"}}]}  # fmt: skip


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


class Shop:
    def __init__(self, database: Database) -> None:
        self.database = database
        self._sent = 0

    def segment(self, id: str, rule: dict[str, Any], *, built: bool = True) -> None:
        segment = Segment.model_validate({"id": id, "name": id.title(), "rule": rule})
        put_segment(self.database, segment, actor=COMMAND_LINE)
        if built:
            self.build()

    def build(self) -> None:
        while building.carry_on(self.database):
            pass

    def send(
        self, user: str, name: str, *, ago: timedelta = timedelta(), **properties: Any
    ) -> None:
        self._sent += 1
        event = Incoming(
            source="test",
            message_id=f"m{self._sent}",
            kind="track",
            name=name,
            user_id=user,
            properties=properties,
            occurred_at=datetime.now(UTC) - ago,
        )
        receive(self.database, [event])

    def all(self, statement: str, **given: Any) -> list[Any]:
        with self.database.read() as connection:
            return list(connection.execute(text(statement), given))

    def inside(self, segment: str) -> set[str]:
        rows = self.all(
            "SELECT i.value FROM membership m JOIN identity i ON i.customer_id = m.customer_id "
            "WHERE m.segment_id = :segment AND m.inside AND i.namespace = 'external_id'",
            segment=segment,
        )
        return {row.value for row in rows}

    def told(self, user: str) -> list[tuple[str, str]]:
        rows = self.all(
            "SELECT e.name, e.properties ->> 'segment' AS segment FROM event e "
            "JOIN identity i ON i.customer_id = e.customer_id WHERE i.value = :user "
            "AND e.name LIKE 'Segment %' ORDER BY e.seq",
            user=user,
        )
        return [(row.name, row.segment) for row in rows]

    def due(self, user: str, segment: str) -> datetime | None:
        rows = self.all(
            "SELECT m.next_change_at FROM membership m JOIN identity i USING (customer_id) "
            "WHERE i.value = :user AND m.segment_id = :segment",
            user=user,
            segment=segment,
        )
        return rows[0].next_change_at if rows else None

    def hurry(self, user: str) -> None:
        """Have the customer looked at by the next sweep."""
        self.database.transact(
            lambda connection: connection.execute(
                text(
                    "UPDATE membership SET next_change_at = now() WHERE next_change_at IS NOT NULL "
                    "AND customer_id = (SELECT customer_id FROM identity WHERE value = :user)"
                ),
                {"user": user},
            )
        )


@pytest.fixture
def shop(database: Database) -> Shop:
    return Shop(database)


def test_an_event_lets_a_customer_in_and_tells_it_once(shop: Shop) -> None:
    shop.segment("buyers", FIRST_ORDER)
    shop.send("ada", "Page Viewed")
    assert shop.inside("buyers") == set()
    shop.send("ada", "Order Completed")
    shop.send("ada", "Order Completed")
    assert shop.inside("buyers") == {"ada"}
    assert shop.told("ada") == [("Segment Entered", "buyers")]


def test_what_is_not_mentioned_asks_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.segment("buyers", FIRST_ORDER)
    shop.send("ada", "Page Viewed")
    asked: list[str] = []
    ask = memberships._ask
    monkeypatch.setattr(memberships, "_ask", lambda *about: asked.append(about[-1]) or ask(*about))
    shop.send("ada", "Page Viewed")
    assert asked == []
    shop.send("ada", "Order Completed")
    assert asked == ["buyers"]


def test_a_new_customer_may_be_in_a_segment_of_those_who_did_nothing(shop: Shop) -> None:
    shop.segment("curious", {"not": FIRST_ORDER})
    shop.send("ada", "Page Viewed")
    put_customer(shop.database, "external_id:eve", CustomerRecord())
    assert shop.inside("curious") == {"ada", "eve"}
    shop.send("ada", "Order Completed")
    assert shop.inside("curious") == {"eve"}
    assert shop.told("ada") == [("Segment Entered", "curious"), ("Segment Left", "curious")]


def test_a_trait_put_by_the_interface_moves_a_customer(shop: Shop) -> None:
    shop.segment("gold", {"trait": "tier", "eq": "gold"})
    put_customer(shop.database, "external_id:ada", CustomerRecord(traits={"tier": "gold"}))
    put_customer(shop.database, "external_id:ada", CustomerRecord(traits={"tier": "silver"}))
    assert shop.told("ada") == [("Segment Entered", "gold"), ("Segment Left", "gold")]


def test_segments_of_segments_follow(shop: Shop) -> None:
    shop.segment("buyers", FIRST_ORDER)
    shop.segment("good", {"all": [{"segment": "buyers"}, {"trait": "tier", "eq": "gold"}]})
    put_customer(shop.database, "external_id:ada", CustomerRecord(traits={"tier": "gold"}))
    shop.send("ada", "Order Completed")
    assert shop.inside("good") == {"ada"}


def test_time_alone_lets_a_customer_leave_when_it_is_due(shop: Shop) -> None:
    shop.segment("quiet", QUIET)
    shop.send("ada", "Order Completed", ago=timedelta(days=89))
    due = shop.due("ada", "quiet")
    assert due is not None
    assert abs(due - datetime.now(UTC) - timedelta(days=1)) < timedelta(minutes=5)
    memberships.sweep(shop.database)
    assert shop.inside("quiet") == set()
    shop.database.transact(
        lambda connection: connection.execute(
            text("UPDATE event SET occurred_at = occurred_at - interval '2 days'")
        )
    )
    shop.hurry("ada")
    memberships.sweep(shop.database)
    assert shop.inside("quiet") == {"ada"}
    assert shop.told("ada") == [("Segment Entered", "quiet")]
    assert shop.due("ada", "quiet") is None


def test_a_build_finds_those_who_are_inside_and_tells_nobody(shop: Shop) -> None:
    shop.send("ada", "Order Completed", ago=timedelta(days=100))
    shop.send("eve", "Order Completed", ago=timedelta(days=10))
    shop.send("zoe", "Page Viewed")
    shop.segment("quiet", QUIET, built=False)
    assert shop.inside("quiet") == set()
    shop.build()
    assert shop.inside("quiet") == {"ada"}
    assert shop.due("eve", "quiet") is not None
    assert shop.told("ada") == []
    [row] = shop.all("SELECT state, total, applied FROM segment")
    assert (row.state, row.total, row.applied) == ("ready", 2, 2)
    shop.send("eve", "Order Completed")
    assert shop.told("eve") == []


def test_a_changed_rule_is_built_anew_and_silently(shop: Shop) -> None:
    shop.segment("buyers", FIRST_ORDER)
    shop.send("ada", "Order Completed")
    shop.segment("buyers", {"event": "Order Completed", "count": {"gte": 2}})
    assert shop.inside("buyers") == set()
    assert shop.told("ada") == [("Segment Entered", "buyers")]
    shop.send("ada", "Order Completed")
    assert shop.inside("buyers") == {"ada"}


def test_who_changes_between_staging_and_applying_is_asked_again(shop: Shop) -> None:
    shop.send("ada", "Page Viewed")
    shop.segment("curious", {"not": FIRST_ORDER}, built=False)
    with shop.database.read() as connection:
        [build] = builds.under_way(connection)
    assert building._step(shop.database, build)
    shop.send("ada", "Order Completed")
    shop.build()
    assert shop.inside("curious") == set()


def test_a_deleted_segment_is_forgotten(shop: Shop) -> None:
    shop.segment("buyers", FIRST_ORDER)
    shop.send("ada", "Order Completed")
    delete(shop.database, "segment", "buyers", actor=COMMAND_LINE)
    assert shop.all("SELECT FROM membership") == []
    shop.send("ada", "Order Completed")


def test_a_segment_about_segments_ends(shop: Shop) -> None:
    shop.segment("loop", {"event": "Segment Entered", "count": {"eq": 0}})
    shop.send("ada", "Page Viewed")
    assert shop.told("ada") == [("Segment Entered", "loop"), ("Segment Left", "loop")]
    assert shop.inside("loop") == set()


def test_imported_newcomers_are_in_the_segments_of_those_who_did_nothing(
    shop: Shop, tmp_path: Path
) -> None:
    shop.segment("curious", {"not": FIRST_ORDER})
    shop.segment("gold", {"trait": "tier", "eq": "gold"})
    shop.segment("buyers", FIRST_ORDER)
    file = tmp_path / "people.csv"
    file.write_text("external_id,tier\nada,gold\neve,plain\n", encoding="utf-8")
    job.import_customers(shop.database, file, "csv", resume=False)
    with shop.database.read() as connection:
        assert {build.segment for build in builds.under_way(connection)} == {"curious", "gold"}
    shop.build()
    assert shop.inside("curious") == {"ada", "eve"}
    assert shop.inside("gold") == {"ada"}
