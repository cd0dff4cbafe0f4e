"""What a customer's events come to: computed from all of them, or kept up with each one.

What needs no past is kept as a small state (`rolled`), so that an event costs no reading of
history. A window, a usual interval, the most frequent and the number of different values are
computed anew from her events of that name: their states would grow with every event, and an
event that leaves or comes late has to be known in any case.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache
from itertools import pairwise
from statistics import median
from typing import Any, Final, NamedTuple, assert_never
from uuid import UUID

from engine.model.condition import AnyCondition
from engine.model.customer import Customer
from engine.model.duration import Duration
from engine.model.trait import EventTrait
from engine.run.calendar import local
from engine.run.conditions import Scope, holds, look_up
from engine.run.world import MemoryWorld

State = Any
"""What is kept of the events so far, as JSON; None of none."""

_EXACT: Final = Context(prec=700)
"""Holds the sum of any numbers that JSON can write, without rounding."""
_WHOLE_UP_TO: Final = 2**53
_AVERAGE: Final = Decimal("0.000001")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO: Final = timedelta(microseconds=1)
_SCANNED: Final = frozenset({"distinct", "most", "interval"})


class Fact(NamedTuple):
    """An event as far as aggregates look at it."""

    at: datetime
    seq: int
    properties: Mapping[str, Any]


def rolled(trait: EventTrait) -> bool:
    """Whether a state is kept of it, which each event brings up to date."""
    return trait.within is None and trait.take not in _SCANNED


def micros(at: datetime) -> int:
    """Return the instant as microseconds since 1970."""
    return (at - _EPOCH) // _MICRO


def instant(microseconds: int) -> datetime:
    """Return the instant that `micros` wrote."""
    return _EPOCH + microseconds * _MICRO


def meant(where: AnyCondition | None, properties: Mapping[str, Any], zone: str) -> bool:
    """Whether an event with these properties is one of those meant."""
    return where is None or holds(where, _nowhere(zone), Scope(properties=properties))


@lru_cache(maxsize=100)
def _nowhere(zone: str) -> MemoryWorld:
    return MemoryWorld(now=_EPOCH, seq=0, zone=zone, customer=Customer(id=UUID(int=0)))


def step(trait: EventTrait, state: State, fact: Fact) -> State:
    """Return the state with one more event of those meant, whenever it occurred."""
    if trait.take == "count":
        return (state or 0) + 1
    if trait.take == "first_at":
        return micros(fact.at) if state is None else min(state, micros(fact.at))
    if trait.take == "last_at":
        return micros(fact.at) if state is None else max(state, micros(fact.at))
    values = list(values_at(fact.properties, trait.of or ""))
    match trait.take:
        case "sum" | "avg" | "min" | "max":
            for number in filter(_is_number, values):
                state = _number_added(trait.take, state, number)
            return state
        case "first" | "last":
            if not values:
                return state
            key = [micros(fact.at), fact.seq]
            earlier = state is not None and key < state[:2]
            if state is None or earlier == (trait.take == "first"):
                return [*key, values[0] if trait.take == "first" else values[-1]]
            return state
        case "distinct" | "most" | "interval":
            raise AssertionError("no state is kept of it")
        case _:
            assert_never(trait.take)


def _number_added(take: str, state: State, number: float) -> State:
    match take:
        case "min":
            return number if state is None else min(state, number)
        case "max":
            return number if state is None else max(state, number)
        case _:
            n, total = state or (0, "0")
            return [n + 1, str(_EXACT.add(Decimal(total), Decimal(str(number))))]


def value_of(trait: EventTrait, state: State) -> Any:
    """Return what a kept state comes to, None when that is missing."""
    if state is None:
        return trait.empty
    match trait.take:
        case "count" | "min" | "max":
            return state
        case "sum":
            return _plain(Decimal(state[1]))
        case "avg":
            return _plain(_average(Decimal(state[1]), state[0]))
        case "first" | "last":
            return state[2]
        case "first_at" | "last_at":
            return told(instant(state))
        case "distinct" | "most" | "interval":
            raise AssertionError("no state is kept of it")
        case _:
            assert_never(trait.take)


def told(at: datetime) -> str:
    """Return an instant as traits tell it, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Scanned(NamedTuple):
    """What was found in her events: the state to keep, the value, and when time changes it."""

    state: State
    value: Any
    due: datetime | None


