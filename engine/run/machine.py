"""The machine: `advance(state, input, world) -> state, effects, command`.

It has no clock, no database, no Temporal and no randomness but the hash of its arguments.
Production, the backtest and the walk-through share it.
"""

from engine.compile.plan import Await, Plan
from engine.model.journey import SendStep, Variant
from engine.run.command import channels_of, command_of, variant_of
from engine.run.state import Advanced, Command, Input, State
from engine.run.stretch import Stretch
from engine.run.world import World

__all__ = ["Machine", "channels_of"]


class Machine:
    """Carries out one plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def advance(self, state: State, given: Input, world: World) -> Advanced:
        """Decide one input; an input that does not concern the run changes nothing."""
        return Stretch(self.plan, state, world).take(given)

    def interested(self, state: State, event: str) -> bool:
        """Whether an event of this name may change the run as it stands."""
        if event in self.plan.always:
            return state.ended is None or _goal_open(self.plan, state)
        if state.ended is not None or state.held_out:
            return False
        here = self.plan.instructions[state.place]
        return isinstance(here, Await) and any(match.event == event for match, _ in here.events)

    def command(self, state: State) -> Command:
        """Return what a run in this state commands; a deferral is known to its row alone."""
        return command_of(self.plan, state, None)

    def variant(self, state: State, step: SendStep) -> Variant | None:
        """Return the variant that this customer was given, or None for a step without a test."""
        return variant_of(state, step)


def _goal_open(plan: Plan, state: State) -> bool:
    return plan.journey.goal is not None and state.goal_at is None
