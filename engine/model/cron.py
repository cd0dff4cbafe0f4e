"""When a schedule comes, as cron writes it: minute, hour, day of month, month, weekday."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from cronsim import CronSim, CronSimError
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from engine.errors import Said, said
from engine.model.clock import zone_of
from engine.model.refusal import refusal

_FIELDS: Final = 5
_ANY_TIME: Final = datetime(2026, 1, 1, tzinfo=UTC)


class Cron(str):
    """A schedule such as `0 10 * * mon`: every Monday at 10:00.

    Of a time that a clock change skips, the first instant after it is taken; of one that occurs
    twice, the first. When both a day of the month and a weekday are given, either is enough.
    """

    __slots__ = ()

    def next_after(self, instant: datetime, zone: str) -> datetime | None:
        """Return when it comes next, later than `instant`; None when it never does."""
        times = CronSim(self, instant.astimezone(zone_of(zone)))
        # Where the clock is put back, a time comes again that has been taken already.
        for local in times:
            found = local.astimezone(UTC)
            if found > instant:
                return found
        return None

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read from a text that cron understands; write as that text."""
        return core_schema.no_info_after_validator_function(
            _checked, core_schema.str_schema(), serialization=core_schema.to_string_ser_schema()
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Describe it to editors."""
        return {
            "type": "string",
            "pattern": r"^\s*\S+(\s+\S+){4}\s*$",
            "examples": ["0 10 * * mon"],
            "description": "minute, hour, day of month, month, weekday",
        }


def _checked(value: str) -> Cron:
    wrong = _wrong(value)
    if wrong is not None:
        raise refusal("schedule", wrong.text, value=repr(value), example=_EXAMPLE)
    return Cron(value)


@lru_cache(maxsize=500)
def _wrong(value: str) -> Said | None:
    """Return what is wrong with a schedule; None when it comes."""
    if len(value.split()) != _FIELDS:
        return _FORM
    try:
        found = Cron(value).next_after(_ANY_TIME, "UTC")
    except CronSimError as error:
        return _BAD.get(str(error), _FORM)
    return None if found is not None else _NEVER


_EXAMPLE: Final = "0 10 * * mon"
_FORM: Final = said(
    "%(value)s is no schedule: write minute, hour, day of month, month and weekday, like %(example)s"
)
_NEVER: Final = said(
    "%(value)s never comes: there is no such day; a schedule is written like %(example)s"
)
_BAD: Final = {
    "Bad minute": said("the minute in %(value)s is not 0 to 59; write it as in %(example)s"),
    "Bad hour": said("the hour in %(value)s is not 0 to 23; write it as in %(example)s"),
    "Bad day-of-month": said(
        "the day in %(value)s is not 1 to 31, or L for the month's last; write it as in %(example)s"
    ),
    "Bad month": said("the month in %(value)s is not 1 to 12; write it as in %(example)s"),
    "Bad day-of-week": said(
        "the weekday in %(value)s is not one of mon to sun; write it as in %(example)s"
    ),
}
