"""Many processes on one database: the machine's word holds, and so do the caps."""

import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from random import Random
from typing import Any
from uuid import UUID

import pytest
from pydantic import TypeAdapter
from sqlalchemy import select, text

from engine.compile.compiler import compile as compile_journey
from engine.errors import InvalidDocument
from engine.flow.publish import publish, save_journey
from engine.model.actor import COMMAND_LINE
from engine.model.cap import Cap
from engine.model.condition import Condition
from engine.model.customer import Customer
from engine.model.event import Event
from engine.model.journey import Journey
from engine.model.segment import Segment
from engine.model.template import Template
from engine.run.assignment import message_id
from engine.run.machine import Machine
from engine.run.state import Entered, Happened, Input, Returned, Settled, State, TimeReached, Trace
from engine.run.world import MemoryWorld
from engine.store import documents, tables
from engine.store.session import Database
from tests import journeys as made

CLAIMS = int(os.environ.get("PARCOURS_TEST_CLAIMS", "400"))
SEED = int(os.environ.get("PARCOURS_TEST_SEED", "7"))
PROCESSES = 4
CUSTOMERS = 40
ZONE = "Europe/Zurich"
NOT_DECIDED_BY_THE_MACHINE = {"deferred", "moved", "sent_again"}


@pytest.fixture
def played(database_url: str) -> Iterable[Database]:
    """A database on which several processes have played to the end."""
    database = Database(database_url)
    _furnish(database)
    command = [sys.executable, "-m", "tests.integration.fleet", database_url]
    players = [
        subprocess.Popen(
            [*command, str(SEED * 100 + n), str(CUSTOMERS), str(CLAIMS // PROCESSES + 1)],
            stdout=subprocess.DEVNULL,
        )
        for n in range(PROCESSES)
    ]
    assert [player.wait(timeout=3000) for player in players] == [0] * PROCESSES
    yield database
    database.close()


def _furnish(database: Database) -> None:
    rng = Random(SEED)
    templates = [
        {"id": id, "name": id, "channel": channel, "locales": {"en": {"body": "x"}}}
        for id, channel in (("hello", "email"), ("short", "sms"))
    ]
    caps = [
        {"id": "all", "limit": 3, "per": "1d", "on_full": "defer"},
        {"id": "mail", "channels": ["email"], "limit": 2, "per": "5h", "on_full": "skip"},
        {"id": "offers", "topics": ["offers"], "limit": 6, "per": "1w", "defer_at_most": "9d"},
    ]

    def work(connection: Any) -> None:
        for template in templates:
            documents.put_template(connection, Template.model_validate(template))
        for id, rule in made.SEGMENTS.items():
            segment = Segment.model_validate({"id": id, "name": id, "rule": rule})
            documents.put_segment(connection, segment)
        for cap in caps:
            documents.put_cap(connection, Cap.model_validate(cap))

    database.transact(work)
    for journey in made.journeys(rng.randrange(10**6), 12, updates=False):
        save_journey(database, journey, actor=COMMAND_LINE)
        with suppress(InvalidDocument):  # now and then one has a step that nothing reaches
            publish(database, journey.id, actor=COMMAND_LINE)


def test_many_processes(played: Database, capsys: pytest.CaptureFixture[str]) -> None:
    """What must hold, whatever was interleaved or killed."""
    runs = machine_and_database_tell_the_same(played)
    claims = caps_hold_by_the_transitions_alone(played)
    nothing_is_left_to_decide(played)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{runs} runs and {claims} claims of {PROCESSES} processes checked, seed {SEED}\n"
        )


def machine_and_database_tell_the_same(played: Database) -> int:
    """Replaying a run's inputs through the machine alone gives the recorded trace and state."""
    with played.read() as connection:
        events = _by_customer(connection.execute(select(tables.event)).all())
        runs = connection.execute(select(tables.run)).all()
        inputs = _by_run(connection.execute(select(tables.run_input)).all())
        traces = _by_run(connection.execute(select(tables.run_trace)).all())
        documents_ = {
            row.hash: row.document for row in connection.execute(select(tables.journey_version))
        }
    machines = {
        content: Machine(compile_journey(Journey.model_validate(document)))
        for content, document in documents_.items()
    }
    for run in runs:
        machine = machines[run.plan_hash]
        decided = sorted(
            (row for row in inputs[run.id] if row.decided_seq is not None),
            key=lambda row: (row.decided_seq, row.seq),
        )
        state = State(
            run=run.id, customer=run.customer_id, entered_at=run.entered_at,
            entry=_entry(events[run.customer_id], decided[0].seq), held_out=run.held_out,
            arms=decided[0].data.get("arms", {}),
        )  # fmt: skip
        told = []
        history = events[run.customer_id]
        for row in decided:
            world = _world(run.customer_id, history, row.decided_seq, row.decided_at)
            advanced = machine.advance(state, _input(row, history), world)
            state = advanced.state
            told += [
                (e.what, e.step, dict(e.data)) for e in advanced.effects if isinstance(e, Trace)
            ]
        stored = [
            (row.what, row.step, row.data)
            for row in sorted(traces[run.id], key=lambda row: row.n)
            if row.what not in NOT_DECIDED_BY_THE_MACHINE
        ]
        assert told == stored
        assert state == TypeAdapter(State).validate_python(run.state)
        assert state.ended == run.end_reason
    assert len(runs) > CUSTOMERS
    return len(runs)


def caps_hold_by_the_transitions_alone(played: Database) -> int:
    """No claim was granted with a full window; nothing was sent twice or lost its way."""
    with played.read() as connection:
        caps = [
            Cap.model_validate(r) for r in connection.execute(select(tables.cap.c.rule)).scalars()
        ]
        about = {row.id: row for row in connection.execute(select(tables.message))}
        by_customer = defaultdict(list)
        for row in connection.execute(
            select(tables.message_transition).order_by(
                tables.message_transition.c.customer_id, tables.message_transition.c.seq
            )
        ):
            by_customer[row.customer_id].append(row)
    granted = 0
    for transitions in by_customer.values():
        held: dict[UUID, datetime] = {}
        states: dict[UUID, str | None] = {}
        for row in transitions:
            assert states.get(row.message_id) == row._mapping["from"], (
                "each change starts from the last"
            )
            states[row.message_id] = row.to
            message = about[row.message_id]
            if message._mapping["class"] != "marketing":
                continue
            if row.to == "claimed":
                held[row.message_id] = row.at
                granted += 1
                for cap in caps:
                    if cap.topics and message.topic not in cap.topics:
                        continue
                    since = cap.per.before(row.at, ZONE)
                    n = sum(
                        at > since
                        for id, at in held.items()
                        if not cap.channels or about[id].channel in cap.channels
                        if not cap.topics or about[id].topic in cap.topics
                    )
                    if cap.channels and message.channel not in cap.channels:
                        continue
                    assert n <= cap.limit, (cap.id, row.at)
            elif row.to in {"decided", "failed", "skipped"}:
                held.pop(row.message_id, None)
        for id, state in states.items():
            assert about[id].state == state
    assert granted > CLAIMS / 2
    for id, message in about.items():
        assert id == message_id(message.run_id, message.step, message.visit)
    return granted


def _by_customer(rows: Iterable[Any]) -> dict[UUID, list[Any]]:
    found: dict[UUID, list[Any]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.seq):
        found[row.customer_id].append(row)
    return found


def _by_run(rows: Iterable[Any]) -> dict[UUID, list[Any]]:
    found: dict[UUID, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.run_id].append(row)
    return found


def _entry(history: list[Any], seq: int) -> dict[str, Any]:
    return next(row.properties for row in history if row.seq == seq)


def _event(row: Any) -> Event:
    return Event(
        id=row.id, seq=row.seq, name=row.name, properties=row.properties,
        occurred_at=row.occurred_at, received_at=row.received_at,
    )  # fmt: skip


def _input(row: Any, history: list[Any]) -> Input:
    match row.kind:
        case "entered":
            return Entered(seq=row.seq, at=row.at)
        case "happened":
            event = next(event for event in history if event.seq == row.seq)
            return Happened(seq=row.seq, at=row.at, event=_event(event))
        case "timereached":
            return TimeReached(seq=row.seq, at=row.at)
        case "returned":
            return Returned(seq=row.seq, at=row.at, **row.data)
        case _:
            return Settled(seq=row.seq, at=row.at, **row.data)


def _world(customer: UUID, history: list[Any], seq: int, now: datetime) -> MemoryWorld:
    traits: dict[str, Any] = {}
    addresses: dict[str, Any] = {}
    for row in history:
        if row.seq <= seq and row.kind == "identify":
            told = row.properties["traits"]
            traits = {k: v for k, v in {**traits, **told}.items() if v is not None}
            for trait, at in (("email", "email"), ("phone", "phone")):
                if trait in told:
                    addresses[at] = told[trait]
    rules = TypeAdapter(dict[str, Condition]).validate_python(made.SEGMENTS)
    return MemoryWorld(
        now=now, seq=seq, zone=ZONE,
        customer=Customer(id=customer, traits=traits, addresses=addresses),
        history=[_event(row) for row in history], segments=rules,
    )  # fmt: skip


def nothing_is_left_to_decide(played: Database) -> None:
    """Inputs wait only while a message of their run is claimed."""
    with played.read() as connection:
        waiting = connection.execute(
            text(
                "SELECT count(*) FROM run_input i JOIN run r ON r.id = i.run_id "
                "WHERE i.decided_seq IS NULL AND r.lease_until IS NULL"
            )
        ).scalar_one()
    assert waiting == 0
