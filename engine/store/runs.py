"""Runs: where each customer stands in each journey."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import Connection, select, text

from engine.names import Answer
from engine.names import Command as WireCommand
from engine.names import Errand as WireErrand
from engine.run.entry import PastRuns
from engine.run.state import Call, Command, Deliver, Exit, State, Wait
from engine.store import customers, messages, tables
from engine.store.customers import Locked
from engine.store.messages import Message
from engine.store.session import RaceLost

_STATE: Final = TypeAdapter(State)
_KINDS: Final[dict[str, TypeAdapter[Command]]] = {
    "deliver": TypeAdapter(Deliver),
    "call": TypeAdapter(Call),
    "wait": TypeAdapter(Wait),
    "exit": TypeAdapter(Exit),
}

HELD: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""When a workflow looks again by itself at a command that is held: it is woken before."""


@dataclass(slots=True, kw_only=True)
class Run:
    """A run's row, to be changed under the customer's lock and written back.

    `stored_revision` stands in the database: another one means a new command. While `held_at` is
    set the command stands as it is, and is not carried out. `message` is the message that its
    command was about when it was read with the lock.
    """

    id: UUID
    journey: str
    version: int
    plan_hash: str
    source: str
    entry_key: str
    revision: int
    command: Command
    state: State
    lease_until: datetime | None = None
    ended_at: datetime | None = None
    check_at: datetime | None = None
    traced: int = 0
    held_at: datetime | None = None
    stored: bool = True
    stored_revision: int = 0
    message: Message | None = None

    @property
    def answer(self) -> Answer:
        """What its workflow is answered."""
        return _answer(self.revision, self.command, held=self.held_at is not None)


def _answer(revision: int, command: Command, *, held: bool) -> Answer:
    told = wire(command)
    return Answer(revision, replace(told, at=HELD.timestamp()) if held else told)


def wire(command: Command) -> WireCommand:
    """Return the command as it may stand in a history."""
    match command:
        case Deliver():
            at = command.not_before.timestamp() if command.not_before is not None else None
            return WireCommand("deliver", command.step, command.channel, at)
        case Call():
            return WireCommand("call", command.step, errand=_errand(command))
        case Wait():
            return WireCommand("wait", command.step or "", "", command.until.timestamp())
        case Exit():
            return WireCommand("exit")


def _errand(call: Call) -> WireErrand | None:
    if call.errand is None:
        return None
    return WireErrand(
        call=call.errand.call,
        activity=call.errand.activity,
        queue=call.errand.queue,
        timeout=call.errand.timeout,
        until=call.until.timestamp(),
    )


def _dump_command(command: Command) -> dict[str, Any]:
    kind = wire(command).kind
    return {"kind": kind, **_KINDS[kind].dump_python(command, mode="json")}


def _load_command(value: Mapping[str, Any]) -> Command:
    return _KINDS[value["kind"]].validate_python({k: v for k, v in value.items() if k != "kind"})


COLUMNS: Final = (
    "id", "customer_id", "journey_id", "version", "plan_hash", "entry_source", "entry_key",
    "revision", "command", "state", "lease_until", "ended_at", "check_at", "traced", "held_at",
)  # fmt: skip
"""What is read of a run."""

_R = tables.run.c
_ONE = select(*(_R[name] for name in COLUMNS)).where(_R.id == tables.bound("run"))
_ANSWER = select(_R.revision, _R.command, _R.held_at).where(_R.id == tables.bound("run"))


def one(connection: Connection, run: UUID) -> Run | None:
    """Return a run, or None."""
    row = connection.execute(_ONE, {"run": run}).one_or_none()
    return of_row(row, row.id, row.revision) if row is not None else None


def answer(connection: Connection, run: UUID) -> Answer:
    """Return a run's current command; a run that is gone has ended."""
    row = connection.execute(_ANSWER, {"run": run}).one_or_none()
    if row is None:
        return Answer(0, WireCommand("exit"))
    return _answer(row.revision, _load_command(row.command), held=row.held_at is not None)


def of_row(row: Any, id: UUID, revision: int) -> Run:
    """Return the run of a row with `COLUMNS`."""
    return Run(
        id=id,
        journey=row.journey_id,
        version=row.version,
        plan_hash=row.plan_hash,
        source=row.entry_source,
        entry_key=row.entry_key,
        revision=revision,
        command=_load_command(row.command),
        state=_STATE.validate_python(row.state),
        lease_until=row.lease_until,
        ended_at=row.ended_at,
        check_at=row.check_at,
        traced=row.traced,
        held_at=row.held_at,
        stored_revision=revision,
    )


