"""When a message may go out: quiet hours, windows, law and holidays together."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.model.clock import LATEST
from engine.model.workspace import QuietHours, Workspace
from engine.run.calendar import public_holidays
from engine.run.hours import OpenHours, hours_for, times_of
from engine.run.law import Law, law_of

PARIS = "Europe/Paris"
ZONES = ["Europe/Zurich", PARIS, "America/New_York", "Africa/Cairo", "America/Havana",
         "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]  # fmt: skip
NIGHT = QuietHours.model_validate({"from": "21:00", "to": "08:00"})
MINUTE = timedelta(minutes=1)

clock_times = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))
spans = st.tuples(clock_times, clock_times)
quiets = st.builds(lambda span: QuietHours(from_=span[0], to=span[1]), spans)
laws = st.sampled_from([law_of("FR"), law_of("CA"), law_of("CH")])
every_hours = st.builds(
    OpenHours,
    zone=st.sampled_from(ZONES),
    quiet=st.none() | quiets,
    window=st.none() | spans,
    law=st.none() | laws,
    country=st.sampled_from(["FR", "CH", "US", "EG", None]),
    quiet_holidays=st.booleans(),
)
instants = st.one_of(
    st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds are naive
    st.builds(  # around the changes of the clock
        lambda day, minutes: datetime(*day, tzinfo=UTC) + timedelta(minutes=minutes),
        st.sampled_from([(2026, 3, 29), (2026, 10, 25), (2026, 3, 8), (2026, 11, 1),
                         (2026, 4, 24), (2026, 10, 29), (2026, 4, 5)]),
        st.integers(-2000, 2000),
    ),
)  # fmt: skip


def utc(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def _shown(at: datetime, zone: str) -> tuple[datetime, bool]:
    """Return what the clock shows, and whether it shows it twice."""
    here = at.astimezone(ZoneInfo(zone))
    twice = here.replace(fold=0).utcoffset() != here.replace(fold=1).utcoffset()
    return here.replace(tzinfo=None), twice


def _inside(at: time, opens: time, closes: time) -> bool:
    if opens < closes:
        return opens <= at < closes
    return opens == closes or at >= opens or at < closes


def open_by_the_clock(hours: OpenHours, at: datetime) -> bool:
    """Say it over again, as one would read the settings on the wall."""
    here, _ = _shown(at, hours.zone)
    quiet, window, law = hours.quiet, hours.window, hours.law
    holiday = here.date() in public_holidays(hours.country, here.year)
    if quiet and quiet.from_ != quiet.to and _inside(here.time(), quiet.from_, quiet.to):
        return False
    if window and not _inside(here.time(), *window):
        return False
    if law:
        day = law.on(here.weekday())
        if day is None or not _inside(here.time(), *day) or (holiday and not law.holidays):
            return False
    return not (holiday and hours.quiet_holidays)


@given(every_hours, instants)
@example(
    OpenHours(zone=PARIS, quiet=NIGHT, law=law_of("FR"), country="FR"), utc("2026-04-04T20:00")
)
def test_it_opens_at_the_first_instant_at_which_everything_is_open(
    hours: OpenHours, at: datetime
) -> None:
    closed = hours.closed(at)
    if closed is None:
        assert open_by_the_clock(hours, at) or _shown(at, hours.zone)[1]
        return
    opens, reason = closed
    assert reason in {"quiet_hours", "window", "legal_hours", "holiday"}
    assert opens > at
    assert opens == LATEST or hours.closed(opens) is None
    assert opens == LATEST or open_by_the_clock(hours, opens) or _shown(opens, hours.zone)[1]
    sampled = at
    while sampled < min(opens, at + timedelta(days=2)):
        if not _shown(sampled, hours.zone)[1]:  # the second of two is as open as the first
            assert not open_by_the_clock(hours, sampled), sampled
        sampled += 7 * MINUTE
    if opens != LATEST and not _shown(opens - MINUTE, hours.zone)[1] and opens - MINUTE > at:
        assert not open_by_the_clock(hours, opens - MINUTE)


@pytest.mark.parametrize(
    ("changes", "reason", "opens"),
    [
        ({}, None, None),
        ({"quiet": NIGHT}, "quiet_hours", "2026-11-02T08:00"),
        ({"window": times_of("09:00-20:00")}, "window", "2026-11-02T09:00"),
        ({"window": times_of("18:00-19:00"), "window_reason": "best_hour"}, "best_hour",
         "2026-11-02T18:00"),
        ({"law": law_of("CH")}, "legal_hours", "2026-11-02T08:00"),
        ({"law": law_of("FR"), "country": "FR"}, "legal_hours", "2026-11-02T08:00"),
        ({"quiet": NIGHT, "window": times_of("07:00-12:00")}, "quiet_hours", "2026-11-02T08:00"),
        ({"quiet_holidays": True, "country": "FR"}, "holiday", "2026-11-02T00:00"),
        ({"quiet_holidays": True, "country": "CH"}, None, None),
        ({"quiet_holidays": True, "country": None}, None, None),
    ],
)  # fmt: skip
def test_the_first_rule_that_is_closed_gives_the_reason(
    changes: dict[str, Any], reason: str | None, opens: str | None
) -> None:
    hours = OpenHours(zone=PARIS, **changes)
    late = utc("2026-11-01T22:30", PARIS)  # All Saints', a Sunday
    expected = (utc(opens, PARIS), reason) if opens else None
    assert hours.closed(late) == expected


def test_easter_is_long_in_france() -> None:
    hours = OpenHours(zone=PARIS, law=law_of("FR"), country="FR")
    saturday = utc("2026-04-04T20:00", PARIS)
    assert hours.closed(saturday - MINUTE) is None
    assert hours.closed(saturday) == (utc("2026-04-07T08:00", PARIS), "legal_hours")


def test_holidays_of_this_year_and_of_the_next_are_known() -> None:
    hours = OpenHours(zone=PARIS, quiet_holidays=True, country="FR")
    sylvester = utc("2026-12-31T23:59", PARIS)
    assert hours.closed(sylvester) is None
    assert hours.closed(sylvester + MINUTE) == (utc("2027-01-02T00:00", PARIS), "holiday")
    assert public_holidays("ZZ", 2026) == public_holidays(None, 2026) == frozenset()
    assert date(2026, 8, 1) in public_holidays("CH", 2026)


@pytest.mark.parametrize(
    "changes",
    [
        {"quiet": NIGHT, "window": times_of("22:00-07:00")},
        {"law": law_of("CH"), "window": times_of("21:00-08:00")},
        {"law": Law(weekdays=(time(8), time(9)), saturday=None, sunday=None), "quiet":
         QuietHours(from_=time(7), to=time(10))},
    ],
)  # fmt: skip
def test_what_can_never_be_open_opens_at_the_end_of_time(changes: dict[str, Any]) -> None:
    hours = OpenHours(zone="Europe/Zurich", **changes)
    closed = hours.closed(utc("2026-05-04T12:00"))
    assert closed is not None
    assert closed[0] == LATEST
    assert hours.whole_hours() == frozenset()
    assert hours.closed(LATEST) is None  # so that whoever asks on comes to an end


def test_the_end_of_time_is_no_trouble() -> None:
    hours = OpenHours(zone="Pacific/Kiritimati", quiet=NIGHT, law=law_of("FR"), country="FR")
    for days in range(40):
        at = LATEST - timedelta(days=days, hours=6)
        closed = hours.closed(at)
        assert closed is None or at < closed[0] <= LATEST


def test_a_clock_change_may_skip_a_window() -> None:
    hours = OpenHours(zone="Europe/Zurich", window=times_of("02:00-03:00"))
    before = utc("2026-03-28T23:00")
    assert hours.closed(before) == (utc("2026-03-30T02:00", "Europe/Zurich"), "window")


def test_whole_hours_are_those_open_on_every_open_day() -> None:
    every = OpenHours(zone=PARIS)
    assert every.whole_hours() == frozenset(range(24))
    half = OpenHours(zone=PARIS, window=times_of("08:30-20:00"), law=law_of("FR"))
    assert half.whole_hours() == frozenset(range(9, 20))
    overnight = OpenHours(zone=PARIS, window=times_of("22:00-02:00"))
    assert overnight.whole_hours() == {22, 23, 0, 1}


def test_each_channel_keeps_the_hours_that_are_its_own() -> None:
    shop = Workspace(quiet_hours={"sms": NIGHT}, quiet_holidays=True)

    def hours(channel: Any, **more: Any) -> OpenHours:
        asked: dict[str, Any] = {"zone": PARIS, "country": "FR", "workspace": shop, **more}
        return hours_for(channel, **asked)

    assert hours("sms") == OpenHours(
        zone=PARIS, quiet=NIGHT, law=law_of("FR"), country="FR", quiet_holidays=True
    )
    assert hours("email") == OpenHours(zone=PARIS, country="FR")
    assert hours("push") == hours("whatsapp") == OpenHours(
        zone=PARIS, country="FR", quiet_holidays=True
    )  # fmt: skip
    free = Workspace(legal_hours=False)
    assert hours("sms", workspace=free) == OpenHours(zone=PARIS, country="FR")
    windowed = hours("sms", window="09:00-10:00", window_reason="best_hour", transactional=True)
    assert windowed == OpenHours(
        zone=PARIS, window=(time(9), time(10)), window_reason="best_hour"
    )  # fmt: skip
