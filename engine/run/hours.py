"""The hours of the day at which a message may go out.

Every rule is brought to the same form: the minutes of each weekday in which it is open. What all
of them leave open is worked out once for rules that are alike, so that a claim only looks it up.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Final, Literal

from engine.model.base import Channel
from engine.model.clock import LATEST, instant_of
from engine.model.workspace import QuietHours, Workspace
from engine.run.calendar import local, public_holidays
from engine.run.law import Law, law_of

WindowReason = Literal["window", "best_hour"]
"""Whose wish the window is: the author's, or that of the customer's habits."""

_DAY: Final = 24 * 60

_FAR: Final = timedelta(days=31)
"""What is closed for longer is closed for good."""

_Spans = tuple[tuple[int, int], ...]
"""Minutes of a local day, from and up to; in order, and apart."""

_ALWAYS: Final[_Spans] = ((0, _DAY),)


@dataclass(frozen=True, slots=True)
class _Rule:
    """The open minutes of the days from Monday on, and whether public holidays have any."""

    reason: str
    week: tuple[_Spans, ...]
    holidays: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenHours:
    """When messages of one kind may go out, on the customer's clock and calendar.

    Open is what the shop's quiet hours, the `window` of the step and the law of the `country`
    leave; with `quiet_holidays`, not on that country's public holidays. A window whose ends are
    the same is open all day.
    """

    zone: str
    quiet: QuietHours | None = None
    window: tuple[time, time] | None = None
    window_reason: WindowReason = "window"
    law: Law | None = None
    country: str | None = None
    quiet_holidays: bool = False

    def closed(self, at: datetime) -> tuple[datetime, str] | None:
        """Return when it opens again and why it is closed, or None when it is open at `at`.

        The reason is that of the first rule which is closed then: `quiet_hours`, `window` or
        `best_hour`, `legal_hours`, `holiday`. What never opens again does so at `LATEST`.
        """
        rules, together = self._rules()
        first = self._opens(together, at)
        if first <= at:
            return None
        return first, next(rule.reason for rule in rules if self._opens(rule, at) > at)

    def whole_hours(self) -> frozenset[int]:
        """Return the hours of the day, from 0, that are open throughout.

        They are so on every day of the week that is not closed altogether.
        """
        _, together = self._rules()
        days = [spans for spans in together.week if spans]
        return frozenset(
            hour
            for hour in range(24)
            if days and all(_within(spans, hour * 60, hour * 60 + 60) for spans in days)
        )

    def _rules(self) -> tuple[tuple[_Rule, ...], _Rule]:
        return _rules(self.quiet, self.window, self.window_reason, self.law, self.quiet_holidays)

    def _opens(self, rule: _Rule, at: datetime) -> datetime:
        """Return `at` when it is open then, else when it opens next."""
        if not any(rule.week) or at > LATEST - _FAR:
            return LATEST
        today = local(at, self.zone).date()
        for ahead in range(_FAR.days):
            day = today + timedelta(days=ahead)
            if not rule.holidays and day in public_holidays(self.country, day.year):
                continue
            for opens, closes in rule.week[day.weekday()]:
                end = self._instant(day, closes)
                if end <= at:
                    continue
                start = self._instant(day, opens)
                if start < end:  # a clock change may skip all of it
                    return max(start, at)
        return LATEST

    def _instant(self, day: date, minutes: int) -> datetime:
        if minutes == _DAY:
            return instant_of(day + timedelta(days=1), time(), self.zone)
        return instant_of(day, time(*divmod(minutes, 60)), self.zone)


def hours_for(
    channel: Channel,
    *,
    zone: str,
    country: str | None,
    workspace: Workspace,
    window: str | None = None,
    window_reason: WindowReason = "window",
    transactional: bool = False,
) -> OpenHours:
    """Return the hours of a message on this channel.

    `country` is the customer's, by ISO 3166; `window` is as in a journey: `09:00-20:00`. Legal
    hours are those of SMS; public holidays are quiet on every channel but email, which does not
    ring. A transactional message keeps to its window alone.
    """
    times = times_of(window) if window else None
    if transactional:
        return OpenHours(zone=zone, window=times, window_reason=window_reason)
    return OpenHours(
        zone=zone,
        quiet=workspace.quiet_hours.get(channel),
        window=times,
        window_reason=window_reason,
        law=law_of(country) if channel == "sms" and workspace.legal_hours else None,
        country=country,
        quiet_holidays=workspace.quiet_holidays and channel != "email",
    )


def times_of(window: str) -> tuple[time, time]:
    """Read a window that is written `09:00-20:00`."""
    opens, closes = window.split("-")
    return time.fromisoformat(opens), time.fromisoformat(closes)


@lru_cache(maxsize=500)
def _rules(
    quiet: QuietHours | None,
    window: tuple[time, time] | None,
    window_reason: WindowReason,
    law: Law | None,
    quiet_holidays: bool,
) -> tuple[tuple[_Rule, ...], _Rule]:
    """Return the rules in the order in which they give their reason, and all of them as one."""
    rules = []
    if quiet is not None:
        rules.append(_Rule("quiet_hours", (_between(quiet.to, quiet.from_),) * 7))
    if window is not None:
        rules.append(_Rule(window_reason, (_between(*window),) * 7))
    if law is not None:
        days = [law.on(weekday) for weekday in range(7)]
        week = tuple(_between(*day) if day else () for day in days)
        rules.append(_Rule("legal_hours", week, law.holidays))
    if quiet_holidays:
        rules.append(_Rule("holiday", (_ALWAYS,) * 7, holidays=False))
    week = (_ALWAYS,) * 7
    for rule in rules:
        week = tuple(_both(*spans) for spans in zip(week, rule.week, strict=True))
    return tuple(rules), _Rule("", week, all(rule.holidays for rule in rules))


def _between(opens: time, closes: time) -> _Spans:
    """Return the minutes from one time up to the other, which may lie after midnight."""
    first, last = (at.hour * 60 + at.minute for at in (opens, closes))
    if first == last:
        return _ALWAYS
    if first < last:
        return ((first, last),)
    return tuple(span for span in ((0, last), (first, _DAY)) if span[0] < span[1])


def _both(one: _Spans, other: _Spans) -> _Spans:
    return tuple((max(a, b), min(c, d)) for a, c in one for b, d in other if max(a, b) < min(c, d))


def _within(spans: _Spans, first: int, last: int) -> bool:
    return any(opens <= first and last <= closes for opens, closes in spans)
