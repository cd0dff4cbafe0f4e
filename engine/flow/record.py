"""The record of what a provider answered, and the settlement of claims without one."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal
from uuid import UUID

from engine.flow.advance import drain, transition, wake_next
from engine.flow.settle import (
    SENT_AGAIN,
    ask_again,
    find,
    is_about,
    lease_left,
    message_of,
    refused,
    release,
    settle,
    settle_by_class,
    settle_unknown,
    throttled,
)
from engine.flow.turn import GONE, Turn, in_turn_of
from engine.names import Answer, Wake
from engine.run.state import Deliver
from engine.store import messages
from engine.store.messages import Message
from engine.store.runs import Run
from engine.store.session import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the provider answered.

    `sent`; `refused` for good; `released`: refused for now, until `retry_after` seconds are over
    when the provider says so; `unknown`: handed over, no answer.
    """

    what: Literal["sent", "refused", "released", "unknown"]
    provider: str
    provider_id: str | None = None
    reason: str | None = None
    retry_after: float | None = None


def record(
    database: Database, run_id: UUID, message: UUID, token: UUID, outcome: Outcome
) -> tuple[Answer, list[Wake]]:
    """Record what the provider answered, and let the run go on.

    From anyone but the token's holder it changes nothing. Of a message left as unknown it is
    known after all what became of it, and a slot that it held is free.
    """

    def decide(turn: Turn, run: Run) -> Answer:
        row = find(turn, run, message)
        if row is not None and row.token == token and row.state in {"claimed", "unknown"}:
            _learn(turn, run, row, outcome)
        return run.answer

    return in_turn_of(database, run_id, decide, gone=GONE)


def record_found(
    database: Database, run_id: UUID, message: UUID, provider: str, *, provider_id: str | None
) -> tuple[Answer, list[Wake]]:
    """Record that a provider which was asked has the message."""

    def decide(turn: Turn, run: Run) -> Answer:
        taken(turn, run, message, provider, provider_id)
        return run.answer

    return in_turn_of(database, run_id, decide, gone=GONE)


def record_not_found(
    database: Database, run_id: UUID, message: UUID, *, retry_after: float = 0.0
) -> tuple[Answer, list[Wake]]:
    """Record that a provider which was asked does not have the message, or not yet.

    One that could not be asked wants to be left alone for `retry_after` seconds.
    """

    def decide(turn: Turn, run: Run) -> Answer:
        row = find(turn, run, message)
        if row is not None and row.state == "unknown" and is_about(run, row):
            if lease_left(turn, row) > 0 and isinstance(run.command, Deliver):
                ask_again(turn, run, run.command, after=timedelta(seconds=retry_after))
            else:
                settle_by_class(turn, run, row)
        return run.answer

    return in_turn_of(database, run_id, decide, gone=GONE)


def taken(turn: Turn, run: Run, message: UUID, provider: str, provider_id: str | None) -> None:
    """The provider has the message, by its own account: settles it when that was not known."""
    row = find(turn, run, message)
    if row is None:
        return
    again = row.state == "decided" and row.reason == SENT_AGAIN and is_about(run, row)
    if again or row.state in {"claimed", "unknown"}:
        _learn(turn, run, row, Outcome(what="sent", provider=provider, provider_id=provider_id))


def settle_expired(database: Database, run_id: UUID) -> list[Wake]:
    """Settle a claim whose lease has ended without a record; for the reconciler."""

    def decide(turn: Turn, run: Run) -> None:
        if run.lease_until is None or not isinstance(run.command, Deliver):
            return
        message = message_of(turn, run, run.command)
        if lease_left(turn, message) > 0:
            return
        if message.state == "claimed":
            settle_unknown(turn, run, message)
        elif message.state == "unknown":
            settle_by_class(turn, run, message)

    _, others = in_turn_of(database, run_id, decide, gone=None, own=True)
    return others


def _learn(turn: Turn, run: Run, message: Message, outcome: Outcome) -> None:
    if message.state == "claimed" or is_about(run, message):
        _record(turn, run, message, outcome)
    elif message.state == "unknown":
        _record_late(turn, message, outcome)


def _record(turn: Turn, run: Run, message: Message, outcome: Outcome) -> None:
    match outcome.what:
        case "sent":
            messages.change(
                turn.connection,
                message.id,
                state="sent",
                reason=None,
                sent_at=turn.now,
                provider=outcome.provider,
                provider_id=outcome.provider_id,
            )
            transition(turn, message.id, message.state, "sent")
            settle(turn, run, message, "sent", None)
        case "unknown":
            messages.change(turn.connection, message.id, provider=outcome.provider)
            if message.state == "claimed":
                settle_unknown(turn, run, message)
        case "released" if outcome.retry_after:
            # Others come back at other times than this one.
            share = 1 + message.id.int % 1000 / 5000
            until = turn.now + timedelta(seconds=outcome.retry_after * share)
            throttled(turn, run, message, until)
        case "released":
            release(turn, run, message, outcome.reason)
            drain(turn, run)
        case "refused":
            refused(turn, run, message, outcome.provider, outcome.reason)


def _record_late(turn: Turn, message: Message, outcome: Outcome) -> None:
    """Correct the ledger: the run has gone on, but the outcome is known after all."""
    if outcome.what == "unknown":
        return
    state = "sent" if outcome.what == "sent" else "failed"
    messages.change(
        turn.connection, message.id, state=state, reason="late", provider=outcome.provider,
        provider_id=outcome.provider_id, sent_at=turn.now if state == "sent" else None,
    )  # fmt: skip
    transition(turn, message.id, "unknown", state, reason="late")
    if state == "failed":
        turn.at_the_end = wake_next
