"""Deciding a run's inputs, and the transaction `advance`."""

from datetime import datetime, timedelta
from typing import Any, assert_never
from uuid import UUID

from engine.flow.line import standing
from engine.flow.traits import learn
from engine.flow.turn import Turn, finish
from engine.model.event import Event
from engine.model.journey import Moment, SendStep, Window
from engine.names import Answer, Cause
from engine.run.assignment import message_id
from engine.run.caps import next_in_line
from engine.run.state import (
    Call,
    Command,
    Deliver,
    Enter,
    Entered,
    Exit,
    Happened,
    Hurried,
    Input,
    Returned,
    Settled,
    Stopped,
    TimeReached,
    Trace,
    Update,
    Wait,
)
from engine.store import events, messages, runs
from engine.store.runs import Run
from engine.store.session import Database

GRACE = timedelta(seconds=30)
"""How long after its time the reconciler leaves a run to its workflow."""

CALL_GRACE = timedelta(minutes=3)
"""How long after the start of an attempt the reconciler leaves a call to its workflow."""

DELIVERY_GRACE = timedelta(seconds=90)
"""How long a message may be under way before the reconciler wakes its run."""


def advance(database: Database, run_id: UUID, revision: int, cause: Cause) -> Answer:
    """Return the run's current command; any cause but `look` first decides what has come about.

    It counts only while the run still stands at this revision, so that a second call changes
    nothing. In a paused journey a run whose time has come is held instead.
    """
    if cause == "look":
        with database.read() as connection:
            return runs.answer(connection, run_id)

    def work(connection: Any) -> Answer:
        found = runs.locked(connection, run_id)
        if found is None:
            return runs.answer(connection, run_id)
        locked, run = found
        if run.revision != revision or run.held_at:
            return run.answer
        turn = Turn(database, connection, locked)
        turn.hold(run)
        match run.command:
            case Wait(until=until) if cause == "time_reached":
                turn.stamp(not_before=until)
                # The comparison's window ends by itself: who is held out is sent nothing.
                why = turn.catalogue.holds(run.journey)
                if why is not None and not run.state.held_out:
                    hold(turn, run, why)
                else:
                    take(turn, run, TimeReached(seq=turn.seq, at=turn.now))
            case Call() if cause != "time_reached":
                turn.stamp()
                take(turn, run, _without_result(turn, run.command, cause))
            case _:
                return run.answer
        finish([turn], turn.writes, connection, answered=run_id)
        return run.answer

    return database.transact(work)


def carry_out(turn: Turn) -> None:
    """Do what the decisions of this turn asked for, and what these lead to."""
    from engine.flow import following  # it gives events to runs, and so leads back to here

    following.carry_out(turn)


def _without_result(turn: Turn, call: Call, cause: Cause) -> Returned:
    return Returned(
        seq=turn.seq,
        at=turn.now,
        step=call.step,
        visit=call.visit,
        outcome="failed",
        reason="no_result" if cause == "call_ended" else "not_done",
    )


def enter(turn: Turn, run: Run) -> None:
    """Decide the first input of a new run."""
    _take(turn, run, Entered(seq=turn.seq, at=turn.now))


def happen(turn: Turn, run: Run, event: Event) -> None:
    """Give an event to a run: decided now, or queued while a message of it is claimed."""
    given = Happened(seq=event.seq, at=event.received_at, event=event)
    if run.lease_until is not None:
        _keep(turn, run, given, decided=False)
    else:
        _take(turn, run, given)


def take(turn: Turn, run: Run, given: Input) -> None:
    """Decide one input now and keep it for the record; do what the decision asks for."""
    _take(turn, run, given)
    carry_out(turn)


def queue(turn: Turn, run: Run, given: Stopped) -> None:
    """Keep an input for when the message that is claimed is settled; for whoever cannot wait."""
    _keep(turn, run, given, decided=False)


def _take(turn: Turn, run: Run, given: Input) -> None:
    _keep(turn, run, given, decided=True)
    _decide(turn, run, given)


def drain(turn: Turn, run: Run) -> None:
    """Decide the inputs that came while a message was claimed, in their order."""
    rows = runs.queued(turn.connection, run.id)
    if rows:
        turn.stamp()
    for row in rows:
        _decide(turn, run, _queued(turn, run, row))
    if rows:
        runs.decided(turn.connection, run.id, [row.seq for row in rows], turn.seq, turn.now)
        carry_out(turn)


