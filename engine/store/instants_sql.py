"""Instants in SQL: those of customers' time zones, and dates that data hold as texts.

PostgreSQL knows clock changes otherwise than the engine, and may know other ones. So nothing is
computed there in a time zone: an instant that something is compared with is computed here for each
zone, and with it the latest local time that does not lie after it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache, lru_cache
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    FromClause,
    Integer,
    Interval,
    Text,
    Time,
    and_,
    case,
    cast,
    column,
    func,
    literal,
    literal_column,
    not_,
    null,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.types import TypeEngine

from engine.model.clock import EARLIEST, LATEST, time_zones
from engine.run.calendar import local

Expression = ColumnElement[Any]

INSTANT: Final = DateTime(timezone=True)
LOCAL: Final = TIMESTAMP(timezone=False)
TICK: Final = timedelta(microseconds=1)
FURTHEST: Final = timedelta(hours=16)
"""Further from UTC no zone's clock has ever been."""


@lru_cache(maxsize=10_000)
def latest_local(instant: datetime, zone: str) -> datetime | None:
    """Return the latest local time in a zone that is not after the instant, None for none.

    As `engine.model.clock.instant_of` has it: of times that occur twice, the first counts.
    """
    if instant >= LATEST:
        return datetime.combine(date.max, time.max)
    if instant <= EARLIEST:
        return datetime.combine(EARLIEST.date(), time.max) if instant == EARLIEST else None
    here = local(instant, zone)
    if not here.fold:
        return here.replace(tzinfo=None)
    # The second time: everything that occurs twice lay before; find where that ends.
    early, late = instant, instant + timedelta(days=1)
    while late - early > TICK:
        middle = early + (late - early) // 2
        if local(middle, zone).fold:
            early = middle
        else:
            late = middle
    return local(early, zone).replace(tzinfo=None)


Told = datetime | Callable[[str], datetime]
"""An instant, or one that differs by zone."""


@cache
def zones() -> tuple[str, ...]:
    """Return every zone that a customer may be in."""
    return tuple(sorted(time_zones()))


class Zones:
    """What has to be known of each zone at one place of a statement: its columns, by what they tell."""

    def __init__(self, default: str) -> None:
        self.default = default
        self._told: dict[str, dict[str, datetime]] = {}
        self._columns: dict[str, tuple[str, TypeEngine[Any], list[Any]]] = {}

    def __bool__(self) -> bool:
        return bool(self._columns)

    def column(self, what: str, of: TypeEngine[Any], told: Callable[[str], Any]) -> Expression:
        """Return the column that tells something of the customer's zone."""
        if what not in self._columns:
            found = [told(zone) for zone in zones()]
            self._columns[what] = (f"z{len(self._columns)}", of, found)
        name = self._columns[what][0]
        return literal_column(f"zones.{name}", of)

    def instant(self, what: str, told: Told) -> Expression:
        """Return an instant: the column with it, where it differs by zone."""
        if isinstance(told, datetime):
            return literal(told, INSTANT)
        return self.column(what, INSTANT, self._by_zone(what, told).__getitem__)

    def _by_zone(self, what: str, told: Callable[[str], datetime]) -> dict[str, datetime]:
        if what not in self._told:
            self._told[what] = {zone: told(zone) for zone in zones()}
        return self._told[what]

    def latest_local(self, what: str, told: Told) -> Expression:
        """Return the column with the latest local time that is not after that instant."""
        if isinstance(told, datetime):
            return self.column(f"local of {what}", LOCAL, lambda zone: latest_local(told, zone))
        by_zone = self._by_zone(what, told)
        return self.column(
            f"local of {what}", LOCAL, lambda zone: latest_local(by_zone[zone], zone)
        )

    def table(self) -> FromClause:
        """Return the zones with these columns."""
        columns = [("zone", Text(), list(zones())), *self._columns.values()]
        arrays = [cast(literal(found, ARRAY(of)), ARRAY(of)) for _, of, found in columns]
        listed = func.unnest(*arrays).table_valued(*(column(name, of) for name, of, _ in columns))
        return listed.render_derived(name="zones")

    def unknown(self) -> Expression:
        """Whether the customer's zone is not among them."""
        return literal_column("zones.zone", Text()).is_(None)


