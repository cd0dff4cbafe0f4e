"""When a date comes: over the years, in any zone, for who travels, each time once."""

from calendar import isleap
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.opening import OnDate
from engine.run.occurrences import Occurrence, next_occurrence

SINCE = datetime(2026, 5, 4, 10, tzinfo=UTC)
ZONES = (
    "Europe/Zurich", "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe",
    "Africa/Casablanca", "Asia/Tehran", "Pacific/Apia", "Pacific/Kiritimati", "Asia/Kathmandu",
    "Africa/Cairo", "America/Havana", "Asia/Beirut", "Antarctica/Troll", "UTC",
)  # fmt: skip
DAY = timedelta(days=1)
OFFSETS = ("-7d", "-1d", "0d", "3d", "2w", "-1mo", "2mo", "-400d", "1y", "-36h", "90m")


def opening(**more: Any) -> OnDate:
    return OnDate.model_validate({"date": "birth_date", "yearly": True, **more})


def coming(on: OnDate, value: Any, zone: str, until: int = 2060) -> list[Occurrence]:
    """Return every time that it comes, as the dispatcher takes them up, one after the other."""
    found, done = [], None
    while (one := next_occurrence(on, value, zone, after=SINCE, done=done)) is not None:
        if one.at.year > until:
            break
        found.append(one)
        done = one.n
    return found


def test_a_birthday_comes_every_year_on_its_day_by_her_clock() -> None:
    found = coming(opening(time="09:00"), "1990-05-17", "Europe/Zurich", until=2028)
    assert [one.at.astimezone(ZoneInfo("Europe/Zurich")).isoformat() for one in found] == [
        "2026-05-17T09:00:00+02:00", "2027-05-17T09:00:00+02:00", "2028-05-17T09:00:00+02:00",
    ]  # fmt: skip
    assert [one.n for one in found] == [36, 37, 38]


def test_the_29_of_february_is_the_28th_in_other_years() -> None:
    found = coming(opening(), "2000-02-29", "Europe/Zurich", until=2033)
    assert [one.on for one in found] == [
        date(2027, 2, 28), date(2028, 2, 29), date(2029, 2, 28), date(2030, 2, 28),
        date(2031, 2, 28), date(2032, 2, 29), date(2033, 2, 28),
    ]  # fmt: skip


def test_an_offset_is_counted_from_the_day_of_that_year() -> None:
    found = coming(opening(offset="-7d"), "2000-03-03", "UTC", until=2028)
    assert [one.on for one in found] == [date(2027, 2, 24), date(2028, 2, 25)]


def test_a_skipped_time_is_the_first_instant_after_it_and_a_double_one_the_first() -> None:
    skipped = coming(opening(time="02:30"), "1990-03-28", "Europe/Zurich", until=2027)[0]
    assert skipped.at == datetime(2027, 3, 28, 1, tzinfo=UTC)
    double = coming(opening(time="02:30"), "1990-10-25", "Europe/Zurich", until=2026)[0]
    assert double.at == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_a_date_that_is_not_yearly_comes_once_and_never_when_it_has_passed() -> None:
    once = opening(yearly=False, offset="2d", time="10:00")
    [found] = coming(once, "2026-06-01", "UTC")
    assert found == Occurrence(0, datetime(2026, 6, 3, 10, tzinfo=UTC), date(2026, 6, 3))
    assert coming(once, "2026-05-02", "UTC") == []
    assert coming(once, "2026-05-03T23:00:00Z", "Europe/Zurich")[0].on == date(2026, 5, 6)


def test_it_does_not_come_before_the_date_itself() -> None:
    found = coming(opening(), "2029-06-01", "UTC", until=2030)
    assert [(one.n, one.on.year) for one in found] == [(0, 2029), (1, 2030)]


@pytest.mark.parametrize("value", [None, 12, "", "soon", "1990-02-30", True, ["1990-05-17"]])
def test_what_is_no_date_never_comes(value: Any) -> None:
    assert coming(opening(), value, "UTC") == []


dates = st.dates(date(1930, 1, 1), date(2025, 12, 31)) | st.sampled_from(
    [date(1992, 2, 29), date(2000, 2, 29), date(1999, 12, 31), date(2000, 1, 1)]
)
openings = st.builds(
    lambda offset, at: opening(offset=offset, time=at),
    st.none() | st.sampled_from(OFFSETS),
    st.none() | st.times().map(lambda at: at.replace(second=0, microsecond=0, tzinfo=None)),
)


def _shown(at: datetime, zone: str, wanted: time) -> bool:
    """Whether the clock shows that time, or that time is skipped and this is the first after it."""
    local = at.astimezone(ZoneInfo(zone))
    if local.time() == wanted:
        return True
    before = (at - timedelta(seconds=1)).astimezone(ZoneInfo(zone))
    return before.utcoffset() != local.utcoffset()


@given(openings, dates, st.sampled_from(ZONES))
def test_in_every_zone_it_comes_once_a_year_for_35_years(on: OnDate, born: date, zone: str) -> None:
    found = coming(on, born.isoformat(), zone)
    assert len(found) in {34, 35}
    assert all(one.at > SINCE for one in found)
    assert [one.n for one in found] == list(range(found[0].n, found[0].n + len(found)))
    gaps = [after.on - before.on for before, after in pairwise(found)]
    assert all(timedelta(days=361) <= gap <= timedelta(days=370) for gap in gaps)
    if on.time is not None:
        assert all(_shown(one.at, zone, on.time) for one in found)
    if on.offset is None:  # the next day only where a zone leaves one out
        assert all(timedelta() <= one.on - _day(born, one.on.year) <= DAY for one in found)


def _day(born: date, year: int) -> date:
    """Return the birthday in a year: that of a leap day is on the 28th in other years."""
    is_leap_day = (born.month, born.day) == (2, 29) and not isleap(year)
    return date(year, born.month, 28 if is_leap_day else born.day)


instants = st.integers(-600_000_000, 1_700_000_000).map(
    lambda seconds: datetime.fromtimestamp(seconds, UTC).isoformat()
)
values = dates.map(date.isoformat) | instants


@given(
    openings, values, st.lists(st.tuples(st.integers(0, 500), st.sampled_from(ZONES)), min_size=1)
)
def test_who_travels_meets_each_time_once_and_misses_none(
    on: OnDate, value: str, journeys: list[tuple[int, str]]
) -> None:
    """She changes her zone after so many hours; somebody looks each hour, as the dispatcher does."""
    zone, done, came = "Europe/Zurich", None, []
    now = at_next = SINCE
    for hours, other in [*journeys, (24 * 366, "UTC")]:
        until = now + timedelta(hours=hours)
        while True:
            found = next_occurrence(on, value, zone, after=SINCE, done=done)
            assert found is not None
            at_next = max(found.at, now)
            if at_next > until:
                break
            came.append((found.n, at_next))
            done, now = found.n, at_next
        now, zone = until, other
    numbers = [n for n, _ in came]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    lateness = [later - earlier for (_, earlier), (_, later) in pairwise(came)]
    assert all(timedelta(days=360) <= gap <= timedelta(days=371) for gap in lateness)