def _queued(turn: Turn, run: Run, row: Any) -> Input:
    if row.kind == "stopped":
        return Stopped(seq=row.seq, at=row.at, reason=row.data["reason"])
    event = events.by_seq(turn.connection, run.state.customer, row.seq)
    return Happened(seq=row.seq, at=row.at, event=event)


def _keep(turn: Turn, run: Run, given: Input, *, decided: bool) -> None:
    data: dict[str, Any] = {}
    if isinstance(given, Entered) and run.state.arms:
        data = {"arms": dict(run.state.arms)}
    if isinstance(given, Settled):
        data = {
            "step": given.step, "visit": given.visit, "outcome": given.outcome,
            "reason": given.reason, "since": given.since,
        }  # fmt: skip
    if isinstance(given, Stopped):
        data = {"reason": given.reason}
    if isinstance(given, Hurried):
        data = {"step": given.step, "visit": given.visit}
    if isinstance(given, Returned):
        data = {
            "step": given.step, "visit": given.visit, "outcome": given.outcome,
            "status": given.status, "reason": given.reason, "detail": given.detail,
            "kept": dict(given.kept), "missing": list(given.missing),
        }  # fmt: skip
    turn.writes.inputs.append(
        {
            "run_id": run.id,
            "seq": given.seq,
            "at": given.at,
            "kind": type(given).__name__.lower(),
            "data": data,
            "decided_seq": turn.seq if decided else None,
            "decided_at": turn.now if decided else None,
        }
    )


def _decide(turn: Turn, run: Run, given: Input) -> None:
    before = run.state
    advanced = turn.machine(run.plan_hash).advance(before, given, turn.world())
    run.state = advanced.state
    turn.writes.runs[run.id] = run
    for effect in advanced.effects:
        match effect:
            case Trace():
                trace(turn, run, effect.what, effect.step, dict(effect.data))
            case Update():
                learn(turn, effect.traits)
                turn.ask(run, effect)
            case Enter():
                turn.ask(run, effect)
            case _:
                assert_never(effect)
    if run.state.ended is not None and before.ended is None:
        run.ended_at = turn.now
    if _is_other(run.command, advanced.command):
        replace_command(turn, run, advanced.command)


def trace(turn: Turn, run: Run, what: str, step: str | None, data: dict[str, Any]) -> None:
    """Note for people what happened to a run."""
    run.traced += 1
    turn.writes.traces.append(
        {
            "run_id": run.id,
            "n": run.traced,
            "customer_id": turn.customer.id,
            "journey_id": run.journey,
            "at": turn.now,
            "step": step,
            "what": what,
            "data": data,
        }
    )


def _is_other(before: Command, after: Command) -> bool:
    """Whether this is another command, and not the one that was deferred."""
    if isinstance(before, Deliver) and isinstance(after, Deliver):
        return (before.step, before.visit) != (after.step, after.visit)
    if isinstance(before, Call) and isinstance(after, Call):
        # An activity's terms may change while it is carried out.
        return (before.step, before.visit) != (after.step, after.visit)
    return before != after


def replace_command(turn: Turn, run: Run, command: Command) -> None:
    """Give a run a new command, and raise its revision with it."""
    before = run.command
    same = (
        isinstance(before, Deliver)
        and isinstance(command, Deliver)
        and _same_message(before, command)
    )
    if isinstance(before, Deliver) and run.revision and not same:
        _abandon(turn, run, before)
    run.revision += 1
    run.command = command
    run.held_at = None
    run.check_at = check_at(turn, run)
    if isinstance(command, Deliver) and not same:
        _decide_message(turn, run, command)
    turn.writes.runs[run.id] = run


def check_at(turn: Turn, run: Run) -> datetime | None:
    """Return when the reconciler looks whether the run's command has been carried out."""
    match run.command:
        case Deliver(not_before=not_before):
            return (not_before or turn.now) + DELIVERY_GRACE
        case Call(errand=errand):
            attempt = timedelta(seconds=errand.timeout if errand else 0)
            return turn.now + attempt + CALL_GRACE
        case Wait(until=until):
            return until + (timedelta() if run.state.held_out else GRACE)
        case Exit():
            return None
        case _:
            assert_never(run.command)


