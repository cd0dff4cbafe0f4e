"""Durations as people write them: `90s`, `15m`, `1h`, `2d`, `3w`, `6mo`, `1y`."""

import re
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from engine.model.clock import EARLIEST, LATEST, add_months, bounded, instant_of, zone_of
from engine.model.refusal import refusal

_FIXED: Final = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_MONTHS: Final = {"mo": 1, "y": 12}


@lru_cache(maxsize=1000)
def _read(text: str, pattern: str) -> tuple[int, str]:
    found = re.fullmatch(pattern, text)
    if found is None:
        raise ValueError(f"{text!r} is no duration")
    return int(found[1]), found[2]


# Many conditions ask for the same lengths of time before the same instant.
@lru_cache(maxsize=4096)
def _shifted(instant: datetime, count: int, unit: str, zone: str) -> datetime:
    try:
        if unit in _FIXED:
            return bounded(instant + count * _FIXED[unit])
        here = instant.astimezone(zone_of(zone))
        day = add_months(here.date(), count * _MONTHS[unit])
        if day == here.date():
            return instant
        return bounded(instant_of(day, here.time(), zone))
    except (OverflowError, ValueError):
        return LATEST if count > 0 else EARLIEST


class Duration(str):
    """A length of time, zero or more; `2d` is 48 hours, `1mo` a calendar month."""

    __slots__ = ()
    pattern = r"^([0-9]{1,9})(s|mo|m|h|d|w|y)$"
    example = "2d"

    def _parts(self) -> tuple[int, str]:
        return _read(self, self.pattern)

    def after(self, instant: datetime, zone: str) -> datetime:
        """Return the instant this long after `instant`; months are counted in `zone`."""
        return self._shift(instant, zone, 1)

    def before(self, instant: datetime, zone: str) -> datetime:
        """Return the instant this long before `instant`; months are counted in `zone`."""
        return self._shift(instant, zone, -1)

    def _shift(self, instant: datetime, zone: str, sign: int) -> datetime:
        count, unit = self._parts()
        return _shifted(instant, sign * count, unit, zone)

    @property
    def calendar(self) -> tuple[int, int] | None:
        """`(months, days)` when the unit is a day or longer, else None."""
        count, unit = self._parts()
        match unit:
            case "d":
                return 0, count
            case "w":
                return 0, 7 * count
            case "mo" | "y":
                return count * _MONTHS[unit], 0
            case _:
                return None

    @property
    def at_most(self) -> timedelta:
        """The longest this can be: a month counts as 31 days."""
        count, unit = self._parts()
        one = _FIXED[unit] if unit in _FIXED else _MONTHS[unit] * timedelta(days=31)
        return count * one if count < timedelta.max // one else timedelta.max

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read from a string that matches the pattern; write as that string."""

        def check(value: str) -> Duration:
            if not re.fullmatch(cls.pattern, value):
                raise refusal(
                    "duration",
                    "%(value)s is no duration: write a number and s, m, h, d, w, mo or y, like %(example)s",
                    value=repr(value),
                    example=cls.example,
                )
            return cls(value)

        return core_schema.no_info_after_validator_function(
            check, core_schema.str_schema(), serialization=core_schema.to_string_ser_schema()
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Describe the pattern to editors."""
        return {"type": "string", "pattern": cls.pattern, "examples": [cls.example]}


class Offset(Duration):
    """A duration that may be negative: `-7d` is a week before."""

    __slots__ = ()
    pattern = r"^(-?[0-9]{1,9})(s|mo|m|h|d|w|y)$"
    example = "-7d"
