"""A customer who would enter a journey, made up from what the journey asks.

It is a guess, good enough to begin a walk with: what is asked for is granted where that is
possible, and the walk says what does not hold all the same.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, assert_never
from uuid import UUID

from engine.model.base import CHANNELS, Channel
from engine.model.clock import EARLIEST, LATEST, add_months
from engine.model.condition import (
    All,
    Anniversary,
    AnyCondition,
    AnyOf,
    Comparison,
    Count,
    EventHappened,
    EventValue,
    InSegment,
    Not,
    PropertyIs,
    Reachable,
    ResultIs,
    StepWas,
    Subscribed,
    TraitIs,
    TraitTimes,
    parts,
)
from engine.model.customer import Customer
from engine.model.duration import Duration
from engine.model.journey import (
    AnyStep,
    BranchStep,
    EnterStep,
    FromProperty,
    Journey,
    RepeatStep,
    SendStep,
    UntilProperty,
    UntilTrait,
    UpdateStep,
    WaitForStep,
    WaitStep,
    walk,
)
from engine.model.opening import (
    AnyOpening,
    OnApi,
    OnDate,
    OnEvent,
    OnSchedule,
    OnSegmentEntered,
    OnSegmentLeft,
    opening_event,
)
from engine.run.calendar import local, moment
from engine.run.conditions import compares
from engine.run.world import MemoryWorld

_DAY: Final = timedelta(days=1)
_DEEPEST: Final = 8
_MOST: Final = 20
_NOBODY: Final = UUID(int=0)
"""Of an event, more than so many are not made up."""


@dataclass(frozen=True, slots=True)
class Before:
    """Something that she has done, so many times, `ago`."""

    event: str
    times: int
    ago: Duration
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Likely:
    """Who would enter, and with which properties of the event. A value of None is not known."""

    traits: Mapping[str, Any]
    channels: tuple[Channel, ...]
    topics: Mapping[str, bool]
    before: tuple[Before, ...]
    properties: Mapping[str, Any]


def likely(
    journey: Journey, segments: Mapping[str, AnyCondition], at: datetime, zone: str
) -> Likely:
    """Return somebody who would enter at that instant, as far as that can be guessed.

    What the journey asks later on is named, too, and left open.
    """
    guess = _Guess(segments, at, zone)
    guess.dates = _dates(journey, guess)
    guess.open(journey.entry.on)
    if journey.entry.if_ is not None:
        guess.make(journey.entry.if_, holding=True)
    _name_the_rest(journey, guess)
    reached = {channel for step in _sends(journey) for channel in step.channels}
    granted = {"email", *reached, *guess.channels} - guess.unreachable
    return Likely(
        traits=guess.traits,
        channels=tuple(channel for channel in CHANNELS if channel in granted),
        topics=guess.topics,
        before=tuple(guess.before),
        properties=guess.properties,
    )


def likely_properties(where: AnyCondition | None, at: datetime, zone: str) -> dict[str, Any]:
    """Return properties of an event that would satisfy the condition, by name."""
    guess = _Guess({}, at, zone)
    if where is not None:
        guess.make(where, holding=True)
        _name(where, guess)
    return guess.properties


def likely_result(journey: Journey, step: str, at: datetime, zone: str) -> dict[str, Any]:
    """Return what an answer to the step's call would have to hold for what is asked of it later."""
    guess = _Guess({}, at, zone)
    found: dict[str, Any] = {}
    for condition in conditions(journey):
        for leaf in leaves(condition):
            if isinstance(leaf, ResultIs) and leaf.result.step == step:
                found.setdefault(leaf.result.name, guess.fitting(leaf, holding=True))
    return found


def conditions(journey: Journey) -> Iterator[AnyCondition]:
    """Yield every condition of a journey, and those of the events that it knows."""
    on = journey.entry.on
    yield from _given(on.where if isinstance(on, OnEvent) else None, journey.entry.if_)
    yield from _given(*(rule.on.where for rule in journey.exits))
    yield from _given(journey.goal.where if journey.goal is not None else None)
    yield from _later(journey)
    for step in walk(journey.steps):
        if isinstance(step, WaitForStep):
            yield from _given(*(awaited.on.where for awaited in step.events))


def _later(journey: Journey) -> Iterator[AnyCondition]:
    """Yield what is asked on the way, of her and of the event that opened the journey."""
    for step in walk(journey.steps):
        match step:
            case BranchStep():
                yield from (arm.if_ for arm in step.arms)
            case RepeatStep(until=until) if until is not None:
                yield until
            case _:
                pass


def events_asked(journey: Journey, segments: Mapping[str, AnyCondition]) -> set[str]:
    """Return the names of the events whose past a journey's decisions may ask for."""
    names = {
        awaited.on.event
        for step in walk(journey.steps)
        if isinstance(step, WaitForStep)
        for awaited in step.events
    }
    for condition in (*conditions(journey), *segments.values()):
        for part in parts(condition):
            if isinstance(part, EventHappened | EventValue):
                names.add(part.event)
    return names


