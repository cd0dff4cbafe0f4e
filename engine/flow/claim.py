"""The claim of a message, just before a provider is called.

A claim has a token and a lease. A record is accepted only from the token's holder; a lease that
ended without one leaves the outcome unknown, which is then settled.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from uuid_utils.compat import uuid7

from engine.flow.advance import hold, trace, transition, wake_next
from engine.flow.line import barred, candidate, standing
from engine.flow.settle import (
    REPEATED,
    lease_left,
    message_of,
    move,
    next_channel,
    put_off,
    rest_of,
    settle_by_class,
    settle_unknown,
    skip,
)
from engine.flow.turn import GONE, Turn, in_turn_of
from engine.names import LEASE, Answer, Wake
from engine.run import caps
from engine.run.caps import Deferred, Granted, Skipped
from engine.run.state import Deliver
from engine.store import messages
from engine.store.messages import Message
from engine.store.runs import Run
from engine.store.session import Database

_PATIENCE: Final = 60.0
"""Seconds after which to ask again, at most, for a message whose time has not come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A message ready to hand over; `problem` says why it cannot be made.

    `settling` is how its provider lets an unknown outcome be settled. `best_hour` is the window in
    which she opens most, `segments` and `cost` are an SMS's, and `missing` names the variables that
    nothing filled.
    """

    to: str | None = None
    subject: str | None = None
    body: str | None = None
    text: str | None = None
    problem: str | None = None
    settling: str = "class"
    best_hour: str | None = None
    segments: int | None = None
    cost: Decimal | None = None
    missing: tuple[str, ...] = ()


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Ask the provider whether it has taken this message, at or after `since`.

    `to` and `body` are what was handed over.
    """

    message: UUID
    since: datetime
    to: str
    body: str


def claim(
    database: Database, run_id: UUID, revision: int, rendered: Rendered
) -> tuple[Claimed | Busy | Ask | Answer, list[Wake]]:
    """Ask to send the message that the run's command at `revision` is about.

    An `Answer` means that there is nothing to send: the command was replaced, or the message
    deferred, skipped, given to another channel or held in a paused journey just now. The wakes
    are for other runs of the customer.
    """

    def decide(turn: Turn, run: Run) -> Claimed | Busy | Ask | Answer:
        command = run.command
        if run.revision != revision or not isinstance(command, Deliver) or run.held_at:
            return run.answer
        message = message_of(turn, run, command)
        if (why := turn.catalogue.holds(run.journey)) is not None and _at_rest(message):
            hold(turn, run, why)
            return run.answer
        if (busy := _too_soon(turn, command, message)) is not None:
            return busy
        if message.state in {"claimed", "unknown"}:
            return _left_open(turn, run, command, message, rendered)
        if rendered.problem is not None:
            skip(turn, run, message, rendered.problem)
        elif (reason := barred(turn, message, command.channel)) is not None:
            if not next_channel(turn, run, message, reason):
                skip(turn, run, message, reason)
        elif rendered.to == turn.customer.address(command.channel):
            return _decide(turn, run, command, message, rendered)
        # What was rendered for an address that she has no more is rendered again.
        return run.answer

    return in_turn_of(database, run_id, decide, gone=GONE)


def _left_open(
    turn: Turn, run: Run, command: Deliver, message: Message, rendered: Rendered
) -> Claimed | Ask | Answer:
    """Go on with a message that was handed over, and of which nobody knows what became of it."""
    if message.state == "claimed":
        settle_unknown(turn, run, message)
    elif message.reason == REPEATED:
        if rendered.problem is None and barred(turn, message, command.channel) is None:
            return _grant(turn, run, command, message, rendered)
        settle_by_class(turn, run, message)
    elif lease_left(turn, message) > 0:
        to, body = messages.handed_over(turn.connection, message.id)
        since = message.claimed_at or message.decided_at
        return Ask(message=message.id, since=since, to=to, body=body)
    else:
        settle_by_class(turn, run, message)
    return run.answer


def _at_rest(message: Message) -> bool:
    """Whether nobody is at work on the message; what may be under way is settled in any case."""
    return message.state in {"decided", "deferred"} or message.reason == REPEATED


def _too_soon(turn: Turn, command: Deliver, message: Message) -> Busy | None:
    left = 0.0
    if message.state == "claimed":
        left = lease_left(turn, message)
    elif command.not_before is not None:  # Temporal's clock may be ahead of the database's
        left = min((command.not_before - turn.now).total_seconds(), _PATIENCE)
    return Busy(seconds=left + 0.1) if left > 0 else None


def _decide(
    turn: Turn, run: Run, command: Deliver, message: Message, rendered: Rendered
) -> Claimed | Answer:
    if message.hours == "best_hour":
        _find_hour(turn, run, message, rendered.best_hour)
    rules = turn.catalogue.caps
    asks = candidate(turn, message, command.channel)
    slots, waiting = ([], []) if asks.transactional else standing(turn, but=message.id)
    verdict = caps.decide(asks, rules, slots, waiting, now=turn.now, zone=turn.zone)
    if isinstance(verdict, Granted):
        return _grant(turn, run, command, message, rendered)
    if verdict.ahead:
        turn.at_the_end = wake_next
    if verdict.to_next:
        for channel in rest_of(turn, run, command):
            other = candidate(turn, message, channel)
            if barred(turn, message, channel) is None and isinstance(
                caps.decide(other, rules, slots, waiting, now=turn.now, zone=turn.zone), Granted
            ):
                move(turn, run, message, channel, verdict.reason, verdict.rule)
                return run.answer
    match verdict:
        case Deferred(until=until, reason=reason, rule=rule):
            put_off(turn, run, message, until, reason, rule)
        case Skipped(reason=reason, rule=rule):
            skip(turn, run, message, reason, rule)
    return run.answer


def _find_hour(turn: Turn, run: Run, message: Message, window: str | None) -> None:
    """Fix the hour at which the message goes out, once and for all; at once when none is known."""
    message.hours = f"best_hour {window}" if window is not None else None
    messages.change(turn.connection, message.id, hours=message.hours)
    if window is None:
        trace(turn, run, "no_best_hour", message.step, {})


def _grant(turn: Turn, run: Run, command: Deliver, message: Message, rendered: Rendered) -> Claimed:
    token, lease_until = uuid7(), turn.now + LEASE
    turn.writes.claims.append(
        {
            "id": message.id,
            "state": "claimed",
            "reason": None,
            "rule": None,
            "deferred_until": None,
            "channel": command.channel,
            # What may be with its provider already holds the slot that it took then.
            "claimed_at": message.claimed_at if message.state == "unknown" else turn.now,
            "claim_seq": turn.seq,
            "token": token,
            "lease_until": lease_until,
            "settling": rendered.settling,
            "to": rendered.to,
            "subject": rendered.subject,
            "body": rendered.body,
            "body_text": rendered.text,
            "segments": rendered.segments,
            "cost": rendered.cost,
        }
    )
    if rendered.missing:
        trace(turn, run, "missing", message.step, {"variables": list(rendered.missing)})
    transition(turn, message.id, message.state, "claimed", channel=command.channel)
    run.lease_until = lease_until
    run.check_at = lease_until
    turn.writes.runs[run.id] = run
    return Claimed(message=message.id, token=token)
