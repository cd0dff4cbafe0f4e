"""Files of events and customers come in once, whole, and what is wrong with them is kept apart."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from engine.errors import InvalidInput, Unavailable
from engine.flow import history, materials
from engine.flow.intake import Incoming, receive
from engine.flow.publish import publish, save_journey
from engine.model.actor import COMMAND_LINE
from engine.model.document import parse_journey
from engine.model.segment import Segment
from engine.model.template import Template
from engine.store import tables
from engine.store.session import Database
from parcours.imports import job
from parcours.imports.checkpoint import place_of
from parcours.imports.job import Report, import_customers, import_events, rejects_of

START = datetime(2025, 3, 1, 9, tzinfo=UTC)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    found = Database(database_url, pool_size=8)
    yield found
    found.close()


def rows(database: Database, table: Any, *order: Any) -> list[Any]:
    with database.read() as connection:
        return list(connection.execute(select(table).order_by(*order)).all())


def order(n: int, user: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "track",
        "messageId": f"m{n}",
        "userId": user,
        "event": "Order Completed",
        "properties": {"total": n},
        "timestamp": (START + timedelta(hours=n)).isoformat(),
        **more,
    }


def write(file: Path, lines: list[Any]) -> Path:
    file.write_text(
        "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    )
    return file


def events(database: Database, file: Path, **more: Any) -> Report:
    options = {"start_journeys": False, "resume": False, **more}
    return import_events(database, file, "csv" if file.suffix == ".csv" else "jsonl", **options)


def test_events_keep_the_order_and_the_time_of_the_file(database: Database, tmp_path: Path) -> None:
    lines = [order(n, f"u{n % 7}") for n in range(500)]
    began = datetime.now(UTC)
    report = events(database, write(tmp_path / "orders.jsonl", lines))
    assert (report.accepted, report.known, report.rejected) == (500, 0, 0)
    e = tables.event.c
    stored = rows(database, tables.event, e.customer_id, e.seq)
    assert len(stored) == 500
    counters = {row.id: (row.seq, row.last_at) for row in rows(database, tables.customer)}
    assert len(counters) == 7
    for id, (seq, last) in counters.items():
        hers = [row for row in stored if row.customer_id == id]
        assert [row.seq for row in hers] == list(range(1, seq + 1))
        assert hers == sorted(hers, key=lambda row: row.received_at)
        assert hers == sorted(hers, key=lambda row: row.occurred_at)
        assert began <= hers[0].received_at
        assert hers[-1].received_at == last
        assert {row.source for row in hers} == {"import"}
    total = {row.properties["total"]: row.occurred_at for row in stored}
    assert total[499] == START + timedelta(hours=499)


def test_the_same_file_again_changes_nothing(database: Database, tmp_path: Path) -> None:
    without_id = order(3, "u", messageId=None)
    file = write(tmp_path / "orders.jsonl", [order(1, "u"), order(1, "u"), without_id, without_id])
    first, second = events(database, file), events(database, file)
    assert (first.accepted, first.known) == (4, 2)
    assert (second.accepted, second.known) == (4, 4)
    assert len(rows(database, tables.event)) == 2
    assert not place_of(file).exists()
    assert not rejects_of(file).exists()


def test_identities_as_on_arrival(database: Database, tmp_path: Path) -> None:
    receive(
        database,
        [
            Incoming(source="s", message_id="1", kind="track", name="X", anonymous_id="anna"),
            Incoming(source="s", message_id="2", kind="track", name="X", user_id="bob"),
        ],
    )
    lines = [
        order(1, "ann", anonymousId="anna"),
        order(2, "ann"),
        order(3, "bob", anonymousId="anna"),
        order(4, "", anonymousId="new"),
        {
            **order(5, "ann"),
            "type": "identify",
            "traits": {"email": "ann@example.com", "tier": "gold"},
        },
    ]
    assert events(database, write(tmp_path / "x.jsonl", lines)).rejected == 0
    owners = {
        (row.namespace, row.value): row.customer_id for row in rows(database, tables.identity)
    }
    assert owners["external_id", "ann"] == owners["anonymous_id", "anna"]
    assert owners["external_id", "bob"] != owners["external_id", "ann"]
    assert len(set(owners.values())) == 3
    known = {row.id: row for row in rows(database, tables.customer)}
    ann = known[owners["external_id", "ann"]]
    assert ann.traits == {"email": "ann@example.com", "tier": "gold"}
    assert ann.addresses == {"email": "ann@example.com"}
    assert ann.seq == 4  # one on arrival, three out of the file
    assert known[owners["external_id", "bob"]].seq == 2


def test_a_date_to_come_is_taken_for_now_and_marked(database: Database, tmp_path: Path) -> None:
    soon = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    events(database, write(tmp_path / "x.jsonl", [order(1, "u", timestamp=soon)]))
    (stored,) = rows(database, tables.event)
    assert stored.future
    assert stored.occurred_at == stored.received_at


def test_rejected_lines_are_kept_with_their_reasons(database: Database, tmp_path: Path) -> None:
    bad = [
        "{",
        order(2, ""),
        order(3, "u", timestamp="0000-00-00"),
        order(4, "u\0"),
        "x" * 2_000_000,
    ]
    file = write(tmp_path / "orders.jsonl", [order(1, "u"), *bad, order(9, "u")])
    report = events(database, file)
    assert (report.accepted, report.rejected) == (2, 5)
    kept = [json.loads(line) for line in rejects_of(file).read_text().splitlines()]
    assert [line["line"] for line in kept] == [2, 3, 4, 5, 6]
    assert all(line["reason"] for line in kept)
    assert kept[0]["text"] == "{"
    assert len(kept[4]["text"]) < 100_000
    assert rejects_of(file).stat().st_mode & 0o077 == 0


def test_a_table_of_events(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_bytes(
        b"\xef\xbb\xbfuserId;event;timestamp;messageId;properties.total\r\n"
        b"007;Order Completed;2025-03-01 10:00;a;59.90\r\n"
        b"007;Order Completed;2025-03-02T10:00:00+01:00;b;12\r\n"
        b";Order Completed;2025-03-02T10:00:00+01:00;c;12\r\n"
    )
    report = events(database, file)
    assert (report.accepted, report.rejected) == (2, 1)
    totals = [row.properties for row in rows(database, tables.event, tables.event.c.seq)]
    assert totals == [{"total": 59.9}, {"total": 12}]


def test_an_interrupted_import_goes_on_where_it_stopped(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "AT_ONCE", 10)
    lines: list[Any] = [order(n, f"u{n % 5}") for n in range(95)]
    lines[3] = lines[33] = lines[73] = "{"
    file = write(tmp_path / "orders.jsonl", lines)
    calls = iter(range(100))

    def failing(database: Database, some: list[Incoming]) -> int:
        if next(calls) == 4:
            raise Unavailable("The database does not answer.")
        return history.add_events(database, some)

    monkeypatch.setattr(job, "add_events", failing)
    with pytest.raises(Unavailable):
        events(database, file)
    assert len(rows(database, tables.event)) == 38
    monkeypatch.setattr(job, "add_events", history.add_events)
    report = events(database, file, resume=True)
    assert (report.accepted, report.known, report.rejected) == (92, 0, 3)
    assert len(rows(database, tables.event)) == 92
    kept = rejects_of(file).read_text().splitlines()
    assert [json.loads(line)["line"] for line in kept] == [4, 34, 74]
    with pytest.raises(InvalidInput, match="nothing to resume"):
        events(database, file, resume=True)


def test_only_the_same_file_is_resumed(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(database: Database, some: list[Incoming]) -> int:
        raise Unavailable("The database does not answer.")

    file = write(tmp_path / "orders.jsonl", ["{", order(1, "u")])
    events(database, file)
    monkeypatch.setattr(job, "add_events", failing)
    monkeypatch.setattr(job, "AT_ONCE", 1)
    with pytest.raises(Unavailable):
        events(database, file)
    assert place_of(file).exists()
    write(file, ["{", order(1, "u"), order(2, "u")])
    with pytest.raises(InvalidInput, match="not what was being imported"):
        events(database, file, resume=True)
    place_of(file).write_text("{")
    with pytest.raises(InvalidInput, match="cannot be read"):
        events(database, file, resume=True)


JOURNEY = """
id: first-order
name: First order
entry: {on: {event: Order Completed}, max_age: 1d}
topic: offers
steps:
  - {id: cool, type: wait, for: 1h}