_LOCKED = customers.locking(
    "id = (SELECT customer_id FROM run WHERE id = :run)",
    {
        "run_revision": "r.revision",
        **{
            name: f"r.{name}"
            for name in (
                "journey_id", "version", "plan_hash", "entry_source", "entry_key", "command",
                "state", "lease_until", "ended_at", "check_at", "traced", "held_at",
            )
        },
        "message": messages.COMMANDED,
        # What this statement saw before it got the lock is old when somebody was before it.
        "stale": "(SELECT seq FROM customer WHERE id = locked.id) <> locked.seq",
    },
    "JOIN run AS r ON r.id = :run",
)  # fmt: skip


def locked(connection: Connection, run: UUID) -> tuple[Locked, Run] | None:
    """Lock the customer of a run; return her and the run as they then are, None without a run.

    One who has been merged away meanwhile makes the transaction start again.
    """
    row = connection.execute(_LOCKED, {"run": run}).one_or_none()
    if row is None:
        return None
    customer = customers.locked(row)
    if row.stale:
        found = one(connection, run)
        if found is not None and found.state.customer != customer.customer.id:
            raise RaceLost  # parted from whom she was merged into
        return (customer, found) if found is not None else None
    found = of_row(row, run, row.run_revision)
    found.message = messages.read(row.message) if row.message is not None else None
    return customer, found


_PAST = text("""
SELECT bool_or(ended_at IS NULL) FILTER (WHERE entry_key = :key) AS running,
       max(ended_at) FILTER (WHERE entry_key = :key) AS last_ended,
       (array_agg(held_out ORDER BY id DESC))[1] AS held_out,
       (array_agg(state -> 'arms' ORDER BY id DESC))[1] AS arms
FROM run WHERE customer_id = :customer AND journey_id = :journey
""")


def past(connection: Connection, customer: UUID, journey: str, key: str) -> PastRuns:
    """Return what is known of the customer's earlier runs of a journey."""
    row = connection.execute(_PAST, {"customer": customer, "journey": journey, "key": key}).one()
    return PastRuns(
        running=bool(row.running),
        last_ended=row.last_ended,
        held_out=row.held_out,
        arms=row.arms or {},
    )


def rows(runs: Iterable[Run]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return what is to be written of runs: the rows of new ones, the changes of others."""
    given = list(runs)
    return (
        [_new(run) | _changed(run) for run in given if not run.stored],
        [_changed(run) for run in given if run.stored],
    )


def _changed(run: Run) -> dict[str, Any]:
    state = run.state
    return {
        "id": run.id,
        "step": getattr(run.command, "step", None),
        "revision": run.revision,
        "command": _dump_command(run.command),
        "state": _STATE.dump_python(state, mode="json"),
        "check_at": run.check_at,
        "lease_until": run.lease_until,
        "ended_at": run.ended_at,
        "end_reason": state.ended,
        "goal_at": state.goal_at,
        "goal_revenue": state.goal_revenue,
        "traced": run.traced,
        "held_at": run.held_at,
    }


def _new(run: Run) -> dict[str, Any]:
    state = run.state
    return {
        "customer_id": state.customer,
        "journey_id": run.journey,
        "version": run.version,
        "plan_hash": run.plan_hash,
        "entry_source": run.source,
        "entry_key": run.entry_key,
        "held_out": state.held_out,
        "entered_at": state.entered_at,
        "goal_until": state.goal_until,
    }


_CHECK = text("""
UPDATE run SET check_at = now() + make_interval(secs => :seconds)
WHERE id = :run AND revision = :revision AND ended_at IS NULL
""")


def check_after(connection: Connection, run: UUID, revision: int, seconds: float) -> None:
    """Have the reconciler look at a run only so much later, if its command is still this one."""
    connection.execute(_CHECK, {"run": run, "revision": revision, "seconds": seconds})


_QUEUED = (
    select(tables.run_input)
    .where(
        tables.run_input.c.run_id == tables.bound("run"), tables.run_input.c.decided_seq.is_(None)
    )
    .order_by(tables.run_input.c.seq)
)
_DECIDED = text("""
UPDATE run_input SET decided_seq = :decided, decided_at = :at WHERE run_id = :run AND seq = :seq
""")


def queued(connection: Connection, run: UUID) -> list[Any]:
    """Return the inputs that wait to be decided, in order."""
    return list(connection.execute(_QUEUED, {"run": run}).all())


def decided(
    connection: Connection, run: UUID, seqs: Sequence[int], decided: int, at: datetime
) -> None:
    """Mark queued inputs as decided at this number and instant of the customer's order."""
    connection.execute(
        _DECIDED, [{"run": run, "seq": seq, "decided": decided, "at": at} for seq in seqs]
    )
