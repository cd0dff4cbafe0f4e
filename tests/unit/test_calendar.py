"""Local times as instants: clock changes, anniversaries, quiet hours, and odd dates."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.base import WEEKDAYS, Weekday
from engine.model.clock import EARLIEST, LATEST, instant_of
from engine.model.duration import Offset
from engine.run.calendar import local, moment, next_time, shifted

ZURICH = "Europe/Zurich"
ZONES = [ZURICH, "America/New_York", "America/Havana", "Australia/Lord_Howe", "Pacific/Apia",
         "America/Sao_Paulo", "Asia/Kathmandu", "Africa/Casablanca", "UTC"]  # fmt: skip
instants = st.datetimes(datetime(1995, 1, 1), datetime(2045, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive
zones = st.sampled_from(ZONES)
clock_times = st.builds(time, st.integers(0, 23), st.integers(0, 59))
weekdays = st.lists(st.sampled_from(WEEKDAYS), max_size=3).map(tuple)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_skipped_time_is_the_first_instant_after_it() -> None:
    assert instant_of(date(2026, 3, 29), time(2, 30), ZURICH) == utc("2026-03-29T01:00")


def test_a_doubled_time_is_its_first_instant_even_for_the_second() -> None:
    first = utc("2026-10-25T00:30")
    assert instant_of(date(2026, 10, 25), time(2, 30), ZURICH) == first
    assert instant_of(date(2026, 10, 25), time(2, 30, fold=1), ZURICH) == first


def test_a_skipped_time_stays_skipped_whatever_its_fold() -> None:
    assert instant_of(date(2026, 3, 29), time(2, 30, fold=1), ZURICH) == utc("2026-03-29T01:00")


def test_a_day_that_a_zone_skipped_is_the_first_instant_after_it() -> None:
    after = utc("2011-12-30T10:00")
    assert instant_of(date(2011, 12, 30), time(9), "Pacific/Apia") == after
    assert next_time(after, "Pacific/Apia", time(9)) == after


@given(st.dates(date(1995, 1, 1), date(2045, 1, 1)), clock_times, zones)
def test_an_instant_shows_its_local_time_or_follows_a_gap(day: date, at: time, zone: str) -> None:
    instant = instant_of(day, at, zone)
    wanted = datetime.combine(day, at)
    if _shown(instant, zone) == wanted:
        assert all(_shown(instant - timedelta(minutes=m), zone) != wanted for m in (30, 60, 120))
    else:
        assert _shown(instant - timedelta(microseconds=1), zone) < wanted < _shown(instant, zone)


@given(instants, clock_times, weekdays, zones)
def test_the_next_time_is_the_first_on_one_of_the_days(
    now: datetime, at: time, days: tuple[Weekday, ...], zone: str
) -> None:
    found = next_time(now, zone, at, days)
    assert found >= now
    assert found - now <= timedelta(days=9)
    expected = [
        instant
        for ahead in range(-2, 10)
        if (day := local(now, zone).date() + timedelta(days=ahead))
        and (not days or WEEKDAYS[day.weekday()] in days)
        and (instant := instant_of(day, at, zone)) >= now
    ]
    assert found == min(expected)


def test_the_next_time_may_be_now_but_not_a_moment_ago() -> None:
    ten = utc("2026-05-04T08:00")  # a Monday, 10:00 in Zurich
    assert next_time(ten, ZURICH, time(10), ("mon",)) == ten
    later = ten + timedelta(microseconds=1)
    assert next_time(later, ZURICH, time(10), ("mon",)) == ten + timedelta(days=7)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-01-31", "2026-01-30T23:00"),
        ("2026-01-31T10:00", "2026-01-31T09:00"),
        ("2026-01-31T10:00:00Z", "2026-01-31T10:00"),
        ("2026-01-31T10:00:00+05:30", "2026-01-31T04:30"),
        ("2026-03-29T02:30", "2026-03-29T01:00"),
        ("20260131", "2026-01-30T23:00"),
    ],
)
def test_a_moment_is_a_date_or_an_instant(value: str, expected: str) -> None:
    assert moment(value, ZURICH) == utc(expected)


@pytest.mark.parametrize("value", [None, 20260131, True, "", "soon", "2026-02-30", "2026-1-3", ["2026-01-31"],
                                   {}, "2026-01-31T25:00", 1.5])  # fmt: skip
def test_anything_else_is_no_moment(value: object) -> None:
    assert moment(value, ZURICH) is None
    assert shifted(value, ZURICH, offset=None, at=None) is None


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0001-01-01", EARLIEST),
        ("0001-01-01T00:00:00", EARLIEST),
        ("0001-01-01T00:00:00+14:00", EARLIEST),
        ("9999-12-31", LATEST),
        ("9999-12-31T23:59:59", LATEST),
        ("9999-12-31T23:59:59-12:00", LATEST),
    ],
)
def test_what_other_systems_write_for_never_is_the_end_of_time(
    value: str, expected: datetime, zone: str
) -> None:
    assert moment(value, zone) == expected
    for offset in ("-999999999y", "999999999w", "1mo", "-1d"):
        for at in (None, time(9)):
            due = shifted(value, zone, offset=Offset(offset), at=at)
            assert due is not None
            assert EARLIEST <= due <= LATEST


@pytest.mark.parametrize(
    ("value", "offset", "at", "expected"),
    [
        ("2026-03-28", "1d", None, "2026-03-28T23:00"),
        ("2026-03-28", "2d", None, "2026-03-29T22:00"),  # midnight again: 47 hours
        ("2026-03-28T12:00", "1d", None, "2026-03-29T11:00"),  # an instant: 24 hours
        ("2026-03-28T12:00", "1d", time(12), "2026-03-29T10:00"),  # a local time: 23 hours
        ("2026-03-31", "-1mo", time(9), "2026-02-28T08:00"),
        ("2024-02-29", "1y", None, "2025-02-27T23:00"),
        ("2026-05-10", "-3h", None, "2026-05-09T19:00"),
        ("2026-05-10", None, time(9), "2026-05-10T07:00"),
        ("2026-03-29", None, time(2, 30), "2026-03-29T01:00"),
    ],
)
def test_dates_are_moved_by_the_calendar_and_instants_by_the_clock(
    value: str, offset: str | None, at: time | None, expected: str
) -> None:
    moved = shifted(value, ZURICH, offset=Offset(offset) if offset else None, at=at)
    assert moved == utc(expected)


@pytest.mark.parametrize(
    ("born", "offset", "now", "expected"),
    [
        ("1990-05-01", None, "2026-04-30T00:00", "2026-05-01T07:00"),
        ("1990-05-01", None, "2026-05-01T07:00", "2026-05-01T07:00"),
        ("1990-05-01", None, "2026-05-01T07:01", "2027-05-01T07:00"),
        ("1990-05-01", "-7d", "2026-04-25T00:00", "2027-04-24T07:00"),
        ("1990-01-03", "-7d", "2026-12-26T00:00", "2026-12-27T08:00"),
        ("1992-02-29", None, "2026-01-01T00:00", "2026-02-28T08:00"),
        ("1992-02-29", None, "2028-01-01T00:00", "2028-02-29T08:00"),
        ("1992-02-29", "-1d", "2026-01-01T00:00", "2026-02-27T08:00"),
        ("1990-12-01", "400d", "2026-01-05T00:00", "2026-01-05T08:00"),
        ("1990-05-01", "-800d", "2026-12-01T00:00", "2027-02-21T08:00"),
    ],
)
def test_an_anniversary_is_the_next_one_that_is_not_over(
    born: str, offset: str | None, now: str, expected: str
) -> None:
    due = shifted(
        born, ZURICH, offset=Offset(offset) if offset else None, at=time(9), yearly_from=utc(now)
    )
    assert due == utc(expected)


@given(
    st.dates(date(1900, 1, 1), date(2040, 1, 1)),
    st.integers(-2000, 2000),
    st.sampled_from(["d", "h", "mo"]),
    st.one_of(st.none(), clock_times),
    instants,
    zones,
)
def test_an_anniversary_is_never_past_and_none_is_left_out(
    born: date, n: int, unit: str, at: time | None, now: datetime, zone: str
) -> None:
    offset = Offset(f"{n}{unit}")
    due = shifted(born.isoformat(), zone, offset=offset, at=at, yearly_from=now)
    assert due is not None
    assert due >= now
    assert due - now <= timedelta(days=368)
    again = shifted(
        born.isoformat(), zone, offset=offset, at=at, yearly_from=due + timedelta(microseconds=1)
    )
    assert again is not None
    assert timedelta(days=360) < again - due < timedelta(days=371)


def test_a_zone_without_years_still_tells_no_anniversary_rather_than_failing() -> None:
    due = shifted("9999-12-31", ZURICH, offset=Offset("999999999y"), at=None, yearly_from=EARLIEST)
    assert due is None or EARLIEST <= due <= LATEST


def _shown(instant: datetime, zone: str) -> datetime:
    return instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
