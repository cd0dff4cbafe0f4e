"""What became of a message, and how its run goes on from there; used within a customer's turn."""

from datetime import datetime
from typing import Final

from engine.flow.advance import DELIVERY_GRACE, drain, replace_command, take, trace, transition
from engine.flow.turn import Turn
from engine.model.base import Channel
from engine.model.journey import SendStep
from engine.run.assignment import message_id
from engine.run.machine import channels_of
from engine.run.state import Deliver, Settled
from engine.store import messages, runs
from engine.store.messages import Message
from engine.store.runs import Run

AGAIN_AT_MOST: Final = 2
"""How often a transactional message of unknown outcome is sent again."""


def message_of(turn: Turn, run: Run, command: Deliver) -> Message:
    """Return the message that a command is about."""
    found = messages.one(turn.connection, message_id(run.id, command.step, command.visit))
    if found is None:
        raise AssertionError(f"run {run.id} delivers a message that has no row")
    return found


def step_of(turn: Turn, run: Run) -> SendStep:
    """Return the send step at which a run stands."""
    instruction = turn.machine(run.plan_hash).plan.instructions[run.state.place]
    step = getattr(instruction, "step", None)
    if not isinstance(step, SendStep):
        raise AssertionError("only a send step delivers")
    return step


def lease_left(turn: Turn, message: Message) -> float:
    """Return for how many seconds another attempt may still be sending the message."""
    return ((message.lease_until or turn.now) - turn.now).total_seconds()


def settle(turn: Turn, run: Run, message: Message, outcome: str, reason: str | None) -> None:
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


def skip(turn: Turn, run: Run, message: Message, reason: str, rule: str | None = None) -> None:
    """Decide not to send the message, and let the run go on."""
    messages.change(
        turn.connection, message.id, state="skipped", reason=reason, rule=rule, deferred_until=None
    )
    transition(turn, message.id, message.state, "skipped", reason=reason, rule=rule)
    settle(turn, run, message, "skipped", reason)


def settle_unknown(turn: Turn, run: Run, message: Message) -> None:
    """Settle a message of which nobody knows whether the provider took it, by its class.

    Marketing is not sent again. Transactional is, unless the run has come to its end meanwhile,
    and at most so often that a server which takes mail but answers late sends no stream of it.
    """
    messages.change(turn.connection, message.id, state="unknown", lease_until=None)
    transition(turn, message.id, "claimed", "unknown")
    if message.class_ != "transactional" or message.unknowns >= AGAIN_AT_MOST:
        settle(turn, run, message, "unknown", None)
        return
    run.lease_until = None
    before = run.command
    drain(turn, run)
    if not isinstance(before, Deliver) or run.command != before:
        return
    turn.stamp()
    messages.change(
        turn.connection, message.id, state="decided", reason="unknown_sent_again",
        token=None, claim_seq=None, unknowns=message.unknowns + 1,
    )  # fmt: skip
    transition(turn, message.id, "unknown", "decided", reason="unknown_sent_again")
    trace(turn, run, "sent_again", message.step, {})
    again(turn, run, before, channel=before.channel)


def again(
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


def release(turn: Turn, run: Run, message: Message, reason: str | None) -> None:
    """Give the claim and its slot back; the message waits to be claimed again."""
    messages.change(
        turn.connection, message.id, state="decided", reason=reason,
        claimed_at=None, claim_seq=None, token=None, lease_until=None,
    )  # fmt: skip
    transition(turn, message.id, "claimed", "decided", reason=reason)
    run.lease_until = None
    run.check_at = turn.now + DELIVERY_GRACE
    turn.writes.runs[run.id] = run
    wake_next(turn, run)


def refused(turn: Turn, run: Run, message: Message, provider: str, reason: str | None) -> None:
    """The provider refused for good: the list moves on, or the message has failed."""
    command = run.command
    if isinstance(command, Deliver) and next_channel(turn, run, command, message, "refused"):
        return
    messages.change(
        turn.connection, message.id, state="failed", reason=reason,
        provider=provider, claimed_at=None, lease_until=None,
    )  # fmt: skip
    transition(turn, message.id, "claimed", "failed", reason=reason)
    settle(turn, run, message, "failed", reason)
    wake_next(turn, run)


def next_channel(turn: Turn, run: Run, command: Deliver, message: Message, reason: str) -> bool:
    """Move on to the list's next channel on which she can be reached, if there is one."""
    step = step_of(turn, run)
    machine = turn.machine(run.plan_hash)
    channels = channels_of(step, machine.variant(run.state, step))
    rest = channels[channels.index(command.channel) + 1 :] if command.channel in channels else ()
    channel = next((c for c in rest if turn.customer.address(c) is not None), None)
    if channel is None:
        return False
    if message.state == "claimed":
        release(turn, run, message, reason)
        drain(turn, run)
        if run.command != command:
            return True
    messages.change(turn.connection, message.id, channel=channel)
    again(turn, run, command, channel=channel)
    return True


def wake_next(turn: Turn, run: Run) -> None:
    """A slot is free: the message of this customer that waits in front may ask at once."""
    waiting = messages.first_capped(turn.connection, turn.customer.id)
    if waiting is None or waiting.run_id == run.id:
        return
    other = runs.one(turn.connection, waiting.run_id)
    if other is None or not isinstance(other.command, Deliver):
        return
    again(turn, other, other.command, channel=other.command.channel)
