"""What is computed of one customer, told with where it comes from; and how traits are spread."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, TextClause, text

from engine.model.trait import AnyTrait, EventTrait, Score
from engine.run import scoring
from engine.run.deriving import Derivation
from engine.store import definitions, samples

_LAST_CHANGES: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputedTrait:
    """A computed trait of a customer: its definition, her value, and what it is computed of.

    `events` is of how many of her events with that name, None for a trait made of others; `as_of` is
    when the last of them happened.
    """

    trait: AnyTrait
    value: Any
    events: int | None
    as_of: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An event that changed a score, and by how many points."""

    at: datetime
    event: str
    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerScore:
    """A score of a customer as it is now, with its last changes, newest first."""

    score: Score
    value: int
    changed_at: datetime | None
    changes: tuple[Change, ...]


_ONE = text(
    "SELECT derived, scored, time_zone, clock_timestamp() AS clock FROM customer WHERE id = :id"
)
_COUNTED = text("""
SELECT name, count(*) AS n, max(occurred_at) AS last FROM event
WHERE customer_id = :id AND name = ANY(:names) GROUP BY name
""")
_LATEST = text("""
SELECT name, occurred_at, properties FROM event WHERE customer_id = :id AND name = ANY(:names)
ORDER BY occurred_at DESC, seq DESC LIMIT 200
""")


def of_customer(
    connection: Connection, customer: UUID
) -> tuple[list[ComputedTrait], list[CustomerScore]]:
    """Return everything that is computed of a customer, as it is now."""
    derivation = definitions.for_reading(connection)
    row = connection.execute(_ONE, {"id": customer}).one()
    derived = derivation.fresh(row.derived, row.scored, row.clock)
    names = sorted({trait.event for trait in derivation.of_events})
    counted = {
        one.name: (one.n, one.last)
        for one in connection.execute(_COUNTED, {"id": customer, "names": names})
    }
    traits = []
    for trait in derivation.traits.values():
        events, last = (
            counted.get(trait.event, (0, None)) if isinstance(trait, EventTrait) else (None, None)
        )
        value = derived.get(trait.id)
        traits.append(ComputedTrait(trait=trait, value=value, events=events, as_of=last))
    changes = _changes(connection, derivation, customer, row.time_zone or "UTC")
    scores = []
    for id, score in derivation.scores.items():
        points = derivation.points(row.scored, id)
        scores.append(
            CustomerScore(
                score=score,
                value=scoring.value(score, points, row.clock),
                changed_at=points.at if points is not None else None,
                changes=tuple(changes[id]),
            )
        )
    return traits, scores


def _changes(
    connection: Connection, derivation: Derivation, customer: UUID, zone: str
) -> dict[str, list[Change]]:
    found: dict[str, list[Change]] = {id: [] for id in derivation.scores}
    names = sorted(derivation.scores_by_event)
    for row in connection.execute(_LATEST, {"id": customer, "names": names}) if names else ():
        for score in derivation.scores_by_event[row.name]:
            points = scoring.brought(score, row.name, row.properties, zone)
            if points and len(found[score.id]) < _LAST_CHANGES:
                change = Change(at=row.occurred_at, event=row.name, points=points)
                found[score.id].append(change)
    return found


_MOST_LOOKED_AT: Final = 50_000
"""Of more customers than this, so many are looked at, and the figures are about right."""
_TOLD = text("""
SELECT key AS name, count(*) AS customers FROM (
    SELECT traits FROM customer WHERE merged_into IS NULL LIMIT :most
) AS looked CROSS JOIN LATERAL jsonb_object_keys(looked.traits) AS key
GROUP BY key ORDER BY count(*) DESC, key LIMIT 200
""")
_HAVING = text("""
SELECT key AS name, count(*) AS customers FROM (
    SELECT derived FROM customer WHERE merged_into IS NULL LIMIT :most
) AS looked CROSS JOIN LATERAL jsonb_each(looked.derived) AS one (key, value)
WHERE value <> '0' GROUP BY key
""")


def told(connection: Connection) -> dict[str, int]:
    """Return how many customers have each trait that was told, the most frequent first."""
    return _counted(connection, _TOLD)


def having(connection: Connection) -> dict[str, int]:
    """Return how many customers have each computed trait, and each score, above nothing."""
    return _counted(connection, _HAVING)


def _counted(connection: Connection, query: TextClause) -> dict[str, int]:
    times = max(1.0, samples.total(connection) / _MOST_LOOKED_AT)
    rows = connection.execute(query, {"most": _MOST_LOOKED_AT})
    return {row.name: round(row.customers * times) for row in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How a trait's values are spread: the most frequent ones, or numbers in equal steps."""

    bars: tuple[tuple[str, int], ...]
    customers: int
    numbers: bool = False


_NUMBERS = text("""
WITH v AS (
    SELECT CAST(derived ->> :name AS float8) AS v FROM (
        SELECT derived FROM customer WHERE merged_into IS NULL LIMIT :most
    ) AS looked WHERE jsonb_typeof(derived -> :name) = 'number'
), r AS (
    SELECT floor(min(v)) AS low, percentile_cont(0.98) WITHIN GROUP (ORDER BY v) AS high,
        count(*) AS n
    FROM v
), b AS (
    SELECT low, n, CASE WHEN high - low < :steps THEN high
                        ELSE low + :steps * ceil((high - low) / :steps) END AS high
    FROM r
)
SELECT b.low, b.high, b.n, width_bucket(v, b.low, b.high, :steps) AS step, count(*) AS customers
FROM v, b WHERE b.high > b.low GROUP BY 1, 2, 3, 4 ORDER BY 4
""")
_VALUES = text("""
SELECT derived ->> :name AS value, count(*) AS customers FROM (
    SELECT derived FROM customer WHERE merged_into IS NULL LIMIT :most
) AS looked WHERE derived -> :name IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 13
""")
_STEPS: Final = 12


def spread(connection: Connection, name: str) -> Spread:
    """Return how a computed trait or a score is spread over the customers."""
    given = {"name": name, "most": _MOST_LOOKED_AT}
    values = connection.execute(_VALUES, given).all()
    rows = (
        connection.execute(_NUMBERS, {**given, "steps": _STEPS}).all()
        if len(values) > _STEPS
        else []
    )
    if rows:
        low, high, n = rows[0].low, rows[0].high, rows[0].n
        width = (high - low) / _STEPS
        counted = {min(row.step, _STEPS + 1): row.customers for row in rows}
        bars = [
            (f"{low + width * step:.6g}", counted.get(step + 1, 0)) for step in range(_STEPS + 1)
        ]
        return Spread(bars=tuple(bars), customers=n, numbers=True)
    bars = [(row.value, row.customers) for row in values[:_STEPS]]
    return Spread(bars=tuple(bars), customers=sum(n for _, n in bars))
