"""Twenty journeys fight for a customer's attention on many processes, which are killed at random.

`PARCOURS_TEST_CLAIMS=50000` plays on until so many messages were claimed.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from sqlalchemy import text

from engine.flow import settle
from engine.flow.publish import publish, save_journey
from engine.model.actor import COMMAND_LINE
from engine.model.cap import Cap
from engine.model.journey import Journey
from engine.model.template import Template
from engine.model.workspace import Workspace
from engine.store import documents
from engine.store.session import Database
from tests.caps_checker import check
from tests.integration import caps_fleet
from tests.integration.caps_fleet import JOURNEYS, Player

CLAIMS = int(os.environ.get("PARCOURS_TEST_CLAIMS", "1200"))
SEED = int(os.environ.get("PARCOURS_TEST_SEED", "11"))
PROCESSES = 4
CUSTOMERS = 24
EVERY = 6.0
"""Seconds between two kills, on average: a process needs some of them to begin."""
ZONES = ("Europe/Zurich", "America/New_York", "Pacific/Apia")


def rules(rng: Random) -> list[dict[str, Any]]:
    """Return random rules, which hold together."""
    made = []
    for n in range(5):
        limit = rng.randint(2, 6)
        rule: dict[str, Any] = {
            "id": f"r{n}",
            "limit": limit,
            "per": rng.choice(["1h", "6h", "1d", "3d", "day", "week"]),
            "on_full": rng.choice(["defer", "defer", "skip", "next_channel"]),
            "channels": rng.sample(["email", "sms", "push"], rng.choice([0, 0, 1, 2])),
            "topics": rng.sample(["offers", "news", "tips"], rng.choice([0, 0, 1])),
            "offers": rng.choice([[], [], [], ["spring"]]),
        }
        if rng.random() < 0.5:
            rule["keep"] = {
                "slots": rng.randint(1, limit - 1),
                "above_priority": rng.choice([30, 50, 70]),
            }
        if rng.random() < 0.4:
            rule["defer_at_most"] = rng.choice(["1d", "4d", "9d"])
        made.append(rule)
    return made


def journey(rng: Random, number: int) -> dict[str, Any]:
    """Return a random journey of one or two messages."""
    steps = []
    for n in range(rng.choice([1, 1, 2])):
        channel = rng.choice(["email", "sms", ["email", "sms"], ["push", "sms", "email"]])
        step: dict[str, Any] = {
            "id": f"s{n}", "type": "send", "template": "short" if channel == "sms" else "mail",
            "channel": channel,
            "topic": rng.choice(["offers", "news", "tips"]),
        }  # fmt: skip
        if rng.random() < 0.3:
            step["offer"] = rng.choice(["spring", "summer"])
        if rng.random() < 0.3:
            step["on_full"] = rng.choice(["defer", "skip", "next_channel"])
        if rng.random() < 0.1:
            step["class"] = "transactional"
        steps.append(step)
    return {
        "id": f"j{number}", "name": f"J{number}", "priority": rng.choice([10, 40, 50, 60, 90]),
        "entry": {"on": {"event": f"Go {number}"}, "reentry": {"mode": "per_key", "key": "n"}},
        "exits": [{"on": {"event": f"Stop {number}"}}], "steps": steps,
    }  # fmt: skip


@pytest.fixture
def shop(database_url: str) -> Iterator[Database]:
    """Journeys, rules and customers."""
    database, rng = Database(database_url), Random(SEED)
    for id, channel in (("mail", "email"), ("short", "sms")):
        document = {"id": id, "name": id, "channel": channel, "locales": {"en": {"body": "x"}}}
        template = Template.model_validate(document)
        database.transact(lambda c, template=template: documents.put_template(c, template))
    database.transact(lambda c: documents.put_workspace(c, Workspace(legal_hours=False)))
    for number in range(JOURNEYS):
        save_journey(database, Journey.model_validate(journey(rng, number)), actor=COMMAND_LINE)
        publish(database, f"j{number}", actor=COMMAND_LINE)
    for rule in rules(rng):
        cap = Cap.model_validate(rule)
        database.transact(lambda connection, cap=cap: documents.put_cap(connection, cap))
    player = Player(database, rng, CUSTOMERS)
    for n in range(CUSTOMERS):
        player.track(f"u{n}", "Came")
    statement = text("""
        UPDATE customer SET time_zone = :zone, addresses = '{"email": "a@example.com",
        "phone": "+41790000000", "push": ["token"]}' WHERE id = ANY(
            SELECT customer_id FROM identity WHERE value = ANY(:users))
    """)
    for n, zone in enumerate(ZONES):
        users = [f"u{m}" for m in range(n, CUSTOMERS, len(ZONES))]
        database.transact(
            lambda c, zone=zone, users=users: c.execute(statement, {"zone": zone, "users": users})
        )
    yield database
    database.close()


def test_caps_hold_whatever_is_interleaved_or_killed(
    shop: Database, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    rng, killed = Random(SEED), 0
    players = {n: start(database_url, n) for n in range(PROCESSES)}
    next_kill = time.monotonic() + EVERY
    while claimed(shop) < CLAIMS:
        time.sleep(0.3)
        if time.monotonic() < next_kill:
            continue
        next_kill = time.monotonic() + rng.uniform(0.5, 1.5) * EVERY
        victim = rng.randrange(PROCESSES)
        if players[victim].poll() is None:
            players[victim].kill()
            killed += 1
        players[victim].wait()
        players[victim] = start(database_url, PROCESSES + killed)
    for player in players.values():
        player.kill()
        player.wait()
    monkeypatch.setattr(caps_fleet, "OUTCOMES", ("sent",))
    monkeypatch.setattr(settle, "ASKED_FOR", caps_fleet.LEASE)
    play_to_the_end(shop)
    rows = [cap.document() for cap in caps_of(shop)]
    told = check(shop, rows)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{told.claims} claims, {told.deferrals} put off by caps ({told.yields} of them "
            f"yielded), {told.skips} skipped, {killed} processes killed, seed {SEED}\n"
        )
    assert not told.problems, f"{rows}\n" + "\n".join(told.problems[:5])
    assert told.claims >= CLAIMS * 0.8, "the others are transactional"
    assert min(told.deferrals, told.skips, told.yields) > 0
    # On a slow machine the time for playing to the end may be over before the last ones are done.
    assert left(shop) < CLAIMS / 100, "whoever waits gets his slot, or is skipped"


def start(url: str, seed: int) -> "subprocess.Popen[bytes]":
    """Start a player."""
    command = [sys.executable, "-m", "tests.integration.caps_fleet", url]
    arguments = [str(SEED * 1000 + seed), str(CUSTOMERS), "3600"]
    return subprocess.Popen([*command, *arguments], stdout=subprocess.DEVNULL)


def claimed(database: Database) -> int:
    """Return how many claims there were."""
    with database.read() as connection:
        statement = text("SELECT count(*) FROM message_transition WHERE \"to\" = 'claimed'")
        return int(connection.execute(statement).scalar_one())


def left(database: Database) -> int:
    """Return how many messages are neither sent nor given up."""
    with database.read() as connection:
        statement = text(
            "SELECT count(*) FROM message WHERE state IN ('decided', 'deferred', 'claimed')"
        )
        return int(connection.execute(statement).scalar_one())


def caps_of(database: Database) -> list[Cap]:
    """Return the rules."""
    with database.read() as connection:
        rules = connection.execute(text("SELECT rule FROM cap ORDER BY id")).scalars()
        return [Cap.model_validate(rule) for rule in rules]


def play_to_the_end(database: Database) -> None:
    """Let time pass for everybody until nobody waits any more."""
    player = Player(database, Random(SEED), CUSTOMERS)
    end = time.monotonic() + 60 + CLAIMS / 50
    while time.monotonic() < end:
        some = [row for n in range(CUSTOMERS) for row in player.open_runs(f"u{n}")]
        if not some:
            return
        for row in some:
            player.play(row, patient=True)
