"""Conditions asked of all customers at once, in one statement.

What it means is what `engine.run.conditions` means, which asks one customer.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, assert_never

from sqlalchemy import (
    CTE,
    Date,
    FromClause,
    Integer,
    Interval,
    Select,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    true,
)

from engine.model.clock import EARLIEST, LATEST
from engine.model.condition import (
    Aggregate,
    All,
    Anniversary,
    AnyCondition,
    AnyOf,
    Comparison,
    EventHappened,
    EventValue,
    InSegment,
    Not,
    PropertyIs,
    Reachable,
    ResultIs,
    StepWas,
    Subscribed,
    TraitIs,
    TraitTimes,
)
from engine.model.duration import Duration
from engine.run.calendar import local
from engine.run.conditions import AT_LEAST_ONE, DEEPEST
from engine.run.crossing import UNEVEN, by_calendar, next_stretch
from engine.store import tables
from engine.store.catalogue import Catalogue
from engine.store.comparing_sql import (
    TIMED,
    Asked,
    Clock,
    as_old_as,
    compared,
    either,
    every,
    first_of,
    lasts,
    negated,
    sure,
)
from engine.store.counting_sql import ZERO_OF_NONE, leaving, made_of, often_enough, over
from engine.store.instants_sql import FURTHEST, INSTANT, LOCAL, Expression, Moment, Zones, moment
from engine.store.reach_sql import reachable, subscribed
from engine.store.values_sql import (
    MISSING,
    ZERO,
    look_up,
    text_of,
    writable,
)


def everybody(condition: AnyCondition, *, now: datetime, shop: Catalogue) -> Select[Any]:
    """Return each customer's `customer_id`, `seq`, whether she is `inside`, and `next_change_at`.

    That may be too early, but not too late, and is NULL when time alone cannot change anything.
    Where `unsure` holds, the statement cannot tell: she has to be asked by herself, and is due now.
    """
    place, asked = _asked(condition, now, shop)
    at = literal(now, INSTANT)
    unsure = asked.odd if asked.odd is not None else false()
    if asked.due is None:
        due: Expression = cast(null(), INSTANT)
    else:
        due = case((asked.due < LATEST, func.greatest(asked.due, at)))
    who = place.who
    return (
        select(
            who.c.id.label("customer_id"),
            who.c.seq,
            asked.holds.label("inside"),
            case((unsure, at), else_=due).label("next_change_at"),
            unsure.label("unsure"),
        )
        .select_from(place.joined())
        .where(who.c.merged_into.is_(None))
    )


def inside(condition: AnyCondition, *, now: datetime, shop: Catalogue) -> Select[Any]:
    """Return the `customer_id` of all for whom it holds; of some it may be `unsure`."""
    place, asked = _asked(condition, now, shop)
    unsure = asked.odd if asked.odd is not None else false()
    who = place.who
    found = select(who.c.id.label("customer_id"), unsure.label("unsure"))
    return found.select_from(place.joined()).where(
        who.c.merged_into.is_(None), or_(asked.holds, unsure)
    )


def count(condition: AnyCondition, *, now: datetime, shop: Catalogue) -> Select[Any]:
    """Return for how many it holds (`matching`), for how many that is `unsure`, and of how many."""
    place, asked = _asked(condition, now, shop)
    unsure = asked.odd if asked.odd is not None else false()
    figures: tuple[Expression, ...] = (
        func.count().filter(and_(asked.holds, not_(unsure))).label("matching"),
        func.count().filter(unsure).label("unsure"),
        func.count().label("total"),
    )
    return select(*figures).select_from(place.joined()).where(place.who.c.merged_into.is_(None))


def _asked(condition: AnyCondition, now: datetime, shop: Catalogue) -> tuple["_Place", Asked]:
    place = _Place(_Statement(now, shop))
    asked = place.asked(condition, _Within())
    if place.zones:
        asked = replace(asked, odd=either(asked.odd, place.zones.unknown()))
    return place, asked


Plain = (
    TraitIs
    | PropertyIs
    | ResultIs
    | EventHappened
    | EventValue
    | Anniversary
    | StepWas
    | Reachable
    | Subscribed
)


@dataclass(frozen=True, slots=True)
class _Within:
    """In what a condition stands: segments by name, and events whose properties it may ask for."""

    segments: tuple[str, ...] = ()
    of_event: bool = False


@dataclass(slots=True)
class _Statement:
    """What a whole statement shares; events that are asked for twice are read once."""

    now: datetime
    shop: Catalogue
    events: dict[str, CTE] = field(default_factory=dict)


class _Place:
    """A SELECT whose rows are customers, or events of theirs, with what is joined to it."""

    def __init__(self, statement: _Statement, event: FromClause | None = None) -> None:
        self.statement = statement
        self.event = event
        self.who = tables.customer.alias("who")
        self.zones = Zones(statement.shop.workspace.time_zone)
        self.clock = Clock(statement.now, self.zones)
        self.needs_customer = event is None
        self._joins: list[tuple[FromClause, Expression, bool]] = []
        self._moments: dict[str, Moment] = {}

    # What rows are made of

    def joined(self) -> FromClause:
        """Return what is selected from."""
        who = self.who
        found: FromClause = who
        if self.event is not None:
            found = self.event
            if self.needs_customer or self.zones:
                found = found.join(who, who.c.id == self.event.c.customer_id)
        if self.zones:
            zones = self.zones.table()
            zone = func.coalesce(func.nullif(who.c.time_zone, ""), self.zones.default)
            found = found.outerjoin(zones, zones.c.zone == zone)
        for joined, on, whole in self._joins:
            found = found.join(joined, on) if whole else found.outerjoin(joined, on)
        return found

    def customer(self) -> FromClause:
        """Return the customer, who is joined then."""
        self.needs_customer = True
        return self.who

    def happened(self, events: CTE) -> CTE:
        """Return what came of events of the customer, joined once."""
        if all(joined is not events for joined, _, _ in self._joins):
            customer = self.who.c.id if self.event is None else self.event.c.customer_id
            self._joins.append((events, events.c.customer_id == customer, False))
        return events

    def moment(self, value: Expression, key: str) -> Moment:
        """Return what a value tells as a date, read once."""
        if key not in self._moments:
            found, joins = moment(text_of(value), f"at{len(self._moments)}")
            self._moments[key] = found
            self._joins += [(one, true(), True) for one in joins]
        return self._moments[key]

    # Conditions

    def asked(self, condition: AnyCondition, within: _Within) -> Asked:
        """Return what a condition asks of a row."""
        match condition:
            case All():
                return self.every([self.asked(part, within) for part in condition.all])
            case AnyOf():
                denied = [negated(self.asked(part, within)) for part in condition.any]
                return negated(self.every(denied))
            case Not():
                return negated(self.asked(condition.not_, within))
            case InSegment(segment=name):
                return self.segment(name, within)
            case _:
                return self.plain(condition, within)

    def plain(self, condition: Plain, within: _Within) -> Asked:
        """Return what a condition asks that is not made of others."""
        match condition:
            case TraitIs(trait=name):
                return self.compared(condition, self.trait(name), f"trait {name}")
            case PropertyIs(property=name):
                value = self.property(name) if within.of_event else MISSING
                return self.compared(condition, value, f"property {within.of_event} {name}")
            case ResultIs():
                return self.compared(condition, MISSING, "nothing")
            case EventHappened():
                return self.how_often(condition, within)
            case EventValue():
                return self.came_to(condition, within)
            case Anniversary():
                return self.returns(condition)
            case StepWas():
                return Asked(false())
            case Reachable(reachable=channel):
                return Asked(reachable(self.customer(), channel))
            case Subscribed():
                topic = self.statement.shop.topic(condition.subscribed)
                return Asked(subscribed(self.customer(), topic, condition.channel))
            case _:
                assert_never(condition)

    def segment(self, name: str, within: _Within) -> Asked:
        """Return whether the customer is in a segment; who is in a circle of them, Python may say."""
        rule = self.statement.shop.segments.get(name)
        if rule is None or len(within.segments) >= DEEPEST:
            return Asked(false())
        if name in within.segments:
            return Asked(false(), odd=true())
        return self.asked(rule, _Within((*within.segments, name)))

    def trait(self, name: str) -> Expression:
        """Return a trait of the customer."""
        who = self.customer()
        return look_up([who.c.derived, who.c.traits], name)

    def property(self, name: str) -> Expression:
        """Return a property of the event."""
        assert self.event is not None  # noqa: S101 - who stands in no event has no property
        return look_up([self.event.c.properties], name)

    def compared(self, comparison: Comparison, value: Expression, key: str) -> Asked:
        """Return whether a value satisfies every operator."""
        ranks = dict(comparison.ranks()) if isinstance(comparison, TraitIs) else {}
        parts = []
        for name, operand in comparison.operators:
            if name in ranks and isinstance(comparison, TraitIs):
                threshold = self.statement.shop.thresholds.get((comparison.trait, ranks[name]))
                parts.append(Asked(compared(name, threshold, value)))
            elif name not in TIMED:
                parts.append(Asked(compared(name, operand, value)))
            elif isinstance(operand, TraitTimes):
                told, at = self.trait(operand.trait), self.moment(value, key)
                parts.append(as_old_as(operand, told, at, self.statement.now))
            else:
                parts.append(self.clock.dated(name, operand, self.moment(value, key)))
        return self.every(parts)

    def every(self, parts: list[Asked]) -> Asked:
        """Return what holds when all of these do."""
        if len(parts) == 1 or all(part.due is None for part in parts):
            return every(parts)
        # Whether each holds is asked for itself and for when it changes: it is computed once.
        return every(
            [
                replace(part, holds=holds, due=due)
                for part in parts
                for holds, due in [self.computed(part.holds, part.due)]
            ]
        )

    def computed(self, *asked: Expression | None) -> list[Any]:
        """Return columns that hold these, each computed once for a row; None stays None."""
        told = [one for one in asked if one is not None]
        columns = [one.label(f"c{n}") for n, one in enumerate(told)]
        name = f"computed_{len(self._joins)}"
        made = select(*columns).correlate_except(None).offset(0).lateral(name)
        self._joins.append((made, true(), True))
        found = iter(made.c)
        return [None if one is None else next(found) for one in asked]

    # Events

    def how_often(self, condition: EventHappened, within: _Within) -> Asked:
        """Return whether she has had such events so often."""
        often = condition.count or AT_LEAST_ONE
        if condition.message is not None or not writable(condition.event):
            return Asked(true() if often.holds(0) else false())
        found = self.happened(_events(self.statement, condition, within))
        n, now = func.coalesce(found.c.n, 0), self.statement.now
        due = first_of(found.c.otherwise, *leaving(now, condition.within, often, found))
        return Asked(often_enough(often, n), due, sure(found.c.odd))

    def came_to(self, condition: EventValue, within: _Within) -> Asked:
        """Return whether what a property comes to compares so."""
        made = condition.aggregate[0]
        nothing = ZERO if made in ZERO_OF_NONE else MISSING
        if condition.message is not None or not writable(condition.event):
            return self.compared(condition, nothing, made)
        found = self.happened(_events(self.statement, condition, within))
        value = func.coalesce(found.c.value, nothing) if made in ZERO_OF_NONE else found.c.value
        asked = self.compared(condition, value, f"value {found.name}")
        ending: Iterator[Expression] = iter(())
        if condition.within is not None:
            ending = over(self.statement.now, condition.within, found.c.first_at, found)
        due = first_of(asked.due, found.c.otherwise, *ending)
        return Asked(asked.holds, due, either(asked.odd, sure(found.c.odd)))

    # The calendar

    def returns(self, condition: Anniversary) -> Asked:
        """Return whether the yearly return of a date is today, or comes soon."""
        name, within, now = condition.anniversary, condition.within, self.statement.now
        at = self.moment(self.trait(name), f"trait {name}")
        today = self.zones.column("today", Date(), lambda zone: local(now, zone).date())
        until = self.zones.latest_local(f"{within} after", lambda zone: within.after(now, zone))
        days = self.computed(*(self._return(day, today) for day in self.computed(*at.days())))
        near = [sure(cast(day, LOCAL) <= until) for day in days]
        begins = func.timezone("UTC", cast(func.least(*days), LOCAL), type_=INSTANT) - FURTHEST
        ends = self.zones.instant("next day", lambda zone: next_stretch(now, zone))
        is_today = or_(*(day == today for day in days))
        comes = begins - (within.at_most + 3 * UNEVEN) if lasts(within) else literal(now, INSTANT)
        due = case((is_today, ends), (near[0], begins), else_=comes)
        odd = either(sure(at.odd), *(near[0] != other for other in near[1:]))
        return Asked(near[0], case((at.told, due)), odd)

    @staticmethod
    def _return(born: Expression, today: Expression) -> Expression:
        """Return the day of the next return of a day."""
        years = cast(func.extract("year", today) - func.extract("year", born), Integer)

        def in_year(more: int) -> Expression:
            return cast(born + func.make_interval(years + more, type_=Interval), Date)

        first = func.greatest(born, today)
        return case(
            *((in_year(more) >= first, in_year(more)) for more in (0, 1)), (born > today, born)
        )


# Events


def _events(statement: _Statement, condition: EventHappened | EventValue, within: _Within) -> CTE:
    """Return what came of the events that are meant, by customer; read once for a statement."""
    aggregate = condition.aggregate if isinstance(condition, EventValue) else None
    where = condition.where.document() if condition.where is not None else None
    key = json.dumps(
        [condition.event, where, condition.within, aggregate, within.segments], default=str
    )
    if key not in statement.events:
        made = _Events(statement, condition, within).made(aggregate)
        statement.events[key] = made.cte(f"events_{len(statement.events)}")
    return statement.events[key]


class _Events:
    """Reads the events of a condition."""

    def __init__(
        self, statement: _Statement, condition: EventHappened | EventValue, within: _Within
    ) -> None:
        self.now = statement.now
        self.event = tables.event.alias("happened")
        self.place = _Place(statement, self.event)
        self.read = [self.event.c.name == condition.event]
        self.meant: list[Expression] = []
        self.window: list[Expression] = []
        self.back: Expression = false()
        self.otherwise: Expression = cast(null(), INSTANT)
        self.odd: Expression | None = None
        if condition.where is not None:
            self._only(self.place.asked(condition.where, replace(within, of_event=True)))
        if condition.within is not None:
            self._since(condition.within)

    def _only(self, asked: Asked) -> None:
        if asked.due is None and asked.odd is None:
            self.read.append(asked.holds)
            return
        self.meant.append(asked.holds)
        self.odd = asked.odd
        if asked.due is not None:
            self.otherwise = func.min(asked.due)

    def _since(self, length: Duration) -> None:
        at = self.event.c.occurred_at
        if not by_calendar(length):
            self.read.append(at > length.before(self.now, "UTC"))
            return
        # By the calendar of a zone, and of those that are out some may be taken in again.
        since = self.place.zones.instant(f"{length} before", self.place.clock.before(length))
        room = UNEVEN + timedelta(days=2)
        first = max(length.before(self.now, "UTC"), EARLIEST + 2 * room) - 2 * room
        self.read.append(at > first)
        self.window.append(at > since)
        self.back = and_(at <= since, at > since - room)

    def made(self, aggregate: tuple[Aggregate, str] | None) -> Select[Any]:
        """Return the statement."""
        event, place = self.event, self.place
        of = [*self.meant]
        value: list[Expression] = []
        if aggregate is not None:
            told = place.property(aggregate[1])
            value = [made_of(aggregate[0], told, event, [*of, *self.window]).label("value")]
            of.append(told.is_not(None))
        inside = and_(true(), *of, *self.window)
        odd = either(self.odd, place.zones.unknown() if place.zones else None)
        found = select(
            event.c.customer_id,
            func.count().filter(inside).label("n"),
            func.min(event.c.occurred_at).filter(inside).label("first_at"),
            func.max(event.c.occurred_at).filter(inside).label("last_at"),
            func.bool_or(and_(self.back, *of)).label("back"),
            cast(self.otherwise, INSTANT).label("otherwise"),
            (func.bool_or(sure(odd)) if odd is not None else false()).label("odd"),
            *value,
        )
        return found.select_from(place.joined()).where(*self.read).group_by(event.c.customer_id)
