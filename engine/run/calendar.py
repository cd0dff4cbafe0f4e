"""Moments by the clock and the calendar, in the customer's zone (see `engine.model.clock`)."""

from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, assert_never

from engine.model.base import WEEKDAYS, Weekday
from engine.model.cap import Unit
from engine.model.clock import EARLIEST, LATEST, add_months, instant_of, zone_of
from engine.model.duration import Duration


def local(instant: datetime, zone: str) -> datetime:
    """Return the instant as the clock in `zone` shows it."""
    return instant.astimezone(zone_of(zone))


def window_start(per: Unit | Duration, at: datetime, zone: str) -> datetime:
    """Return where the window that ends at `at` begins.

    A length of time rolls, and its window does not contain that instant; a unit of the calendar
    begins at its first local midnight, and contains it.
    """
    if isinstance(per, Duration):
        return per.before(at, zone)
    return instant_of(_first_day(per, local(at, zone).date()), time(), zone)


def next_window(per: Unit, at: datetime, zone: str) -> datetime:
    """Return when the unit of the calendar after the one that holds `at` begins."""
    first = _first_day(per, local(at, zone).date())
    match per:
        case "day":
            following = _add(first, 0, 1)
        case "week":
            following = _add(first, 0, 7)
        case "month":
            following = _add(first, 1, 0)
        case _:
            assert_never(per)
    return instant_of(following, time(), zone)


def _first_day(per: Unit, day: date) -> date:
    match per:
        case "day":
            return day
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case _:
            assert_never(per)


def next_time(now: datetime, zone: str, at: time, days: tuple[Weekday, ...] = ()) -> datetime:
    """Return the first instant from `now` on at which the clock shows `at` on one of `days`."""
    day = local(now, zone).date()
    for ahead in range(-1, 9):  # yesterday's too: a clock change may skip it into today
        candidate = day + timedelta(days=ahead)
        if days and WEEKDAYS[candidate.weekday()] not in days:
            continue
        instant = instant_of(candidate, at, zone)
        if instant >= now:
            return instant
    raise AssertionError("a week has every weekday")


@lru_cache(maxsize=500)
def public_holidays(country: str | None, year: int) -> frozenset[date]:
    """Return the public holidays of a whole country by its ISO 3166 code; none when not known.

    Those of a region, such as Good Friday in Alsace, are not among them.
    """
    if country is None:
        return frozenset()
    import holidays  # it takes a quarter of a second, and most shops never need it

    try:
        return frozenset(holidays.country_holidays(country, years=year))
    except NotImplementedError:
        return frozenset()


def moment(value: Any, zone: str) -> datetime | None:
    """Read an ISO date or instant; a date is its midnight, and without offset in `zone`.

    Returns None for anything else.
    """
    if not isinstance(value, str):
        return None
    try:
        if _is_date(value):
            return instant_of(date.fromisoformat(value), time(), zone)
        read = datetime.fromisoformat(value)
    except ValueError:
        return None
    if read.tzinfo is None or not EARLIEST.date() < read.date() < LATEST.date():
        return instant_of(read.date(), read.time(), zone)
    return read.astimezone(UTC)


def _is_date(value: str) -> bool:
    return len(value) == len("2026-01-31")


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
    by_calendar = at is not None or _is_date(value)
    if yearly_from is None:
        return _shift(start, zone, offset, at, by_calendar=by_calendar)
    born = local(start, zone)
    # The anniversary that is due now lay an offset ago; a year to each side for what is inexact.
    about = local(offset.before(yearly_from, zone) if offset else yearly_from, zone).year
    for year in range(max(about - 1, MINYEAR), min(about + 2, MAXYEAR) + 1):
        begins = instant_of(_anniversary(born.date(), year), born.time(), zone)
        due = _shift(begins, zone, offset, at, by_calendar=by_calendar)
        if due >= yearly_from:
            return due
    return None


def due(
    value: Any, zone: str, *, offset: Duration | None, at: time | None, years: int = 0
) -> datetime | None:
    """Return the instant that `shifted` means, of the anniversary so many years after the date.

    None when the value is no date, or there is no such year.
    """
    start = moment(value, zone)
    if start is None:
        return None
    if years:
        born = local(start, zone)
        if born.year + years > MAXYEAR:
            return None
        day = _anniversary(born.date(), born.year + years)
        start = instant_of(day, born.time(), zone)
    return _shift(start, zone, offset, at, by_calendar=at is not None or _is_date(value))


def next_anniversary(value: Any, now: datetime, zone: str) -> datetime | None:
    """Return when the next day begins on which a date returns, which may be today.

    Not before the date itself; 29 February returns on 28 February in other years. None when the
    value is no date.
    """
    start = moment(value, zone)
    if start is None:
        return None
    born, today = local(start, zone).date(), local(now, zone).date()
    for year in range(today.year, min(today.year + 1, MAXYEAR) + 1):
        returns = _anniversary(born, year)
        if returns >= max(born, today):
            return instant_of(returns, time(), zone)
    return instant_of(born, time(), zone) if born > today else None


def _anniversary(born: date, year: int) -> date:
    return add_months(born, 12 * (year - born.year))


def _shift(
    start: datetime, zone: str, offset: Duration | None, at: time | None, *, by_calendar: bool
) -> datetime:
    days = offset.calendar if offset is not None and by_calendar else None
    if offset is not None and days is None:
        start = offset.after(start, zone)
    if days is None and at is None:
        return start
    here = local(start, zone)
    day = _add(here.date(), *days) if days is not None else here.date()
    return instant_of(day, at if at is not None else here.time(), zone)


def _add(day: date, months: int, days: int) -> date:
    """Return the day so much later, or the first or last of all days."""
    try:
        return add_months(day, months) + timedelta(days=days)
    except (OverflowError, ValueError):
        return date.max if (months, days) > (0, 0) else date.min