def hold(turn: Turn, run: Run, why: str) -> None:
    """Keep what is due in a paused journey until it is resumed, in an archived one until it ends.

    The command stands, so that events find the run as it was. Its workflow is told a time that
    does not come, and the reconciler nothing: who resumes wakes it (`engine/flow/holding.py`).
    """
    run.held_at = turn.now
    run.revision += 1
    run.check_at = None
    trace(turn, run, "held", getattr(run.command, "step", None), {"reason": why})
    turn.writes.runs[run.id] = run


def _same_message(before: Deliver, after: Deliver) -> bool:
    return (before.step, before.visit) == (after.step, after.visit)


def _abandon(turn: Turn, run: Run, before: Deliver) -> None:
    """Skip the message of a command that something has replaced, unless it is settled."""
    message = message_id(run.id, before.step, before.visit)
    if message == turn.settled:
        return
    unwritten = next((row for row in turn.writes.messages if row["id"] == message), None)
    if unwritten is not None:
        state = unwritten["state"]
        unwritten.update(state="skipped", reason="replaced")
    else:
        state = messages.replace(turn.connection, message, "replaced")
    if state is not None:
        transition(turn, message, state, "skipped", reason="replaced")
    if state == "deferred":
        turn.at_the_end = wake_next


def wake_next(turn: Turn) -> None:
    """A slot is free, or who waited in front waits no more: the next in line may ask at once.

    To be called when everything else of the turn is decided.
    """
    slots, waiting = standing(turn)
    rules = turn.catalogue.caps
    for id in next_in_line(rules, slots, waiting, now=turn.now, zone=turn.zone):
        message = messages.one(turn.connection, id)
        assert message is not None  # noqa: S101 - it was just read, under the lock
        run = turn.writes.runs.get(message.run) or runs.one(turn.connection, message.run)
        command = run.command if run is not None else None
        if run is None or not isinstance(command, Deliver) or command.not_before is None:
            continue  # it was woken before
        replace_command(
            turn, run, Deliver(step=command.step, visit=command.visit, channel=command.channel)
        )


def _decide_message(turn: Turn, run: Run, command: Deliver) -> None:
    machine = turn.machine(run.plan_hash)
    journey = machine.plan.journey
    instruction = machine.plan.instructions[run.state.place]
    step = getattr(instruction, "step", None)
    if not isinstance(step, SendStep):
        raise AssertionError("only a send step delivers")
    variant = machine.variant(run.state, step)
    own = variant.set if variant is not None else {}
    message = message_id(run.id, command.step, command.visit)
    turn.writes.messages.append(
        {
            "id": message,
            "customer_id": turn.customer.id,
            "run_id": run.id,
            "journey_id": run.journey,
            "version": run.version,
            "step": command.step,
            "visit": command.visit,
            "variant": variant.id if variant is not None else None,
            "channel": command.channel,
            "class": step.class_,
            "topic": step.topic or journey.topic,
            "priority": journey.priority,
            "template": str(own.get("template") or step.template),
            "offer": step.offer,
            "on_full": step.on_full,
            "hours": _hours(step.moment(variant)),
            "state": "decided",
            "reason": None,
            "decided_at": turn.now,
        }
    )
    transition(turn, message, None, "decided")


def _hours(moment: Moment | None) -> str | None:
    """Return the hours of a message as its row has them; the best hour is found in the claim."""
    match moment:
        case Window():
            return f"window {moment.window}"
        case "best_hour":
            return "best_hour"
        case _:
            return None


def transition(
    turn: Turn,
    message: UUID,
    before: str | None,
    after: str,
    *,
    reason: str | None = None,
    rule: str | None = None,
    channel: str | None = None,
) -> None:
    """Note a change of a message's state; the only record the caps' proof relies on.

    A claim, a deferral or a move to another channel, which leaves the state as it is, tells the
    `channel`, and the zone by which the calendar's windows are counted.
    """
    turn.writes.transitions.append(
        {
            "message_id": message,
            "seq": turn.seq,
            "customer_id": turn.customer.id,
            "at": turn.now,
            "from": before,
            "to": after,
            "reason": reason,
            "rule": rule,
            "channel": channel,
            "zone": turn.zone if channel is not None else None,
        }
    )
