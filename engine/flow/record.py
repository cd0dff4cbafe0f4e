"""The record of what a provider answered, and the settlement of claims without one."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from engine.flow.advance import drain, transition
from engine.flow.settle import (
    lease_left,
    message_of,
    refused,
    release,
    settle,
    settle_unknown,
    wake_next,
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

    `sent`; `refused` for good; `released`: refused for now; `unknown`: handed over, no answer.
    """

    what: Literal["sent", "refused", "released", "unknown"]
    provider: str
    provider_id: str | None = None
    reason: str | None = None


def record(
    database: Database, run_id: UUID, message: UUID, token: UUID, outcome: Outcome
) -> tuple[Answer, list[Wake]]:
    """Record what the provider answered, and let the run go on.

    From anyone but the token's holder it changes nothing. Of a message left as unknown it is
    known after all what became of it, and a slot that it held is free.
    """

    def decide(turn: Turn, run: Run) -> Answer:
        row = messages.one(turn.connection, message)
        if row is None or row.token != token:
            return run.answer
        if row.state == "unknown":
            _record_late(turn, run, row, outcome)
        elif row.state == "claimed":
            _record(turn, run, row, outcome)
        return run.answer

    return in_turn_of(database, run_id, decide, gone=GONE)


def settle_expired(database: Database, run_id: UUID) -> list[Wake]:
    """Settle a claim whose lease has ended without a record; for the reconciler."""

    def decide(turn: Turn, run: Run) -> None:
        if run.lease_until is None or not isinstance(run.command, Deliver):
            return
        message = message_of(turn, run, run.command)
        if message.state == "claimed" and lease_left(turn, message) <= 0:
            settle_unknown(turn, run, message)

    _, others = in_turn_of(database, run_id, decide, gone=None, own=True)
    return others


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
            settle(turn, run, message, "sent", None)
        case "unknown":
            messages.change(turn.connection, message.id, provider=outcome.provider)
            settle_unknown(turn, run, message)
        case "released":
            release(turn, run, message, outcome.reason)
            drain(turn, run)
        case "refused":
            refused(turn, run, message, outcome.provider, outcome.reason)


def _record_late(turn: Turn, run: Run, message: Message, outcome: Outcome) -> None:
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
        wake_next(turn, run)
