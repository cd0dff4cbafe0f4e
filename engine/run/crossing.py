"""When the end of a length of time passes over an instant, as time goes on.

A length of hours or days crosses it once. Months are counted on the calendar of a time zone: the
month before 31 March and before 28 March end on the same day, and an hour that a clock change
repeats lies a month after the same hour twice. So what was a month ago may be less than a month
ago a little later, and the crossings have to be looked for.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Final

from engine.model.clock import EARLIEST, LATEST, add_months, instant_of, zone_of
from engine.model.duration import Duration
from engine.run.calendar import local

_DAY: Final = timedelta(days=1)
_TICK: Final = timedelta(microseconds=1)
_SECOND: Final = timedelta(seconds=1)
UNEVEN: Final = 5 * _DAY
"""More than ends of months and clock changes can make a length of time jump back."""


def later(instant: datetime, length: timedelta) -> datetime | None:
    """Return the instant so much later, or None when it lies beyond the end of time."""
    try:
        return found if (found := instant + length) < LATEST else None
    except OverflowError:
        return None


def next_crossing(length: Duration, at: datetime, now: datetime, zone: str) -> datetime | None:
    """Return when `at <= length.before(now)` turns next after `now`, either way; None for never."""

    def is_over(instant: datetime) -> bool:
        return at <= length.before(instant, zone)

    months = by_calendar(length)
    if months == 0:
        return None if is_over(now) else later(at, length.at_most)
    return _searched(is_over, months, at, now, zone, likely=length.after(at, zone))


def next_reach(length: Duration, at: datetime, now: datetime, zone: str) -> datetime | None:
    """Return when `at <= length.after(now)` turns next after `now`, either way; None for never."""

    def is_near(instant: datetime) -> bool:
        return at <= length.after(instant, zone)

    months = by_calendar(length)
    if months == 0:
        return None if is_near(now) else max(at - length.at_most, now + _TICK)
    return _searched(is_near, -months, at, now, zone, likely=length.before(at, zone))


def by_calendar(length: Duration) -> int:
    """Return how many months a length has that is counted in months, else 0."""
    months, days = length.calendar or (0, 0)
    return 0 if days else months


def _searched(
    turned: Callable[[datetime], bool],
    months: int,
    at: datetime,
    now: datetime,
    zone: str,
    likely: datetime,
) -> datetime | None:
    """Look where it turns, first where it most likely does: so many months from `at`, about."""
    try:
        about = add_months(local(at, zone).date(), months)
    except ValueError:
        return None
    middle = instant_of(about, time(), zone)
    if not EARLIEST + 2 * UNEVEN < middle < LATEST - 2 * UNEVEN:
        return None
    begins, ends = middle - UNEVEN, middle + 2 * UNEVEN
    return first_turn(turned, now, max(now, begins), ends, zone, likely) if now < ends else None


def first_turn(
    turned: Callable[[datetime], bool],
    now: datetime,
    begins: datetime,
    ends: datetime,
    zone: str,
    likely: datetime | None = None,
) -> datetime | None:
    """Return the first instant after `now` and from `begins` to `ends` at which it is otherwise.

    Within one day of one clock it turns at most once, from false to true.
    """
    before = turned(now)
    for first, following in stretches(begins, ends, zone):
        if first > now and turned(first) != before:
            return first
        if not before and turned(following - _TICK):
            return _bisected(turned, first, following - _TICK, likely)
    return None


def _bisected(
    turned: Callable[[datetime], bool], early: datetime, late: datetime, likely: datetime | None
) -> datetime:
    if likely is not None and early < likely <= late and turned(likely):
        if not turned(likely - _TICK):
            return likely
        late = likely
    while late - early > _TICK:
        middle = early + (late - early) // 2
        if turned(middle):
            late = middle
        else:
            early = middle
    return late


def stretches(begins: datetime, ends: datetime, zone: str) -> Iterator[tuple[datetime, datetime]]:
    """Cut a time where a local day begins or the clock is changed.

    Yields where each part begins, and where the next one does.
    """
    while begins < ends:
        following = next_stretch(begins, zone)
        yield begins, following
        begins = following


def next_stretch(instant: datetime, zone: str) -> datetime:
    """Return the first instant after this one at which a local day begins or the clock is changed."""
    here = instant.astimezone(zone_of(zone))
    passed = timedelta(
        hours=here.hour, minutes=here.minute, seconds=here.second, microseconds=here.microsecond
    )
    early, late = instant, instant.astimezone(UTC) + (_DAY - passed)
    offset = here.utcoffset()
    if late.astimezone(here.tzinfo).utcoffset() == offset:
        return late
    while late - early > _SECOND:
        middle = early + (late - early) // 2
        if middle.astimezone(here.tzinfo).utcoffset() == offset:
            early = middle
        else:
            late = middle
    return late.replace(microsecond=0)
