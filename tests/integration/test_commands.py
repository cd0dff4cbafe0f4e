"""The commands for keys, journeys, imports, the demo and recovery, as a script meets them."""

import asyncio
import json
import shutil
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

import journeys
from engine.flow.intake import Incoming, receive
from engine.gateway import connect
from engine.settings import Settings
from engine.store import keys, tables
from engine.store.session import Database
from parcours import cli
from parcours.demo import madeup

LIBRARY = Path(journeys.__file__).parent

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def anywhere(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Run:
    """Runs `parcours` in an empty folder, without a database; gives code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "TEMPORAL_ADDRESS"):
        monkeypatch.delenv(f"PARCOURS_{name}", raising=False)
    monkeypatch.setenv("PARCOURS_DATA_DIR", str(tmp_path / "data"))

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["parcours", *map(str, arguments)])
        code: Any = 0
        try:
            cli.main()
        except SystemExit as ended:
            code = ended.code or 0
        told = capsys.readouterr()
        return int(code), told.out, told.err

    return run


@pytest.fixture
def run(anywhere: Run, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `parcours` with a database of its own."""
    monkeypatch.setenv("PARCOURS_DATABASE_URL", database_url)
    return anywhere


def test_a_key_is_made_shown_once_and_revoked(run: Run, database_url: str) -> None:
    code, out, _ = run("key", "create", "--role", "source", "--name", "web shop", "--json")
    made = json.loads(out)
    assert (code, made.keys(), made["role"]) == (0, {"id", "role", "key"}, "source")
    database = Database(database_url)
    with database.read() as connection:
        assert keys.find(connection, made["key"]) is not None
    code, out, _ = run("key", "list")
    assert made["id"] in out
    assert "web shop" in out
    assert made["key"] not in out
    assert run("key", "revoke", made["id"])[0] == 0
    with database.read() as connection:
        assert keys.find(connection, made["key"]) is None
    database.close()
    assert json.loads(run("key", "list", "--json")[1])[0]["revoked_at"]
    assert run("key", "revoke", made["id"])[0] == 1
    assert run("key", "revoke", "nonsense")[0] == 2
    code, _, err = run("key", "create", "--role", "king")
    assert code == 2
    assert "'king' is no role" in err


def test_the_schema_is_json_alone(anywhere: Run) -> None:
    code, out, _ = anywhere("journey", "schema")
    assert code == 0
    assert "steps" in json.loads(out)["properties"]


def test_validate_without_a_database_judges_the_document_alone(
    anywhere: Run, tmp_path: Path
) -> None:
    code, out, err = anywhere("journey", "validate", *sorted(LIBRARY.glob("*.yaml")))
    assert (code, out) == (0, "")
    assert "by itself alone" in err
    assert not (tmp_path / "data").exists()  # no database is made only to look into it
    lone = tmp_path / "x.yaml"
    lone.write_text(
        "id: x\nname: X\nentry: {on: {event: A}, if: {segment: vip}}\ntopic: t\nsteps:\n"
        "  - {id: a, type: send, channel: [sms, push], template: not-here}\n"
    )
    assert anywhere("journey", "validate", lone)[0] == 0
    lone.write_text(lone.read_text() + "  - {id: a, type: wait, for: 1h}\n")
    code, out, _ = anywhere("journey", "validate", lone)
    assert code == 1
    assert f"{lone}:7: error: step a: 2 steps have the id a" in out


def test_validate_names_file_line_and_step(run: Run, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(
        "id: bad\nname: Bad\nentry: {on: {event: A}}\nsteps:\n"
        "  - id: hello\n    type: send\n    channel: email\n    template: nope\n"
    )
    code, out, err = run("journey", "validate", bad)
    assert code == 1
    assert f"{bad}:5: error: step hello: there is no template nope" in out
    assert "database" in err
    code, out, _ = run("journey", "validate", bad, "--json")
    told = json.loads(out)
    assert (code, told["checked_against"]) == (1, "database")
    assert {problem["step"] for problem in told["files"][0]["problems"]} == {"hello"}
    for content in (b"\xff\xfe", b"id: [", b"[]", b"id: x\n", b"a: \0"):
        bad.write_bytes(content)
        assert run("journey", "validate", bad)[0] == 1
    assert run("journey", "validate", tmp_path / "none.yaml")[0] == 2
    assert run("journey", "validate")[0] == 2
    assert run("journey", "validate", tmp_path)[0] == 2


def test_a_journey_goes_in_with_its_templates_and_comes_out_as_it_was(
    run: Run, tmp_path: Path
) -> None:
    shutil.copytree(LIBRARY, tmp_path / "journeys")
    file = tmp_path / "journeys" / "abandoned-cart.yaml"
    code, out, err = run("journey", "push", file)
    assert (code, out) == (0, "abandoned-cart: saved as a draft.\n")
    assert "cart-reminder is new" in err
    assert run("journey", "publish", "abandoned-cart")[1] == "abandoned-cart: live, version 1.\n"
    pulled = tmp_path / "pulled.yaml"
    assert run("journey", "pull", "abandoned-cart", pulled)[0] == 0
    assert pulled.read_text() == file.read_text()
    template = tmp_path / "journeys" / "templates" / "cart-nudge.yaml"
    template.write_text(template.read_text().replace("Basket nudge", "Another"))
    file.write_text(file.read_text().replace("priority: 60", "priority: 61"))
    code, out, err = run("journey", "push", file, "--publish", "--json")
    assert json.loads(out) == [
        {"id": "abandoned-cart", "created": False, "version": 2, "templates": [],
         "segments": [], "traits": [], "problems": []}
    ]  # fmt: skip
    assert "cart-nudge differs" in err
    code, _, err = run("journey", "push", tmp_path / "journeys" / "win-back.yaml")
    assert (code, "The segment dormant is new." in err) == (0, True)
    assert run("journey", "pause", file)[0] == 0
    assert run("journey", "resume", "abandoned-cart")[0] == 0
    assert run("journey", "pause", "nobody")[0] == 1
    assert run("journey", "restore", "abandoned-cart")[0] == 1
    assert run("journey", "archive", file, "--end", "--finish")[0] == 2
    assert run("journey", "archive", file)[1] == "abandoned-cart: archived.\n"
    assert run("journey", "publish", "abandoned-cart")[0] == 1
    assert run("journey", "restore", "abandoned-cart")[1] == "abandoned-cart: paused.\n"
    code, out, _ = run("journey", "pull", "abandoned-cart")
    assert "priority: 61" in out


def test_a_faulty_journey_is_not_published(run: Run, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("id: bad\nname: Bad\nentry: {on: {event: A}}\nsteps: []\n")
    code, _, err = run("journey", "push", bad, "--publish")
    assert code == 1
    assert "no steps" in err
    assert run("journey", "publish", bad)[0] == 1
    bad.write_text("id: bad\n")
    assert run("journey", "push", bad)[0] == 1
    broken = tmp_path / "templates" / "t.yaml"
    broken.parent.mkdir()
    broken.write_text("id: t\n")
    bad.write_text("id: bad\nname: Bad\nentry: {on: {event: A}}\nsteps: []\n")
    code, _, err = run("journey", "push", bad)
    assert code == 1
    assert "t.yaml" in err


def test_a_plan_is_readable(anywhere: Run) -> None:
    code, out, _ = anywhere("journey", "compile", LIBRARY / "abandoned-cart.yaml")
    plan = json.loads(out)
    assert code == 0
    assert plan["always"] == ["Order Completed"]
    first = plan["instructions"][0]
    assert first == {
        "n": 0,
        "do": "WaitHere",
        "step": {"id": "cool-off", "type": "wait", "for": "1h"},
    }


def test_an_import_tells_what_it_did_by_counts_and_code(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    good = '{"userId": "1", "event": "A", "timestamp": "2025-01-01T00:00:00Z"}\n'
    file.write_text(good)
    code, out, _ = run("import", "events", file)
    assert code == 0
    assert out.startswith("1 events accepted (0 of them stored before), 0 rejected")
    file.write_text(good + "{\n")
    code, out, _ = run("import", "events", file, "--json")
    told = json.loads(out)
    assert code == 1
    assert (told["accepted"], told["known"], told["rejected"]) == (1, 1, 1)
    assert told["rejects"] == f"{file}.rejected.jsonl"
    people = tmp_path / "people.csv"
    people.write_text("userId,email\n1,ann@example.com\n")
    assert run("import", "customers", people)[0] == 0


def test_what_cannot_be_imported_is_bad_usage(run: Run, tmp_path: Path) -> None:
    nameless = tmp_path / "events.data"
    nameless.write_text("{}\n")
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("when,what\n1,2\n")
    empty = tmp_path / "empty.csv"
    empty.touch()
    for arguments in (
        ("events", tmp_path / "none.jsonl"),
        ("events", tmp_path),
        ("events", nameless),
        ("events", nameless, "--format", "xml"),
        ("events", wrong),
        ("customers", wrong),
        ("customers", empty),
        ("customers", nameless, "--format", "jsonl", "--resume"),
    ):
        code, out, err = run("import", *arguments)
        assert (code, out) == (2, ""), arguments
        assert err
        assert "Traceback" not in err
    unpacked = tmp_path / "nothing.jsonl"
    unpacked.touch()
    assert run("import", "events", unpacked)[0] == 0


def test_the_demo_comes_and_goes(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(madeup, "HOUSEHOLDS", 20)
    code, out, _ = run("demo", "load", "--made-up")
    assert code == 0
    assert "20 customers" in out
    assert "made up" in out
    assert run("demo", "load")[1] == "The demonstration shop is loaded already.\n"
    assert "24 customers" in run("demo", "clear")[1]
    assert run("demo", "clear")[0] == 0


def test_a_database_that_does_not_answer(anywhere: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARCOURS_DATABASE_URL", f"postgresql://nobody@127.0.0.1:{_free()}/x")
    for arguments in (("key", "list"), ("demo", "load"), ("demo", "clear")):
        code, out, err = anywhere(*arguments)
        assert (code, out) == (1, ""), arguments
        assert err.startswith("The database does not answer"), err
    code, _, err = anywhere("journey", "validate", LIBRARY / "abandoned-cart.yaml")
    assert code == 0
    assert "does not answer" in err


JOURNEY = """
id: waiting
name: Waiting
entry: {on: {event: A}}
topic: t
steps:
  - {id: long, type: wait, for: 1h}
"""


def test_lost_workflows_are_rebuilt(
    run: Run,
    database_url: str,
    temporal_address: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    file = tmp_path / "waiting.yaml"
    file.write_text(JOURNEY)
    assert run("journey", "push", file, "--publish")[0] == 0
    database = Database(database_url)
    events = [
        Incoming(source="s", message_id=str(n), kind="track", name="A", user_id=str(n))
        for n in range(30)
    ]
    receive(database, events)
    with database.read() as connection:
        runs = sorted(map(str, connection.execute(select(tables.run.c.id)).scalars()))
    database.close()
    monkeypatch.setenv("PARCOURS_TEMPORAL_ADDRESS", temporal_address)

    async def running() -> dict[str, str]:
        settings = Settings.load()
        client = await connect(settings, temporal_address)
        return {id: str((await client.get_workflow_handle(id).describe()).run_id) for id in runs}

    code, out, err = run("runs", "recover", "--rate", "200", "--json")
    assert (code, json.loads(out)) == (0, {"rebuilt": 30, "held_out": 0}), err
    first = asyncio.run(running())
    code, out, _ = run("runs", "recover", "--rate", "200", "--after", runs[19])
    assert out == "10 workflows are rebuilt from the database.\n"
    second = asyncio.run(running())
    assert [id for id in runs if first[id] != second[id]] == runs[20:]


def test_recovery_without_temporal(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("runs", "recover")[0] == 1
    monkeypatch.setenv("PARCOURS_TEMPORAL_ADDRESS", f"127.0.0.1:{_free()}")
    code, out, err = run("runs", "recover")
    assert (code, out) == (1, "")
    assert err.startswith("Temporal does not answer")
    assert run("runs", "recover", "--after", "nonsense")[0] == 2


def _free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def test_somebody_is_added_and_gets_a_link(run: Run, database_url: str) -> None:
    create = ("user", "create", "--email", "Ada@shop.example", "--role", "administrator")
    code, out, _ = run(*create, "--name", "Ada", "--json")
    assert code == 0
    made = json.loads(out)
    assert (made["email"], made["role"]) == ("ada@shop.example", "administrator")
    assert made["link"].startswith("http://127.0.0.1:8000/password?token=")
    code, out, err = run(*create)
    assert (code, out) == (1, "")
    assert "ada@shop.example has been invited already." in err
    for wrong in (
        ("--email", "ada", "--role", "viewer"),
        ("--email", "b@c.example", "--role", "x"),
    ):
        code, out, err = run("user", "create", *wrong)
        assert (code, out) == (2, "")
        assert err.count("\n") == 1
    code, out, err = run("user", "create", "--email", "bob@shop.example", "--role", "viewer")
    assert code == 0
    assert out.startswith("http://127.0.0.1:8000/password?token=")
