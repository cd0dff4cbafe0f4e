"""Whether a condition holds for one customer, now."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, assert_never
from uuid import UUID

from engine.model.base import CHANNELS
from engine.model.condition import (
    All,
    AnyCondition,
    AnyOf,
    Comparison,
    Count,
    EventHappened,
    EventMatch,
    InSegment,
    Not,
    PropertyIs,
    Reachable,
    ResultIs,
    StepWas,
    Subscribed,
    TraitIs,
)
from engine.model.duration import Duration
from engine.model.event import Event
from engine.run.calendar import moment
from engine.run.world import Seen, World

_AT_LEAST_ONE = Count(gte=1)
_DEEPEST = 16
"""Segments nested deeper than this count as not holding; publishing refuses cycles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a condition may ask besides the world: the event at hand and the run so far."""

    properties: Mapping[str, Any] = field(default_factory=dict)
    outcomes: Mapping[str, str] = field(default_factory=dict)
    results: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    messages: Mapping[str, UUID] = field(default_factory=dict)
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
        case TraitIs():
            value = look_up(world.customer.traits, condition.trait)
            return _noted(seen, f"trait {condition.trait}", value) and compares(
                condition, value, world.now, world.zone
            )
        case PropertyIs():
            value = look_up(scope.properties, condition.property)
            return _noted(seen, f"property {condition.property}", value) and compares(
                condition, value, world.now, world.zone
            )
        case EventHappened():
            n = count(condition, world, scope)
            _noted(seen, f"event {condition.event}", n)
            return (condition.count or _AT_LEAST_ONE).holds(n)
        case InSegment():
            rule = world.segment(condition.segment)
            inside = (
                rule is not None
                and scope.depth < _DEEPEST
                and holds(rule, world, Scope(depth=scope.depth + 1), seen)
            )
            _noted(seen, f"segment {condition.segment}", inside)
            return inside
        case StepWas():
            outcome = scope.outcomes.get(condition.step)
            _noted(seen, f"step {condition.step}", outcome)
            return outcome == condition.is_
        case ResultIs(result=asked):
            value = look_up(scope.results.get(asked.step, {}), asked.name)
            return _noted(seen, f"result {asked.step} {asked.name}", value) and compares(
                condition, value, world.now, world.zone
            )
        case Reachable():
            reachable = world.customer.reachable(condition.reachable)
            _noted(seen, f"reachable {condition.reachable}", reachable)
            return reachable
        case Subscribed():
            return _subscribed(condition, world, seen)
        case _:
            assert_never(condition)


def _subscribed(condition: Subscribed, world: World, seen: Seen | None) -> bool:
    topic = world.topic(condition.subscribed)
    channels = CHANNELS if condition.channel is None else (condition.channel,)
    wanted = any(world.customer.subscription(topic, c) == "subscribed" for c in channels)
    where = f" {condition.channel}" if condition.channel is not None else ""
    _noted(seen, f"subscribed {topic.id}{where}", wanted)
    return wanted


def _noted(seen: Seen | None, question: str, answer: Any) -> bool:
    if seen is not None:
        seen.note(question, answer)
    return True


def count(condition: EventHappened, world: World, scope: Scope = NOWHERE) -> int:
    """Return how many of her events the condition means."""
    since = condition.within.before(world.now, world.zone) if condition.within is not None else None
    return sum(
        matches(condition, event, world, scope)
        for event in world.events(condition.event, since=since)
    )


def matches(match: EventMatch, event: Event, world: World, scope: Scope = NOWHERE) -> bool:
    """Return whether an event is the one meant: its name, its properties, its message."""
    if event.name != match.event:
        return False
    if match.message is not None:
        sent = scope.messages.get(match.message)
        if sent is None or event.properties.get("message") != str(sent):
            return False
    if match.where is None:
        return True
    inner = Scope(
        properties=event.properties,
        outcomes=scope.outcomes,
        results=scope.results,
        messages=scope.messages,
        depth=scope.depth,
    )
    return holds(match.where, world, inner)


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


def compares(comparison: Comparison, value: Any, now: datetime, zone: str) -> bool:
    """Return whether the value satisfies every operator of the comparison."""
    return all(
        _OPERATORS[name](value, operand, now, zone) for name, operand in comparison.operators()
    )


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
}
