"""Local clock times as instants, in the customer's zone.

A local time that a clock change skips means the first instant after it; one that occurs twice
means the first.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from engine.model.base import WEEKDAYS, Weekday
from engine.model.duration import Duration


@lru_cache(maxsize=600)
def zone_of(name: str) -> ZoneInfo:
    """Return the zone by its IANA name."""
    return ZoneInfo(name)


def local(instant: datetime, zone: str) -> datetime:
    """Return the instant as the clock in `zone` shows it."""
    return instant.astimezone(zone_of(zone))


def instant_of(day: date, at: time, zone: str) -> datetime:
    """Return the instant, in UTC, at which the clock in `zone` shows this."""
    first = datetime.combine(day, at, tzinfo=zone_of(zone))
    utc = first.astimezone(UTC)
    if utc.astimezone(first.tzinfo).replace(tzinfo=None) == first.replace(tzinfo=None):
        return utc
    return _after_gap(first)


def _after_gap(skipped: datetime) -> datetime:
    """Find the clock change that skips this local time: the offset rises between these two."""
    late, early = skipped.astimezone(UTC), skipped.replace(fold=1).astimezone(UTC)
    before = early.astimezone(skipped.tzinfo).utcoffset()
    while late - early > timedelta(seconds=1):
        middle = early + (late - early) / 2
        if middle.astimezone(skipped.tzinfo).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late.replace(microsecond=0)


def next_time(now: datetime, zone: str, at: time, days: tuple[Weekday, ...] = ()) -> datetime:
    """Return the first instant from `now` on at which the clock shows `at` on one of `days`."""
    day = local(now, zone).date()
    for ahead in range(9):
        candidate = day + timedelta(days=ahead)
        if days and WEEKDAYS[candidate.weekday()] not in days:
            continue
        instant = instant_of(candidate, at, zone)
        if instant >= now:
            return instant
    raise AssertionError("a week has every weekday")


def quiet_until(now: datetime, zone: str, begins: time, ends: time) -> datetime | None:
    """Return when the quiet hours that hold at `now` end, or None outside of them.

    They hold from `begins` up to, not including, `ends`; the same time twice means never.
    """
    if begins == ends:
        return None
    today = local(now, zone).date()
    for day in (today - timedelta(days=1), today):
        last = day if begins < ends else day + timedelta(days=1)
        start, end = instant_of(day, begins, zone), instant_of(last, ends, zone)
        if start <= now < end:
            return end
    return None


def moment(value: Any, zone: str) -> datetime | None:
    """Read an ISO date or instant; a date is its midnight, and without offset in `zone`.

    Returns None for anything else.
    """
    if not isinstance(value, str):
        return None
    try:
        if len(value) == len("2026-01-31"):
            return instant_of(date.fromisoformat(value), time(), zone)
        read = datetime.fromisoformat(value)
    except ValueError:
        return None
    if read.tzinfo is None:
        return instant_of(read.date(), read.timetz(), zone)
    return read.astimezone(UTC)


def shifted(
    value: Any,
    zone: str,
    *,
    offset: Duration | None,
    at: time | None,
    yearly_from: datetime | None = None,
) -> datetime | None:
    """Return the instant that lies `offset` from a date, at the local time `at` when given.

    A plain date, or any value with `at`, is moved by the calendar; an instant by the clock.
    `yearly_from` takes the first anniversary that does not end before it; 29 February falls on
    28 February in other years. None when the value is no date.
    """
    start = moment(value, zone)
    if start is None:
        return None
    by_calendar = at is not None or len(str(value)) == len("2026-01-31")
    if yearly_from is None:
        return _shift(start, zone, offset, at, by_calendar=by_calendar)
    born = local(start, zone).date()
    for year in range(local(yearly_from, zone).year - 1, local(yearly_from, zone).year + 3):
        begins = instant_of(_anniversary(born, year), local(start, zone).time(), zone)
        due = _shift(begins, zone, offset, at, by_calendar=by_calendar)
        if due >= yearly_from:
            return due
    return None


def _anniversary(born: date, year: int) -> date:
    try:
        return born.replace(year=year)
    except ValueError:
        return date(year, 2, 28)


def _shift(
    start: datetime, zone: str, offset: Duration | None, at: time | None, *, by_calendar: bool
) -> datetime:
    calendar = offset.calendar if offset is not None else None
    if offset is not None and (not by_calendar or calendar is None):
        start = offset.after(start, zone)
    here = local(start, zone)
    day, clock = here.date(), here.time()
    if by_calendar and calendar is not None:
        day = _add(day, *calendar)
    if at is None and not (by_calendar and calendar is not None):
        return start
    return instant_of(day, at if at is not None else clock, zone)


def _add(day: date, months: int, days: int) -> date:
    total = day.year * 12 + day.month - 1 + months
    year, month = divmod(total, 12)
    last = (date(year + (month == 11), (month + 1) % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, month + 1, min(day.day, last)) + timedelta(days=days)
