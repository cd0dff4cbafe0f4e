"""How large segments are and were, who is in them, and who comes and goes."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal, get_args
from uuid import UUID

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from engine.errors import NotFound
from engine.model.opening import SEGMENT_ENTERED, SEGMENT_LEFT
from engine.store import search
from engine.store.paging import Page, limited, page, read_cursor
from engine.store.session import Database

Sort = Literal["name", "size", "change"]
SORTS: Final[tuple[Sort, ...]] = get_args(Sort)

PATIENCE: Final = 1.5
"""Seconds after which a look at very many customers is given up: the page does without it."""

_TOO_LONG: Final = "57014"
"""PostgreSQL's code for a statement that was stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """A segment with its size now, and at the last look of earlier days.

    `before` and `long_before` are the sizes 7 and 30 days ago, where they are known; `series` the
    sizes of the last 30 days that have one. While it is `building`, `applied` of `total` are done.
    """

    id: str
    name: str
    rule: dict[str, Any]
    state: str
    updated_at: datetime
    built_at: datetime | None
    total: int
    applied: int
    size: int
    before: int | None
    long_before: int | None
    series: tuple[tuple[date, int], ...]


# The size of a day is that of its last look; of a day without one, the one before it holds.
_POPULATIONS = """
SELECT s.id, s.name, s.rule, s.state, s.updated_at, s.built_at, s.total, s.applied,
       (SELECT count(*) FROM membership m WHERE m.segment_id = s.id AND m.inside) AS size,
       (SELECT z.size FROM segment_size z WHERE z.segment_id = s.id AND z.day <= :today - 7
        ORDER BY z.day DESC LIMIT 1) AS before,
       (SELECT z.size FROM segment_size z WHERE z.segment_id = s.id AND z.day <= :today - 30
        ORDER BY z.day DESC LIMIT 1) AS long_before,
       (SELECT jsonb_agg(jsonb_build_array(z.day, z.size) ORDER BY z.day) FROM segment_size z
        WHERE z.segment_id = s.id AND z.day > :today - 30) AS series
FROM segment s WHERE {which} ORDER BY {order} LIMIT 500
"""
_ORDERS: Final[dict[Sort, str]] = {
    "name": "lower(name), id",
    "size": "size DESC, lower(name), id",
    "change": "abs(size - before) DESC NULLS LAST, lower(name), id",
}


def populations(
    connection: Connection, today: date, *, q: str = "", sort: Sort = "name"
) -> list[Population]:
    """List the segments, those whose name or id has `q` in it."""
    q = q.strip().replace("\0", "")
    like = "%" + q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    listed = _POPULATIONS.format(which="s.name ILIKE :like OR s.id ILIKE :like", order="s.id")
    ordered = text(f"SELECT * FROM ({listed}) AS listed ORDER BY {_ORDERS[sort]}")  # noqa: S608 - constants
    return [_population(row) for row in connection.execute(ordered, {"like": like, "today": today})]


def population(connection: Connection, segment: str, today: date) -> Population:
    """Return one segment with its size, or raise `NotFound`."""
    one = text(_POPULATIONS.format(which="s.id = :id", order="s.id"))
    row = connection.execute(one, {"id": segment, "today": today}).one_or_none()
    if row is None:
        raise NotFound(f"There is no segment {segment!r}.")
    return _population(row)


def _population(row: Any) -> Population:
    series = tuple((date.fromisoformat(day), size) for day, size in row.series or ())
    return Population(
        id=row.id,
        name=row.name,
        rule=row.rule,
        state=row.state,
        updated_at=row.updated_at,
        built_at=row.built_at,
        total=row.total,
        applied=row.applied,
        size=row.size,
        before=row.before,
        long_before=row.long_before,
        series=series,
    )


_UPDATED = text("SELECT updated_at FROM segment WHERE id = :id")


def updated_at(connection: Connection, segment: str) -> datetime | None:
    """Return when a segment was saved last; None when there is none."""
    found: datetime | None = connection.execute(_UPDATED, {"id": segment}).scalar()
    return found


_FIGURES = text("""
SELECT s.id, s.state,
       (SELECT count(*) FROM membership m WHERE m.segment_id = s.id AND m.inside) AS size
