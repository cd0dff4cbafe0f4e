"""The machine: `advance(state, input, world) -> state, effects, command`.

It has no clock, no database, no Temporal and no randomness but the hash of its arguments.
Production, the backtest and the walk-through share it.
"""

from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any, assert_never

from engine.compile.plan import Await, Choose, Draw, End, Instruction, Jump, Plan, SendTo, WaitHere
from engine.model.base import CHANNELS, Channel
from engine.model.event import Event
from engine.model.journey import SendStep, UntilProperty, UntilTime, UntilTrait, Variant, WaitStep
from engine.run.assignment import draw, message_id
from engine.run.calendar import next_time, shifted
from engine.run.conditions import Scope, holds, look_up, matches
from engine.run.state import (
    Advanced,
    Command,
    Deliver,
    Effect,
    Entered,
    Exit,
    Happened,
    Input,
    Settled,
    State,
    TimeReached,
    Trace,
    Wait,
)
from engine.run.world import Seen, World


class Machine:
    """Carries out one plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def advance(self, state: State, given: Input, world: World) -> Advanced:
        """Decide one input; an input that does not concern the run changes nothing."""
        return _Stretch(self.plan, state, world).take(given)

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
        return _Stretch(self.plan, state, None).command()

    def variant(self, state: State, step: SendStep) -> Variant | None:
        """Return the variant that this customer was given, or None for a step without a test."""
        arm = state.arms.get(step.id)
        return next((variant for variant in step.variants if variant.id == arm), None)


def channels_of(step: SendStep, variant: Variant | None) -> tuple[Channel, ...]:
    """Return the channels to try, in order; a variant may name its own."""
    own = variant.set.get("channel") if variant is not None else None
    return tuple(known for known in CHANNELS if known == own) or step.channels


def _goal_open(plan: Plan, state: State) -> bool:
    return plan.journey.goal is not None and state.goal_at is None


class _Stretch:
    """One input's way through the plan, up to the next instruction that has to wait."""

    def __init__(self, plan: Plan, state: State, world: World | None) -> None:
        self.plan = plan
        self.state = state
        self._world = world
        self.effects: list[Effect] = []

    @property
    def world(self) -> World:
        if self._world is None:
            raise AssertionError("asked for the world without one")
        return self._world

    @property
    def here(self) -> Instruction:
        return self.plan.instructions[self.state.place]

    def take(self, given: Input) -> Advanced:
        match given:
            case Entered():
                self._enter()
            case Happened():
                self._happened(given)
            case TimeReached():
                self._time_reached()
            case Settled():
                self._settled(given)
            case _:
                assert_never(given)
        return Advanced(self.state, tuple(self.effects), self.command())

    def command(self) -> Command:
        state = self.state
        if state.ended is not None:
            return Exit(reason=state.ended)
        if state.held_out:
            return Wait(step=None, until=state.until or state.entered_at)
        match self.here:
            case SendTo(step=step):
                variant = next((v for v in step.variants if v.id == state.arms.get(step.id)), None)
                return Deliver(
                    step=step.id,
                    visit=state.visits[step.id],
                    channel=self._channel(channels_of(step, variant)),
                )
            case WaitHere(step=waiting):
                return Wait(step=waiting.id, until=state.until or state.entered_at)
            case Await(step=awaiting):
                return Wait(step=awaiting.id, until=state.until or state.entered_at)
            case Choose() | Draw() | Jump() | End():
                raise AssertionError("a run never rests here")
            case _:
                assert_never(self.here)

    def _channel(self, channels: tuple[Channel, ...]) -> Channel:
        if self._world is None:
            return channels[0]
        reachable = (c for c in channels if self.world.customer.address(c) is not None)
        return next(reachable, channels[0])

    def _tell(self, what: str, step: str | None = None, **data: Any) -> None:
        self.effects.append(Trace(what=what, step=step, data=data))

    def _set(self, **changes: Any) -> None:
        self.state = replace(self.state, **changes)

    # What reaches the run

    def _enter(self) -> None:
        goal = self.plan.journey.goal
        if goal is not None:
            until = goal.within.after(self.state.entered_at, self.world.zone)
            self._set(goal_until=until)
        if self.state.held_out:
            self._set(until=self.state.goal_until)
            self._tell("held_out")
            return
        self._tell("entered")
        self._go(0)

    def _happened(self, given: Happened) -> None:
        event, journey = given.event, self.plan.journey
        self._goal(given)
        if self.state.ended is not None:
            return
        scope = self._scope()
        for rule in journey.exits:
            if matches(rule.on, event, self.world, scope):
                self._tell("ended", self._step(), reason=rule.reason, event=event.name)
                self._set(ended=rule.reason, until=None)
                return
        if isinstance(self.here, Await) and not self.state.held_out:
            self._await(self.here, event, scope)

    def _goal(self, given: Happened) -> None:
        goal, state = self.plan.journey.goal, self.state
        if goal is None or state.goal_at is not None or given.event.name != goal.event:
            return
        if state.goal_until is not None and given.at > state.goal_until:
            return
        scope = replace_properties(self._scope(), given.event)
        if goal.where is not None and not holds(goal.where, self.world, scope):
            return
        revenue = _money(look_up(given.event.properties, goal.revenue)) if goal.revenue else None
        self._set(goal_at=given.at, goal_revenue=revenue)
        shown = {"revenue": str(revenue)} if revenue is not None else {}
        self._tell("goal", self._step(), event=given.event.name, **shown)

    def _await(self, here: Await, event: Event, scope: Scope) -> bool:
        for match, target in here.events:
            if matches(match, event, self.world, scope):
                self._tell("received", here.step.id, event=event.name)
                self._leave(here.step.id, "received", target)
                return True
        return False

    def _time_reached(self) -> None:
        if self.state.ended is not None or self.state.until is None:
            return
        if self.state.held_out:
            self._tell("ended", reason="window_over")
            self._set(ended="window_over", until=None)
            return
        match self.here:
            case WaitHere(step=step):
                self._leave(step.id, "waited", self.state.place + 1)
            case Await(step=step, otherwise=otherwise):
                self._tell("timed_out", step.id)
                self._leave(step.id, "timed_out", otherwise)
            case _:
                pass

    def _settled(self, given: Settled) -> None:
        told = {"reason": given.reason} if given.reason else {}
        self._tell(given.outcome, given.step, **told)
        if self.state.visits.get(given.step) == given.visit:
            since = given.since if given.since is not None else given.seq
            self._set(
                outcomes={**self.state.outcomes, given.step: given.outcome},
                since={**self.state.since, given.step: since},
            )
        here = self.here
        if (
            self.state.ended is None
            and isinstance(here, SendTo)
            and here.step.id == given.step
            and self.state.visits[given.step] == given.visit
        ):
            self._go(self.state.place + 1)

    # The way on

    def _leave(self, step: str, outcome: str, target: int) -> None:
        self._set(until=None, outcomes={**self.state.outcomes, step: outcome})
        self._go(target)

    def _go(self, place: int) -> None:
        """Carry out instructions from `place` on until one has to wait."""
        while True:
            self._set(place=place)
            match self.here:
                case Jump(target=target):
                    place = target
                case End(step=step, reason=reason):
                    if step is not None:
                        self._reach(step.id)
                    self._tell("ended", step.id if step is not None else None, reason=reason)
                    self._set(ended=reason, until=None)
                    return
                case Choose():
                    place = self._choose(self.here)
                case Draw(step=step, arms=arms):
                    self._reach(step.id)
                    arm = self._drawn(step.id, [(name, weight) for name, weight, _ in arms])
                    self._set(outcomes={**self.state.outcomes, step.id: arm})
                    place = next(target for name, _, target in arms if name == arm)
                case SendTo(step=step):
                    self._reach(step.id)
                    if step.variants:
                        self._drawn(step.id, [(v.id, v.weight) for v in step.variants])
                    return
                case WaitHere(step=step):
                    self._reach(step.id)
                    if self._waits(step):
                        return
                    place += 1
                case Await():
                    self._arrive(self.here)
                    return
                case _:
                    assert_never(self.here)

    def _choose(self, here: Choose) -> int:
        self._reach(here.step.id)
        seen, scope = Seen(), self._scope()
        chosen, target = "else", here.otherwise
        for name, condition, to in here.arms:
            if holds(condition, self.world, scope, seen):
                chosen, target = name, to
                break
        self._tell("chose", here.step.id, arm=chosen, seen=seen.answers)
        self._set(outcomes={**self.state.outcomes, here.step.id: chosen})
        return target

    def _drawn(self, step: str, weights: list[tuple[str, int]]) -> str:
        """Return the arm that holds for this customer, drawing it the first time."""
        arm = self.state.arms.get(step)
        if arm is None or arm not in {name for name, _ in weights}:
            arm = draw(self.state.customer, (self.plan.journey.id, step), weights)
            self._set(arms={**self.state.arms, step: arm})
        self._tell("drew", step, arm=arm)
        return arm

    def _waits(self, step: WaitStep) -> bool:
        until = self._until(step)
        if until is None:
            self._tell("passed", step.id, reason="no_date")
            return False
        if until <= self.world.now:
            self._tell("passed", step.id, reason="already_past", until=until.isoformat())
            return False
        self._set(until=until)
        self._tell("waits", step.id, until=until.isoformat())
        return True

    def _until(self, step: WaitStep) -> Any:
        now, zone = self.world.now, self.world.zone
        if step.for_ is not None:
            return step.for_.after(now, zone)
        match step.until:
            case UntilTime(time=at, days=days):
                return next_time(now, zone, at, days)
            case UntilTrait(trait=trait, offset=offset, time=at, yearly=yearly):
                value = look_up(self.world.customer.traits, trait)
                start = now if yearly else None
                return shifted(value, zone, offset=offset, at=at, yearly_from=start)
            case UntilProperty(property=name, offset=offset, time=at):
                value = look_up(self.state.entry, name)
                return shifted(value, zone, offset=offset, at=at)
            case None:
                raise AssertionError("a wait has either `for` or `until`")
            case _:
                assert_never(step.until)

    def _arrive(self, here: Await) -> None:
        """Wait for events, unless one has come since the step that `since` names."""
        step = here.step
        self._reach(step.id)
        until = here.timeout.after(self.world.now, self.world.zone)
        self._set(until=until)
        after = self.state.since.get(step.since) if step.since is not None else None
        if after is not None:
            scope = self._scope()
            names = {match.event for match, _ in here.events}
            past = [e for name in names for e in self.world.events(name, after=after)]
            for event in sorted(past, key=lambda event: event.seq):
                if self._await(here, event, scope):
                    return
        self._tell("waits", step.id, until=until.isoformat())

    def _reach(self, step: str) -> None:
        visits = {**self.state.visits, step: self.state.visits.get(step, 0) + 1}
        since = {**self.state.since, step: self.world.seq}
        self._set(visits=visits, since=since)
        self._tell("reached", step)

    def _step(self) -> str | None:
        here = self.here
        if self.state.held_out or isinstance(here, Jump) or here.step is None:
            return None
        return here.step.id

    def _scope(self) -> Scope:
        state = self.state
        messages = {
            step: message_id(state.run, step, visit) for step, visit in state.visits.items()
        }
        return Scope(properties=state.entry, outcomes=state.outcomes, messages=messages)


def replace_properties(scope: Scope, event: Event) -> Scope:
    """Return the scope with this event at hand."""
    return replace(scope, properties=event.properties)


def _money(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None
