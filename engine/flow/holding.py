"""What the state of a journey means for those inside: held ones let go, others taken out.

Both are done by the dispatcher, a few at a time: a journey that is resumed after a week must not
send everything within a minute, and whoever is held while it is being resumed is found too.
"""

from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from engine.flow.advance import check_at, take, trace
from engine.flow.turn import Turn, in_turn_of
from engine.run.assignment import message_id
from engine.run.state import Call, Deliver, Stopped
from engine.store import held, messages
from engine.store.runs import Run
from engine.store.session import Database

AT_ONCE: Final = 50
"""How many runs are let go, and how many ended, in one round of the dispatcher: about a second."""


def let_go(database: Database) -> int:
    """Let runs go on whose journey was resumed; return how many there were."""
    with database.read() as connection:
        found = held.to_let_go(connection, AT_ONCE)
    for run in found:
        release(database, run)
    return len(found)


def release(database: Database, run_id: UUID) -> None:
    """Let one run go on, unless its journey is paused again."""

    def decide(turn: Turn, run: Run) -> None:
        if run.held_at is not None and turn.catalogue.holds(run.journey) is None:
            _release(turn, run, run.held_at)

    in_turn_of(database, run_id, decide, gone=None, own=True)


def _release(turn: Turn, run: Run, held_at: datetime) -> None:
    command = run.command
    match command:
        case Deliver():
            message = message_id(run.id, command.step, command.visit)
            messages.change(turn.connection, message, resumed_at=turn.now)
        case Call():
            # The time in which it is tried again has not gone by while nobody tried.
            until = command.until + (turn.now - held_at)
            run.state = replace(run.state, until=until)
            run.command = replace(command, until=until)
        case _:
            pass
    run.held_at = None
    run.revision += 1
    run.check_at = check_at(turn, run)
    trace(turn, run, "resumed", getattr(command, "step", None), {"since": held_at.isoformat()})
    turn.writes.runs[run.id] = run


def end_inside(database: Database) -> int:
    """End runs of archived journeys that take everybody out; return how many there were."""
    with database.read() as connection:
        found = held.to_end(connection, AT_ONCE)
    for run in found:
        end(database, run, "archived")
    if not found:
        database.transact(held.all_ended)
    return len(found)


def end(database: Database, run_id: UUID, reason: str) -> None:
    """End one run; one whose message may be with its provider just now has to come again."""

    def decide(turn: Turn, run: Run) -> None:
        if run.ended_at is None and run.lease_until is None:
            take(turn, run, Stopped(seq=turn.seq, at=turn.now, reason=reason))

    in_turn_of(database, run_id, decide, gone=None, own=True)
