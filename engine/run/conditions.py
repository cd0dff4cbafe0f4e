"""Whether a condition holds for one customer, now."""

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any, Final, Literal, assert_never
from uuid import UUID

from engine.model.base import CHANNELS
from engine.model.condition import (
    Aggregate,
    All,
    Anniversary,
    AnyCondition,
    AnyOf,
    Comparison,
    Count,
    EventHappened,
    EventMatch,
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
)
from engine.model.duration import Duration
from engine.model.event import Event
from engine.run.calendar import moment, next_anniversary
from engine.run.world import Seen, World

AT_LEAST_ONE = Count(gte=1)
"""How often an event must have happened of which nothing else is said."""
DEEPEST = 16
"""Segments nested deeper than this count as not holding; publishing refuses cycles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a condition may ask besides the world: the event at hand and the run so far.

    `messages` are those of each sending step, one for each time it was reached.
    """

    properties: Mapping[str, Any] = field(default_factory=dict)
    outcomes: Mapping[str, str] = field(default_factory=dict)
    results: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    messages: Mapping[str, Collection[UUID]] = field(default_factory=dict)
    depth: int = 0


NOWHERE = Scope()


def holds(
    condition: AnyCondition, world: World, scope: Scope = NOWHERE, seen: Seen | None = None
) -> bool:
    """Return whether the condition holds; `seen` gets each question with its answer."""
    match condition:
        case All():
            return all(holds(part, world, scope, seen) for part in condition.all)
        case AnyOf():
            return any(holds(part, world, scope, seen) for part in condition.any)
        case Not():
            return not holds(condition.not_, world, scope, seen)
        case TraitIs() | PropertyIs() | EventValue() | ResultIs():
            question, value = asked_value(condition, world, scope)
            _noted(seen, question, value)
            return _compared(condition, value, world, seen)
        case EventHappened():
            n = count(condition, world, scope)
            _noted(seen, f"event {condition.event}", n)
            return (condition.count or AT_LEAST_ONE).holds(n)
        case Anniversary():
            value = look_up(world.customer.known, condition.anniversary)
            _noted(seen, f"trait {condition.anniversary}", value)
            until = condition.within.after(world.now, world.zone)
            returns = next_anniversary(value, world.now, world.zone)
            return returns is not None and returns <= until
        case InSegment():
            rule = world.segment(condition.segment)
            inside = (
                rule is not None
                and scope.depth < DEEPEST
                and holds(rule, world, Scope(depth=scope.depth + 1), seen)
            )
            _noted(seen, f"segment {condition.segment}", inside)
            return inside
        case StepWas():
            outcome = scope.outcomes.get(condition.step)
            _noted(seen, f"step {condition.step}", outcome)
            return outcome == condition.is_
        case Reachable():
            reachable = world.customer.reachable(condition.reachable)
            _noted(seen, f"reachable {condition.reachable}", reachable)
            return reachable
        case Subscribed():
            return _subscribed(condition, world, seen)
        case _:
            assert_never(condition)


def asked_value(
    condition: TraitIs | PropertyIs | EventValue | ResultIs, world: World, scope: Scope
) -> tuple[str, Any]:
    """Return what is compared, and how it is called in a trace."""
    match condition:
        case TraitIs(trait=name):
            return f"trait {name}", look_up(world.customer.known, name)
        case PropertyIs(property=name):
            return f"property {name}", look_up(scope.properties, name)
        case EventValue():
            made, of = condition.aggregate
            return f"{made} {of} of {condition.event}", aggregated(condition, world, scope)
        case ResultIs(result=asked):
            value = look_up(scope.results.get(asked.step, {}), asked.name)
            return f"result {asked.step} {asked.name}", value
        case _:
            assert_never(condition)


def _subscribed(condition: Subscribed, world: World, seen: Seen | None) -> bool:
    topic = world.topic(condition.subscribed)
    channels = CHANNELS if condition.channel is None else (condition.channel,)
    wanted = any(world.customer.subscription(topic, c) == "subscribed" for c in channels)
    where = f" {condition.channel}" if condition.channel is not None else ""
    _noted(seen, f"subscribed {topic.id}{where}", wanted)
    return wanted