"""


def test_history_starts_no_journey_unless_asked(database: Database, tmp_path: Path) -> None:
    save_journey(database, parse_journey(JOURNEY), actor=COMMAND_LINE)
    publish(database, "first-order", actor=COMMAND_LINE)
    just_now = (datetime.now(UTC) - timedelta(minutes=5)).isoformat()
    lines = [order(n, f"u{n}", timestamp=just_now) for n in range(3)]
    events(database, write(tmp_path / "a.jsonl", lines))
    assert rows(database, tables.run) == []
    fresh = [order(n, f"u{n}", timestamp=just_now) for n in range(10, 13)]
    old = [order(n, f"v{n}") for n in range(20, 23)]
    events(database, write(tmp_path / "b.jsonl", fresh + old), start_journeys=True)
    assert len(rows(database, tables.run)) == 3
    assert {row.reason for row in rows(database, tables.entry_refusal)} == {"late"}
    assert len(rows(database, tables.wake)) == 3


def test_imports_and_arrivals_at_the_same_time_leave_no_gap(
    database: Database, tmp_path: Path
) -> None:
    users = [f"u{n}" for n in range(20)]
    files = [
        write(
            tmp_path / f"{name}.jsonl",
            [order(n, users[n % 20], messageId=f"{name}{n}") for n in range(400)],
        )
        for name in "abc"
    ]

    def arrive(worker: int) -> None:
        for n in range(60):
            user = users[(n + worker) % 20]
            one = Incoming(
                source="live", message_id=f"{worker}-{n}", kind="track", name="X", user_id=user
            )
            receive(database, [one])

    with ThreadPoolExecutor(6) as threads:
        work: list[Callable[[], Any]] = [lambda file=file: events(database, file) for file in files]
        work += [lambda worker=worker: arrive(worker) for worker in range(3)]
        for done in [threads.submit(one) for one in work]:
            done.result()
    assert len(rows(database, tables.customer)) == 20
    with database.read() as connection:
        wrong = connection.execute(
            text(
                "SELECT c.id FROM customer c JOIN event e ON e.customer_id = c.id GROUP BY c.id "
                "HAVING count(*) <> c.seq OR max(e.seq) <> c.seq OR max(e.received_at) <> c.last_at"
            )
        ).all()
        count = connection.execute(text("SELECT count(*) FROM event")).scalar_one()
    assert wrong == []
    assert count == 3 * 400 + 3 * 60


def builds(database: Database) -> dict[str, int]:
    return {row.id: row.build for row in rows(database, tables.segment)}


def test_segments_that_mention_what_came_in_are_built_anew(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = {
        "buyers": {"event": "Order Completed"},
        "viewers": {"event": "Product Viewed"},
        "gold": {"trait": "tier", "eq": "gold"},
        "reach": {"reachable": "email"},
    }
    for id_, rule in rules.items():
        segment = Segment.model_validate({"id": id_, "name": id_, "rule": rule})
        materials.put_segment(database, segment, actor=COMMAND_LINE)
    before = builds(database)
    monkeypatch.setattr(job, "AT_ONCE", 1)
    events(database, write(tmp_path / "a.jsonl", [order(1, "u"), order(2, "u")]))
    assert builds(database) == {**before, "buyers": before["buyers"] + 1}
    before = builds(database)
    lines = [{"userId": "u", "traits": {"tier": "gold", "email": "u@example.com"}}]
    customers(database, write(tmp_path / "b.jsonl", lines))
    risen = {**before, "gold": before["gold"] + 1, "reach": before["reach"] + 1}
    assert builds(database) == risen


def customers(database: Database, file: Path) -> Report:
    return import_customers(
        database, file, "csv" if file.suffix == ".csv" else "jsonl", resume=False
    )


def test_customers_are_made_and_added_to(database: Database, tmp_path: Path) -> None:
    receive(
        database,
        [
            Incoming(
                source="s",
                message_id="1",
                kind="identify",
                name="Customer Identified",
                user_id="2",
                traits={"city": "Lyon", "tier": "gold", "phone": "+33639980001"},
            )
        ],
    )
    lines: list[Any] = [
        {"userId": "1", "traits": {"email": "ann@example.com"}, "locale": "en"},
        {"external_id": 2, "traits": {"email": "bob@example.com", "tier": None, "phone": None}},
        {"userId": "1", "traits": {"city": "Paris"}, "time_zone": "Europe/Paris"},
        {"userId": "3", "traits": {"email": "no address"}},
        {"traits": {"email": "x@example.com"}},
    ]
    file = write(tmp_path / "customers.jsonl", lines)
    report = customers(database, file)
    assert (report.accepted, report.known, report.rejected) == (3, 2, 2)
    owners = {row.value: row.customer_id for row in rows(database, tables.identity)}
    known = {row.id: row for row in rows(database, tables.customer)}
    ann, bob = known[owners["1"]], known[owners["2"]]
    assert ann.traits == {"email": "ann@example.com", "city": "Paris"}
    assert (ann.addresses, ann.locale, ann.time_zone) == (
        {"email": "ann@example.com"},
        "en",
        "Europe/Paris",
    )
    assert bob.traits == {"city": "Lyon", "email": "bob@example.com"}
    assert bob.addresses == {"email": "bob@example.com"}
    assert bob.seq == 1
    again = customers(database, file)
    assert (again.accepted, again.known) == (3, 3)
    assert {row.id: row for row in rows(database, tables.customer)} == known


def test_a_table_of_customers(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    file.write_text("external_id,email,points\n0042,ann@example.com,12\n0043,nonsense,1\n")
    report = customers(database, file)
    assert (report.accepted, report.rejected) == (1, 1)
    (ann,) = rows(database, tables.customer)
    assert ann.traits == {"email": "ann@example.com", "points": 12}


def test_customers_brought_in_twice_at_the_same_time_are_made_once(
    database: Database, tmp_path: Path
) -> None:
    lines = [{"userId": str(n), "traits": {"n": n}} for n in range(300)]
    files = [write(tmp_path / f"{name}.jsonl", lines) for name in "abcd"]
    with ThreadPoolExecutor(4) as threads:
        made = sum(report.accepted - report.known for report in
                   threads.map(lambda file: customers(database, file), files))  # fmt: skip
    assert made == 300
    assert len(rows(database, tables.customer)) == 300


def test_a_message_can_be_made_from_what_was_imported(database: Database, tmp_path: Path) -> None:
    template = {
        "id": "hello",
        "name": "Hello",
        "channel": "email",
        "locales": {"en": {"subject": "Hi", "body": "Hi"}},
    }
    materials.put_template(database, Template.model_validate(template), actor=COMMAND_LINE)
    send = "steps:\n  - {id: s, type: send, channel: email, template: hello}\n"
    save_journey(
        database, parse_journey(JOURNEY.split("steps:", maxsplit=1)[0] + send), actor=COMMAND_LINE
    )
    publish(database, "first-order", actor=COMMAND_LINE)
    lines = [{"userId": "1", "traits": {"email": "ann@example.com"}}]
    customers(database, write(tmp_path / "customers.jsonl", lines))
    receive(
        database,
        [Incoming(source="s", message_id="1", kind="track", name="Order Completed", user_id="1")],
    )
    (message,) = rows(database, tables.message)
    assert (message.channel, message.state) == ("email", "decided")
