"""One input's way through a plan: what `Machine.advance` does."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any, assert_never

from engine.compile.plan import (
    Await,
    CallOut,
    Change,
    Choose,
    Draw,
    End,
    Instruction,
    Jump,
    Plan,
    Repeat,
    SendTo,
    Start,
    WaitHere,
)
from engine.model.duration import Duration
from engine.model.event import Event
from engine.model.journey import (
    ActivityStep,
    EnterStep,
    FromProperty,
    UpdateStep,
    WaitStep,
    WebhookStep,
)
from engine.model.topic import Subscription
from engine.run.assignment import draw, message_id
from engine.run.calls import terms
from engine.run.changes import updated
from engine.run.command import command_of
from engine.run.conditions import Scope, holds, look_up, matches
from engine.run.state import (
    Advanced,
    Effect,
    Enter,
    Entered,
    Happened,
    Hurried,
    Input,
    Returned,
    Settled,
    State,
    Stopped,
    TimeReached,
    Trace,
    Update,
)
from engine.run.waiting import due
from engine.run.world import Changed, Seen, World

_MOST_MONEY = 10**15
"""What claims to be more is no amount of money."""


class Stretch:
    """One input's way through the plan, up to the next instruction that has to wait."""

    def __init__(self, plan: Plan, state: State, world: World) -> None:
        self.plan = plan
        self.state = state
        self.world = world
        self.effects: list[Effect] = []

    @property
    def here(self) -> Instruction:
        """The instruction at which the run stands."""
        return self.plan.instructions[self.state.place]

    def take(self, given: Input) -> Advanced:
        """Decide this input."""
        match given:
            case Entered():
                self._enter()
            case Happened():
                self._happened(given)
            case TimeReached():
                self._time_reached(given)
            case Settled():
                self._settled(given)
            case Returned():
                self._returned(given)
            case Stopped():
                self._stopped(given)
            case Hurried():
                self._hurried(given)
            case _:
                assert_never(given)
        return Advanced(
            self.state, tuple(self.effects), command_of(self.plan, self.state, self.world)
        )

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
        scope = replace(self._scope(), properties=given.event.properties)
        if goal.where is not None and not holds(goal.where, self.world, scope):
            return
        revenue = _money(look_up(given.event.properties, goal.revenue)) if goal.revenue else None
        self._set(goal_at=given.at, goal_revenue=revenue)
        shown = {"revenue": str(revenue)} if revenue is not None else {}
        self._tell("goal", self._step(), event=given.event.name, **shown)

    def _await(self, here: Await, event: Event, scope: Scope) -> bool:
        for n, (match, target) in enumerate(here.events):
            if matches(match, event, self.world, scope):
                self._tell("received", here.step.id, event=event.name, arm=f"event-{n}")
                self._leave(here.step.id, "received", target, seq=event.seq)
                return True
        return False

    def _time_reached(self, given: TimeReached) -> None:
        until = self.state.until
        if self.state.ended is not None or until is None or given.at < until:
            return
        if self.state.held_out:
            self._tell("ended", reason="window_over")
            self._set(ended="window_over", until=None)
            return
        match self.here:
            case WaitHere(step=step):
                self._leave(step.id, "waited", self.state.place + 1, seq=given.seq)
            case Await(step=step, otherwise=otherwise):
                self._tell("timed_out", step.id)
                self._leave(step.id, "timed_out", otherwise, seq=given.seq)
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
        if self.state.ended is None and self._delivers(given.step, given.visit):
            self._go(self.state.place + 1)

    def _delivers(self, step: str, visit: int) -> bool:
        """Whether the run rests at this visit of this sending step."""
        here = self.here
        return (
            isinstance(here, SendTo)
            and here.step.id == step
            and self.state.visits.get(step) == visit
        )

    def _returned(self, given: Returned) -> None:
        here, done = self.here, given.outcome == "done"
        about = {
            "status": given.status, "reason": given.reason, "detail": given.detail,
            "missing": list(given.missing),
        }  # fmt: skip
        told = {name: value for name, value in about.items() if value}
        if (
            self.state.ended is not None
            or not isinstance(here, CallOut)
            or (here.step.id, self.state.visits.get(given.step)) != (given.step, given.visit)
        ):
            self._tell("call_late", given.step, outcome=given.outcome, **told)
            return
        arm = {"arm": "done" if done else "on_error"} if here.step.on_error else {}
        self._tell("called" if done else "call_failed", given.step, **arm, **told)
        self._set(results={**self.state.results, given.step: dict(given.kept)})
        self._leave(given.step, given.outcome, here.then if done else here.otherwise, seq=given.seq)

    def _stopped(self, given: Stopped) -> None:
        if self.state.ended is None:
            self._tell("ended", self._step(), reason=given.reason)
            self._set(ended=given.reason, until=None)

    def _hurried(self, given: Hurried) -> None:
        here, step = self.here, given.step
        if self.state.ended is not None or self.state.held_out:
            return
        if (self._step(), self.state.visits.get(step)) != (step, given.visit):
            return
        match here:
            case WaitHere():
                self._tell("hurried", step)
                self._leave(step, "waited", self.state.place + 1, seq=given.seq)
            case Await(otherwise=otherwise):
                self._tell("hurried", step, arm="else")
                self._leave(step, "timed_out", otherwise, seq=given.seq)
            case _:
                pass

    # The way on

    def _leave(self, step: str, outcome: str, target: int, *, seq: int) -> None:
        """Go on: what comes after `seq` has happened since this step."""
        self._set(
            until=None,
            outcomes={**self.state.outcomes, step: outcome},
            since={**self.state.since, step: seq},
        )
        self._go(target)

    def _go(self, place: int) -> None:
        """Carry out instructions from `place` on until one has to wait."""
        while True:
            self._set(place=place)
            here = self.here
            match here:
                case Jump() | Choose() | Draw() | Repeat() | Change() | Start():
                    place = self._pass(here)
                case WaitHere(step=step):
                    self._reach(step.id)
                    if self._waits(step):
                        return
                    place += 1
                case SendTo() | CallOut() | Await() | End():
                    self._stay(here)
                    return
                case _:
                    assert_never(here)

    def _pass(self, here: Jump | Choose | Draw | Repeat | Change | Start) -> int:
        """Carry out an instruction at which nobody stays; return where to go on."""
        match here:
            case Jump(target=target):
                return target
            case Choose():
                return self._choose(here)
            case Draw():
                return self._draw(here)
            case Repeat():
                return self._repeat(here)
            case Change(step=step):
                self._update(step)
            case Start(step=step):
                self._start(step)
            case _:
                assert_never(here)
        return self.state.place + 1

    def _stay(self, here: SendTo | CallOut | Await | End) -> None:
        match here:
            case SendTo(step=step):
                self._reach(step.id)
                if step.variants:
                    self._drawn(step.id, [(v.id, v.weight) for v in step.variants])
            case CallOut(step=step):
                self._reach(step.id)
                self._set(until=self._patience(step).after(self.world.now, self.world.zone))
            case Await():
                self._arrive(here)
            case End(step=step, reason=reason):
                self._end(step.id if step is not None else None, reason)
            case _:
                assert_never(here)

    def _patience(self, step: WebhookStep | ActivityStep) -> Duration:
        """Return how long a call is tried again."""
        if isinstance(step, WebhookStep):
            return step.retry_for
        return terms(step, self.world.activity(step.activity)).retry_for

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

    def _end(self, step: str | None, reason: str) -> None:
        if step is not None:
            self._reach(step)
        self._tell("ended", step, reason=reason)
        self._set(ended=reason, until=None)

    def _draw(self, here: Draw) -> int:
        step = here.step.id
        self._reach(step)
        arm = self._drawn(step, [(name, weight) for name, weight, _ in here.arms])
        self._set(outcomes={**self.state.outcomes, step: arm})
        return next(target for name, _, target in here.arms if name == arm)

    def _drawn(self, step: str, weights: list[tuple[str, int]]) -> str:
        """Return the arm that holds for this customer, drawing it the first time."""
        arm = self.state.arms.get(step)
        if arm is None or arm not in {name for name, _ in weights}:
            arm = draw(self.state.customer, (self.plan.journey.id, step), weights)
            self._set(arms={**self.state.arms, step: arm})
        self._tell("drew", step, arm=arm)
        return arm

    def _repeat(self, here: Repeat) -> int:
        """Begin another round, unless there were enough or `until` holds."""
        step, state = here.step, self.state
        begun = state.rounds.get(step.id)
        if begun is None:
            self._reach(step.id)
            begun = 0
        seen = Seen()
        stopped = (
            begun < step.times
            and step.until is not None
            and holds(step.until, self.world, self._scope(), seen)
        )
        if begun < step.times and not stopped:
            self._set(rounds={**state.rounds, step.id: begun + 1})
            self._tell("round", step.id, arm="again", round=begun + 1)
            return self.state.place + 1
        outcome = "stopped" if stopped else "done"
        self._set(
            rounds={name: n for name, n in state.rounds.items() if name != step.id},
            outcomes={**self.state.outcomes, step.id: outcome},
            since={**self.state.since, step.id: self.world.seq},
        )
        self._tell("repeated", step.id, outcome=outcome, rounds=begun, seen=seen.answers)
        return here.after

    def _update(self, step: UpdateStep) -> None:
        self._reach(step.id)
        wishes: tuple[tuple[tuple[str, ...], Subscription], ...] = (
            (step.subscribe, "subscribed"),
            (step.unsubscribe, "unsubscribed"),
        )
        update = Update(
            step=step.id,
            traits=self._values(step.set),
            topics={
                (topic, channel): wanted
                for topics, wanted in wishes
                for topic in topics
                for channel in step.channels
            },
        )
        self.effects.append(update)
        self.world = Changed(self.world, updated(self.world, update))
        self._tell("updated", step.id, traits=dict(update.traits))

    def _start(self, step: EnterStep) -> None:
        self._reach(step.id)
        properties = self._values(step.properties)
        self.effects.append(Enter(step=step.id, journey=step.journey, properties=properties))

    def _values(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return values by name; a property that the entry's event lacks has none."""
        values: dict[str, Any] = {}
        for name, value in given.items():
            told = (
                look_up(self.state.entry, value.property)
                if isinstance(value, FromProperty)
                else value
            )
            if told is not None or value is None:
                values[name] = told
        return values

    def _waits(self, step: WaitStep) -> bool:
        again = self.state.visits[step.id] > 1
        until = due(step, self.state.entry, self.world, again=again)
        if until is None or until <= self.world.now:
            told = {"until": until.isoformat()} if until is not None else {}
            reason = "already_past" if until is not None else "no_date"
            self._set(outcomes={**self.state.outcomes, step.id: "passed"})
            self._tell("passed", step.id, reason=reason, **told)
            return False
        self._set(until=until)
        self._tell("waits", step.id, until=until.isoformat())
        return True

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
            # An event that arrives late, or with an import, but occurred before she entered, is
            # no answer to anything.
            past = [
                event
                for name in names
                for event in self.world.events(name, after=after)
                if event.occurred_at >= self.state.entered_at
            ]
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
            here.step.id: [
                message_id(state.run, here.step.id, visit)
                for visit in range(1, state.visits[here.step.id] + 1)
            ]
            for here in self.plan.instructions
            if isinstance(here, SendTo) and here.step.id in state.visits
        }
        return Scope(
            properties=state.entry,
            outcomes=state.outcomes,
            results=state.results,
            messages=messages,
        )


def _money(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = Decimal(str(value))
    except (InvalidOperation, ValueError):
        return None
    return amount if amount.is_finite() and abs(amount) < _MOST_MONEY else None
