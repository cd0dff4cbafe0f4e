"""Local times as instants, and the ends of the time that can be told.

A local time that a clock change skips means the first instant after it; one that occurs twice
means the first.
"""

import calendar
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

EARLIEST: Final = datetime(1, 1, 3, tzinfo=UTC)
LATEST: Final = datetime(9999, 12, 29, tzinfo=UTC)
"""What lies beyond is taken for these: every zone can still tell their local time."""


def bounded(instant: datetime) -> datetime:
    """Return the instant, or the end of time that it lies beyond."""
    return min(max(instant, EARLIEST), LATEST)


@cache
def time_zones() -> frozenset[str]:
    """Return the names of all time zones: looking for them reads a directory."""
    return frozenset(available_timezones())


@lru_cache(maxsize=600)
def zone_of(name: str) -> ZoneInfo:
    """Return the zone by its IANA name."""
    return ZoneInfo(name)


def instant_of(day: date, at: time, zone: str) -> datetime:
    """Return the instant, in UTC, at which the clock in `zone` shows this."""
    if not EARLIEST.date() < day < LATEST.date():
        return EARLIEST if day <= EARLIEST.date() else LATEST
    first = datetime.combine(day, at.replace(fold=0), tzinfo=zone_of(zone))
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


def add_months(day: date, months: int) -> date:
    """Return the same day of another month, or that month's last; `ValueError` beyond all years."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not date.min.year <= year <= date.max.year:
        raise ValueError("no such year")
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
