"""The call of a `webhook` step: what it is made from, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Connection

from engine.compile.plan import CallOut
from engine.flow.advance import CALL_GRACE, hold, take
from engine.flow.prepare import customer_of
from engine.flow.turn import GONE, Turn, in_turn_of
from engine.model.customer import Customer
from engine.model.journey import WebhookStep
from engine.model.workspace import Workspace
from engine.names import Answer
from engine.run.assignment import message_id
from engine.run.state import Call, Returned
from engine.store import catalogue as catalogues
from engine.store import runs
from engine.store.runs import Run
from engine.store.session import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A call before its texts are rendered. `key` is the same for every attempt.

    `until` is the instant after which it is not tried again.
    """

    key: UUID
    step: WebhookStep
    visit: int
    until: datetime
    variables: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of a call; see `engine.run.state.Returned`."""

    outcome: Literal["done", "failed"]
    status: int | None = None
    reason: str | None = None
    detail: str | None = None
    kept: Mapping[str, Any] = field(default_factory=dict)
    missing: Sequence[str] = ()

    def of(self, turn: Turn, step: str, visit: int) -> Returned:
        """Return the input that tells a run of it."""
        return Returned(
            seq=turn.seq,
            at=turn.now,
            step=step,
            visit=visit,
            outcome=self.outcome,
            status=self.status,
            reason=self.reason,
            detail=self.detail,
            kept=self.kept,
            missing=self.missing,
        )


def prepare_call(database: Database, run_id: UUID, revision: int) -> Outgoing | Answer:
    """Return the call that the run's command at `revision` is about, or a newer command.

    In a paused journey the call is held.
    """
    with database.read() as connection:
        holds = catalogues.current(database, connection).holds
        run = runs.one(connection, run_id)
        if run is None or run.revision != revision or not isinstance(run.command, Call):
            return runs.answer(connection, run_id)
        if run.held_at is not None:
            return run.answer
        if holds(run.journey) is None:
            return _outgoing(database, connection, run, run.command)
    return _held(database, run_id, revision)


def _held(database: Database, run_id: UUID, revision: int) -> Answer:
    def decide(turn: Turn, run: Run) -> Answer:
        due = run.revision == revision and isinstance(run.command, Call) and not run.held_at
        if due and (why := turn.catalogue.holds(run.journey)) is not None:
            hold(turn, run, why)
        return run.answer

    answer, _ = in_turn_of(database, run_id, decide, gone=GONE)
    return answer


def _outgoing(database: Database, connection: Connection, run: Run, command: Call) -> Outgoing:
    machine = catalogues.machine(database, connection, run.plan_hash)
    here = machine.plan.instructions[run.state.place]
    if not isinstance(here, CallOut) or not isinstance(here.step, WebhookStep):
        raise AssertionError("only a webhook step calls")
    catalogue = catalogues.current(database, connection)
    customer, shop = customer_of(connection, run.state.customer, catalogue), catalogue.workspace
    return Outgoing(
        key=message_id(run.id, command.step, command.visit),
        step=here.step,
        visit=command.visit,
        until=command.until,
        variables=variables_of(run, customer, shop),
    )


def variables_of(run: Run, customer: Customer, shop: Workspace) -> dict[str, Any]:
    """Return what the texts of a calling step may use."""
    return {
        "customer": {**customer.known, "id": str(customer.id)},
        "event": dict(run.state.entry),
        "steps": run.state.told,
        "shop": {"name": shop.name, "currency": shop.currency, "locale": shop.locale},
    }


def put_off(database: Database, run_id: UUID, revision: int, seconds: float) -> None:
    """Keep the reconciler from waking a run whose call is tried again in so many seconds."""
    database.transact(
        lambda connection: runs.check_after(
            connection, run_id, revision, seconds + CALL_GRACE.total_seconds()
        )
    )


def returned(database: Database, run_id: UUID, call: Outgoing, result: Result) -> Answer:
    """Record what became of a call, and let the run go on; return its command.

    For a call that an exit has replaced it is noted in the trace, and changes nothing.
    """

    def decide(turn: Turn, run: Run) -> Answer:
        take(turn, run, result.of(turn, call.step.id, call.visit))
        return run.answer

    answer, _ = in_turn_of(database, run_id, decide, gone=GONE)
    return answer