FROM segment s WHERE s.id = ANY(:ids)
""")


def figures(connection: Connection, segments: Collection[str]) -> dict[str, dict[str, Any]]:
    """Return the `size` and `state` of these segments, by their id."""
    rows = connection.execute(_FIGURES, {"ids": [*segments]})
    return {row.id: {"size": row.size, "state": row.state} for row in rows}


_SIZES = text("""
SELECT day, size FROM segment_size WHERE segment_id = :segment AND day >= :since ORDER BY day
""")


def sizes(connection: Connection, segment: str, since: date) -> list[tuple[date, int]]:
    """Return how large the segment was on each day since one, where somebody looked."""
    rows = connection.execute(_SIZES, {"segment": segment, "since": since})
    return [(row.day, row.size) for row in rows]


# Both sides come in the order of the customers from the same index.
_OVERLAP = text("""
SELECT o.segment_id AS id, s.name, count(*) AS shared
FROM membership m JOIN membership o ON o.customer_id = m.customer_id AND o.inside
JOIN segment s ON s.id = o.segment_id
WHERE m.segment_id = :segment AND m.inside AND o.segment_id <> :segment
GROUP BY o.segment_id, s.name ORDER BY shared DESC, s.name LIMIT :most
""")


def overlap(
    database: Database, segment: str, *, most: int = 12, patience: float = PATIENCE
) -> list[tuple[str, str, int]] | None:
    """Return of other segments (id, name) how many of this one's customers are in them, too.

    None when that takes too long.
    """
    given = {"segment": segment, "most": most}
    found = _patiently(database, _OVERLAP, given, patience)
    return None if found is None else [(row.id, row.name, row.shared) for row in found]


def _patiently(
    database: Database, statement: Any, given: dict[str, Any], patience: float
) -> Sequence[Any] | None:
    limit = text("SELECT set_config('statement_timeout', :limit, true)")
    with database.read() as connection:
        connection.execute(limit, {"limit": f"{max(1, round(patience * 1000))}ms"})
        try:
            return connection.execute(statement, given).all()
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != _TOO_LONG:
                raise
            return None


_MEMBERS = """
SELECT m.customer_id, m.since, m.next_change_at
FROM membership m JOIN customer c ON c.id = m.customer_id
WHERE m.segment_id = :segment AND m.inside AND {which}
ORDER BY m.customer_id DESC LIMIT :most
"""


def members(
    connection: Connection, segment: str, q: str = "", *, limit: int = 50, cursor: str | None = None
) -> Page:
    """List the customers of a segment, those who came to the shop last first.

    Each is a whole customer, with `since` when she is inside and when time alone may change that
    (`next_change_at`). `q` is how a name, address or number of hers begins.
    """
    limit, wheres = limited(limit), ["true"]
    given: dict[str, Any] = {"segment": segment, "most": limit + 1}
    if q := q.strip().replace("\0", ""):
        wheres.append(search.MATCHES)
        given |= search.beginning(q)
    if cursor is not None:
        wheres.append("m.customer_id < :after")
        given["after"] = read_cursor(cursor, UUID)[0]
    rows = connection.execute(text(_MEMBERS.format(which=" AND ".join(wheres))), given).all()
    whole = search.some(connection, [row.customer_id for row in rows[:limit]])
    items = [
        {**whole[row.customer_id], "since": row.since, "next_change_at": row.next_change_at}
        for row in rows[:limit]
        if row.customer_id in whole
    ]
    return page(rows, limit, items, "customer_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A customer who has entered or left a segment, or whom time alone may make do so."""

    customer: UUID
    traits: dict[str, Any]
    addresses: dict[str, Any]
    at: datetime
    inside: bool


# Backwards from now, and no further than `since`: entering and leaving is frequent or rare.
_LATELY = text("""
SELECT e.customer_id, e.occurred_at AS at, e.name = :entered AS inside, c.traits, c.addresses
FROM event e JOIN customer c ON c.id = e.customer_id
WHERE e.received_at > :since AND e.name IN (:entered, :left)
  AND e.properties ->> 'segment' = :segment
ORDER BY e.received_at DESC, e.id DESC LIMIT :most
""")


def lately(
    database: Database,
    segment: str,
    since: datetime,
    *,
    most: int = 10,
    patience: float = PATIENCE,
) -> list[Change] | None:
    """Return who has entered or left since, the last first; None when that takes too long."""
    given = {
        "segment": segment,
        "since": since,
        "most": most,
        "entered": SEGMENT_ENTERED,
        "left": SEGMENT_LEFT,
    }
    found = _patiently(database, _LATELY, given, patience)
    return None if found is None else [_change(row) for row in found]


_EXPECTED = text("""
SELECT m.customer_id, m.next_change_at AS at, m.inside, c.traits, c.addresses, count(*) OVER () AS n
FROM membership m JOIN customer c ON c.id = m.customer_id
WHERE m.segment_id = :segment AND m.next_change_at <= :until
ORDER BY m.next_change_at, m.customer_id LIMIT :most
""")


def expected(
    connection: Connection, segment: str, until: datetime, *, most: int = 10
) -> tuple[int, list[Change]]:
    """Return of how many customers time alone may change by then, and the first of them."""
    given = {"segment": segment, "until": until, "most": most}
    rows = connection.execute(_EXPECTED, given).all()
    return (rows[0].n if rows else 0), [_change(row) for row in rows]


def _change(row: Any) -> Change:
    return Change(
        customer=row.customer_id,
        traits=row.traits,
        addresses=row.addresses,
        at=row.at,
        inside=row.inside,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Belonging:
    """A segment that a customer is in."""

    id: str
    name: str
    since: datetime
    next_change_at: datetime | None


_OF_CUSTOMER = text("""
SELECT s.id, s.name, m.since, m.next_change_at
FROM membership m JOIN segment s ON s.id = m.segment_id
WHERE m.customer_id = :customer AND m.inside ORDER BY lower(s.name), s.id
""")


def of_customer(connection: Connection, customer: UUID) -> list[Belonging]:
    """Return the segments that a customer is in, by name."""
    rows = connection.execute(_OF_CUSTOMER, {"customer": customer})
    return [
        Belonging(id=row.id, name=row.name, since=row.since, next_change_at=row.next_change_at)
        for row in rows
    ]


_DOCUMENTS = text("""
SELECT j.id, coalesce(j.draft ->> 'name', j.id) AS name, j.state,
       CASE WHEN j.state IN ('live', 'paused') THEN v.document ELSE j.draft END AS document
FROM journey j
LEFT JOIN journey_version v ON v.journey_id = j.id AND v.version = j.live_version
WHERE j.state <> 'archived' ORDER BY lower(coalesce(j.draft ->> 'name', j.id)), j.id
""")


@dataclass(frozen=True, slots=True)
class Reader:
    """A journey's document, that may ask about segments: the published one, else the draft."""

    id: str
    name: str
    state: str
    document: dict[str, Any]

    @property
    def published(self) -> bool:
        """Whether customers are in it, or enter it."""
        return self.state in {"live", "paused"}


def journeys(connection: Connection) -> list[Reader]:
    """Return every journey that is not archived, by name."""
    rows = connection.execute(_DOCUMENTS)
    return [Reader(row.id, row.name, row.state, row.document or {}) for row in rows]
