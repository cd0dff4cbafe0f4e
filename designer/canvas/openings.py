"""What opens a journey, in words."""

from collections.abc import Callable
from datetime import time
from typing import Final, assert_never

from babel.dates import get_day_names

from designer.canvas.schedules import LAST, in_plain_words
from designer.words import Words
from engine.model.base import WEEKDAYS
from engine.model.condition import EventMatch
from engine.model.duration import Duration
from engine.model.opening import (
    AnyOpening,
    OnApi,
    OnDate,
    OnEvent,
    OnSchedule,
    OnSegmentEntered,
    OnSegmentLeft,
    Pace,
)

_WEEK: Final = ("mon", "tue", "wed", "thu", "fri")


class OpeningWords:
    """Says what opens a journey; how events, segments, days and times are said is given."""

    def __init__(
        self,
        words: Words,
        event: Callable[[EventMatch], str],
        segment: Callable[[str], str],
        day: Callable[[str, Duration | None], str],
        clock: Callable[[time], str],
    ) -> None:
        self._words = words
        self._event = event
        self._segment = segment
        self._day = day
        self._clock = clock

    def say(self, on: AnyOpening) -> str:
        """Return what opens the journey."""
        _ = self._words.gettext
        match on:
            case OnEvent():
                return _("On %(event)s", event=self._event(on))
            case OnSegmentEntered():
                return _("On coming into %(segment)s", segment=self._segment(on.segment_entered))
            case OnSegmentLeft():
                return _("On leaving %(segment)s", segment=self._segment(on.segment_left))
            case OnDate():
                return self._date(on)
            case OnSchedule():
                return self._schedule(on)
            case OnApi():
                return _("When the shop's systems ask for it")
            case _:
                assert_never(on)

    def _date(self, on: OnDate) -> str:
        _ = self._words.gettext
        trait = on.date.replace("_", " ").replace("-", " ")
        if on.offset is None:
            said = _("On the day of %(date)s", date=trait)
        else:
            day = self._day(trait, on.offset)
            said = day[:1].upper() + day[1:]
        if on.yearly:
            said = _("%(day)s, every year", day=said)
        if on.time is not None:
            said = _("%(day)s at %(time)s", day=said, time=self._clock(on.time))
        return said

    def _schedule(self, on: OnSchedule) -> str:
        _ = self._words.gettext
        if on.segment is not None:
            whom = _("for everybody in %(segment)s", segment=self._segment(on.segment))
        else:
            whom = _("for all customers")
        said = _("%(times)s, %(whom)s", times=self.times(on.schedule), whom=whom)
        return _("%(times)s (%(zone)s)", times=said, zone=on.zone) if on.zone else said

    def times(self, schedule: str) -> str:
        """Return when a schedule comes."""
        _ = self._words.gettext
        plain = in_plain_words(schedule)
        if plain is None:
            return _("By the schedule %(schedule)s", schedule=schedule)
        at = self._clock(time.fromisoformat(plain.at))
        match plain.every:
            case "day":
                return _("Every day at %(time)s", time=at)
            case "week" if plain.days == _WEEK:
                return _("On weekdays at %(time)s", time=at)
            case "week":
                names = get_day_names("wide", locale=self._words.locale)
                days = [str(names[WEEKDAYS.index(day)]) for day in plain.days]
                return _("Every %(days)s at %(time)s", days=self._words.items(days), time=at)
            case "month" if plain.day == LAST:
                return _("On the last day of each month at %(time)s", time=at)
            case "month":
                return _("On day %(n)s of each month at %(time)s", n=plain.day, time=at)
            case _:
                assert_never(plain.every)


def pace_in_words(pace: Pace, words: Words) -> str:
    """Return how many customers enter in how much time."""
    count, _, unit = pace.partition("/")
    match unit:
        case "s":
            return words.ngettext("%(n)s customer a second", "%(n)s customers a second", int(count))
        case "h":
            return words.ngettext("%(n)s customer an hour", "%(n)s customers an hour", int(count))
        case _:
            return words.ngettext("%(n)s customer a minute", "%(n)s customers a minute", int(count))
