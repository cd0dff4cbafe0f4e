"""When messages are opened, by the hour of the day."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert

from engine.store import opens, tables
from engine.store.session import Database

NOW = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
DAY = timedelta(days=1)
HERS = UUID(int=7)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


def add(database: Database, table: str, *rows: dict[str, Any]) -> None:
    database.transact(
        lambda connection: connection.execute(insert(tables.metadata.tables[table]), list(rows))
    )


def an_event(seq: int, occurred_at: datetime, **more: Any) -> dict[str, Any]:
    return {
        "customer_id": HERS, "seq": seq, "received_at": NOW, "id": uuid4(),
        "occurred_at": occurred_at, "name": "Message Opened", "source": "sendgrid", "future": False,
    } | more  # fmt: skip


def a_message(opened_at: datetime | None) -> dict[str, Any]:
    return {
        "id": uuid4(), "customer_id": HERS, "run_id": uuid4(), "journey_id": "cart", "version": 1,
        "step": "mail", "visit": 0, "channel": "email", "class": "marketing", "priority": 50,
        "template": "t", "state": "sent", "decided_at": NOW, "opened_at": opened_at,
    }  # fmt: skip


def test_her_own_opens_are_counted_by_the_hour_where_she_is(database: Database) -> None:
    add(
        database,
        "event",
        an_event(1, NOW - DAY),
        an_event(2, NOW - 2 * DAY - timedelta(hours=3)),
        an_event(3, NOW - 200 * DAY),
        an_event(4, NOW - DAY, name="Message Clicked"),
        an_event(5, NOW - DAY, customer_id=UUID(int=8)),
    )
    with database.read() as connection:
        counts = opens.own(connection, HERS, "Asia/Kathmandu", NOW)  # 5:45 ahead of UTC
    assert [(hour, n) for hour, n in enumerate(counts) if n] == [(14, 1), (17, 1)]


def test_everybodys_are_remembered_for_an_hour(database: Database) -> None:
    seconds = 0.0

    def asked(zone: str = "Asia/Kathmandu") -> list[tuple[int, int]]:
        with database.read() as connection:
            counts = opens.everybodys(database, connection, zone, NOW, clock=lambda: seconds)
        return [(hour, n) for hour, n in enumerate(counts) if n]

    add(database, "message", *map(a_message, (NOW - DAY, NOW - 2 * DAY, NOW - 100 * DAY, None)))
    assert asked() == [(17, 2)]
    add(database, "message", a_message(NOW - DAY + timedelta(minutes=20)))
    assert asked() == [(17, 2)]
    assert asked("UTC") == [(12, 3)]
    seconds = 3601.0
    assert asked() == [(17, 2), (18, 1)]
