"""Ending customers in a journey and moving them on, because somebody who looks at it says so.

Who is meant is kept when it is asked for, so that what is confirmed is done, and done once. It is
carried out a few at a time, each customer in her own turn: by the process that was asked, then
by the dispatcher.
"""

import logging
from collections.abc import Sequence
from typing import Final, assert_never
from uuid import UUID

from sqlalchemy import Connection
from uuid_utils.compat import uuid7

from engine.errors import Contended, InvalidInput, Unavailable, without_words
from engine.flow.advance import take
from engine.flow.turn import Turn, in_turn_of
from engine.model.actor import Actor
from engine.names import Wake
from engine.run.state import Hurried, Stopped, Wait
from engine.store import audit, inside, interventions
from engine.store.inside import Asked
from engine.store.interventions import Action, Due
from engine.store.runs import Run
from engine.store.session import Database

_log = logging.getLogger(__name__)

AT_ONCE: Final = 50
"""How many customers have their turn in one round of the dispatcher: about a second."""

_RECORDED: Final = {"end": "end customers", "move": "move customers"}


def ask(
    database: Database, action: Action, asked: Asked, only: Sequence[UUID] | None, *, actor: Actor
) -> UUID:
    """Keep who is to be ended or moved on: of those asked for, `only` these runs, or all.

    Nothing happens to them until it is confirmed. Raises `InvalidInput` when nobody is chosen.
    """
    id = uuid7()

    def work(connection: Connection) -> UUID:
        chosen = len(set(only)) if only is not None else inside.count(connection, asked)
        if not chosen:
            raise InvalidInput("Nobody is chosen: tick customers first, or choose all.")
        interventions.add(connection, id, action, asked, only=only, chosen=chosen, actor=actor.id)
        return id

    return database.transact(work)


def confirm(database: Database, journey: str, id: UUID, reason: str = "", *, actor: Actor) -> bool:
    """Let it begin, and record who did what to how many; False when it has begun before."""

    def work(connection: Connection) -> bool:
        begun = interventions.confirm(connection, journey, id, reason)
        if begun is None:
            interventions.one(connection, journey, id)
            return False
        # What somebody searched for may be a name.
        asked = {key: value for key, value in begun.asked.items() if key != "q"}
        told = {**asked, "customers": begun.total, "number": str(id)}
        if reason:
            told["reason"] = reason
        audit.add(connection, actor, _RECORDED[begun.action], "journey", journey, None, told)
        return True

    return database.transact(work)


def cancel(database: Database, journey: str, id: UUID, *, actor: Actor) -> int:
    """Leave alone whoever has not had her turn yet; return how many those are."""

    def work(connection: Connection) -> int:
        left = interventions.cancel(connection, journey, id)
        if left:
            told = {"customers": left, "number": str(id)}
            audit.add(connection, actor, "spare customers", "journey", journey, None, told)
        return left

    return database.transact(work)


def carry_out(database: Database, *, only: UUID | None = None, limit: int = AT_ONCE) -> list[Wake]:
    """Give some customers their turn; return which workflows have to be told.

    One whose message may be with its provider just now comes again.
    """
    some = database.transact(lambda connection: interventions.take(connection, limit, only))
    told: list[Wake] = []
    for due in some:
        try:
            told += _carry_out(database, due)
        except Exception as error:
            if isinstance(error, Unavailable) and not isinstance(error, Contended):
                raise
            # One who cannot be decided must not hold up the others; she comes again in a while.
            _log.error("The run %s was not decided: %s", due.run, without_words(error))
    database.transact(interventions.finish)
    return told


def _carry_out(database: Database, due: Due) -> list[Wake]:
    def decide(turn: Turn, run: Run) -> bool:
        if not interventions.pending(turn.connection, due):
            return True
        if run.lease_until is not None:
            interventions.later(turn.connection, due)
            return True
        interventions.decided(turn.connection, due, _outcome(turn, run, due))
        return True

    known, wakes = in_turn_of(database, due.run, decide, gone=False, own=True)
    if not known:
        database.transact(lambda connection: interventions.decided(connection, due, "gone"))
    return wakes


def _outcome(turn: Turn, run: Run, due: Due) -> str:
    """Decide one run, and say what became of it."""
    if run.ended_at is not None:
        return "ended"
    match due.action:
        case "end":
            take(turn, run, Stopped(seq=turn.seq, at=turn.now, reason=due.reason))
        case "move":
            if run.held_at is not None or turn.catalogue.holds(run.journey) is not None:
                return "held"
            if not isinstance(run.command, Wait) or due.step is None or due.visit is None:
                return "elsewhere"
            if (run.command.step, run.state.visits.get(due.step)) != (due.step, due.visit):
                return "elsewhere"
            take(turn, run, Hurried(seq=turn.seq, at=turn.now, step=due.step, visit=due.visit))
        case _:
            assert_never(due.action)
    return "done"
