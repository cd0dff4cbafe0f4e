"""Imports begun on a page: checked without storing anything, carried out once, whatever dies."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text, update

from engine.errors import Conflict, InvalidInput
from engine.flow import importing
from engine.flow.importing import Folder
from engine.flow.imports import portions
from engine.flow.imports.mapping import Assigned, Column
from engine.flow.intake import Incoming, receive
from engine.flow.materials import put_segment
from engine.flow.publish import publish, save_journey
from engine.model.actor import COMMAND_LINE
from engine.model.document import parse_journey
from engine.model.segment import Segment
from engine.store import imports, tables
from engine.store.imports import Job
from engine.store.session import Database
from parcours.imports.job import import_events

ORDERS = "N° client;Date de commande;Montant;Article\n"


class Imports:
    """What a page does, and a dispatcher."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.folder = Folder(folder)

    def begin(self, content: str | bytes, name: str = "orders.csv", about: Any = "events") -> Job:
        given = self.folder.path / "given.part"
        given.write_bytes(content.encode() if isinstance(content, str) else content)
        return importing.begin(self.database, self.folder, given, about, name, actor=COMMAND_LINE)

    def mapped(self, job: Job, event: str = "Order Completed") -> Assigned | None:
        if job.mapping is None:
            return None
        found = importing.assigned(job.mapping)
        return Assigned(found.columns, event)

    def check(self, job: Job, **more: Any) -> Job:
        importing.assign(
            self.database, self.folder, job.id, self.mapped(job, **more), actor=COMMAND_LINE
        )
        return self.work(job)

    def run(self, job: Job, *, start_journeys: bool = False) -> Job:
        importing.start(
            self.database, self.folder, job.id, start_journeys=start_journeys, actor=COMMAND_LINE
        )
        return self.work(job)

    def work(self, job: Job) -> Job:
        while importing.portion(self.database, self.folder):
            pass
        return self.get(job.id)

    def get(self, id_: UUID) -> Job:
        with self.database.read() as connection:
            return imports.get(connection, id_)

    def rows(self, table: Any, *order: Any) -> list[Any]:
        with self.database.read() as connection:
            return list(connection.execute(select(table).order_by(*order)).all())

    def files(self) -> set[str]:
        return {file.name.partition(".")[2] for file in self.folder.path.iterdir()}


@pytest.fixture
def brought(database_url: str, tmp_path: Path) -> Iterator[Imports]:
    database = Database(database_url)
    yield Imports(database, tmp_path / "imports")
    database.close()


def order(n: int, user: str, **more: Any) -> str:
    call = {
        "messageId": f"m{n}",
        "userId": user,
        "event": "Order Completed",
        "properties": {"total": n},
        "timestamp": (datetime(2025, 3, 1, tzinfo=UTC) + timedelta(hours=n % 5000)).isoformat(),
        **more,
    }
    return json.dumps(call) + "\n"


def test_a_french_spreadsheet_is_checked_then_carried_out(brought: Imports) -> None:
    rows = "7;31.01.2025;1 234,50;Écharpe\n7;01.02.2025;59,90;Gants\n8;32.01.2025;12,00;Gants\n"
    job = brought.begin((ORDERS + rows).encode("cp1252"))
    assert job.columns == ["N° client", "Date de commande", "Montant", "Article"]
    assert importing.assigned(job.mapping or {}).columns == (
        Column("N° client", "external_id", "auto"),
        Column("Date de commande", "timestamp", "dmy"),
        Column("Montant", "property:total", "comma"),
        Column("Article", "property:sku", "auto"),
    )
    job = brought.check(job)
    assert (job.state, job.accepted, job.rejected) == ("checked", 2, 1)
    assert (job.customers_new, job.customers_known) == (1, 0)
    assert job.reasons == {"Date de commande: … is no date like 31.01.2026": [1, 4]}
    assert brought.rows(tables.customer) == brought.rows(tables.event_key) == []
    job = brought.run(job)
    assert (job.state, job.accepted, job.known, job.rejected) == ("done", 2, 0, 1)
    first, second = brought.rows(tables.event, tables.event.c.seq)
    assert first.properties == {"total": 1234.5, "sku": "Écharpe"}
    assert (first.name, first.source) == ("Order Completed", "import")
    assert second.occurred_at == datetime(2025, 1, 31, 23, tzinfo=UTC)  # midnight in Zürich
    rejects = brought.folder.rejects(job.id)
    assert [json.loads(line)["line"] for line in rejects.read_text().splitlines()] == [4]
    assert rejects.stat().st_mode & 0o077 == 0
    assert brought.files() == {"rejected.jsonl"}


