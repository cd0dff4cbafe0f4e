"""The call of an `activity` step: what it is made from, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from engine.compile.plan import CallOut
from engine.errors import NotFound, ParcoursError
from engine.flow.advance import CALL_GRACE, take
from engine.flow.call import Result, variables_of
from engine.flow.prepare import customer_of
from engine.flow.turn import Turn, in_turn_of
from engine.model.activity import ActivityType
from engine.model.customer import Customer
from engine.model.journey import ActivityStep
from engine.run.assignment import message_id
from engine.run.calls import CallId
from engine.run.state import Call
from engine.store import activities, customers, runs
from engine.store import catalogue as catalogues
from engine.store.runs import Run
from engine.store.session import Database


class CallOver(ParcoursError):
    """A call has been settled, or an exit has ended it: nothing is left to do."""

    status = 410


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A call before its texts are rendered. `key` is the same for every attempt.

    `timeout` is in seconds and holds for one attempt; `until` is the instant after which it is not tried again. `type` is None for an activity of
    which no worker has told.
    """

    call: CallId
    key: UUID
    revision: int
    journey: str
    step: ActivityStep
    type: ActivityType | None
    timeout: float
    until: datetime
    variables: Mapping[str, Any]
    customer: Customer
    external_id: str | None


def prepare(database: Database, call: CallId) -> Asked:
    """Return what a call is made from, and note that somebody carries it out.

    Raises:
        NotFound: there was never such a call.
        CallOver: it is over.
    """
    with database.read() as connection:
        run, step = _found(database, connection, call)
        if not _is_at(run, call):
            raise CallOver(f"The call {call} is over: nothing is left to do.")
        catalogue = catalogues.current(database, connection)
        customer = customer_of(connection, run.state.customer, catalogue)
        named = customers.external_ids(connection, [customer.id])
        command = run.command
    assert isinstance(command, Call)  # noqa: S101 - `_is_at` has looked
    asked = Asked(
        call=call,
        key=message_id(call.run, call.step, call.visit),
        revision=run.revision,
        journey=run.journey,
        step=step,
        type=catalogue.activities.get(step.activity),
        timeout=command.errand.timeout if command.errand is not None else 0.0,
        until=command.until,
        variables=variables_of(run, customer, catalogue.workspace),
        customer=customer,
        external_id=named.get(customer.id),
    )
    put_off(database, asked, asked.timeout)
    return asked


def put_off(database: Database, asked: Asked, seconds: float) -> None:
    """Keep the reconciler from waking the run for so many seconds; note that a worker is there."""

    def work(connection: Connection) -> None:
        runs.check_after(
            connection, asked.call.run, asked.revision, seconds + CALL_GRACE.total_seconds()
        )
        activities.seen(connection, asked.step.activity)

    database.transact(work)


def type_of(database: Database, call: CallId) -> ActivityType | None:
    """Return the activity that a call, be it over or not, is carried out by.

    None for one of which no worker has told. Raises `NotFound` when there was never such a call.
    """
    with database.read() as connection:
        _, step = _found(database, connection, call)
        return catalogues.current(database, connection).activities.get(step.activity)


def _found(database: Database, connection: Connection, call: CallId) -> tuple[Run, ActivityStep]:
    run = runs.one(connection, call.run)
    if run is None:
        raise NotFound(f"There is no call {call}.")
    machine = catalogues.machine(database, connection, run.plan_hash)
    place = machine.plan.places.get(call.step)
    here = machine.plan.instructions[place] if place is not None else None
    if not isinstance(here, CallOut) or not isinstance(here.step, ActivityStep):
        raise NotFound(f"There is no call {call}.")
    if call.visit > run.state.visits.get(call.step, 0):
        raise NotFound(f"There is no call {call}.")
    return run, here.step


def _is_at(run: Run, call: CallId) -> bool:
    command = run.command
    return isinstance(command, Call) and (command.step, command.visit) == (call.step, call.visit)


def settle(database: Database, call: CallId, result: Result) -> bool:
    """Record what became of a call, and let the run go on; return whether it still counted.

    For a call that is over it is noted in the trace, and changes nothing. The workflow learns of
    it when its activity ends.
    """

    def decide(turn: Turn, run: Run) -> bool:
        counts = _is_at(run, call)
        take(turn, run, result.of(turn, call.step, call.visit))
        return counts

    counts, _ = in_turn_of(database, call.run, decide, gone=False)
    return counts


def register(database: Database, types: Sequence[ActivityType]) -> None:
    """Take down that a worker has these activities."""
    database.transact(lambda connection: activities.put(connection, types))
