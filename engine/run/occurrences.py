"""When a date that is known of a customer comes, by number: each opens a journey once."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from engine.model.opening import OnDate
from engine.run.calendar import due, local, moment


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One coming of a date: the `n`th anniversary, from 0; its instant, and the day it is on.

    The number is the same wherever the customer is, so that travelling brings none again.
    """

    n: int
    at: datetime
    on: date


def next_occurrence(
    opening: OnDate, value: Any, zone: str, *, after: datetime, done: int | None
) -> Occurrence | None:
    """Return the one after `done`; when none has been, the first later than `after`.

    None when the value is no date, or nothing comes any more.
    """
    start = moment(value, zone)
    if start is None:
        return None
    for n in _numbers(opening, start, zone, after, done):
        at = due(value, zone, offset=opening.offset, at=opening.time, years=n)
        if at is not None and (done is not None or at > after):
            return Occurrence(n, at, local(at, zone).date())
    return None


def _numbers(
    opening: OnDate, start: datetime, zone: str, after: datetime, done: int | None
) -> range:
    if not opening.yearly:
        return range(1 if done is None else 0)
    if done is not None:
        return range(done + 1, done + 2)
    # What is due after that instant has its day an offset ago; a year to each side for what is inexact.
    about = opening.offset.before(after, zone) if opening.offset else after
    first = max(local(about, zone).year - local(start, zone).year - 1, 0)
    return range(first, first + 4)
