"""For how many customers a condition holds now: looked at, not guessed.

All of a small shop's customers are looked at, each as a run would ask: by the same code, with her
own history. Those of a larger one are counted by one statement while that is quick; when it is not,
a sample is looked at that is always the same.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, assert_never

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from engine.model.clock import EARLIEST
from engine.model.condition import (
    All,
    Anniversary,
    AnyCondition,
    AnyOf,
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
    parts,
)
from engine.model.customer import Customer
from engine.run.conditions import holds
from engine.run.world import MemoryWorld
from engine.store import catalogue as catalogues
from engine.store import conditions_sql, samples
from engine.store.catalogue import Catalogue
from engine.store.samples import Known
from engine.store.session import Database

MOST: Final = 1000
"""Customers that are looked at."""
PATIENCE: Final = 1.0
"""Seconds after which no more customers are looked at."""
COUNTING: Final = 0.6
"""Seconds after which everybody is not counted any more, but a sample is looked at."""

EXAMPLES: Final = 10
"""Of so many of those for whom a condition holds, it is told who they are."""

_AT_ONCE: Final = 100
_TOO_LONG: Final = "57014"
"""PostgreSQL's code for a statement that was stopped."""
_ZONES: Final = timedelta(days=2)
"""By how much a length of time may differ from one time zone to another, and more."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """How many of the customers that were looked at a condition holds for.

    `wanted` were to be looked at; there are `total` of them in the shop. `examples` are the first
    few that it holds for. Where everybody was counted, all were looked at.
    """

    matching: int
    looked: int
    wanted: int
    total: int
    examples: tuple[Customer, ...] = ()

    @property
    def share(self) -> float:
        """The share of those looked at, from 0 to 1."""
        return self.matching / self.looked if self.looked else 0.0


def unknowable(condition: AnyCondition, *, of_event: bool = False) -> bool:
    """Whether a condition asks what only a run knows: its event, its steps, its messages.

    `of_event`: it is about events of the customer's past, and properties are theirs.
    """
    match condition:
        case All(all=several) | AnyOf(any=several):
            return any(unknowable(part, of_event=of_event) for part in several)
        case Not(not_=inner):
            return unknowable(inner, of_event=of_event)
        case PropertyIs():
            return not of_event
        case StepWas() | ResultIs():
            return True
        case EventHappened(where=where) | EventValue(where=where):
            inside = where is not None and unknowable(where, of_event=True)
            return inside or condition.message is not None
        case TraitIs() | Anniversary() | InSegment() | Reachable() | Subscribed():
            return False
        case _:
            assert_never(condition)


def sample(
    database: Database,
    condition: AnyCondition,
    *,
    patience: float = PATIENCE,
    now: datetime | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Sampled:
    """Count everybody, or look at customers one after the other until the patience has an end."""
    now = now or datetime.now(UTC)
    with database.read() as connection:
        shop = catalogues.current(database, connection)
        _limit(connection, patience)
        looker = _Looker(connection, shop, condition, now)
        total = wanted = 0
        try:
            total = samples.total(connection)
            if total > MOST and not _fading(condition, shop):
                _limit(connection, COUNTING)
                if (counted := _count(connection, shop, condition, now)) is not None:
                    return counted
                _limit(connection, patience)
            until = clock() + patience
            drawn = samples.draw(connection, MOST, total)
            wanted = len(drawn)
            for first in range(0, wanted, _AT_ONCE):
                looker.look(drawn[first : first + _AT_ONCE])
                left = until - clock()
                if left <= 0:
                    break
                _limit(connection, left)
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != _TOO_LONG:
                raise
    return Sampled(looker.matching, looker.looked, wanted, total, tuple(looker.examples))


def _fading(condition: AnyCondition, shop: Catalogue) -> bool:
    """Whether it asks for what fades as time passes: what is stored of it may be old."""
    derivation = shop.derivation
    scores = [id for id, score in derivation.scores.items() if score.half_life is not None]
    faded = derivation.dependents(scores)
    return any(
        isinstance(part, TraitIs) and part.trait.partition(".")[0] in faded
        for part in _asked(condition, shop.segments)
    )


def _count(
    connection: Connection, shop: Catalogue, condition: AnyCondition, now: datetime
) -> Sampled | None:
    """Count everybody; None when that takes too long, or cannot be told of somebody in SQL."""
    try:
        with connection.begin_nested():
            row = connection.execute(conditions_sql.count(condition, now=now, shop=shop)).one()
            if row.unsure:
                return None
            some = conditions_sql.inside(condition, now=now, shop=shop).limit(EXAMPLES)
            ids = [one.customer_id for one in connection.execute(some)]
            examples = tuple(one.customer for one in samples.of(connection, ids))
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != _TOO_LONG:
            raise
        return None
    return Sampled(row.matching, row.total, row.total, row.total, examples)


_TIMEOUT = text("SELECT set_config('statement_timeout', :limit, true)")


def _limit(connection: Connection, seconds: float) -> None:
    connection.execute(_TIMEOUT, {"limit": f"{max(1, round(seconds * 1000))}ms"})


class _Looker:
    """Asks customers of whom a condition holds, many at a time."""

    def __init__(
        self, connection: Connection, catalogue: Catalogue, condition: AnyCondition, now: datetime
    ) -> None:
        self.matching = self.looked = 0
        self.examples: list[Customer] = []
        self._connection = connection
        self._catalogue = catalogue
        self._condition = condition
        self._now = now
        asked = _asked(condition, catalogue.segments)
        self._since = _since(asked, now)
        self._properties = _properties(asked)

    def look(self, some: Sequence[Known]) -> None:
        """Look at these customers, with what they have done."""
        ids = [one.customer.id for one in some]
        pasts = samples.pasts(self._connection, ids, self._since, self._properties)
        shop = self._catalogue
        for one in some:
            world = MemoryWorld(
                now=self._now,
                seq=one.seq,
                zone=one.customer.time_zone or shop.workspace.time_zone,
                customer=one.customer,
                history=pasts[one.customer.id],
                segments=shop.segments,
                topics=shop.topics,
                thresholds=shop.thresholds,
            )
            matches = holds(self._condition, world)
            self.matching += matches
            self.looked += 1
            if matches and len(self.examples) < EXAMPLES:
                self.examples.append(one.customer)


def _asked(condition: AnyCondition, segments: Mapping[str, AnyCondition]) -> list[AnyCondition]:
    """Return everything that a condition is made of, the rules of segments too."""
    found: list[AnyCondition] = []
    seen: set[str] = set()
    to_ask = [condition]
    while to_ask:
        for part in parts(to_ask.pop()):
            found.append(part)
            if isinstance(part, InSegment) and part.segment not in seen:
                seen.add(part.segment)
                if (rule := segments.get(part.segment)) is not None:
                    to_ask.append(rule)
    return found


def _since(asked: Sequence[AnyCondition], now: datetime) -> dict[str, datetime]:
    """Return which events are asked for, by name, and how far back."""
    found: dict[str, datetime] = {}
    for part in asked:
        if isinstance(part, EventHappened | EventValue):
            since = EARLIEST
            if part.within is not None:
                since = max(EARLIEST, part.within.before(now, "UTC") - _ZONES)
            found[part.event] = min(found.get(part.event, since), since)
    return found


def _properties(asked: Sequence[AnyCondition]) -> list[str]:
    """Return which properties of events are asked for; `a.b` may be a name, or lie inside `a`."""
    names: set[str] = set()
    for part in asked:
        if isinstance(part, EventValue):
            names.add(part.aggregate[1])
        elif isinstance(part, PropertyIs):
            names.add(part.property)
    return sorted(names | {name.partition(".")[0] for name in names})
