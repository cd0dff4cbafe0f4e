"""Lengths of time: 2d is 48 hours, 1mo a calendar month, and nothing is too long."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from engine.model.clock import EARLIEST, LATEST
from engine.model.duration import Duration, Offset
from engine.run.calendar import moment

ZURICH = "Europe/Zurich"
NOW = datetime(2026, 3, 28, 11, tzinfo=UTC)
durations = st.builds(
    lambda n, unit: Duration(f"{n}{unit}"),
    st.integers(0, 10**9 - 1),
    st.sampled_from(["s", "m", "h", "d", "w", "mo", "y"]),
)
instants = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive
zones = st.sampled_from([ZURICH, "Pacific/Apia", "America/St_Johns", "Asia/Kathmandu", "UTC"])


@pytest.mark.parametrize(
    ("text", "hours"), [("7200s", 2), ("90m", 1.5), ("1h", 1), ("2d", 48), ("3w", 504)]
)
def test_up_to_weeks_a_duration_is_so_many_hours_whatever_clocks_do(
    text: str, hours: float
) -> None:
    assert Duration(text).after(NOW, ZURICH) == NOW + timedelta(hours=hours)
    assert Duration(text).before(NOW, ZURICH) == NOW - timedelta(hours=hours)


@pytest.mark.parametrize(
    ("start", "text", "end"),
    [
        ("2026-01-31T12:00", "1mo", "2026-02-28T12:00"),
        ("2024-01-31T12:00", "1mo", "2024-02-29T12:00"),
        ("2024-02-29T12:00", "1y", "2025-02-28T12:00"),
        ("2026-12-15T12:00", "1mo", "2027-01-15T12:00"),
        ("2026-02-28T02:30", "1mo", "2026-03-28T02:30"),
        ("2026-02-28T12:00", "0mo", "2026-02-28T12:00"),
    ],
)
def test_months_are_counted_on_the_local_calendar(start: str, text: str, end: str) -> None:
    begins = _local(start)
    assert Duration(text).after(begins, ZURICH) == _local(end)


def test_a_month_later_at_an_hour_that_is_skipped_is_the_first_instant_after() -> None:
    assert Duration("3mo").after(_local("2025-12-29T02:30"), ZURICH) == _local("2026-03-29T03:00")


def test_a_month_from_the_second_of_two_equal_hours_keeps_the_clock() -> None:
    second = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)  # 02:30 for the second time
    assert Duration("0mo").after(second, ZURICH) == second
    assert Duration("1mo").after(second, ZURICH) == _local("2026-11-25T02:30")


@given(durations, instants, zones)
def test_no_duration_is_too_long(duration: Duration, instant: datetime, zone: str) -> None:
    assert instant <= duration.after(instant, zone) <= LATEST
    assert instant >= duration.before(instant, zone) >= EARLIEST
    assert duration.at_most >= timedelta()


@given(durations, st.tuples(instants, instants), zones)
def test_who_begins_later_is_never_done_earlier(
    duration: Duration, two: tuple[datetime, datetime], zone: str
) -> None:
    if duration.endswith(("mo", "y")):
        return  # 30 and 31 January at 23:00 and 1:00: a month later it may be the other way round
    first, second = sorted(two)
    assert duration.after(first, zone) <= duration.after(second, zone)


@given(st.integers(0, 120), instants, zones)
def test_a_month_is_no_longer_than_31_days_and_a_clock_change(
    n: int, instant: datetime, zone: str
) -> None:
    duration = Duration(f"{n}mo")
    after = duration.after(instant, zone)
    assert after - instant <= duration.at_most + timedelta(days=1, hours=2)


@pytest.mark.parametrize(
    "text", ["", "2", "d", "-1d", "1.5h", "2 d", "1D", "٣d", "1d\n", "1234567890s"]
)
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValidationError, match="no duration: write a number and s, m, h, d, w, mo"):
        TypeAdapter(Duration).validate_python(text)


def test_only_an_offset_may_be_negative() -> None:
    assert TypeAdapter(Offset).validate_python("-7d") == "-7d"
    assert Offset("-7d").after(NOW, ZURICH) == NOW - timedelta(days=7)
    assert Offset("-1mo").calendar == (-1, 0)
    assert [Duration(t).calendar for t in ("3d", "2w", "1y", "5h")] == [
        (0, 3),
        (0, 14),
        (12, 0),
        None,
    ]


def _local(text: str) -> datetime:
    found = moment(text, ZURICH)
    assert found is not None
    return found