def test_times_without_a_zone_are_the_shops(brought: Imports) -> None:
    settings = {"time_zone": "America/New_York"}
    brought.database.transact(
        lambda c: c.execute(update(tables.workspace).values(settings=settings))
    )
    job = brought.begin("client,date\n1,2025-01-31 10:00\n2,2025-01-31T10:00:00Z\n")
    brought.run(brought.check(job))
    at = [row.occurred_at.hour for row in brought.rows(tables.event, tables.event.c.occurred_at)]
    assert at == [10, 15]


def test_customers_come_with_another_kind_of_id_and_addresses(brought: Imports) -> None:
    content = (
        "Carte fidélité,Prénom,E-mail,Téléphone,Naissance\n"
        "0042,Ada,ADA@Example.com,+41 44 668 18 00,10.12.1990\n"
        "0043,Bob,no address,,\n"
    )
    job = brought.check(brought.begin(content, "clients.csv", "customers"))
    assert (job.accepted, job.rejected, job.customers_new) == (1, 1, 1)
    job = brought.run(job)
    assert (job.accepted, job.known) == (1, 0)
    (identity,) = brought.rows(tables.identity)
    assert (identity.namespace, identity.value) == ("loyalty_card", "0042")
    (ada,) = brought.rows(tables.customer)
    assert ada.addresses == {"email": "ADA@example.com", "phone": "+41446681800"}
    assert ada.traits["birthday"] == "1990-12-10"
    again = brought.check(brought.begin(content, "clients.csv", "customers"))
    assert (again.customers_new, again.customers_known) == (0, 1)


def test_a_check_stores_nothing_and_knows_who_is_new(brought: Imports) -> None:
    receive(
        brought.database,
        [Incoming(source="s", message_id="1", kind="track", name="X", user_id="u0")],
    )
    before = {table.name: len(brought.rows(table)) for table in tables.metadata.sorted_tables}
    job = brought.begin("".join(order(n, f"u{n % 7}") for n in range(100)), "a.jsonl")
    assert job.mapping is None
    job = brought.check(job)
    assert (job.accepted, job.customers_new, job.customers_known) == (100, 6, 1)
    after = {table.name: len(brought.rows(table)) for table in tables.metadata.sorted_tables}
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"import_job", "audit"}


def test_history_is_as_the_command_lines(brought: Imports, tmp_path: Path) -> None:
    lines = [order(n, f"u{n % 5}", anonymousId=f"a{n % 3}") for n in range(200)]
    lines += [order(300, "u1", type="identify", traits={"email": "u@example.com"}), "{\n"]
    job = brought.run(brought.check(brought.begin("".join(lines), "a.jsonl")))
    mine = _told(brought)
    file = tmp_path / "b.jsonl"
    file.write_text("".join(lines))
    report = import_events(brought.database, file, "jsonl", start_journeys=False, resume=False)
    assert (job.accepted, job.rejected) == (report.accepted, report.rejected) == (201, 1)
    assert report.known == 201
    assert _told(brought) == mine


def _told(brought: Imports) -> Any:
    return [
        brought.rows(tables.event, tables.event.c.id),
        brought.rows(tables.customer, tables.customer.c.id),
        brought.rows(tables.identity, tables.identity.c.value),
    ]


JOURNEY = """
id: first-order
name: First order
entry: {on: {event: Order Completed}, max_age: 1d}
topic: offers
steps:
  - {id: cool, type: wait, for: 1h}
"""


def test_history_starts_no_journey_unless_asked(brought: Imports) -> None:
    save_journey(brought.database, parse_journey(JOURNEY), actor=COMMAND_LINE)
    publish(brought.database, "first-order", actor=COMMAND_LINE)
    just_now = (datetime.now(UTC) - timedelta(minutes=5)).isoformat()
    content = "".join(order(n, f"u{n}", timestamp=just_now) for n in range(3))
    brought.run(brought.check(brought.begin(content, "a.jsonl")))
    assert brought.rows(tables.run) == []
    content = "".join(order(n, f"u{n}", timestamp=just_now) for n in range(2, 205))
    job = brought.run(brought.check(brought.begin(content, "b.jsonl")), start_journeys=True)
    assert (job.accepted, job.known) == (203, 1)
    assert len(brought.rows(tables.run)) == 202


