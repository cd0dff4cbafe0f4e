"""The ledger, the counters and the timeline, on rows of every kind."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert

from engine.errors import InvalidInput, NotFound
from engine.store import counters, ledger, manners, tables, timeline
from engine.store.session import Database

START = datetime.now(UTC).replace(microsecond=0)
STATES = ("decided", "claimed", "sent", "deferred", "skipped", "failed", "unknown")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


def add(database: Database, table: str, *rows: dict[str, Any]) -> None:
    database.transact(
        lambda connection: connection.execute(insert(tables.metadata.tables[table]), list(rows))
    )


def a_run(customer: UUID, **more: Any) -> dict[str, Any]:
    return {
        "id": uuid4(),
        "customer_id": customer,
        "journey_id": "cart",
        "version": 1,
        "plan_hash": "h",
        "entry_source": "event",
        "entry_key": "",
        "held_out": False,
        "entered_at": START,
        "ended_at": None,
        "step": None,
        "revision": 1,
        "command": {},
        "state": {},
        "goal_at": None,
        "goal_revenue": None,
        "held_at": None,
    } | more


def a_message(run: dict[str, Any], state: str, number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": uuid4(),
        "customer_id": run["customer_id"],
        "run_id": run["id"],
        "journey_id": run["journey_id"],
        "version": run["version"],
        "step": "mail",
        "visit": number,
        "channel": "email",
        "class": "marketing",
        "priority": 50,
        "template": "t",
        "state": state,
        "decided_at": START + timedelta(seconds=number // 2),
        "provider": "outbox",
    } | more


@pytest.fixture
def customer(database: Database) -> UUID:
    made = uuid4()
    add(database, "customer", {"id": made})
    return made


def test_the_ledger_gives_every_message_once_newest_first(
    database: Database, customer: UUID
) -> None:
    run = a_run(customer)
    add(database, "run", run)
    messages = [a_message(run, STATES[n % 7], n) for n in range(21)]
    add(database, "message", *messages)
    add(
        database,
        "message_transition",
        *(
            {"message_id": message["id"], "seq": n, "customer_id": customer, "at": START,
             "from": None if n == 1 else "decided", "to": message["state"], "reason": f"r{n}",
             "rule": None}
            for message in messages for n in (2, 1)
        ),
    )  # fmt: skip
    seen, cursor = [], None
    with database.read() as connection:
        while True:
            page = ledger.messages(connection, limit=4, cursor=cursor)
            seen += page.items
            cursor = page.next
            if cursor is None:
                break
        assert ledger.message(connection, messages[3]["id"])["id"] == str(messages[3]["id"])
        with pytest.raises(NotFound):
            ledger.message(connection, uuid4())
    assert sorted(item["id"] for item in seen) == sorted(str(one["id"]) for one in messages)
    assert [item["decided_at"] for item in seen] == sorted(
        (item["decided_at"] for item in seen), reverse=True
    )
    assert all([one["reason"] for one in item["transitions"]] == ["r1", "r2"] for item in seen)
    assert {item["state"]: item["result"] for item in seen} == {
        state: state if state in ledger.RESULTS else None for state in STATES
    }


def test_what_was_held_back_is_counted_and_found(database: Database, customer: UUID) -> None:
    run, at = a_run(customer), START
    add(database, "run", run)
    rows = [a_message(run, "sent", n, step=step) for n, step in enumerate(("a", "a", "b", "c"))]
    add(database, "message", *rows)

    def change(n: int, to: str, reason: str, rule: str | None, when: datetime = at,
               before: str = "decided") -> None:  # fmt: skip
        seq = next(numbers)
        add(database, "message_transition",
            {"message_id": rows[n]["id"], "seq": seq, "customer_id": customer, "at": when,
             "from": before, "to": to, "reason": reason, "rule": rule})  # fmt: skip

    numbers = iter(range(1, 20))
    change(0, "deferred", "cap", "r")
    change(0, "deferred", "cap", "r")  # once more: it is one message
    change(1, "deferred", "cap", "r")
    change(1, "skipped", "cap", "r")
    change(2, "deferred", "quiet_hours", None)
    change(3, "skipped", "no_address", None)  # no rule's doing
    change(3, "deferred", "cap", "r", at - timedelta(days=1))
    change(1, "deferred", "cap", "s", at + timedelta(seconds=9), "deferred")  # the move below
    add(database, "run_trace",
        {"run_id": run["id"], "n": 1, "customer_id": customer, "journey_id": run["journey_id"],
         "at": at + timedelta(seconds=9), "step": "a", "what": "moved",
         "data": {"from": "push", "to": "sms", "reason": "cap", "rule": "s"}})  # fmt: skip
    since, until = at, at + timedelta(hours=1)
    with database.read() as connection:
        found = manners.stopped(connection, since, until)
        assert {(one.reason, one.rule, one.how): one.messages for one in found} == {
            ("cap", "r", "deferred"): 2, ("cap", "r", "skipped"): 1, ("cap", "s", "moved"): 1,
            ("quiet_hours", None, "deferred"): 1,
        }  # fmt: skip
        for one in found:
            stops = manners.Stops(since=since, until=until, how=one.how, rule=one.rule,
                                  reason=one.reason)  # fmt: skip
            assert len(ledger.messages(connection, stops=stops).items) == one.messages, one
        moved = ledger.traced(connection, rows[1]["id"], ["moved"])
        assert [entry["data"]["to"] for entry in moved] == ["sms"]


def test_customers_are_counted_by_what_they_got(database: Database, customer: UUID) -> None:
    other, silent, run = uuid4(), uuid4(), a_run(customer)
    add(database, "customer", *({"id": id_, "addresses": {"email": "e@example.com"}}
                                for id_ in (other, silent)))  # fmt: skip
    add(database, "run", run)
    rows = [
        *(a_message(run, "sent", n, claimed_at=START) for n in range(2)),
        a_message(run, "sent", 2, claimed_at=START, **{"class": "transactional"}),
        a_message(run, "sent", 3, claimed_at=START - timedelta(days=1)),
        a_message(run, "failed", 4, claimed_at=None),
        a_message(run, "unknown", 5, claimed_at=START, customer_id=other),
    ]
    add(database, "message", *rows)
    with database.read() as connection:
        found = manners.received(connection, START, START + timedelta(days=7))
    assert (found[1], found[2]) == (1, 1)
    assert found[0] >= 0


def test_the_ledger_is_filtered(database: Database, customer: UUID) -> None:
    other = uuid4()
    add(database, "customer", {"id": other})
    here, there = a_run(customer), a_run(other, journey_id="welcome")
    add(database, "run", here, there)
    rows = [a_message(here, "sent", n, channel=channel)
            for n, channel in enumerate(("email", "sms", "push"))]  # fmt: skip
    theirs = a_message(there, "skipped", 9, step="late", provider="smtp", reason="cap",
                       rule="r", topic="news", body="b" * 300, body_text="t" * 300)  # fmt: skip
    add(database, "message", *rows)
    add(database, "message", theirs)
    with database.read() as connection:
        for wanted, count in (
            ({}, 4),
            ({"customer": customer}, 3),
            ({"customer": other}, 1),
            ({"journey": "welcome"}, 1),
            ({"step": "late"}, 1),
            ({"result": "sent"}, 3),
            ({"channel": "sms"}, 1),
            ({"provider": "smtp"}, 1),
            ({"reason": "cap"}, 1),
            ({"rule": "r"}, 1),
            ({"topic": "news"}, 1),
            ({"until": START + timedelta(seconds=1)}, 2),
            ({"customer": [customer, other]}, 4),
            ({"customer": []}, 0),
            ({"run": there["id"]}, 1),
            ({"since": START + timedelta(seconds=1)}, 2),
            ({"customer": customer, "result": "skipped"}, 0),
        ):
            assert len(ledger.messages(connection, **wanted).items) == count, wanted
        short = ledger.messages(connection, rule="r", whole=False).items[0]
        assert (short["body"], len(short["text"])) == (None, 200)
        with pytest.raises(InvalidInput):
            ledger.messages(connection, result="lost")
        with pytest.raises(InvalidInput):
            ledger.messages(connection, cursor="nonsense")


def test_the_counters_tell_runs_messages_and_arms(database: Database, customer: UUID) -> None:
    runs = [
        a_run(customer, step="mail"),
        a_run(customer, step="pause", version=2),
        a_run(customer, ended_at=START, step="mail", goal_at=START, goal_revenue="19.90"),
        a_run(customer, ended_at=START, goal_at=START, goal_revenue="0.10"),
        a_run(customer, held_out=True, goal_at=START, goal_revenue="100"),
    ]
    add(database, "run", *runs)
    add(database, "message", *(a_message(runs[0], state, n) for n, state in enumerate(STATES)))
    traced = [
        (0, "reached", "mail", {}),
        (0, "drew", "mail", {"arm": "plain"}),
        (1, "reached", "mail", {}),
        (1, "drew", "mail", {"arm": "gift"}),
        (2, "chose", "vip", {"arm": "gold"}),
        (3, "chose", "vip", {"arm": "gold"}),
        (3, "timed_out", "opened", {}),
        (3, "ended", None, {"reason": "completed"}),
    ]
    add(
        database,
        "run_trace",
        *(
            {"run_id": runs[run]["id"], "n": n, "customer_id": customer, "journey_id": "cart",
             "at": START, "step": step, "what": what, "data": data}
            for n, (run, what, step, data) in enumerate(traced)
        ),
    )  # fmt: skip
    with database.read() as connection:
        counted = counters.counters(connection, "cart")
        second = counters.counters(connection, "cart", 2)
    totals = {key: value for key, value in counted.items() if key != "steps"}
    assert totals == {
        "journey": "cart", "version": None, "entered": 4, "active": 2, "ended": 2,
        "held": 0, "held_out": 1, "goal": 2, "revenue": "20.00",
    }  # fmt: skip
    assert counted["steps"]["mail"] == {
        "entered": 2, "waiting": 1, "held": 0, "sent": 1, "deferred": 1, "skipped": 1, "failed": 1,
        "unknown": 1, "opened": 0, "clicked": 0, "arms": {"plain": 1, "gift": 1},
    }  # fmt: skip
    assert counted["steps"]["vip"]["arms"] == {"gold": 2}
    assert counted["steps"]["opened"]["arms"] == {"else": 1}
    assert second["entered"] == 1
    assert second["steps"]["mail"]["arms"] == {"gift": 1}
    assert second["steps"]["pause"]["waiting"] == 1


def test_the_counters_of_a_period_count_what_began_in_it(
    database: Database, customer: UUID
) -> None:
    days = [START - timedelta(days=n) for n in range(4)]
    runs = [
        a_run(customer, entered_at=days[0], step="mail"),
        a_run(customer, entered_at=days[1], step="mail", held_at=START),
        a_run(customer, entered_at=days[2], ended_at=START, goal_at=START, goal_revenue="5"),
        a_run(customer, entered_at=days[2], held_out=True),
    ]
    add(database, "run", *runs)
    sent = [
        a_message(runs[n], "sent", n, decided_at=days[n], opened_at=opened, clicked_at=None)
        for n, opened in enumerate((None, START, START))
    ]
    add(database, "message", *sent)
    add(
        database,
        "run_trace",
        *(
            {"run_id": runs[n]["id"], "n": k, "customer_id": customer, "journey_id": "cart",
             "at": days[n], "step": "mail", "what": what, "data": {"arm": "a"} if k else {}}
            for n in range(3) for k, what in enumerate(("reached", "hurried"))
        ),
    )  # fmt: skip

    def counted(**period: datetime) -> dict[str, Any]:
        with database.read() as connection:
            return counters.counters(connection, "cart", **period)

    whole, two, one = counted(), counted(since=days[1]), counted(since=days[1], until=days[0])
    told = ("entered", "ended", "goal", "revenue", "held_out")
    assert [whole[name] for name in told] == [3, 1, 1, "5", 1]
    assert [two[name] for name in told] == [2, 0, 0, "0", 0]
    assert [one[name] for name in told] == [1, 0, 0, "0", 0]
    steps = [found["steps"]["mail"] for found in (whole, two, one)]
    assert [step["entered"] for step in steps] == [3, 2, 1]
    assert [step["arms"] for step in steps] == [{"a": 3}, {"a": 2}, {"a": 1}]
    assert [(step["sent"], step["opened"]) for step in steps] == [(3, 2), (2, 1), (1, 1)]
    # How things stand now is the same whatever the period.
    assert {(found["active"], found["held"]) for found in (whole, two, one)} == {(2, 1)}
    assert {(step["waiting"], step["held"]) for step in steps} == {(2, 1)}


def test_the_timeline_goes_back_in_the_customers_own_order(
    database: Database, customer: UUID
) -> None:
    add(
        database,
        "event",
        *(
            {"customer_id": customer, "seq": n, "received_at": START, "id": uuid4(),
             "occurred_at": START - timedelta(days=n % 3), "name": f"E{n}", "source": "s"}
            for n in range(1, 8)
        ),
    )  # fmt: skip
    with database.read() as connection:
        first = timeline.timeline(connection, customer, limit=5)
        rest = timeline.timeline(connection, customer, limit=5, cursor=first.next)
    names = [item["name"] for item in first.items + rest.items]
    assert names == [f"E{n}" for n in range(7, 0, -1)]
    assert rest.next is None
