"""Schedules in plain words: at a time of day, on weekdays or on a day of the month."""

import re
from dataclasses import dataclass
from typing import Final, Literal

from engine.model.base import WEEKDAYS, Weekday

LAST: Final = "L"
"""The last day of a month."""

_TIME: Final = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_NUMBERS: Final = {str(n): day for n, day in enumerate(("sun", *WEEKDAYS))}
"""Cron counts weekdays from Sunday, which is 0 and 7."""


@dataclass(frozen=True, slots=True)
class Times:
    """Every day, on some weekdays, or on a day of the month, at a time."""

    every: Literal["day", "week", "month"]
    at: str
    days: tuple[Weekday, ...] = ()
    day: str = "1"

    @property
    def cron(self) -> str:
        """The same as cron writes it; a time that is none is left to be refused."""
        found = _TIME.fullmatch(self.at)
        clock = f"{int(found[2])} {int(found[1])}" if found else f"{self.at or '?'} ?"
        match self.every:
            case "day":
                return f"{clock} * * *"
            case "week":
                return f"{clock} * * {','.join(self.days) or '?'}"
            case "month":
                return f"{clock} {self.day or '?'} * *"


def in_plain_words(cron: str) -> Times | None:
    """Return what a schedule says, when plain words can say it."""
    fields = cron.lower().split()
    if len(fields) != 5 or not fields[0].isdecimal() or not fields[1].isdecimal():
        return None
    minute, hour, day, month, weekday = fields
    at = f"{int(hour):02}:{int(minute):02}"
    if month != "*" or (day != "*" and weekday != "*"):
        return None
    if day != "*":
        known = day == LAST.lower() or day.isdecimal()
        return Times("month", at, day=day.upper()) if known else None
    if weekday == "*":
        return Times("day", at)
    days = _days(weekday)
    return Times("week", at, days=days) if days else None


def _days(field: str) -> tuple[Weekday, ...]:
    """Return the weekdays of a list with ranges, in the order of the week; nothing else."""
    found: set[str] = set()
    for term in field.split(","):
        first, _, last = term.partition("-")
        begins, ends = (_NUMBERS.get(one, one) for one in (first, last or first))
        if begins not in WEEKDAYS or ends not in WEEKDAYS:
            return ()
        since, until = WEEKDAYS.index(begins), WEEKDAYS.index(ends)
        if until < since:
            return ()
        found |= {*WEEKDAYS[since : until + 1]}
    return tuple(day for day in WEEKDAYS if day in found)
