"""What the decisions of runs ask for besides messages: changes of the customer, other journeys.

It is done in the transaction that decides, after what is being decided, and in the order in
which it was asked for. Then her segments follow. What it leads to asks for more; a bound keeps that
from going on for ever.
"""

from typing import Final, assert_never

from engine.flow import memberships
from engine.flow.advance import trace
from engine.flow.consent import Proof, hear
from engine.flow.internal import ask_to_enter
from engine.flow.turn import Asked, Turn
from engine.run.state import Enter, Update

DEEPEST: Final = 16
"""How much may follow from one another within a transaction."""


def carry_out(turn: Turn) -> None:
    """Do what was asked for, and what follows from it, unless that is being done already."""
    if turn.depth:
        return
    while True:
        if turn.asked:
            asked = turn.asked.popleft()
            turn.depth = asked.depth
            if asked.depth > DEEPEST:
                trace(turn, asked.run, "too_deep", asked.effect.step, {})
            else:
                _carry_out(turn, asked)
        elif memberships.pending(turn):
            turn.depth += 1
            memberships.follow(turn, tell=turn.depth <= DEEPEST)
        else:
            break
    turn.depth = 0


def _carry_out(turn: Turn, asked: Asked) -> None:
    run, effect = asked.run, asked.effect
    match effect:
        case Update():
            if effect.topics:
                proof = Proof(how="journey", source=f"{run.journey}/{effect.step}")
                hear(turn, effect.topics, proof, links=turn.database.links)
        case Enter():
            refused = ask_to_enter(turn, effect.journey, effect.properties, source="journey")
            told = {"reason": refused.reason} if refused is not None else {}
            what = "started" if refused is None else "not_started"
            trace(turn, run, what, effect.step, {"journey": effect.journey, **told})
        case _:
            assert_never(effect)
