"""The claim of a message, just before a provider is called, and the record of what came of it.

A claim has a token and a lease. A record is accepted only from the token's holder; a lease that
ended without one leaves the outcome unknown, which the message's class then settles.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Connection
from uuid_utils.compat import uuid7

from engine.flow.advance import (
    DELIVERY_GRACE,
    drain,
    replace_command,
    take,
    trace,
    transition,
)
from engine.flow.turn import Turn, finish
from engine.model.base import Channel
from engine.model.journey import SendStep
from engine.names import LEASE, Answer, Wake
from engine.run import caps
from engine.run.assignment import message_id
from engine.run.caps import Candidate, Deferred, Granted, Skipped
from engine.run.machine import channels_of
from engine.run.state import Deliver, Settled
from engine.store import customers, messages, runs
from engine.store.messages import Message
from engine.store.runs import Run
from engine.store.session import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A message ready to hand over; `problem` says why it cannot be made."""

    to: str | None = None
    subject: str | None = None
    body: str | None = None
    text: str | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """Hand the message over now, and record the outcome with this token."""

    message: UUID
    token: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Busy:
    """Another attempt may still be sending: ask again in `seconds`."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the provider answered.

    `sent`; `refused` for good; `released`: refused for now; `unknown`: handed over, no answer.
    """

    what: Literal["sent", "refused", "released", "unknown"]
    provider: str
    provider_id: str | None = None
    reason: str | None = None


def claim(
    database: Database, run_id: UUID, revision: int, rendered: Rendered
) -> tuple[Claimed | Busy | Answer, list[Wake]]:
    """Ask to send the message that the run's command at `revision` is about.

    An `Answer` means that there is nothing to send: the command was replaced, or the message
    deferred or skipped just now. The wakes are for other runs of the customer.
    """

    def decide(turn: Turn, run: Run) -> Claimed | Busy | Answer:
        command = run.command
        if run.revision != revision or not isinstance(command, Deliver):
            return run.answer
        message = _message(turn, run, command)
        if message.state == "claimed":
            busy = _busy(turn, message)
            if busy is not None:
                return busy
            _settle_unknown(turn, run, message)
            return run.answer
        if rendered.problem is not None:
            _skip(turn, run, message, rendered.problem)
            return run.answer
        if rendered.to is None:
            if not _next_channel(turn, run, command, message, "no_address"):
                _skip(turn, run, message, "no_address")
            return run.answer
        verdict = _verdict(turn, run, message, command.channel)
        match verdict:
            case Granted():
                return _grant(turn, run, message, rendered)
            case Deferred():
                _defer(turn, run, command, message, verdict)
            case Skipped(reason=reason, rule=rule):
                _skip(turn, run, message, reason, rule)
        return run.answer

    return _transact(database, run_id, decide, Answer)


def record(
    database: Database, run_id: UUID, message: UUID, token: UUID, outcome: Outcome
) -> tuple[Answer, list[Wake]]:
    """Record what the provider answered, and let the run go on.

    From anyone but the token's holder it changes nothing, except that a message left as
    unknown is known after all.
    """

    def decide(turn: Turn, run: Run) -> Answer:
        row = messages.one(turn.connection, message)
        if row is None or row.token != token:
            return run.answer
        if row.state == "unknown":
            _record_late(turn, row, outcome)
        elif row.state == "claimed":
            _record(turn, run, row, outcome)
        return run.answer

    return _transact(database, run_id, decide, Answer)


def settle_expired(database: Database, run_id: UUID) -> list[Wake]:
    """Settle a claim whose lease has ended without a record; for the reconciler."""

    def decide(turn: Turn, run: Run) -> None:
        if run.lease_until is None or not isinstance(run.command, Deliver):
            return
        message = _message(turn, run, run.command)
        if message.state == "claimed" and _busy(turn, message) is None:
            _settle_unknown(turn, run, message)

    _, others = _transact(database, run_id, decide, type(None), own=True)
    return others


def _transact(
    database: Database,
    run_id: UUID,
    decide: Callable[[Turn, Run], Any],
    gone: Any,
    *,
    own: bool = False,
) -> tuple[Any, list[Wake]]:
    """Run `decide` in the turn of the run's customer.

    The run's own workflow is told by the answer, unless `own` asks for its wake as well.
    """

    def work(connection: Connection) -> tuple[Any, list[Wake]]:
        locked = customers.lock_of_run(connection, run_id)
        run = runs.one(connection, run_id) if locked is not None else None
        if locked is None or run is None:
            return (runs.answer(connection, run_id) if gone is Answer else None), []
        turn = Turn(database, connection, locked)
        turn.stamp()
        result = decide(turn, run)
        answered = None if own else run_id
        return result, finish([turn], turn.writes, connection, answered=answered)

    return database.transact(work)


