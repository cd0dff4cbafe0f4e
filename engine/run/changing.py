"""When time alone may change whether a condition holds.

What comes out may be too early, and is then asked again; it is never too late. Between now and then
the answer stays what it is, as long as nothing happens.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice
from operator import attrgetter
from typing import Any, assert_never

from engine.model.clock import EARLIEST
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
)
from engine.model.duration import Duration
from engine.model.event import Event
from engine.run.calendar import moment, next_anniversary
from engine.run.conditions import (
    AT_LEAST_ONE,
    DEEPEST,
    NOWHERE,
    Scope,
    age,
    asked_value,
    compares_by,
    holds,
    look_up,
    matches,
    within_event,
)
from engine.run.crossing import (
    UNEVEN,
    by_calendar,
    later,
    next_crossing,
    next_reach,
    next_stretch,
)
from engine.run.world import World

Turn = tuple[bool, datetime | None]
"""Whether something holds, and until when at least it stays so; None for ever."""


def next_change(condition: AnyCondition, world: World, scope: Scope = NOWHERE) -> datetime | None:
    """Return the first instant after `world.now` at which time alone may change the answer.

    None when time alone cannot.
    """
    return turn(condition, world, scope)[1]


def turn(condition: AnyCondition, world: World, scope: Scope = NOWHERE) -> Turn:
    """Return whether the condition holds now, and when time alone may change that."""
    match condition:
        case All():
            return _every(turn(part, world, scope) for part in condition.all)
        case AnyOf():
            return _not(_every(_not(turn(part, world, scope)) for part in condition.any))
        case Not():
            return _not(turn(condition.not_, world, scope))
        case TraitIs() | PropertyIs() | ResultIs():
            return _compared(condition, asked_value(condition, world, scope)[1], world)
        case EventHappened():
            return _happened(condition, world, scope)
        case EventValue():
            return _came_to(condition, world, scope)
        case Anniversary():
            return holds(condition, world, scope), _anniversary(condition, world)
        case InSegment():
            rule = world.segment(condition.segment)
            if rule is None or scope.depth >= DEEPEST:
                return False, None
            return turn(rule, world, Scope(depth=scope.depth + 1))
        case StepWas() | Reachable() | Subscribed():
            return holds(condition, world, scope), None
        case _:
            assert_never(condition)


def _not(of: Turn) -> Turn:
    return not of[0], of[1]


def _every(parts: Iterable[Turn]) -> Turn:
    """What holds of all together: false as long as one of them is, true until the first is not."""
    told = list(parts)
    false = [until for held, until in told if not held]
    if false:
        return False, None if None in false else max(until for until in false if until)
    return True, _first(until for _, until in told)


def _first(instants: Iterable[datetime | None]) -> datetime | None:
    return min((instant for instant in instants if instant is not None), default=None)


def _compared(comparison: Comparison, value: Any, world: World) -> Turn:
    at = moment(value, world.zone)
    return _every(
        (
            compares_by(name, operand, comparison, value, world),
            _operator(name, operand, at, world),
        )
        for name, operand in comparison.operators
    )


def _operator(name: str, operand: Any, at: datetime | None, world: World) -> datetime | None:
    if at is None:
        return None
    now, zone = world.now, world.zone
    match name:
        case "within":
            begins = at if at > now else None
            return _first([begins, next_crossing(Duration(operand), at, now, zone)])
        case "older_than" if isinstance(operand, TraitTimes):
            length = age(operand, world.customer.known)
            until = later(at, length) if length is not None else None
            return until if until is not None and until > now else None
        case "older_than":
            return next_crossing(Duration(operand), at, now, zone)
        case _:
            return None


def _happened(condition: EventHappened, world: World, scope: Scope) -> Turn:
    events, otherwise = _events(condition, world, scope)
    often = condition.count or AT_LEAST_ONE
    if condition.within is None:
        return often.holds(len(events)), otherwise
    out, inside = _split(events, condition.within, world)
    crossing = [
        next_crossing(condition.within, event.occurred_at, world.now, world.zone)
        for event in (*_leaving(inside, often), *_returning(out, len(inside), often))
    ]
    return often.holds(len(inside)), _first([otherwise, *crossing])


def _leaving(inside: Sequence[Event], often: Count) -> list[Event]:
    """Return the first event, from the oldest, whose leaving changes whether it is often enough."""
    n = len(inside)
    now = often.holds(n)
    return [*islice((e for k, e in enumerate(inside, 1) if often.holds(n - k) != now), 1)]


def _returning(out: Sequence[Event], n: int, often: Count) -> list[Event]:
    now = often.holds(n)
    back = enumerate(reversed(out), 1)
    return [*islice((e for k, e in back if often.holds(n + k) != now), 1)]


def _came_to(condition: EventValue, world: World, scope: Scope) -> Turn:
    value = asked_value(condition, world, scope)[1]
    held, until = _compared(condition, value, world)
    events, otherwise = _events(condition, world, scope)
    if condition.within is None:
        return held, _first([until, otherwise])
    of = condition.aggregate[1]
    told = [event for event in events if look_up(event.properties, of) is not None]
    out, inside = _split(told, condition.within, world)
    crossing = [
        next_crossing(condition.within, event.occurred_at, world.now, world.zone)
        for event in (*inside[:1], *out[-1:])
    ]
    return held, _first([until, otherwise, *crossing])


def _events(
    condition: EventHappened | EventValue, world: World, scope: Scope
) -> tuple[list[Event], datetime | None]:
    """Return the events that are meant, oldest first, and when others may be.

    Those that left the window a little while ago are among them: a window of months may take them
    in again.
    """
    since = None
    if condition.within is not None:
        since = condition.within.before(world.now, world.zone)
        if by_calendar(condition.within):
            since = max(since, EARLIEST + UNEVEN) - UNEVEN
    found = sorted(world.events(condition.event, since=since), key=attrgetter("occurred_at"))
    meant = found
    if condition.where is not None or condition.message is not None:
        meant = [event for event in found if matches(condition, event, world, scope)]
    if condition.where is None:
        return meant, None
    wheres = (turn(condition.where, world, within_event(scope, event)) for event in found)
    return meant, _first(until for _, until in wheres)


def _split(
    events: Sequence[Event], within: Duration, world: World
) -> tuple[Sequence[Event], Sequence[Event]]:
    """Divide events, oldest first, into those that are out of the window and those inside."""
    since = within.before(world.now, world.zone)
    begins = bisect_right(events, since, key=attrgetter("occurred_at"))
    return events[:begins], events[begins:]


def _anniversary(condition: Anniversary, world: World) -> datetime | None:
    value = look_up(world.customer.known, condition.anniversary)
    now, zone = world.now, world.zone
    returns = next_anniversary(value, now, zone)
    if returns is None:
        return None
    if returns <= now:  # today, by her calendar
        return next_stretch(now, zone)
    return _first([returns, next_reach(condition.within, returns, now, zone)])