def _noted(seen: Seen | None, question: str, answer: Any) -> None:
    if seen is not None:
        seen.note(question, answer)


def _compared(comparison: Comparison, value: Any, world: World, seen: Seen | None) -> bool:
    if isinstance(comparison.older_than, TraitTimes):
        length = comparison.older_than.trait
        _noted(seen, f"trait {length}", look_up(world.customer.known, length))
    if isinstance(comparison, TraitIs):
        for name, top in comparison.ranks():
            part = top if name == "top" else 100 - top
            threshold = world.threshold(comparison.trait, top)
            _noted(seen, f"{name} {part}% of trait {comparison.trait}", threshold)
    return compares(comparison, value, world)


def count(condition: EventHappened, world: World, scope: Scope = NOWHERE) -> int:
    """Return how many of her events the condition means."""
    return len(_meant(condition, world, scope))


def _meant(condition: EventHappened | EventValue, world: World, scope: Scope) -> list[Event]:
    since = condition.within.before(world.now, world.zone) if condition.within is not None else None
    found = world.events(condition.event, since=since)
    return [event for event in found if matches(condition, event, world, scope)]


def aggregated(condition: EventValue, world: World, scope: Scope = NOWHERE) -> Any:
    """Return what the property comes to over the events that are meant, None when missing."""
    name, of = condition.aggregate
    meant = _meant(condition, world, scope)
    if name in {"first", "last"}:
        meant.sort(key=lambda event: (event.occurred_at, event.seq))
    values = [value for event in meant if (value := look_up(event.properties, of)) is not None]
    return _aggregate(name, values)


def _aggregate(name: Aggregate, values: list[Any]) -> Any:
    match name:
        case "first":
            return values[0] if values else None
        case "last":
            return values[-1] if values else None
        case "distinct":
            return len({_key(value) for value in values})
        case "sum" | "avg" | "min" | "max":
            return _of_numbers(
                name,
                [
                    value
                    for value in values
                    if isinstance(value, int | float) and not isinstance(value, bool)
                ],
            )
        case _:
            assert_never(name)


def _of_numbers(
    name: Literal["sum", "avg", "min", "max"], numbers: list[int | float]
) -> int | float | None:
    match name:
        case "sum":
            return _number(_total(numbers))
        case "avg":
            return _number(_total(numbers) / len(numbers)) if numbers else None
        case "min":
            return min(numbers, default=None)
        case "max":
            return max(numbers, default=None)
        case _:
            assert_never(name)


_DIGITS: Final = Context(prec=700)
"""More than there are between the largest and the smallest number that a double can hold."""


def _total(numbers: list[int | float]) -> Fraction:
    """Return the sum of the numbers as they were written: three times 0.1 is 0.3."""
    total, rest = Decimal(), 0
    for number in numbers:
        if isinstance(number, float):
            total = _DIGITS.add(total, Decimal(str(number)))
        else:
            rest += number
    return Fraction(total) + rest


def _number(exact: Fraction) -> int | float:
    return int(exact) if exact.denominator == 1 else float(exact)


def _key(value: Any) -> str:
    """Return what tells a value from others: 1 is 1.0, and neither true nor a text."""
    whole = isinstance(value, float) and value.is_integer()
    return json.dumps(int(value) if whole else value, sort_keys=True)


def matches(match: EventMatch, event: Event, world: World, scope: Scope = NOWHERE) -> bool:
    """Return whether an event is the one meant: its name, its properties, its message."""
    if event.name != match.event:
        return False
    if match.message is not None:
        sent = scope.messages.get(match.message, ())
        if not any(event.properties.get("message") == str(message) for message in sent):
            return False
    if match.where is None:
        return True
    return holds(match.where, world, within_event(scope, event))


def within_event(scope: Scope, event: Event) -> Scope:
    """Return the scope in which the `where` of an event is asked: properties are its own."""
    return replace(scope, properties=event.properties)


def look_up(values: Mapping[str, Any], name: str) -> Any:
    """Return the value of that name, or what lies inside at `a.b`; None when missing."""
    if name in values:
        return values[name]
    found: Any = values
    for part in name.split("."):
        if not isinstance(found, Mapping) or part not in found:
            return None
        found = found[part]
    return found


