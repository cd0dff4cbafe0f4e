"""The period of time that figures are about: read from an address, in the shop's own days."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final

from designer.words import N_, Words
from engine.model.clock import instant_of

_NAMES: Final = {
    "": N_("All time"),
    "today": N_("Today"),
    "7d": N_("Last 7 days"),
    "30d": N_("Last 30 days"),
    "own": N_("Own dates"),
}
_DAYS: Final = {"today": 1, "7d": 7, "30d": 30}


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """What was chosen, as it was written; `wrong` says what no day is, by field.

    `since` is when it begins, `until` when it is over, in instants; None is without end.
    """

    chosen: str = ""
    first: str = ""
    last: str = ""
    since: datetime | None = None
    until: datetime | None = None
    wrong: Mapping[str, str] = field(default_factory=dict)

    def query(self) -> dict[str, str]:
        """Return it as an address names it."""
        named = {"period": self.chosen if self.chosen in _DAYS else ""}
        named |= {"from": self.first, "to": self.last} if self.chosen == "own" else {}
        return {name: value for name, value in named.items() if value}

    def name(self, words: Words) -> str:
        """Say which time it is; nothing for all time."""
        if self.chosen in _DAYS:
            return words.gettext(_NAMES[self.chosen])
        first, last = day_of(self.first), day_of(self.last)
        if self.wrong or not (first or last):
            return ""
        if first is None:
            return words.gettext("until %(day)s", day=words.day(last)) if last else ""
        if last is None:
            return words.gettext("since %(day)s", day=words.day(first))
        return words.gettext("%(first)s to %(last)s", first=words.day(first), last=words.day(last))


ALL_TIME: Final = Period()


def choices(words: Words) -> list[tuple[str, str]]:
    """Return what can be chosen."""
    return [(value, words.gettext(name)) for value, name in _NAMES.items()]


def period(asked: Mapping[str, str], zone: str, now: datetime, words: Words) -> Period:
    """Read `period`, or `from` and `to`, of an address."""
    chosen = asked.get("period", "")
    first, last = asked.get("from", "").strip(), asked.get("to", "").strip()
    today = now.astimezone(words.zone).date()
    if chosen in _DAYS:
        begins = today - timedelta(days=_DAYS[chosen] - 1)
        return Period(chosen=chosen, since=instant_of(begins, time(), zone))
    if not (first or last or chosen == "own"):
        return ALL_TIME
    wrong = {
        name: words.gettext("Write a day like 2026-03-21.")
        for name, written in (("from", first), ("to", last))
        if written and day_of(written) is None
    }
    begin, end = day_of(first), day_of(last)
    if begin and end and begin > end:
        wrong["to"] = words.gettext("The last day lies before the first.")
    if wrong:
        return Period(chosen="own", first=first, last=last, wrong=wrong)
    return Period(
        chosen="own",
        first=first,
        last=last,
        since=beginning(first, zone),
        until=beginning(last, zone, following=True),
    )


def day_of(written: str) -> date | None:
    """Return the day that an address names, or None when it names none."""
    try:
        return date.fromisoformat(written)
    except ValueError:
        return None


def beginning(written: str, zone: str, *, following: bool = False) -> datetime | None:
    """Return when a day, or the one after it, begins in the shop's zone."""
    day = day_of(written)
    if day is None or day == date.max:
        return None
    return instant_of(day + timedelta(days=1) if following else day, time(), zone)
