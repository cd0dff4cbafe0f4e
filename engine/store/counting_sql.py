"""What is made of several events in SQL: values, counts, and when events leave a window."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final, assert_never

from sqlalchemy import ARRAY, BigInteger, FromClause, and_, case, func, literal, true
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by

from engine.model.condition import Aggregate, Count
from engine.model.duration import Duration
from engine.run.crossing import by_calendar
from engine.store.comparing_sql import after, lasts
from engine.store.instants_sql import Expression
from engine.store.values_sql import as_counted, mean, number_of

ZERO_OF_NONE: Final = frozenset({"sum", "distinct"})
"""What these come to of no events is 0."""
_MANY: Final = 2**62


def made_of(
    made: Aggregate, told: Expression, event: FromClause, of: list[Expression]
) -> Expression:
    """Return, as JSON, what a property comes to over those rows of events."""
    inside = and_(told.is_not(None), *of)
    number = number_of(told)
    match made:
        case "sum":
            total = func.coalesce(func.sum(number).filter(inside), 0)
            return func.to_jsonb(as_counted(total), type_=JSONB)
        case "avg":
            sum_, n = func.sum(number).filter(inside), func.count(number).filter(inside)
            return func.to_jsonb(as_counted(mean(sum_, n)), type_=JSONB)
        case "min" | "max":
            least = func.min(number) if made == "min" else func.max(number)
            return func.to_jsonb(least.filter(inside), type_=JSONB)
        case "distinct":
            return func.to_jsonb(func.count(told.distinct()).filter(inside), type_=JSONB)
        case "first" | "last":
            order = [event.c.occurred_at, event.c.seq]
            by = [one.desc() for one in order] if made == "last" else order
            listed = func.array_agg(aggregate_order_by(told, *by), type_=ARRAY(JSONB))
            return listed.filter(inside)[1]
        case _:
            assert_never(made)


def often_enough(often: Count, n: Expression) -> Expression:
    """Return whether a number satisfies every bound."""
    tests = {"eq": n.__eq__, "gt": n.__gt__, "gte": n.__ge__, "lt": n.__lt__, "lte": n.__le__}
    return and_(
        true(),
        *(
            test(literal(min(bound, _MANY), BigInteger))
            for name, test in tests.items()
            if (bound := getattr(often, name)) is not None
        ),
    )


def leaving(
    now: datetime, within: Duration | None, often: Count, found: FromClause
) -> Iterator[Expression]:
    """Yield when events leave the window so that it may not be often enough any more, or enough."""
    bounds = [getattr(often, name) for name in Count.model_fields]
    numbers = sorted({max(b + by, 0) for b in bounds if b is not None for by in (-1, 0, 1)})
    turning = [n for n in numbers if often.holds(n) != often.holds(0)]
    if within is None or not turning:
        return
    if all(often.holds(n) == often.holds(1) for n in numbers if n > 0):
        yield from over(now, within, found.c.last_at, found)
    else:
        enough = found.c.n >= literal(min(turning[0], _MANY), BigInteger)
        yield from over(now, within, case((enough, found.c.first_at)), found)


def over(
    now: datetime, within: Duration, at: Expression, found: FromClause
) -> Iterator[Expression]:
    """Yield when an event is over, and for a window of months: now, if others may come back."""
    if lasts(within):
        yield after(at, within)
    if by_calendar(within):
        yield case((found.c.back, now))