def _message(turn: Turn, run: Run, command: Deliver) -> Message:
    found = messages.one(turn.connection, message_id(run.id, command.step, command.visit))
    if found is None:
        raise AssertionError(f"run {run.id} delivers a message that has no row")
    return found


def _busy(turn: Turn, message: Message) -> Busy | None:
    ends = message.lease_until or turn.now
    left = (ends - turn.now).total_seconds()
    return Busy(seconds=left + 0.1) if left > 0 else None


def _step(turn: Turn, run: Run) -> SendStep:
    instruction = turn.machine(run.plan_hash).plan.instructions[run.state.place]
    step = getattr(instruction, "step", None)
    if not isinstance(step, SendStep):
        raise AssertionError("only a send step delivers")
    return step


def _verdict(turn: Turn, run: Run, message: Message, channel: Channel) -> caps.Verdict:
    catalogue = turn.catalogue
    candidate = Candidate(
        id=message.id,
        customer=turn.customer.id,
        channel=channel,
        topic=message.topic,
        transactional=message.class_ == "transactional",
        decided_at=message.decided_at,
        on_full=_step(turn, run).on_full,
    )
    since = caps.longest(catalogue.caps, turn.now, turn.zone)
    held = (
        messages.slots(turn.connection, turn.customer.id, since)
        if since is not None and not candidate.transactional
        else []
    )
    quiet = catalogue.workspace.quiet_hours.get(channel)
    return caps.decide(candidate, catalogue.caps, held, quiet, now=turn.now, zone=turn.zone)


def _grant(turn: Turn, run: Run, message: Message, rendered: Rendered) -> Claimed:
    token, lease_until = uuid7(), turn.now + LEASE
    command = run.command
    assert isinstance(command, Deliver)  # noqa: S101 - told to the type checker
    messages.change(
        turn.connection,
        message.id,
        state="claimed",
        reason=None,
        rule=None,
        deferred_until=None,
        channel=command.channel,
        claimed_at=turn.now,
        claim_seq=turn.seq,
        token=token,
        lease_until=lease_until,
        to=rendered.to,
        subject=rendered.subject,
        body=rendered.body,
        body_text=rendered.text,
    )
    transition(turn, message.id, message.state, "claimed")
    run.lease_until = lease_until
    run.check_at = lease_until
    turn.writes.runs[run.id] = run
    return Claimed(message=message.id, token=token)


def _defer(turn: Turn, run: Run, command: Deliver, message: Message, verdict: Deferred) -> None:
    messages.change(
        turn.connection,
        message.id,
        state="deferred",
        reason=verdict.reason,
        rule=verdict.rule,
        deferred_until=verdict.until,
        channel=command.channel,
    )
    transition(
        turn, message.id, message.state, "deferred", reason=verdict.reason, rule=verdict.rule
    )
    told = {"until": verdict.until.isoformat(), "reason": verdict.reason}
    trace(
        turn, run, "deferred", command.step, told | ({"rule": verdict.rule} if verdict.rule else {})
    )
    _again(turn, run, command, channel=command.channel, not_before=verdict.until)


def _again(
    turn: Turn,
    run: Run,
    command: Deliver,
    *,
    channel: Channel,
    not_before: datetime | None = None,
) -> None:
    """Command the same message once more: on another channel, or later."""
    again = Deliver(step=command.step, visit=command.visit, channel=channel, not_before=not_before)
    turn.settled = message_id(run.id, command.step, command.visit)
    replace_command(turn, run, again)


def _skip(turn: Turn, run: Run, message: Message, reason: str, rule: str | None = None) -> None:
    messages.change(
        turn.connection, message.id, state="skipped", reason=reason, rule=rule, deferred_until=None
    )
    transition(turn, message.id, message.state, "skipped", reason=reason, rule=rule)
    _settle(turn, run, message, "skipped", reason)


def _settle(turn: Turn, run: Run, message: Message, outcome: str, reason: str | None) -> None:
    """Let the run go on, now that it is known what became of its message."""
    turn.settled = message.id
    run.lease_until = None
    drain(turn, run)
    turn.stamp()
    settled = Settled(
        seq=turn.seq,
        at=turn.now,
        step=message.step,
        visit=message.visit,
        outcome=outcome,
        reason=reason,
        since=message.claim_seq,
    )
    take(turn, run, settled)