def _given(*found: AnyCondition | None) -> Iterator[AnyCondition]:
    return (condition for condition in found if condition is not None)


def _sends(journey: Journey) -> Iterable[SendStep]:
    return (step for step in walk(journey.steps) if isinstance(step, SendStep))


def _name_the_rest(journey: Journey, guess: "_Guess") -> None:
    """Name the traits, topics and properties that the journey asks for on the way."""
    key = journey.entry.reentry.key
    if key is not None:
        guess.properties.setdefault(key, "1")
    for topic in [journey.topic, *(step.topic for step in _sends(journey))]:
        if topic is not None:
            guess.topics.setdefault(topic, True)
    for condition in _later(journey):
        _name(condition, guess)
    for step in walk(journey.steps):
        _name_values(step, guess)


def _dates(journey: Journey, guess: "_Guess") -> dict[str, str]:
    """Return a date for each trait and each property of the event that is taken for one."""
    found = {}
    for step in walk(journey.steps):
        match step:
            case WaitStep(until=UntilTrait(trait=name, yearly=yearly)):
                found[name] = guess.day(10, 30 if yearly else 0)
            case WaitStep(until=UntilProperty(property=name)):
                found[name] = guess.day(3)
            case _:
                pass
    return found


def _name_values(step: AnyStep, guess: "_Guess") -> None:
    """Name what a step takes from her or from the event that opened the journey."""
    match step:
        case WaitStep(until=UntilTrait(trait=name)):
            guess.traits.setdefault(name, guess.dates[name])
        case WaitStep(until=UntilProperty(property=name)):
            guess.properties.setdefault(name, guess.dates[name])
        case UpdateStep(set=given) | EnterStep(properties=given):
            for value in given.values():
                if isinstance(value, FromProperty):
                    guess.properties.setdefault(value.property, None)
        case _:
            pass


def _name(condition: AnyCondition, guess: "_Guess") -> None:
    """Name what a condition asks of her, and leave it open; an event would say what is asked."""
    for leaf in leaves(condition):
        match leaf:
            case TraitIs(trait=name) | Anniversary(anniversary=name):
                guess.traits.setdefault(name, guess.dates.get(name))
            case PropertyIs(property=name):
                fitting = guess.dates.get(name) or guess.fitting(leaf, holding=True, name=name)
                guess.properties.setdefault(name, fitting)
            case Subscribed(subscribed=topic):
                guess.topics.setdefault(topic, False)
            case _:
                pass


def leaves(condition: AnyCondition) -> Iterator[AnyCondition]:
    """Yield what a condition asks at hand: not what it asks of her events in the past."""
    match condition:
        case All(all=inner) | AnyOf(any=inner):
            for part in inner:
                yield from leaves(part)
        case Not(not_=part):
            yield from leaves(part)
        case _:
            yield condition