def test_segments_are_built_anew_once_at_the_end(brought: Imports) -> None:
    rule = {"event": "Order Completed"}
    segment = Segment.model_validate({"id": "buyers", "name": "Buyers", "rule": rule})
    put_segment(brought.database, segment, actor=COMMAND_LINE)
    (before,) = brought.rows(tables.segment)
    job = brought.check(brought.begin(order(1, "u") + order(2, "v"), "a.jsonl"))
    (checked,) = brought.rows(tables.segment)
    assert checked.build == before.build
    brought.run(job)
    (after,) = brought.rows(tables.segment)
    assert after.build == before.build + 1


def test_the_mapping_is_remembered_for_the_next_file(brought: Imports) -> None:
    content = "client;date;a;b\n1;2025-01-31;x;y\n"
    job = brought.begin(content)
    columns = importing.assigned(job.mapping or {}).columns
    mine = Assigned((*columns[:2], Column("a", "property:colour", "text"), Column("b")), "Seen")
    importing.assign(brought.database, brought.folder, job.id, mine, actor=COMMAND_LINE)
    again = brought.begin("b;a;date;client\ny;x;2025-01-31;1\n")
    assert importing.assigned(again.mapping or {}) == mine
    other = brought.begin("client;date;a\n1;2025-01-31;x\n")
    assert importing.assigned(other.mapping or {}).event == ""


def test_a_cancelled_import_leaves_what_is_stored(brought: Imports) -> None:
    content = "".join(order(n, f"u{n}") for n in range(6000))
    job = brought.check(brought.begin(content, "a.jsonl"))
    importing.start(
        brought.database, brought.folder, job.id, start_journeys=False, actor=COMMAND_LINE
    )
    assert importing.portion(brought.database, brought.folder)
    importing.cancel(brought.database, brought.folder, job.id, actor=COMMAND_LINE)
    assert not importing.portion(brought.database, brought.folder)
    assert len(brought.rows(tables.event)) == portions.AT_ONCE
    assert brought.get(job.id).state == "cancelled"
    assert brought.files() == set()
    with pytest.raises(Conflict):
        importing.cancel(brought.database, brought.folder, job.id, actor=COMMAND_LINE)


DISPATCHER = """
import sys
from pathlib import Path
from engine.flow import importing
from engine.store.session import Database
database = Database(sys.argv[1])
folder = importing.Folder(Path(sys.argv[2]))
print("ready", flush=True)
while importing.portion(database, folder):
    pass
"""


def test_whoever_dies_another_goes_on_exactly_there(
    brought: Imports, database_url: str, tmp_path: Path
) -> None:
    lines = [order(n, f"u{n % 50}") for n in range(20_000)]
    lines[7] = lines[15_007] = "{\n"
    job = brought.check(brought.begin("".join(lines), "a.jsonl"))
    importing.start(
        brought.database, brought.folder, job.id, start_journeys=False, actor=COMMAND_LINE
    )
    killed = 0
    while brought.get(job.id).state == "running" and killed < 3:
        arguments = [sys.executable, "-c", DISPATCHER, database_url, str(brought.folder.path)]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE) as dispatcher:
            assert dispatcher.stdout is not None
            assert dispatcher.stdout.readline() == b"ready\n"
            time.sleep(0.4 + 0.3 * killed)
            os.kill(dispatcher.pid, signal.SIGKILL)
        killed += 1
    job = brought.work(job)
    assert (job.state, job.accepted, job.known, job.rejected) == ("done", 19_998, 0, 2)
    assert len(brought.rows(tables.event)) == 19_998
    kept = brought.folder.rejects(job.id).read_text().splitlines()
    assert [json.loads(line)["line"] for line in kept] == [8, 15_008]
    with brought.database.read() as connection:
        wrong = connection.execute(
            text(
                "SELECT c.id FROM customer c JOIN event e ON e.customer_id = c.id GROUP BY c.id "
                "HAVING count(*) <> c.seq OR max(e.seq) <> c.seq"
            )
        ).all()
    assert wrong == []


