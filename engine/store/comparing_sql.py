"""Comparisons in SQL: one operator on one JSON value, as `engine.run.conditions` has them.

A value that is missing, or null, is NULL. What holds is never NULL.
"""

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    Boolean,
    Double,
    Interval,
    Numeric,
    Text,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    not_,
    null,
    or_,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import JSONB

from engine.model.condition import TraitTimes
from engine.model.duration import Duration
from engine.run.calendar import moment as moment_of
from engine.run.crossing import UNEVEN, by_calendar
from engine.store.instants_sql import INSTANT, TICK, Expression, Moment, Told, Zones
from engine.store.values_sql import exact, number_of, text_of, writable

LENGTHS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800,
                  "mo": 31 * 86400, "y": 12 * 31 * 86400}  # fmt: skip
_SECOND: Final = 1_000_000
_LONGEST: Final = timedelta(days=3_700_000)
"""Longer than all time that can be told."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a statement asks: whether something holds, and when time alone may change that.

    `due` may be too early, and None stands for never. Where `odd` holds, who knows.
    """

    holds: Expression
    due: Expression | None = None
    odd: Expression | None = None


def negated(asked: Asked) -> Asked:
    """Return what holds when this does not."""
    return Asked(not_(asked.holds), asked.due, asked.odd)


def every(parts: list[Asked]) -> Asked:
    """Return what holds when all of these do.

    It stays false as long as one of them is, and true until the first is not.
    """
    if len(parts) == 1:
        return parts[0]
    return Asked(
        and_(*(part.holds for part in parts)), _due_of_all(parts), either(*(p.odd for p in parts))
    )


def _due_of_all(parts: list[Asked]) -> Expression | None:
    dues = [part.due for part in parts if part.due is not None]
    if not dues:
        return None
    holding = func.least(*dues)
    ends = literal("infinity", Text)
    waiting = [
        case(
            (
                not_(part.holds),
                cast(ends, INSTANT)
                if part.due is None
                else func.coalesce(part.due, cast(ends, INSTANT)),
            )
        )
        for part in parts
    ]
    return case(
        (and_(*(part.holds for part in parts)), holding),
        else_=func.nullif(func.greatest(*waiting), cast(ends, INSTANT)),
    )


def either(*odd: Expression | None) -> Expression | None:
    """Return whether one of these holds, None when there is none."""
    told = [one for one in odd if one is not None]
    return or_(*told) if told else None


def first_of(*dues: Expression | None) -> Expression | None:
    """Return the first of these instants, None when there is none."""
    told = [due for due in dues if due is not None]
    return func.least(*told, type_=INSTANT) if told else None


def sure(test: Expression) -> Expression:
    """Return a test that is false where it would be NULL."""
    return func.coalesce(test, false(), type_=Boolean)


# Values


def _json(operand: Any) -> Expression | None:
    """Return an operand as JSON, None for what no value can be the same as."""
    if isinstance(operand, bool):
        written = json.dumps(operand)
    elif isinstance(operand, int | float):
        if not math.isfinite(operand):
            return None
        written = str(exact(operand))
    else:
        if not writable(operand):
            return None
        written = json.dumps(operand)
    return cast(literal(written, Text), JSONB)


def _same(value: Expression, operand: Any) -> Expression:
    other = _json(operand)
    return sure(value == other) if other is not None else false()


def _one_of(value: Expression, operands: list[Any]) -> Expression:
    return or_(false(), *(_same(value, operand) for operand in operands))


_ORDERED: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "gt": lambda left, right: left > right,
    "gte": lambda left, right: left >= right,
    "lt": lambda left, right: left < right,
    "lte": lambda left, right: left <= right,
}


def _ordered(name: str, value: Expression, operand: str | float | None) -> Expression:
    test = _ORDERED[name]
    if operand is None:
        return false()
    if isinstance(operand, str):
        text = text_of(value).collate("C")
        if writable(operand):
            return sure(test(text, literal(operand, Text)))
        # No text has such a sign: all that begin as this does lie behind it, but for the beginning.
        begins = re.split("[\x00\ud800-\udfff]", operand)[0]
        return sure(_ORDERED["gt" if name in {"gt", "gte"} else "lte"](text, literal(begins, Text)))
    if math.isnan(operand):
        return false()
    if math.isinf(operand):
        return sure(number_of(value).is_not(None)) if test(0, operand) else false()
    return sure(test(number_of(value), literal(exact(operand), Numeric)))


def _contains(value: Expression, operand: Any) -> Expression:
    other = _json(operand)
    if other is None:
        return false()
    found = and_(func.jsonb_typeof(value) == "array", value.op("@>")(func.jsonb_build_array(other)))
    if isinstance(operand, str):
        found = or_(found, func.strpos(text_of(value), literal(operand, Text)) > 0)
    return sure(found)