class _Guess:
    """A customer in the making: each condition adds what would make it hold, or not."""

    def __init__(self, segments: Mapping[str, AnyCondition], at: datetime, zone: str) -> None:
        self.segments = segments
        self.at = at
        self.zone = zone
        self.traits: dict[str, Any] = {}
        self.properties: dict[str, Any] = {}
        self.channels: set[Channel] = set()
        self.unreachable: set[Channel] = set()
        self.topics: dict[str, bool] = {}
        self.before: list[Before] = []
        self.entering: str | None = None
        self.dates: dict[str, str] = {}

    def _world(self) -> MemoryWorld:
        customer = Customer(id=_NOBODY, traits=self.traits)
        return MemoryWorld(now=self.at, seq=0, zone=self.zone, customer=customer)

    def day(self, days: int, years: int = 0) -> str:
        """Return the date so many days ahead and years back."""
        day = (local(self.at, self.zone) + timedelta(days=days)).date()
        return add_months(day, -12 * years).isoformat()

    def open(self, on: AnyOpening) -> None:
        """Make her one for whom the journey opens, and say what its event would."""
        self.entering = opening_event(on)
        match on:
            case OnEvent():
                if on.where is not None:
                    self.make(on.where, holding=True)
            case OnSegmentEntered(segment_entered=name):
                self.properties["segment"] = name
                self._belong(name, holding=True)
            case OnSegmentLeft(segment_left=name):
                self.properties["segment"] = name
                self._belong(name, holding=False)
            case OnDate(date=name, yearly=yearly, offset=offset):
                due = local(self.at, self.zone).date()
                day = (offset or Duration("0d")).before(self.at, self.zone)
                born = add_months(local(day, self.zone).date(), -12 * (30 if yearly else 0))
                self.dates[name] = self.traits[name] = born.isoformat()
                self.properties |= {"trait": name, "date": born.isoformat(), "on": due.isoformat()}
            case OnSchedule(segment=segment):
                if segment is not None:
                    self.properties["segment"] = segment
                    self._belong(segment, holding=True)
            case OnApi():
                pass
            case _:
                assert_never(on)

    def _belong(self, segment: str, *, holding: bool) -> None:
        rule = self.segments.get(segment)
        if rule is not None:
            self.make(rule, holding=holding)

    def make(self, condition: AnyCondition, *, holding: bool, depth: int = 0) -> None:
        """Make the condition hold, or not hold."""
        match condition:
            case All(all=inner):
                self._several(inner, every=holding, holding=holding, depth=depth)
            case AnyOf(any=inner):
                self._several(inner, every=not holding, holding=holding, depth=depth)
            case Not(not_=inner):
                self.make(inner, holding=not holding, depth=depth)
            case InSegment(segment=name):
                rule = self.segments.get(name)
                if rule is not None and depth < _DEEPEST:
                    self.make(rule, holding=holding, depth=depth + 1)
            case EventHappened():
                self._happened(condition, holding=holding)
            case EventValue():
                self._summed(condition, holding=holding)
            case StepWas() | ResultIs():
                pass
            case TraitIs() | PropertyIs() | Anniversary() | Reachable() | Subscribed():
                self._is(condition, holding=holding)
            case _:
                assert_never(condition)

    def _is(
        self,
        condition: TraitIs | PropertyIs | Anniversary | Reachable | Subscribed,
        *,
        holding: bool,
    ) -> None:
        match condition:
            case TraitIs(trait=name):
                self._value(self.traits, name, condition, holding=holding)
            case PropertyIs(property=name):
                self._value(self.properties, name, condition, holding=holding)
            case Anniversary(anniversary=name):
                self.traits[name] = self.day(0 if holding else 180, 30)
            case Reachable(reachable=channel):
                (self.channels if holding else self.unreachable).add(channel)
            case Subscribed(subscribed=topic):
                self.topics[topic] = holding
            case _:
                assert_never(condition)

    def _several(
        self, inner: tuple[AnyCondition, ...], *, every: bool, holding: bool, depth: int
    ) -> None:
        for part in inner if every else inner[:1]:
            self.make(part, holding=holding, depth=depth)

    def _value(
        self, values: dict[str, Any], name: str, comparison: Comparison, *, holding: bool
    ) -> None:
        fitting = self.fitting(comparison, holding=holding, name=name)
        if fitting is not None:
            values[name] = fitting

    def fitting(self, comparison: Comparison, *, holding: bool, name: str = "") -> Any:
        """Return a value that compares so, or None when that is a value that is missing."""
        world = self._world()
        near = (*self._usual(name), *self._near(comparison))
        tried = (*near, None) if holding else (None, *near)
        for value in tried:
            if compares(comparison, value, world) is holding:
                return value
        return None

    def _usual(self, name: str) -> Iterator[Any]:
        """Yield what a thing of that name usually is, where that is known."""
        if name in self.dates:
            yield self.dates[name]
        if name.lower().endswith("url"):
            yield "https://example.com/"

    def _near(self, comparison: Comparison) -> Iterator[Any]:
        """Yield values about those with which something is compared."""
        for name, operand in comparison.operators:
            match operand:
                case bool() if name == "exists":
                    yield "yes"
                case bool():
                    yield from (operand, not operand)
                case int() | float():
                    yield from (operand, operand + 1, operand - 1, operand + 0.5)
                case list():
                    yield from operand
                case TraitTimes(trait=trait):
                    self.traits.setdefault(trait, 30)
                    yield self.day(-365)
                case Duration() if name == "within":
                    yield local(self.at, self.zone).date().isoformat()
                case Duration():
                    yield (operand.before(self.at, self.zone) - timedelta(days=1)).isoformat()
                case str() if name in {"before", "after"}:
                    named = moment(operand, self.zone)
                    beside = -1 if name == "before" else 1
                    if named is not None and named - _DAY > EARLIEST and named + _DAY < LATEST:
                        yield (named + beside * _DAY).date().isoformat()
                case str():
                    yield from (operand, operand + "a", [operand])
                case _:
                    pass
        yield from ("x", 1)

    def _happened(self, condition: EventHappened, *, holding: bool) -> None:
        wanted = condition.count or Count(gte=1)
        # The event with which she enters is one of hers, too.
        one = condition.event == self.entering and condition.where is None
        least = 1 if one else 0
        fitting = (n for n in range(least, _MOST + 1) if wanted.holds(n) is holding)
        times = next(fitting, least) - least
        if times:
            self._did(condition, times, {})

    def _summed(self, condition: EventValue, *, holding: bool) -> None:
        _, of = condition.aggregate
        value = self.fitting(condition, holding=holding)
        if value is not None:
            self._did(condition, 1, {of: value})

    def _did(self, asked: EventHappened | EventValue, times: int, told: dict[str, Any]) -> None:
        inner = likely_properties(asked.where, self.at, self.zone)
        known = {name: value for name, value in inner.items() if value is not None}
        ago = Duration("1h") if asked.within is not None else Duration("1d")
        if asked.within is not None and asked.within.at_most <= timedelta(hours=1):
            ago = Duration("1m")
        self.before.append(Before(asked.event, times, ago, {**known, **told}))