def those_meant(where: AnyCondition | None, facts: Iterable[Fact], zone: str) -> list[Fact]:
    """Return the events that are meant, in the order in which they occurred."""
    some = [fact for fact in facts if meant(where, fact.properties, zone)]
    some.sort(key=lambda fact: fact[:2])
    return some


def scan(trait: EventTrait, some: Sequence[Fact], now: datetime, zone: str) -> Scanned:
    """Compute the trait from all of her events that it means (see `those_meant`)."""
    if trait.within is not None:
        since = trait.within.before(now, zone)
        some = [fact for fact in some if fact.at > since]
        leaves = leaving(trait.within, some[0].at, zone) if some else None
        value = _of_all(trait, some, zone)
        return Scanned(None, value, leaves)
    if trait.take in _SCANNED:
        return Scanned(None, _of_all(trait, some, zone), None)
    state = _folded(trait, some)
    return Scanned(state, value_of(trait, state), None)


def _folded(trait: EventTrait, some: Sequence[Fact]) -> State:
    """Return the state after all of these: for sums quicker than step by step."""
    if trait.take not in {"sum", "avg"}:
        state = None
        for fact in some:
            state = step(trait, state, fact)
        return state
    n, total = 0, Decimal()
    for fact in some:
        for number in filter(_is_number, values_at(fact.properties, trait.of or "")):
            n, total = n + 1, _EXACT.add(total, Decimal(str(number)))
    return [n, str(total)] if n else None


def leaving(within: Duration, at: datetime, zone: str) -> datetime:
    """Return the first instant at which what occurred `at` is not within so long any more."""
    early = within.after(at, zone)
    if within.before(early, zone) >= at:
        return early
    # Months differ in length: an event of 31 January is within a month until 1 March.
    late = early + timedelta(days=5)
    while late - early > _MICRO:
        middle = early + (late - early) // 2
        early, late = (early, middle) if within.before(middle, zone) >= at else (middle, late)
    return late


def _of_all(trait: EventTrait, some: Sequence[Fact], zone: str) -> Any:
    if trait.take not in _SCANNED:
        return value_of(trait, _folded(trait, some))
    if trait.take == "interval":
        days = sorted({local(fact.at, zone).date() for fact in some})
        gaps = [(later - day).days for day, later in pairwise(days)]
        return _plain(Decimal(str(median(gaps)))) if gaps else None
    found = [value for fact in some for value in values_at(fact.properties, trait.of or "")]
    values: dict[str, Any] = {}
    for value in found:
        values.setdefault(_key(value), value)
    if trait.take == "distinct":
        return len(values)
    counted = Counter(map(_key, found))
    key = min(counted, key=lambda key: (-counted[key], key), default=None)
    return None if key is None else json.loads(key)


def values_at(properties: Mapping[str, Any], path: str) -> Iterator[Any]:
    """Yield the values at `a.b`, and of each item of a list at `a[].b`; missing ones are none."""
    head, inside, rest = path.partition("[]")
    value = properties[head] if head in properties else look_up(properties, head)
    if not inside:
        if value is not None:
            yield value
        return
    rest = rest.removeprefix(".")
    for item in value if isinstance(value, list) else ():
        if not rest:
            if item is not None:
                yield item
        elif isinstance(item, Mapping):
            yield from values_at(item, rest)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _key(value: Any) -> str:
    """Return what tells a value from others: 1 is 1.0, and neither true nor a text."""
    whole = isinstance(value, float) and value.is_integer()
    return json.dumps(int(value) if whole else value, sort_keys=True, ensure_ascii=False)


def _average(total: Decimal, n: int) -> Decimal:
    exact = _EXACT.divide(total, Decimal(n))
    return exact.quantize(_AVERAGE, rounding=ROUND_HALF_UP, context=_EXACT)


def _plain(exact: Decimal) -> int | float:
    """Return the number as JSON has it: whole ones without a fraction, as far as it can."""
    whole = exact == exact.to_integral_value()
    return int(exact) if whole and abs(exact) <= _WHOLE_UP_TO else float(exact)
