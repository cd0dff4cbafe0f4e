"""What a run at rest commands."""

from typing import assert_never

from engine.compile.plan import (
    Await,
    CallOut,
    Change,
    Choose,
    Draw,
    End,
    Jump,
    Plan,
    Repeat,
    SendTo,
    Start,
    WaitHere,
)
from engine.model.base import CHANNELS, Channel
from engine.model.journey import ActivityStep, SendStep, Variant
from engine.run.calls import CallId, terms
from engine.run.state import Call, Command, Deliver, Errand, Exit, State, Wait
from engine.run.world import World


def command_of(plan: Plan, state: State, world: World | None) -> Command:
    """Return the command of a run in this state; `world` tells on which channel she is reached."""
    if state.ended is not None:
        return Exit(reason=state.ended)
    if state.held_out:
        return Wait(step=None, until=state.until or state.entered_at)
    here = plan.instructions[state.place]
    match here:
        case SendTo(step=step):
            channels = channels_of(step, variant_of(state, step))
            return Deliver(
                step=step.id, visit=state.visits[step.id], channel=_channel(channels, world)
            )
        case CallOut(step=step):
            until = state.until or state.entered_at
            visit = state.visits[step.id]
            errand = None
            if isinstance(step, ActivityStep):
                known = world.activity(step.activity) if world is not None else None
                errand = Errand(
                    call=str(CallId(run=state.run, visit=visit, step=step.id)),
                    activity=step.activity,
                    queue=terms(step, known).queue,
                    timeout=terms(step, known).timeout.at_most.total_seconds(),
                )
            return Call(step=step.id, visit=visit, until=until, errand=errand)
        case WaitHere() | Await():
            return Wait(step=here.step.id, until=state.until or state.entered_at)
        case Choose() | Draw() | Repeat() | Change() | Start() | Jump() | End():
            raise AssertionError("a run never rests here")
        case _:
            assert_never(here)


def _channel(channels: tuple[Channel, ...], world: World | None) -> Channel:
    if world is None:
        return channels[0]
    reachable = (c for c in channels if world.customer.address(c) is not None)
    return next(reachable, channels[0])


def channels_of(step: SendStep, variant: Variant | None) -> tuple[Channel, ...]:
    """Return the channels to try, in order; a variant may name its own."""
    own = variant.set.get("channel") if variant is not None else None
    return tuple(known for known in CHANNELS if known == own) or step.channels


def variant_of(state: State, step: SendStep) -> Variant | None:
    """Return the variant that this customer was given, or None for a step without a test."""
    arm = state.arms.get(step.id)
    return next((variant for variant in step.variants if variant.id == arm), None)
