"""How large segments are and were, who is in them, and what comes next."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, text
from uuid_utils.compat import uuid7

from engine.errors import NotFound
from engine.store import populations, search, tables
from engine.store.session import Database

NOW = datetime.now(UTC).replace(microsecond=0)
TODAY = NOW.date()
DAY = timedelta(days=1)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


def add(database: Database, table: str, *rows: dict[str, Any]) -> None:
    database.transact(
        lambda connection: connection.execute(insert(tables.metadata.tables[table]), list(rows))
    )


def segments(database: Database, *names: str, **more: Any) -> None:
    rule = {"trait": "tier", "eq": "gold"}
    add(
        database,
        "segment",
        *(
            {"id": name, "name": name.title(), "rule": rule, "state": "ready", **more}
            for name in names
        ),
    )


def customers(database: Database, n: int) -> list[UUID]:
    ids = [uuid7() for _ in range(n)]
    rows = [{"id": id, "traits": {"first_name": f"Anna{n}"}} for n, id in enumerate(ids)]
    add(database, "customer", *rows)
    return ids


def put(database: Database, segment: str, ids: list[UUID], **more: Any) -> None:
    rows = [{"customer_id": id, "segment_id": segment, "inside": True, "since": NOW, "next_change_at": None, **more} for id in ids]  # fmt: skip
    add(database, "membership", *rows)


def sizes(database: Database, segment: str, by_age: dict[int, int]) -> None:
    rows = [
        {"segment_id": segment, "day": TODAY - age * DAY, "size": n} for age, n in by_age.items()
    ]
    add(database, "segment_size", *rows)


def test_a_population_has_its_size_now_and_before(database: Database) -> None:
    segments(database, "gold", "empty")
    ids = customers(database, 5)
    put(database, "gold", ids[:3])
    put(database, "gold", ids[3:], inside=False)
    sizes(database, "gold", {40: 9, 31: 8, 9: 2, 6: 5, 0: 4})
    with database.read() as connection:
        listed = {one.id: one for one in populations.populations(connection, TODAY)}
    gold, empty = listed["gold"], listed["empty"]
    assert (gold.size, gold.before, gold.long_before) == (3, 2, 8)
    assert gold.series == ((TODAY - 9 * DAY, 2), (TODAY - 6 * DAY, 5), (TODAY, 4))
    assert (empty.size, empty.before, empty.long_before, empty.series) == (0, None, None, ())


def test_populations_are_found_and_sorted(database: Database) -> None:
    segments(database, "ann", "bea", "100%")
    put(database, "bea", customers(database, 2))
    sizes(database, "ann", {8: 5})
    sizes(database, "bea", {8: 1})

    def ids(**asked: Any) -> list[str]:
        with database.read() as connection:
            return [one.id for one in populations.populations(connection, TODAY, **asked)]

    assert ids() == ["100%", "ann", "bea"]
    assert ids(sort="size") == ["bea", "100%", "ann"]
    assert ids(sort="change") == ["ann", "bea", "100%"]
    assert ids(q="EA") == ["bea"]
    assert ids(q="%") == ["100%"]
    with database.read() as connection:
        assert populations.population(connection, "bea", TODAY).size == 2
        with pytest.raises(NotFound):
            populations.population(connection, "nobody", TODAY)
        assert populations.figures(connection, ["bea", "nobody"]) == {
            "bea": {"size": 2, "state": "ready"}
        }


def test_sizes_begin_where_they_are_asked_to(database: Database) -> None:
    segments(database, "gold")
    sizes(database, "gold", {8: 1, 7: 2, 0: 3})
    with database.read() as connection:
        found = populations.sizes(connection, "gold", TODAY - 7 * DAY)
    assert found == [(TODAY - 7 * DAY, 2), (TODAY, 3)]


def test_members_come_by_pages_and_are_found(database: Database) -> None:
    segments(database, "gold", "new")
    ids = customers(database, 7)
    put(database, "gold", ids[:6], next_change_at=NOW + DAY)
    put(database, "gold", ids[6:], inside=False)
    put(database, "new", ids[:1])
    seen: list[Any] = []
    cursor = None
    with database.read() as connection:
        while True:
            found = populations.members(connection, "gold", limit=4, cursor=cursor)
            seen += found.items
            cursor = found.next
            if cursor is None:
                break
        anna = populations.members(connection, "gold", "anna3")
        her = search.customer(connection, ids[0])
    assert [one["id"] for one in seen] == [str(id) for id in sorted(ids[:6], reverse=True)]
    assert {(one["since"], one["next_change_at"]) for one in seen} == {(NOW, NOW + DAY)}
    assert [one["id"] for one in anna.items] == [str(ids[3])]
    assert her["segments"] == ["gold", "new"]
    assert seen[-1]["segments"] == ["gold", "new"]
    assert seen[0]["segments"] == ["gold"]


def test_an_overlap_counts_who_is_in_both(database: Database) -> None:
    segments(database, "gold", "new", "old", "none")
    ids = customers(database, 6)
    put(database, "gold", ids[:4])
    put(database, "new", ids[2:])
    put(database, "old", ids[:1])
    put(database, "old", ids[1:2], inside=False)
    assert populations.overlap(database, "gold") == [("new", "New", 2), ("old", "Old", 1)]
    assert populations.overlap(database, "none") == []


def test_what_takes_too_long_is_left_out(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(populations, "_OVERLAP", text("SELECT pg_sleep(20)"))
    assert populations.overlap(database, "gold", patience=0.1) is None
    with database.read() as connection:  # whoever gets the connection next is not in such a hurry
        assert connection.execute(text("SHOW statement_timeout")).scalar() == "1min"


def test_who_entered_and_left_lately(database: Database) -> None:
    segments(database, "gold")
    anna, ben = customers(database, 2)

    def event(customer: UUID, seq: int, name: str, segment: str, hours: int) -> dict[str, Any]:
        at = NOW - timedelta(hours=hours)
        return {"customer_id": customer, "seq": seq, "id": uuid7(), "name": name, "received_at": at,
                "occurred_at": at, "properties": {"segment": segment}, "source": "parcours"}  # fmt: skip

    add(
        database,
        "event",
        event(anna, 1, "Segment Entered", "gold", 30),
        event(anna, 2, "Segment Left", "gold", 2),
        event(ben, 1, "Segment Entered", "other", 1),
        event(ben, 2, "Segment Entered", "gold", 1),
        event(ben, 3, "Order Completed", "gold", 1),
    )
    found = populations.lately(database, "gold", NOW - DAY)
    assert found is not None
    assert [(one.customer, one.inside) for one in found] == [(ben, True), (anna, False)]


def test_what_time_alone_will_change(database: Database) -> None:
    segments(database, "gold", "new")
    anna, ben, cleo = customers(database, 3)
    put(database, "gold", [anna], next_change_at=NOW + 2 * DAY)
    put(database, "gold", [ben], next_change_at=NOW + DAY, inside=False)
    put(database, "gold", [cleo], next_change_at=NOW + 9 * DAY)
    put(database, "new", [cleo], next_change_at=NOW + DAY)
    with database.read() as connection:
        n, found = populations.expected(connection, "gold", NOW + 7 * DAY)
        assert n == 2
        assert [(one.customer, one.inside) for one in found] == [(ben, False), (anna, True)]
        hers = populations.of_customer(connection, cleo)
        assert [(one.id, one.name, one.next_change_at) for one in hers] == [
            ("gold", "Gold", NOW + 9 * DAY),
            ("new", "New", NOW + DAY),
        ]
        assert populations.of_customer(connection, ben) == []
        assert populations.expected(connection, "none", NOW + 7 * DAY) == (0, [])


def test_journeys_are_read_as_they_are_live(database: Database) -> None:
    def journey(id: str, state: str, **more: Any) -> dict[str, Any]:
        draft = {"id": id, "name": id.title(), "steps": ["draft"]}
        return {"id": id, "state": state, "draft": draft, "live_version": None, **more}

    add(
        database,
        "journey",
        journey("a", "draft"),
        journey("b", "live", live_version=1),
        journey("c", "archived"),
    )
    add(
        database,
        "journey_version",
        {"journey_id": "b", "version": 1, "hash": "h", "document": {"steps": ["live"]}},
    )
    with database.read() as connection:
        found = populations.journeys(connection)
    assert [(one.id, one.published, one.document["steps"]) for one in found] == [
        ("a", False, ["draft"]),
        ("b", True, ["live"]),
    ]