def compared(name: str, operand: Any, value: Expression) -> Expression:
    """Return whether a value satisfies an operator that asks for no time."""
    match name:
        case "eq":
            return _same(value, operand)
        case "ne":
            return not_(_same(value, operand))
        case "in":
            return _one_of(value, operand)
        case "nin":
            return not_(_one_of(value, operand))
        case "contains":
            return _contains(value, operand)
        case "starts_with":
            begins = func.starts_with(text_of(value), literal(operand, Text))
            return sure(begins) if writable(operand) else false()
        case "exists":
            return value.is_not(None) if operand else value.is_(None)
        case "top" | "bottom":
            return _ordered("gte" if name == "top" else "lte", value, operand)
        case _:
            return _ordered(name, value, operand)


TIMED: Final = frozenset({"before", "after", "within", "older_than"})
"""Operators that ask for a date."""


# Dates


@dataclass(frozen=True, slots=True)
class Clock:
    """The instant of a statement, and what has to be known of the zones there."""

    now: datetime
    zones: Zones

    def until_now(self, moment: Moment) -> Expression:
        """Whether a date lies in the past, or is now."""
        return moment.until("now", self.now, self.zones)

    def is_over(self, moment: Moment, length: Duration) -> Expression:
        """Whether a date lies at least so long back."""
        return moment.until(f"{length} before", self.before(length), self.zones)

    def before(self, length: Duration) -> Told:
        """Return the instant so long ago, which differs by zone for months."""
        if not by_calendar(length):
            return length.before(self.now, "UTC")
        return lambda zone: length.before(self.now, zone)

    def dated(self, name: str, operand: Any, moment: Moment) -> Asked:
        """Return whether a date satisfies an operator, other than by another trait."""
        match name:
            case "before":
                held = self._beside(operand, moment, -TICK)
                return Asked(sure(held), odd=moment.odd)
            case "after":
                held = not_(self._beside(operand, moment, timedelta()))
                return Asked(sure(held), odd=moment.odd)
            case "within":
                length = Duration(operand)
                past = self.until_now(moment)
                held = and_(past, not_(self.is_over(moment, length)))
                due = case((not_(past), moment.earliest), else_=self.over(moment, length))
                return Asked(sure(held), due, moment.odd)
            case _:
                length = Duration(operand)
                return Asked(
                    sure(self.is_over(moment, length)), self.over(moment, length), moment.odd
                )

    def _beside(self, operand: str, moment: Moment, by: timedelta) -> Expression:
        if moment_of(operand, "UTC") is None:
            return null()

        def told(zone: str) -> datetime:
            at = moment_of(operand, zone)
            assert at is not None  # noqa: S101 - a text is a date in all zones, or in none
            return at + by

        return moment.until(f"{operand} {by}", told, self.zones)

    def over(self, moment: Moment, length: Duration) -> Expression | None:
        """Return when a date may lie so long back, or by a calendar of months no more."""
        months = by_calendar(length)
        if not lasts(length):
            return None
        ends = after(moment.earliest, length)
        pending = not_(self.is_over(moment, length))
        if not months:
            return case((pending, ends))
        again = after(moment.latest, length) + 2 * UNEVEN + UNEVEN > self.now
        return case((pending, ends), (again, literal(self.now, INSTANT)))


def lasts(length: Duration) -> bool:
    """Whether a length of time ends before all time does."""
    return length.at_most < _LONGEST


def after(at: Expression, length: Duration) -> Expression:
    """Return when this length after an instant is over, at the earliest."""
    months = by_calendar(length)
    if not months:
        return at + literal(length.at_most, Interval)
    by = func.make_interval(0, months, type_=Interval)
    shifted = func.timezone("UTC", func.timezone("UTC", at) + by, type_=INSTANT)
    return shifted - (UNEVEN + timedelta(days=1))


def as_old_as(asked: TraitTimes, told: Expression, moment: Moment, now: datetime) -> Asked:
    """Return whether a date lies so many times as long back as a trait tells."""
    length, inexact = _length(told, asked.times)
    slack = case((inexact, 1000), else_=0)
    least = _between(moment.latest, now)
    most = _between(moment.earliest, now)
    held = sure(least >= length + slack)
    odd = and_(sure(most >= length - slack), not_(held))
    soon = func.make_interval(
        0, 0, 0, 0, 0, 0, cast(length, Double) / _SECOND - 0.001, type_=Interval
    )
    longest = int(_LONGEST / TICK)
    due = case((and_(not_(held), length < longest), moment.earliest + soon))
    return Asked(held, due, either(moment.odd, odd))


def _between(at: Expression, now: datetime) -> Expression:
    passed = literal(now, INSTANT) - at
    return type_coerce(func.extract("epoch", passed), Numeric) * _SECOND


def _length(told: Expression, times: float) -> tuple[Expression, Expression]:
    """Return a length in microseconds, NULL when it is none, and whether it may be rounded."""
    number, text = number_of(told), text_of(told)
    parts = func.regexp_match(text, "^([0-9]{1,9})(s|mo|m|h|d|w|y)$", type_=ARRAY(Text))
    unit = case(LENGTHS, value=parts[2])
    days = case((number >= 0, number * 86400), else_=cast(parts[1], Numeric) * unit)
    whole = isinstance(times, int)
    inexact = literal(not whole, Boolean) if not whole else sure(func.trunc(number) != number)
    return days * _SECOND * literal(exact(times), Numeric), inexact
