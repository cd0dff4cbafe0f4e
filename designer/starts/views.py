"""What the pages of starts show: for whom, how far, and what is still to come."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from babel.dates import format_date

from designer.canvas.openings import pace_in_words
from designer.views import Mark
from designer.words import N_, Words
from engine.model.opening import OnSchedule
from engine.store.starts import Start

DAYS: Final = 14
MONTHS: Final = 12

_STATES: Final = {
    "running": (N_("Under way"), "blue"),
    "done": (N_("Done"), "good"),
    "stopped": (N_("Stopped"), "warn"),
}
_SOURCES: Final = {
    "hand": N_("by hand"),
    "publish": N_("on publishing"),
    "schedule": N_("by its times"),
}
_REASONS: Final = {
    "by_hand": N_("Somebody stopped it."),
    "archived": N_("The journey was archived meanwhile."),
    "no_segment": N_("The segment was deleted meanwhile."),
    "late": N_("Nothing ran when its time came, and by now it was too late."),
    "paused": N_("The journey was paused when its time came."),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One start in the list, or on its page."""

    start: Start
    mark: Mark
    whom: str
    how: str
    pace: str
    why: str
    """Why it was stopped, or what it waits for."""


@dataclass(frozen=True, slots=True)
class Bar:
    """How many customers' dates come on a day or in a month; `share` of the longest, in percent."""

    name: str
    title: str
    count: int
    share: int


@dataclass(frozen=True, slots=True)
class Calendar:
    """On which of the next days, and in which of the next months, how many dates come."""

    days: list[Bar]
    months: list[Bar]
    total: int
    complete: bool
    """Whether everybody has been looked at."""


def row(
    start: Start, segments: Mapping[str, str], words: Words, *, ready: bool, paused: bool
) -> Row:
    """Show a start; `ready` says whether it is known who is in its segment."""
    _ = words.gettext
    name, tone = _STATES[start.state]
    whom = _("all customers")
    if start.segment is not None:
        whom = words.quote(segments.get(start.segment, start.segment))
    why = _(_REASONS[start.reason]) if start.reason is not None else ""
    if start.state == "running" and paused:
        why = _("The journey is paused: it goes on when that is resumed.")
    elif start.state == "running" and not ready:
        why = _("It waits until it is known who is in the segment.")
    return Row(
        start=start,
        mark=Mark(_(name), tone),
        whom=whom,
        how=_(_SOURCES[start.source]),
        pace=pace_in_words(start.pace, words),
        why=why,
    )


def last_day(first: date) -> date:
    """Return the day before which the calendar ends: the first of a month."""
    months = first.year * 12 + first.month - 1 + MONTHS
    return date(months // 12, months % 12 + 1, 1)


def calendar(counted: Mapping[date, int], first: date, words: Words, *, complete: bool) -> Calendar:
    """Show on which days and in which months how many dates come, from the first day on."""
    days = [first + timedelta(days=n) for n in range(DAYS)]
    by_month: dict[date, int] = {}
    month = first.replace(day=1)
    for _n in range(MONTHS):
        by_month[month] = 0
        month = (month + timedelta(days=32)).replace(day=1)
    for day, count in counted.items():
        if day.replace(day=1) in by_month:
            by_month[day.replace(day=1)] += count
    return Calendar(
        days=_bars({day: counted.get(day, 0) for day in days}, "EEE d", words),
        months=_bars(by_month, "MMM", words),
        total=sum(by_month.values()),
        complete=complete,
    )


def _bars(counted: Mapping[date, int], form: str, words: Words) -> list[Bar]:
    most = max(counted.values(), default=0) or 1
    return [
        Bar(
            name=str(format_date(day, form, locale=words.locale)),
            title=words.long_day(day)
            if form != "MMM"
            else str(format_date(day, "MMMM y", locale=words.locale)),
            count=count,
            share=max(round(100 * count / most), 2 if count else 0),
        )
        for day, count in counted.items()
    ]


def coming(on: OnSchedule, zone: str, after: datetime, count: int = 5) -> list[datetime]:
    """Return the next times of a schedule."""
    found: list[datetime] = []
    while len(found) < count:
        following = on.schedule.next_after(found[-1] if found else after, zone)
        if following is None:
            break
        found.append(following)
    return found
