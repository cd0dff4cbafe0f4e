"""The claim of a message, just before a provider is called.

A claim has a token and a lease. A record is accepted only from the token's holder; a lease that
ended without one leaves the outcome unknown, which the message's class then settles.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from uuid_utils.compat import uuid7

from engine.flow.advance import trace, transition
from engine.flow.settle import (
    again,
    lease_left,
    message_of,
    next_channel,
    settle_unknown,
    skip,
    step_of,
)
from engine.flow.turn import GONE, Turn, in_turn_of
from engine.model.base import Channel
from engine.names import LEASE, Answer, Wake
from engine.run import caps
from engine.run.caps import Candidate, Deferred, Granted, Skipped
from engine.run.hours import OpenHours
from engine.run.state import Deliver
from engine.store import messages
from engine.store.messages import Message
from engine.store.runs import Run
from engine.store.session import Database

_PATIENCE: Final = 60.0
"""Seconds after which to ask again, at most, for a message whose time has not come."""


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
    """Not yet: another attempt may still be sending, or the message's time has not come.

    Ask again in `seconds`.
    """

    seconds: float


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
        message = message_of(turn, run, command)
        if (busy := _too_soon(turn, command, message)) is not None:
            return busy
        if message.state == "claimed":
            settle_unknown(turn, run, message)
            return run.answer
        if rendered.problem is not None:
            skip(turn, run, message, rendered.problem)
            return run.answer
        if rendered.to != turn.customer.address(command.channel):
            return run.answer  # it was rendered for an address that she has no more
        if rendered.to is None:
            if not next_channel(turn, run, command, message, "no_address"):
                skip(turn, run, message, "no_address")
            return run.answer
        verdict = _verdict(turn, run, message, command.channel)
        match verdict:
            case Granted():
                return _grant(turn, run, message, rendered)
            case Deferred():
                _defer(turn, run, command, message, verdict)
            case Skipped(reason=reason, rule=rule):
                skip(turn, run, message, reason, rule)
        return run.answer

    return in_turn_of(database, run_id, decide, gone=GONE)


def _too_soon(turn: Turn, command: Deliver, message: Message) -> Busy | None:
    left = 0.0
    if message.state == "claimed":
        left = lease_left(turn, message)
    elif command.not_before is not None:  # Temporal's clock may be ahead of the database's
        left = min((command.not_before - turn.now).total_seconds(), _PATIENCE)
    return Busy(seconds=left + 0.1) if left > 0 else None


def _verdict(turn: Turn, run: Run, message: Message, channel: Channel) -> caps.Verdict:
    catalogue = turn.catalogue
    candidate = Candidate(
        id=message.id,
        customer=turn.customer.id,
        channel=channel,
        topic=message.topic,
        transactional=message.class_ == "transactional",
        decided_at=message.decided_at,
        on_full=step_of(turn, run).on_full,
        hours=OpenHours(zone=turn.zone, quiet=catalogue.workspace.quiet_hours.get(channel)),
    )
    since = caps.longest(catalogue.caps, turn.now, turn.zone)
    held = (
        messages.slots(turn.connection, turn.customer.id, since)
        if since is not None and not candidate.transactional
        else []
    )
    return caps.decide(candidate, catalogue.caps, held, now=turn.now, zone=turn.zone)


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
    again(turn, run, command, channel=command.channel, not_before=verdict.until)
