"""Frequency caps and quiet hours: what is granted, deferred and skipped."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.base import CHANNELS
from engine.model.cap import Cap
from engine.model.clock import instant_of
from engine.model.duration import Duration
from engine.model.workspace import QuietHours, Workspace
from engine.run.calendar import local
from engine.run.caps import (
    SPREAD,
    Candidate,
    Deferred,
    Granted,
    Skipped,
    Slot,
    Verdict,
    admissible,
    applies,
    decide,
    limit_for,
    longest,
    next_in_line,
)
from engine.run.hours import OpenHours, hours_for

ZURICH = "Europe/Zurich"
NOW = datetime(2026, 5, 4, 10, tzinfo=UTC)
HOUR, DAY, TICK = timedelta(hours=1), timedelta(days=1), timedelta(microseconds=1)
NIGHT = QuietHours.model_validate({"from": "21:00", "to": "08:00"})


def candidate(**changes: Any) -> Candidate:
    asks = Candidate(
        id=UUID(int=1), customer=UUID(int=2), channel="email", topic="offers",
        transactional=False, decided_at=NOW,
    )  # fmt: skip
    return replace(asks, **changes)


def cap(**changes: Any) -> Cap:
    return Cap.model_validate({"id": "c", "limit": 1, "per": "1d", **changes})


def slots(*ats: datetime) -> list[Slot]:
    return [Slot(channel="email", topic="offers", at=at) for at in ats]


def ask(
    caps: list[Cap],
    held: list[Slot],
    quiet: QuietHours | None = None,
    *,
    now: datetime = NOW,
    zone: str = ZURICH,
    **changes: Any,
) -> Verdict:
    hours = OpenHours(zone=zone, quiet=quiet)
    asks = candidate(**{"decided_at": now, "hours": hours, **changes})
    return decide(asks, caps, held, now=now, zone=zone)


def deferred(verdict: Verdict, begin: datetime) -> bool:
    return isinstance(verdict, Deferred) and begin <= verdict.until <= begin + SPREAD


def test_a_window_is_open_at_its_beginning_and_closed_at_its_end() -> None:
    assert ask([cap()], slots(NOW - DAY)) == Granted()
    assert deferred(ask([cap()], slots(NOW - DAY + TICK)), NOW + TICK)
    assert deferred(ask([cap()], slots(NOW)), NOW + DAY)


def test_room_comes_when_enough_slots_have_left_the_window() -> None:
    held = slots(*(NOW - n * HOUR for n in (1, 2, 3, 4, 30)))
    assert deferred(ask([cap(limit=3)], held), NOW - 3 * HOUR + DAY)
    assert deferred(ask([cap(limit=4)], held), NOW - 4 * HOUR + DAY)
    assert ask([cap(limit=5)], held) == Granted()


def test_the_rules_are_anded_and_the_latest_decides() -> None:
    rules = [cap(id="a", per="2d"), cap(id="b", per="5d"), cap(id="c", per="1h")]
    verdict = ask(rules, slots(NOW - 2 * HOUR))
    assert deferred(verdict, NOW - 2 * HOUR + 5 * DAY)
    assert isinstance(verdict, Deferred)
    assert (verdict.reason, verdict.rule) == ("cap", "b")


def test_a_rule_counts_its_channels_and_topics_alone() -> None:
    held = [
        Slot(channel="sms", topic="offers", at=NOW),
        Slot(channel="email", topic="news", at=NOW),
    ]
    assert ask([cap(channels=["email"], topics=["offers"])], held) == Granted()
    assert ask([cap(channels=["sms"])], held) == Granted()
    assert isinstance(ask([cap(topics=["offers"])], held), Deferred)
    assert not applies(cap(topics=["offers"]), candidate(topic=None))
    assert applies(cap(), candidate(channel="push", topic=None))


def test_transactional_messages_pass_all_but_their_own_hours() -> None:
    night = datetime(2026, 5, 4, 22, tzinfo=UTC)
    workspace = Workspace.model_validate(
        {"quiet_hours": {"email": {"from": "21:00", "to": "08:00"}}}
    )
    about = {"zone": ZURICH, "country": None, "workspace": workspace, "transactional": True}
    hours = hours_for("email", **about)
    assert (
        ask([cap(limit=0)], slots(night), now=night, hours=hours, transactional=True) == Granted()
    )
    own = hours_for("email", window="09:00-10:00", **about)
    verdict = ask([], [], now=night, hours=own, transactional=True)
    assert isinstance(verdict, Deferred)
    assert verdict.reason == "window", "that is its author's own wish"


@pytest.mark.parametrize(("step", "rule"), [(None, "skip"), ("skip", "defer"), ("skip", "skip")])
def test_a_full_cap_skips_when_the_step_or_else_the_rule_says_so(
    step: str | None, rule: str
) -> None:
    assert ask([cap(on_full=rule)], slots(NOW), on_full=step) == Skipped(reason="cap", rule="c")
    assert isinstance(ask([cap(on_full="skip")], slots(NOW), on_full="defer"), Deferred)


def test_a_rule_without_room_ever_skips() -> None:
    assert ask([cap(limit=0)], []) == Skipped(reason="cap", rule="c")
    assert ask([cap(per="999999999y")], slots(NOW)) == Skipped(reason="cap", rule="c")


def test_defer_at_most_is_counted_from_the_first_decision() -> None:
    rule = cap(defer_at_most="2d")
    assert isinstance(ask([rule], slots(NOW), decided_at=NOW - DAY), Deferred)
    assert ask([rule], slots(NOW), decided_at=NOW - DAY - TICK) == Skipped(reason="cap", rule="c")


def test_the_spread_does_not_reach_beyond_defer_at_most() -> None:
    for n in range(50):
        verdict = ask([cap(defer_at_most="1d")], slots(NOW), id=UUID(int=n))
        assert isinstance(verdict, Deferred)
        assert verdict.until == NOW + DAY


def test_each_rule_that_holds_back_has_its_own_limit_of_deferral() -> None:
    strict, patient = cap(id="strict", defer_at_most="12h"), cap(id="patient", per="3d")
    held = slots(NOW)
    assert ask([strict, patient], held) == Skipped(reason="cap", rule="strict")
    assert ask([patient, strict], held) == Skipped(reason="cap", rule="strict")
    soon = cap(id="soon", per="2h", defer_at_most="12h")
    assert isinstance(ask([soon, patient], held), Deferred)


def test_quiet_hours_defer_until_they_end() -> None:
    night = datetime(2026, 5, 4, 22, tzinfo=UTC)
    morning = datetime(2026, 5, 5, 6, tzinfo=UTC)
    verdict = ask([], [], NIGHT, now=night)
    assert deferred(verdict, morning)
    assert isinstance(verdict, Deferred)
    assert (verdict.reason, verdict.rule) == ("quiet_hours", None)
    assert ask([], [], NIGHT, now=morning) == Granted()
    assert ask([], [], NIGHT, now=morning - TICK) != Granted()


def test_quiet_hours_never_defer_for_longer_than_four_days() -> None:
    night = datetime(2026, 5, 4, 22, tzinfo=UTC)
    decided = night - timedelta(days=4)
    assert ask([], [], NIGHT, now=night, decided_at=decided) == Skipped(reason="quiet_hours")


def test_a_cap_that_frees_at_night_waits_for_the_morning() -> None:
    noon = datetime(2026, 5, 4, 10, tzinfo=UTC)
    verdict = ask([cap(per="12h")], slots(noon), NIGHT, now=noon)
    assert deferred(verdict, datetime(2026, 5, 5, 6, tzinfo=UTC))
    assert isinstance(verdict, Deferred)
    assert verdict.reason == "cap"


def test_the_spread_does_not_lead_into_quiet_hours() -> None:
    quiet = QuietHours.model_validate({"from": "12:10", "to": "14:00"})
    begin = datetime(2026, 5, 5, 10, tzinfo=UTC)  # 12:00 in Zurich
    untils = set()
    for n in range(50):
        verdict = ask([cap()], slots(begin - DAY), quiet, now=begin - HOUR, id=UUID(int=n))
        assert isinstance(verdict, Deferred)
        assert begin <= verdict.until < begin + timedelta(minutes=10)
        untils.add(verdict.until)
    assert len(untils) > 10


def test_the_spread_is_the_messages_own() -> None:
    one = [ask([cap()], slots(NOW), id=UUID(int=7)) for _ in range(2)]
    assert one[0] == one[1]
    several = {ask([cap()], slots(NOW), id=UUID(int=n)).until for n in range(100)}  # type: ignore[union-attr]
    assert len(several) == 100


def test_a_month_that_lacks_the_day_keeps_the_slot_until_it_ends() -> None:
    last = datetime(2026, 1, 31, 11, tzinfo=UTC)
    now = datetime(2026, 2, 28, 11, tzinfo=UTC)
    verdict = ask([cap(per="1mo")], slots(last), now=now)
    assert deferred(verdict, datetime(2026, 2, 28, 23, tzinfo=UTC))  # 1 March in Zurich


def test_since_when_slots_matter() -> None:
    assert longest([], NOW, ZURICH) is None
    assert longest([cap(per="1h"), cap(per="3d")], NOW, ZURICH) == NOW - 3 * DAY


rules = st.builds(
    lambda limit, per, channels, topics, on_full, most, kept: cap(
        limit=limit,
        per=per,
        channels=channels,
        topics=topics,
        on_full=on_full,
        defer_at_most=most,
        keep={"slots": 1, "above_priority": kept} if kept is not None and limit > 1 else None,
    ),
    st.integers(0, 3),
    st.sampled_from(["20m", "1h", "1d", "3d", "1w", "1mo", "day", "week", "month"]),
    st.lists(st.sampled_from(CHANNELS), max_size=2),
    st.lists(st.sampled_from(["offers", "news"]), max_size=1),
    st.sampled_from(["defer", "defer", "skip"]),
    st.sampled_from([None, None, "2h", "2d"]),
    st.sampled_from([None, 30, 70]),
)
several = st.lists(rules, max_size=3).map(
    lambda caps: [rule.model_copy(update={"id": f"c{n}"}) for n, rule in enumerate(caps)]
)
quiets = st.one_of(
    st.none(),
    st.builds(
        lambda begins, ends: QuietHours(from_=begins, to=ends),
        st.builds(time, st.integers(0, 23), st.sampled_from([0, 30])),
        st.builds(time, st.integers(0, 23), st.sampled_from([0, 30])),
    ),
)
claims = st.lists(
    st.tuples(
        st.integers(0, 40 * 24 * 60), st.sampled_from(CHANNELS), st.sampled_from(["offers", "news", None])
    ),
    max_size=25,
).map(lambda claims: sorted(claims, key=lambda claim: claim[0]))  # fmt: skip
starts = st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive
zones = st.sampled_from([ZURICH, "America/New_York", "Pacific/Apia"])


def silent_at(now: datetime, zone: str, begins: time, ends: time) -> bool:
    """Say plainly what quiet hours are: from `begins` up to, not including, `ends`."""
    today = local(now, zone).date()
    for day in (today - timedelta(days=1), today):
        last = day if begins < ends else day + timedelta(days=1)
        if begins != ends and instant_of(day, begins, zone) <= now < instant_of(last, ends, zone):
            return True
    return False


@given(several, quiets, claims, starts, zones)
def test_no_series_of_claims_exceeds_any_window(
    caps: list[Cap], quiet: QuietHours | None, asked: list[Any], start: datetime, zone: str
) -> None:
    held: list[Slot] = []
    for minutes, channel, topic in asked:
        now = start + timedelta(minutes=minutes)
        verdict = ask(caps, held, quiet, now=now, zone=zone, channel=channel, topic=topic)
        slot = Slot(channel=channel, topic=topic, at=now)
        allowed = all(_count(rule, [*held, slot], now, zone) <= limit_for(rule, 50)
                      for rule in caps if applies(rule, slot))  # fmt: skip
        silent = quiet is not None and silent_at(now, zone, quiet.from_, quiet.to)
        assert (verdict == Granted()) == (allowed and not silent)
        if verdict == Granted():
            held.append(slot)


@given(several, quiets, claims, starts, zones)
def test_a_deferred_message_is_granted_when_nothing_else_is_sent(
    caps: list[Cap], quiet: QuietHours | None, sent: list[Any], start: datetime, zone: str
) -> None:
    held = [Slot(channel=c, topic=t, at=start + timedelta(minutes=m)) for m, c, t in sent]
    now = max((slot.at for slot in held), default=start)
    first = ask(caps, held, quiet, now=now, zone=zone)
    if not isinstance(first, Deferred):
        return
    assert first.until > now
    again = ask(caps, held, quiet, now=first.until, zone=zone, decided_at=now)
    assert again == Granted()
    deadlines = [
        rule.defer_at_most.after(now, zone)
        for rule in caps
        if rule.id == first.rule and rule.defer_at_most and applies(rule, candidate())
    ]
    assert not deadlines or first.until <= max(deadlines)


def _count(rule: Cap, held: list[Slot], now: datetime, zone: str) -> int:
    counted = [slot.at for slot in held if applies(rule, slot) and slot.at <= now]
    match rule.per:
        case "day":
            return sum(_day(at, zone) == _day(now, zone) for at in counted)
        case "week":
            return sum(
                _day(at, zone).isocalendar()[:2] == _day(now, zone).isocalendar()[:2]
                for at in counted
            )
        case "month":
            return sum(
                (_day(at, zone).year, _day(at, zone).month)
                == (_day(now, zone).year, _day(now, zone).month)
                for at in counted
            )
        case Duration():
            begins = rule.per.before(now, zone)
            return sum(begins < at for at in counted)


def _day(instant: datetime, zone: str) -> date:
    return instant.astimezone(ZoneInfo(zone)).date()


def waiting(n: int, **changes: Any) -> Candidate:
    return candidate(id=UUID(int=100 + n), first_deferred_at=NOW - HOUR + n * TICK, **changes)


def test_slots_that_are_kept_are_for_the_important() -> None:
    rule = cap(limit=3, keep={"slots": 1, "above_priority": 50})
    held = slots(NOW - HOUR, NOW - 2 * HOUR)
    assert deferred(ask([rule], held, priority=50), NOW - 2 * HOUR + DAY)
    assert ask([rule], held, priority=51) == Granted()
    assert deferred(ask([rule], [*held, *slots(NOW)], priority=90), NOW - 2 * HOUR + DAY)


@pytest.mark.parametrize(
    ("per", "begins", "ends"),
    [
        ("day", "2026-05-03T22:00Z", "2026-05-04T22:00Z"),
        ("week", "2026-05-03T22:00Z", "2026-05-10T22:00Z"),
        ("month", "2026-04-30T22:00Z", "2026-05-31T22:00Z"),
    ],
)
def test_a_calendar_window_is_the_customers_own_day_week_or_month(
    per: str, begins: str, ends: str
) -> None:
    begin, end = datetime.fromisoformat(begins), datetime.fromisoformat(ends)
    assert ask([cap(per=per)], slots(begin - TICK)) == Granted()
    assert deferred(ask([cap(per=per)], slots(begin)), end)


def test_the_same_offer_counts_on_every_channel() -> None:
    rule = cap(offers=["spring"])
    held = [Slot(channel="sms", topic="other", offer="spring", at=NOW - HOUR)]
    assert deferred(ask([rule], held, offer="spring"), NOW - HOUR + DAY)
    assert ask([rule], held, offer="summer") == Granted()
    assert ask([rule], held) == Granted()


def test_a_rule_may_send_the_message_to_another_channel() -> None:
    verdict = ask([cap(on_full="next_channel")], slots(NOW))
    assert isinstance(verdict, Deferred)
    assert verdict.to_next
    own = ask([cap()], slots(NOW), on_full="next_channel")
    assert isinstance(own, Deferred)
    assert own.to_next
    night = datetime(2026, 5, 4, 20, tzinfo=UTC)
    quiet = ask([], [], NIGHT, now=night, on_full="next_channel")
    assert isinstance(quiet, Deferred)
    assert quiet.to_next


def decided(caps: list[Cap], held: list[Slot], *others: Candidate, **changes: Any) -> Verdict:
    return decide(candidate(**changes), caps, held, others, now=NOW, zone=ZURICH)


def test_a_claim_yields_to_who_is_ahead_and_could_be_sent() -> None:
    verdict = decided([cap()], [], waiting(1))
    assert deferred(verdict, NOW + DAY)
    assert isinstance(verdict, Deferred)
    assert verdict.ahead == (UUID(int=101),)
    assert decided([cap(limit=2)], [], waiting(1)) == Granted(), "there is room for both"


def test_a_claim_does_not_yield_to_who_is_behind_or_blocked_anyway() -> None:
    assert decided([cap()], [], waiting(1, priority=10)) == Granted()
    behind = waiting(1)
    assert decided([cap()], [], behind, first_deferred_at=NOW - DAY) == Granted()
    sms = [cap(id="sms", channels=["sms"], limit=0), cap(id="all")]
    assert decided(sms, [], waiting(1, channel="sms", priority=90)) == Granted()
    asleep = waiting(1, hours=OpenHours(zone=ZURICH, quiet=QuietHours.model_validate(
        {"from": "10:00", "to": "14:00"})))  # fmt: skip
    assert decided([cap()], [], asleep) == Granted()


def test_who_yields_and_does_not_wait_is_skipped() -> None:
    verdict = decided([cap()], [], waiting(1), on_full="skip")
    assert isinstance(verdict, Skipped)
    assert verdict.ahead == (UUID(int=101),)


def test_the_next_in_line_are_woken_in_their_order_as_far_as_there_is_room() -> None:
    first, second = waiting(1, channel="sms"), waiting(2)
    important = waiting(3, priority=90)
    line = [second, first, important]
    assert next_in_line([cap(limit=2)], [], line, now=NOW, zone=ZURICH) == [important.id, first.id]
    mail = [cap(limit=1, channels=["email"])]
    assert next_in_line(mail, [], line, now=NOW, zone=ZURICH) == [important.id, first.id]
    assert next_in_line([cap()], slots(NOW), line, now=NOW, zone=ZURICH) == []


@given(several, claims, starts, st.data())
def test_no_claim_is_granted_against_an_admissible_one_ahead(
    caps: list[Cap], sent: list[Any], start: datetime, data: Any
) -> None:
    held = [Slot(channel=c, topic=t, at=start + timedelta(minutes=m)) for m, c, t in sent]
    now = max((slot.at for slot in held), default=start)
    others = [
        waiting(n, channel=data.draw(st.sampled_from(CHANNELS)), decided_at=now - DAY,
                priority=data.draw(st.integers(0, 100)))
        for n in range(data.draw(st.integers(0, 4)))
    ]  # fmt: skip
    asks = candidate(priority=data.draw(st.integers(0, 100)), decided_at=now)
    verdict = decide(asks, caps, held, others, now=now, zone=ZURICH)
    robbed = [
        other
        for other in others
        if other.rank(now) < asks.rank(now)
        and admissible(other, caps, held, now=now, zone=ZURICH)
        and not admissible(other, caps, [*held, asks.slot(now)], now=now, zone=ZURICH)
    ]
    alone = admissible(asks, caps, held, now=now, zone=ZURICH)
    assert (verdict == Granted()) == (alone and not robbed)