def compares(comparison: Comparison, value: Any, world: World) -> bool:
    """Return whether the value satisfies every operator of the comparison."""
    return all(
        compares_by(name, operand, comparison, value, world)
        for name, operand in comparison.operators
    )


def compares_by(name: str, operand: Any, comparison: Comparison, value: Any, world: World) -> bool:
    """Return whether the value satisfies one operator of the comparison."""
    if isinstance(operand, TraitTimes):
        operand = age(operand, world.customer.known)
    elif isinstance(comparison, TraitIs) and (top := dict(comparison.ranks()).get(name)):
        operand = world.threshold(comparison.trait, top)
    return _OPERATORS[name](value, operand, world.now, world.zone)


def age(asked: TraitTimes, traits: Mapping[str, Any]) -> timedelta | None:
    """Return the length of time that a trait tells, so many times; None when it tells none."""
    told = look_up(traits, asked.trait)
    try:
        if isinstance(told, str) and re.fullmatch(Duration.pattern, told):
            length = Duration(told).at_most
        elif isinstance(told, int | float) and not isinstance(told, bool) and told >= 0:
            length = timedelta(days=told)
        else:
            return None
        return length * asked.times
    except (OverflowError, ValueError):
        return timedelta.max


_Operator = Callable[[Any, Any, datetime, str], bool]


def _same(value: Any, operand: Any) -> bool:
    if isinstance(value, bool) or isinstance(operand, bool):
        return value is operand
    return bool(value == operand)


def _ordered(test: Callable[[Any, Any], bool]) -> _Operator:
    def compare(value: Any, operand: Any, now: datetime, zone: str) -> bool:
        if isinstance(value, bool) or isinstance(operand, bool):
            return False
        numbers = isinstance(value, int | float) and isinstance(operand, int | float)
        texts = isinstance(value, str) and isinstance(operand, str)
        return (numbers or texts) and test(value, operand)

    return compare


def _contains(value: Any, operand: Any, now: datetime, zone: str) -> bool:
    if isinstance(value, str):
        return isinstance(operand, str) and operand in value
    return isinstance(value, list) and any(_same(item, operand) for item in value)


def _dated(test: Callable[[datetime, datetime], bool]) -> _Operator:
    def compare(value: Any, operand: Any, now: datetime, zone: str) -> bool:
        left, right = moment(value, zone), moment(operand, zone)
        return left is not None and right is not None and test(left, right)

    return compare


def _within(value: Any, operand: Any, now: datetime, zone: str) -> bool:
    at = moment(value, zone)
    return at is not None and Duration(operand).before(now, zone) < at <= now


def _older_than(value: Any, operand: Any, now: datetime, zone: str) -> bool:
    at = moment(value, zone)
    if at is None or operand is None:
        return False
    if isinstance(operand, timedelta):
        return now - at >= operand
    return at <= Duration(operand).before(now, zone)


_OPERATORS: dict[str, _Operator] = {
    "eq": lambda value, operand, now, zone: value is not None and _same(value, operand),
    "ne": lambda value, operand, now, zone: not _same(value, operand),
    "in": lambda value, operand, now, zone: any(_same(value, item) for item in operand),
    "nin": lambda value, operand, now, zone: not any(_same(value, item) for item in operand),
    "gt": _ordered(lambda left, right: left > right),
    "gte": _ordered(lambda left, right: left >= right),
    "lt": _ordered(lambda left, right: left < right),
    "lte": _ordered(lambda left, right: left <= right),
    "contains": _contains,
    "starts_with": lambda value, operand, now, zone: (
        isinstance(value, str) and value.startswith(operand)
    ),
    "exists": lambda value, operand, now, zone: (value is not None) is operand,
    "before": _dated(lambda left, right: left < right),
    "after": _dated(lambda left, right: left > right),
    "within": _within,
    "older_than": _older_than,
    "top": _ordered(lambda left, right: left >= right),
    "bottom": _ordered(lambda left, right: left <= right),
}