def _record(turn: Turn, run: Run, message: Message, outcome: Outcome) -> None:
    match outcome.what:
        case "sent":
            messages.change(
                turn.connection,
                message.id,
                state="sent",
                sent_at=turn.now,
                provider=outcome.provider,
                provider_id=outcome.provider_id,
            )
            transition(turn, message.id, "claimed", "sent")
            _settle(turn, run, message, "sent", None)
        case "unknown":
            messages.change(turn.connection, message.id, provider=outcome.provider)
            _settle_unknown(turn, run, message)
        case "released":
            _release(turn, run, message, outcome.reason)
            drain(turn, run)
        case "refused":
            _refused(turn, run, message, outcome)


def _release(turn: Turn, run: Run, message: Message, reason: str | None) -> None:
    """Give the claim and its slot back; the message waits to be claimed again."""
    messages.change(
        turn.connection, message.id, state="decided", reason=reason,
        claimed_at=None, claim_seq=None, token=None, lease_until=None,
    )  # fmt: skip
    transition(turn, message.id, "claimed", "decided", reason=reason)
    run.lease_until = None
    run.check_at = turn.now + DELIVERY_GRACE
    turn.writes.runs[run.id] = run
    _wake_next(turn, run)


def _refused(turn: Turn, run: Run, message: Message, outcome: Outcome) -> None:
    command = run.command
    if isinstance(command, Deliver) and _next_channel(turn, run, command, message, "refused"):
        return
    messages.change(
        turn.connection, message.id, state="failed", reason=outcome.reason,
        provider=outcome.provider, claimed_at=None, lease_until=None,
    )  # fmt: skip
    transition(turn, message.id, "claimed", "failed", reason=outcome.reason)
    _settle(turn, run, message, "failed", outcome.reason)
    _wake_next(turn, run)


def _next_channel(turn: Turn, run: Run, command: Deliver, message: Message, reason: str) -> bool:
    """Move on to the list's next channel on which she can be reached, if there is one."""
    step = _step(turn, run)
    machine = turn.machine(run.plan_hash)
    channels = channels_of(step, machine.variant(run.state, step))
    rest = channels[channels.index(command.channel) + 1 :] if command.channel in channels else ()
    channel = next((c for c in rest if turn.customer.address(c) is not None), None)
    if channel is None:
        return False
    if message.state == "claimed":
        _release(turn, run, message, reason)
        drain(turn, run)
        if run.command != command:
            return True
    messages.change(turn.connection, message.id, channel=channel)
    _again(turn, run, command, channel=channel)
    return True


def _settle_unknown(turn: Turn, run: Run, message: Message) -> None:
    """Settle a message of which nobody knows whether the provider took it, by its class.

    Marketing is not sent again. Transactional is, unless the run has come to its end meanwhile.
    """
    messages.change(turn.connection, message.id, state="unknown", lease_until=None)
    transition(turn, message.id, "claimed", "unknown")
    if message.class_ != "transactional":
        _settle(turn, run, message, "unknown", None)
        return
    run.lease_until = None
    before = run.command
    drain(turn, run)
    if not isinstance(before, Deliver) or run.command != before:
        return
    turn.stamp()
    messages.change(
        turn.connection, message.id, state="decided", reason="unknown_sent_again",
        token=None, claim_seq=None,
    )  # fmt: skip
    transition(turn, message.id, "unknown", "decided", reason="unknown_sent_again")
    trace(turn, run, "sent_again", message.step, {})
    _again(turn, run, before, channel=before.channel)


def _record_late(turn: Turn, message: Message, outcome: Outcome) -> None:
    """Correct the ledger: the run has gone on, but the outcome is known after all."""
    if outcome.what not in {"sent", "refused"}:
        return
    state = "sent" if outcome.what == "sent" else "failed"
    messages.change(
        turn.connection, message.id, state=state, reason="late", provider=outcome.provider,
        provider_id=outcome.provider_id, sent_at=turn.now if state == "sent" else None,
    )  # fmt: skip
    transition(turn, message.id, "unknown", state, reason="late")


def _wake_next(turn: Turn, run: Run) -> None:
    """A slot is free: the message of this customer that waits in front may ask at once."""
    waiting = messages.first_capped(turn.connection, turn.customer.id)
    if waiting is None or waiting.run_id == run.id:
        return
    other = runs.one(turn.connection, waiting.run_id)
    if other is None or not isinstance(other.command, Deliver):
        return
    _again(turn, other, other.command, channel=other.command.channel)