def test_several_dispatchers_do_each_portion_once(brought: Imports) -> None:
    content = "".join(order(n, f"u{n % 50}") for n in range(20_000))
    job = brought.check(brought.begin(content, "a.jsonl"))
    importing.start(
        brought.database, brought.folder, job.id, start_journeys=False, actor=COMMAND_LINE
    )
    with ThreadPoolExecutor(3) as threads:
        for done in [threads.submit(brought.work, job) for _ in range(3)]:
            done.result()
    job = brought.work(job)
    assert (job.state, job.accepted, job.known) == ("done", 20_000, 0)


def test_a_file_that_is_elsewhere_fails_and_can_go_on(brought: Imports) -> None:
    job = brought.check(brought.begin(order(1, "u"), "a.jsonl"))
    importing.start(
        brought.database, brought.folder, job.id, start_journeys=False, actor=COMMAND_LINE
    )
    file = brought.folder.file(job.id)
    file.rename(file.with_suffix(".away"))
    job = brought.work(job)
    assert (job.state, job.error, job.failed_in) == ("failed", importing.GONE, "running")
    file.with_suffix(".away").rename(file)
    importing.try_again(brought.database, job.id, actor=COMMAND_LINE)
    assert brought.work(job).state == "done"


def test_what_breaks_one_import_does_not_hold_up_the_others(
    brought: Imports, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = brought.begin(order(1, "u"), "a.jsonl")
    fine = brought.begin(order(2, "u"), "b.jsonl")
    for job in (broken, fine):
        importing.assign(brought.database, brought.folder, job.id, None, actor=COMMAND_LINE)
    calls = iter([ZeroDivisionError("userId u")])
    met = importing._met

    def failing(*arguments: Any) -> Any:
        for error in calls:
            raise error
        return met(*arguments)

    monkeypatch.setattr(importing, "_met", failing)
    brought.work(fine)
    assert brought.get(broken.id).error == importing.BROKEN
    assert brought.get(fine.id).state == "checked"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"\n\n", "name"),
        (b"a,a\n1,2\n", "twice"),
        (b"a,b\n", "nothing"),
        (b"{\n{\n", "nothing"),
        (",".join(f"c{n}" for n in range(300)).encode() + b"\n", "nothing"),
    ],
)
def test_a_file_of_which_nothing_can_be_made_is_refused(
    brought: Imports, content: bytes, said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        brought.begin(content)
    assert brought.files() == set()


def test_a_file_of_utf_16_is_read(brought: Imports) -> None:
    content = "client\tdate\tVille\n1\t2025-01-31\tGenève\n".encode("utf-16")
    job = brought.run(brought.check(brought.begin(content, "a.txt")))
    (event,) = brought.rows(tables.event)
    assert event.properties == {"Ville": "Genève"}
    assert job.state == "done"


def test_files_are_deleted_in_the_end(brought: Imports) -> None:
    old = brought.check(brought.begin(order(1, "u") + "{\n", "a.jsonl"))
    new = brought.begin(order(1, "u"), "b.jsonl")
    stray = brought.folder.path / "stray.part"
    stray.touch()
    now = datetime.now(UTC)
    os.utime(stray, (now.timestamp() - 90_000, now.timestamp() - 90_000))
    brought.database.transact(
        lambda c: imports.change(c, old.id, {"moved_at": now - timedelta(days=8)})
    )
    importing.sweep(brought.database, brought.folder, now)
    left = {file.name for file in brought.folder.path.iterdir()}
    assert left == {f"{new.id}.file"}
    assert not brought.get(old.id).kept
    with pytest.raises(Conflict, match="once more"):
        importing.start(
            brought.database, brought.folder, old.id, start_journeys=False, actor=COMMAND_LINE
        )


def test_it_is_in_the_record_of_changes(brought: Imports) -> None:
    brought.run(brought.check(brought.begin(order(1, "ada@example.com"), "a.jsonl")))
    rows = brought.rows(tables.audit, tables.audit.c.id)
    assert [(row.action, row.kind) for row in rows] == [
        ("upload", "import"),
        ("check", "import"),
        ("start", "import"),
    ]
    assert "ada@" not in json.dumps([[row.before, row.after] for row in rows])
