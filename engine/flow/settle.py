"""What became of a message, and how its run goes on from there; used within a customer's turn."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from engine.flow.advance import (
    DELIVERY_GRACE,
    drain,
    replace_command,
    take,
    trace,
    transition,
    wake_next,
)
from engine.flow.line import barred
from engine.flow.turn import Turn
from engine.model.base import Channel
from engine.model.journey import SendStep
from engine.run.assignment import message_id
from engine.run.machine import channels_of
from engine.run.state import Deliver, Settled
from engine.store import messages
from engine.store.messages import Message
from engine.store.runs import Run

AGAIN_AT_MOST: Final = 2
"""How often a transactional message of unknown outcome is sent again."""

REPEATED_AT_MOST: Final = 10
"""How often a message is handed to a provider again that knows it by its key."""

SENT_AGAIN: Final = "unknown_sent_again"
"""Why a transactional message is claimed once more."""

REPEATED: Final = "repeated_with_key"
"""Why a message of unknown outcome may be handed over again."""

ASKED_FOR: Final = timedelta(minutes=2)
"""For how long a provider is asked whether it has a message."""

ASK_AFTER: Final = timedelta(seconds=3)
"""How long to wait before a provider is asked; longer each time, as some allow few questions."""


def message_of(turn: Turn, run: Run, command: Deliver) -> Message:
    """Return the message that a command is about."""
    found = find(turn, run, message_id(run.id, command.step, command.visit))
    if found is None:
        raise AssertionError(f"run {run.id} delivers a message that has no row")
    return found


def find(turn: Turn, run: Run, message: UUID) -> Message | None:
    """Return a message, or None: once in a turn from what was read with the lock, then anew."""
    read, run.message = run.message, None
    if read is not None and read.id == message:
        return read
    return messages.one(turn.connection, message)


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


def is_about(run: Run, message: Message) -> bool:
    """Whether the run still rests at the step that this message is of."""
    command = run.command
    return (
        isinstance(command, Deliver)
        and (command.step, command.visit) == (message.step, message.visit)
        and run.id == message.run
    )


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
    if message.state == "deferred":
        turn.at_the_end = wake_next
    settle(turn, run, message, "skipped", reason)


def settle_unknown(turn: Turn, run: Run, message: Message) -> None:
    """Settle a claimed message of which nobody knows whether the provider took it.

    A provider that knows messages by their key gets it again, one that can be asked is asked;
    otherwise, or after that, the message's class decides.
    """
    transition(turn, message.id, "claimed", "unknown")
    before = run.command
    if message.settling == "repeat" and message.unknowns < REPEATED_AT_MOST:
        _repeat(turn, run, message)
    elif message.settling == "ask" and isinstance(before, Deliver):
        run.lease_until = turn.now + ASKED_FOR
        messages.change(
            turn.connection,
            message.id,
            state="unknown",
            reason="asking",
            lease_until=run.lease_until,
        )
        ask_again(turn, run, before)
    else:
        settle_by_class(turn, run, message)


def _repeat(turn: Turn, run: Run, message: Message) -> None:
    """Have the message handed over again under its key; it keeps its slot."""
    messages.change(
        turn.connection, message.id, state="unknown", reason=REPEATED, lease_until=None,
        unknowns=message.unknowns + 1,
    )  # fmt: skip
    run.lease_until = None
    before = run.command
    drain(turn, run)
    if isinstance(before, Deliver) and run.command == before:
        turn.stamp()
        trace(turn, run, "sent_again", message.step, {})
        again(turn, run, before, channel=before.channel)


def ask_again(turn: Turn, run: Run, command: Deliver, *, after: timedelta = timedelta()) -> None:
    """Let the activity ask the provider in a while, not sooner than `after`."""
    asked = ASKED_FOR - ((run.lease_until or turn.now) - turn.now)
    at = turn.now + max(ASK_AFTER + asked / 2, after)
    again(turn, run, command, channel=command.channel, not_before=at)


def settle_by_class(turn: Turn, run: Run, message: Message) -> None:
    """Settle a message in state `unknown` by its class.

    Marketing is not sent again. Transactional is, unless the run has come to its end meanwhile,
    and at most so often that a server which takes mail but answers late sends no stream of it.
    """
    messages.change(turn.connection, message.id, state="unknown", reason=None, lease_until=None)
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
        turn.connection, message.id, state="decided", reason=SENT_AGAIN,
        token=None, claim_seq=None, unknowns=message.unknowns + 1,
    )  # fmt: skip
    transition(turn, message.id, "unknown", "decided", reason=SENT_AGAIN)
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
    replace_command(
        turn,
        run,
        Deliver(step=command.step, visit=command.visit, channel=channel, not_before=not_before),
    )


def release(turn: Turn, run: Run, message: Message, reason: str | None) -> None:
    """Give the claim and its slot back; the message waits to be claimed again."""
    messages.change(
        turn.connection, message.id, state="decided", reason=reason,
        claimed_at=None, claim_seq=None, token=None, lease_until=None,
    )  # fmt: skip
    transition(turn, message.id, message.state, "decided", reason=reason)
    message.state = "decided"
    run.lease_until = None
    run.check_at = turn.now + DELIVERY_GRACE
    turn.writes.runs[run.id] = run
    turn.at_the_end = wake_next


def put_off(
    turn: Turn, run: Run, message: Message, until: datetime, reason: str, rule: str | None = None
) -> None:
    """Defer a message that is not claimed."""
    command = run.command
    assert isinstance(command, Deliver)  # noqa: S101 - told to the type checker
    messages.change(
        turn.connection,
        message.id,
        state="deferred",
        reason=reason,
        rule=rule,
        deferred_until=until,
        first_deferred_at=message.first_deferred_at or turn.now,
        channel=command.channel,
    )
    transition(
        turn, message.id, message.state, "deferred", reason=reason, rule=rule,
        channel=command.channel,
    )  # fmt: skip
    told = {"until": until.isoformat(), "reason": reason}
    trace(turn, run, "deferred", command.step, told | ({"rule": rule} if rule else {}))
    again(turn, run, command, channel=command.channel, not_before=until)


def throttled(turn: Turn, run: Run, message: Message, until: datetime) -> None:
    """The provider takes no more for now, and says until when."""
    command = run.command
    release(turn, run, message, "throttled")
    drain(turn, run)
    if run.command == command:
        turn.stamp()
        put_off(turn, run, message, until, "throttled")


def refused(turn: Turn, run: Run, message: Message, provider: str, reason: str | None) -> None:
    """The provider refused for good: the list moves on, or the message has failed."""
    if is_about(run, message) and (
        _other_device(turn, run, message, reason) or next_channel(turn, run, message, "refused")
    ):
        return
    messages.change(
        turn.connection, message.id, state="failed", reason=reason,
        provider=provider, claimed_at=None, lease_until=None,
    )  # fmt: skip
    transition(turn, message.id, message.state, "failed", reason=reason)
    turn.at_the_end = wake_next
    settle(turn, run, message, "failed", reason)


def _other_device(turn: Turn, run: Run, message: Message, reason: str | None) -> bool:
    """Forget a device that takes no push any more; return whether there is another one."""
    if message.channel != "push" or reason != "expired":
        return False
    expired = turn.customer.address("push")
    devices = [token for token in turn.customer.addresses.get("push", []) if token != expired]
    turn.change(addresses={**turn.customer.addresses, "push": devices})
    command = run.command
    if not devices or not isinstance(command, Deliver):
        return False
    release(turn, run, message, "expired")
    drain(turn, run)
    if run.command == command:
        again(turn, run, command, channel="push")
    return True


def rest_of(turn: Turn, run: Run, command: Deliver) -> tuple[Channel, ...]:
    """Return the channels of the step's list that come after the command's."""
    step = step_of(turn, run)
    channels = channels_of(step, turn.machine(run.plan_hash).variant(run.state, step))
    if command.channel not in channels:
        return ()
    return channels[channels.index(command.channel) + 1 :]


def next_channel(turn: Turn, run: Run, message: Message, reason: str) -> bool:
    """Move on to the list's next channel on which she can be written to, if there is one."""
    command = run.command
    assert isinstance(command, Deliver)  # noqa: S101 - told to the type checker
    others = (c for c in rest_of(turn, run, command) if barred(turn, message, c) is None)
    channel = next(others, None)
    if channel is None:
        return False
    if message.state in messages.HOLDING:
        release(turn, run, message, reason)
        drain(turn, run)
        if run.command != command:
            return True
    move(turn, run, message, channel, reason)
    return True


def move(
    turn: Turn,
    run: Run,
    message: Message,
    channel: Channel,
    reason: str,
    rule: str | None = None,
) -> None:
    """Send the message on another channel of its list."""
    command = run.command
    assert isinstance(command, Deliver)  # noqa: S101 - told to the type checker
    messages.change(turn.connection, message.id, channel=channel)
    turn.stamp()  # it may have been released at this turn's number before
    transition(
        turn, message.id, message.state, message.state, reason=reason, rule=rule, channel=channel
    )
    told = {"from": command.channel, "to": channel, "reason": reason}
    trace(turn, run, "moved", command.step, told | ({"rule": rule} if rule else {}))
    again(turn, run, command, channel=channel)
