"""Events that arrive at the same time, or say one thing twice."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from designer.api.problems import Malformed
from engine.errors import Unavailable
from engine.flow.intake import Incoming, receive
from engine.flow.publish import publish, save_journey
from engine.flow.segment_events import events_of
from engine.model.actor import COMMAND_LINE
from engine.model.journey import Journey
from engine.store import customers, runs, tables
from engine.store.session import Database, RaceLost


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


def incoming(kind: Any = "track", **more: Any) -> Incoming:
    given: dict[str, Any] = {
        "source": "s", "message_id": uuid4().hex, "kind": kind, "name": kind.title(), **more,
    }  # fmt: skip
    return Incoming(**given)


def identities(database: Database) -> dict[tuple[str, str], Any]:
    with database.read() as connection:
        rows = connection.execute(select(tables.identity)).all()
    return {(row.namespace, row.value): row.customer_id for row in rows}


def test_an_anonymous_customer_takes_one_user_id_of_two_at_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive(database, [incoming(anonymous_id="visitor")])
    both = threading.Barrier(2, timeout=10)
    lock, met = customers.lock, threading.local()

    def meet_then_lock(*arguments: Any) -> Any:
        if not hasattr(met, "once"):  # a second attempt waits for nobody
            met.once = True
            both.wait()
        return lock(*arguments)

    monkeypatch.setattr(customers, "lock", meet_then_lock)
    threads = [
        threading.Thread(
            target=receive,
            args=(database, [incoming("identify", anonymous_id="visitor", user_id=user)]),
        )
        for user in ("ada", "bob")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    known = identities(database)
    owners = [known["external_id", "ada"], known["external_id", "bob"]]
    assert len(set(owners)) == 2
    assert known["anonymous_id", "visitor"] in owners


def test_identify_and_alias_in_one_batch(database: Database) -> None:
    receive(
        database,
        [
            incoming(anonymous_id="a"),
            incoming("identify", anonymous_id="a", user_id="ada"),
            incoming("identify", anonymous_id="a", user_id="bob"),
            incoming("alias", user_id="cyd", previous_id="b", anonymous_id="a"),
            incoming(anonymous_id="b"),
        ],
    )
    known = identities(database)
    assert known["anonymous_id", "a"] == known["external_id", "ada"]
    assert known["external_id", "ada"] != known["external_id", "bob"]
    assert known["anonymous_id", "b"] == known["external_id", "cyd"]
    assert len(set(known.values())) == 3


def test_an_alias_goes_by_the_former_id(database: Database) -> None:
    """Browsers send their own id along with every call."""
    receive(database, [incoming(anonymous_id="phone")])
    receive(
        database,
        [incoming("alias", user_id="ada", previous_id="phone", anonymous_id="laptop")],
    )
    known = identities(database)
    assert known["external_id", "ada"] == known["anonymous_id", "phone"]


def test_a_customer_merged_away_while_her_run_waits_for_the_lock(database: Database) -> None:
    receive(database, [incoming(user_id="ada"), incoming(user_id="bob")])
    known = identities(database)
    ada, bob = known["external_id", "ada"], known["external_id", "bob"]
    run = uuid4()
    columns = "id, customer_id, journey_id, version, plan_hash, entry_source, held_out, entered_at"
    values = ":run, :ada, 'j', 1, 'h', 'event', false, now(), 1, :command, :state"
    state = {"run": str(run), "customer": str(ada), "entered_at": "2026-05-04T10:00:00Z"}
    database.transact(
        lambda connection: connection.execute(
            text(f"INSERT INTO run ({columns}, revision, command, state) VALUES ({values})"),  # noqa: S608
            {
                "run": run,
                "ada": ada,
                "state": json.dumps(state),
                "command": '{"kind": "exit", "reason": "x"}',
            },
        )
    )
    locked = []

    def lock() -> None:
        locked.append(
            database.transact(lambda connection: runs.locked(connection, run))[0].customer.id
        )

    waiting = threading.Thread(target=lock)

    def merge(connection: Any) -> None:
        connection.execute(
            text("UPDATE customer SET merged_into = :bob WHERE id = :ada"), {"ada": ada, "bob": bob}
        )
        connection.execute(text("UPDATE run SET customer_id = :bob"), {"bob": bob})
        waiting.start()
        time.sleep(0.3)

    database.transact(merge)
    waiting.join(20)
    assert locked == [bob]


def test_a_race_that_is_always_lost_is_told_as_such(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.store.session.time.sleep", lambda seconds: None)

    def lose(connection: Any) -> None:
        raise RaceLost

    with pytest.raises(Unavailable):
        database.transact(lose)


def test_no_connection_left_is_told_as_such(database_url: str) -> None:
    small = Database(database_url, pool_size=1)
    small._engine.pool._timeout = 0.1  # type: ignore[attr-defined]
    small._engine.pool._max_overflow = 0  # type: ignore[attr-defined]
    with small.read() as _, pytest.raises(Unavailable):
        small.transact(lambda connection: None)
    small.close()


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"a": value}
    return value


def test_what_the_interface_takes_is_not_too_deep_to_be_stored(database: Database) -> None:
    journey = {
        "id": "j", "name": "j", "entry": {"on": {"event": "Customer Identified"}},
        "steps": [{"id": "rest", "type": "wait", "for": "1d"}],
    }  # fmt: skip
    save_journey(database, Journey.model_validate(journey), actor=COMMAND_LINE)
    publish(database, "j", actor=COMMAND_LINE)
    now = datetime.now(UTC)
    taken = 0
    for depth in range(230, 256):
        try:
            event = events_of(
                "identify", {"userId": str(depth), "traits": nested(depth)}, b"", "s", now
            )
        except Malformed:
            continue
        receive(database, event)
        taken = depth
    assert 235 < taken < 255
    with database.read() as connection:
        runs = connection.execute(select(tables.run)).all()
    assert len(runs) == taken - 229