_DAY: Final = (
    "(?!0000)(?!....-(?:02-3|0[2469]-31|11-31))"
    "(?:(?!....-02-29)|(?=..(?:0[48]|[2468][048]|[13579][26])-)|(?=(?:[02468][048]|[13579][26])00-))"
    "[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
)
_HOUR: Final = "(?:[01][0-9]|2[0-3])"
_WRITTEN: Final = (
    f"^{_DAY}(?:[T ]{_HOUR}:[0-5][0-9](?::[0-5][0-9](?:[.,][0-9]+)?)?"
    f"(?:Z|[+-]{_HOUR}:?[0-5][0-9])?)?$"
)
_CLOCK: Final = len("2026-01-31T") + 1
"""Where the time of day begins, by PostgreSQL's counting."""
_FINEST: Final = len("2026-01-31T10:00:00.000000")
"""How much of a local time is read: to the microsecond."""
_ODD: Final = "^(?:[0-9]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2}.|[0-9]{4}-?W[0-9]{2})"
"""How anything else begins that the engine may still read as a date."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A text that may tell a date: at a `local` time, or at an `instant`; both NULL for none.

    It lies between `earliest` and `latest`, which are equal for an instant. `odd`: who knows.
    """

    local: Expression
    instant: Expression
    odd: Expression

    @property
    def earliest(self) -> Expression:
        """The earliest instant that it may be, in whatever zone."""
        return func.coalesce(self.instant, _utc(self.local) - FURTHEST)

    @property
    def latest(self) -> Expression:
        """The latest instant that it may be, in whatever zone."""
        return func.coalesce(self.instant, _utc(self.local) + FURTHEST)

    @property
    def told(self) -> Expression:
        """Whether it is a date at all."""
        return or_(self.local.is_not(None), self.instant.is_not(None))

    def until(self, what: str, told: Told, zones: Zones) -> Expression:
        """Whether it is not after an instant, which may differ by zone; NULL for no date."""
        return case(
            (self.local.is_not(None), self.local <= zones.latest_local(what, told)),
            else_=self.instant <= zones.instant(what, told),
        )

    def days(self) -> list[Expression]:
        """Return the days that it may be on her calendar."""
        day, about = cast(self.local, Date), func.timezone("UTC", self.instant, type_=LOCAL)
        pushed = or_(day.in_(SKIPPED), cast(self.local, Time) >= _LATE)
        first = case(
            (day <= EARLIEST.date(), EARLIEST.date() - _DAYS),
            (day >= LATEST.date(), LATEST.date() - _DAYS),
            else_=cast(func.coalesce(self.local, about - FURTHEST), Date),
        )
        last = case(
            (day <= EARLIEST.date(), EARLIEST.date()),
            (day >= LATEST.date(), LATEST.date()),
            (pushed, cast(self.local + _DAYS, Date)),
            else_=cast(func.coalesce(self.local, about + FURTHEST), Date),
        )
        return [first, cast(func.coalesce(about, first), Date), last]


def _utc(local_time: Expression) -> Expression:
    return func.timezone("UTC", local_time, type_=INSTANT)


_DAYS: Final = timedelta(days=1)
_LATE: Final = time(22)
"""From then on, a clock change may skip a time into the next day."""
SKIPPED: Final = (
    date(1844, 12, 31), date(1867, 10, 18), date(1993, 8, 20), date(1993, 8, 21),
    date(1994, 12, 31), date(1995, 1, 1), date(2011, 12, 30),
)  # fmt: skip
"""Days that a zone has left out."""


def moment(text: Expression, name: str) -> tuple[Moment, list[FromClause]]:
    """Return what a text tells as a date, with what has to be joined for it, in this order."""
    # Cut by position: a pattern with parts is many times slower than one that only fits.
    zoned_at = func.strpos(func.translate(func.substr(text, _CLOCK), "-Z", "++"), "+")
    found = select(
        text.label("text"), text.bool_op("~")(_WRITTEN).label("fits"), zoned_at.label("sign")
    )
    parts = found.correlate_except(None).offset(0).lateral(f"{name}_text")
    told, fits, sign = parts.c.text, parts.c.fits, parts.c.sign
    clock = case((sign > 0, func.left(told, sign + _CLOCK - 2)), else_=told)
    plain = func.translate(func.left(clock, _FINEST), "T,", " .")
    whole = select(
        case((fits, cast(plain, LOCAL))).label("written"),
        case((and_(fits, sign > 0), func.substr(told, sign + _CLOCK - 1))).label("offset"),
        and_(not_(fits), told.bool_op("~")(_ODD)).label("odd"),
    )
    read = whole.correlate_except(None).offset(0).lateral(f"{name}_read")
    zoned = case(
        (read.c.offset.is_(None), null()),
        (cast(read.c.written, Date) <= EARLIEST.date(), EARLIEST),
        (cast(read.c.written, Date) >= LATEST.date(), LATEST),
        else_=_at(read.c.written, read.c.offset),
    )
    made = select(
        case((read.c.offset.is_(None), read.c.written)).label("local"),
        cast(zoned, INSTANT).label("instant"),
        func.coalesce(read.c.odd, literal(False, Boolean)).label("odd"),
    )
    last = made.correlate_except(None).offset(0).lateral(name)
    return Moment(last.c.local, last.c.instant, last.c.odd), [parts, read, last]


def _at(local_time: Expression, offset: Expression) -> Expression:
    """Return the instant of a local time with its offset from UTC."""
    digits = func.translate(offset, "+-:Z", "")
    hours, minutes = (
        cast(func.nullif(two(digits, 2), ""), Integer) for two in (func.left, func.right)
    )
    length = func.make_interval(0, 0, 0, 0, hours, minutes, type_=Interval)
    at = _utc(local_time)
    return case((offset == "Z", at), (offset.like("-%"), at + length), else_=at - length)
