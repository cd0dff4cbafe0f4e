"""The customers behind a journey's figures: who came, where they stand, and until when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, get_args
from uuid import UUID

from sqlalchemy import Connection, text

from engine.errors import InvalidInput
from engine.store.paging import Page, limited, page, read_cursor
from engine.store.search import MATCHES, beginning

OfJourney = Literal["entered", "inside", "left", "converted", "held", "held_out"]
OfStep = Literal[
    "entered", "waiting", "held", "went", "sent", "opened", "clicked", "deferred", "skipped",
    "failed", "unknown",
]  # fmt: skip
Sort = Literal["newest", "oldest", "due"]

OF_JOURNEY: Final[tuple[OfJourney, ...]] = get_args(OfJourney)
OF_STEP: Final[tuple[OfStep, ...]] = get_args(OfStep)
SORTS: Final[tuple[Sort, ...]] = get_args(Sort)

STANDING: Final = frozenset({"inside", "waiting", "held"})
"""What is about this moment, whatever the period."""

WAYS: Final = (
    "chose",
    "drew",
    "round",
    "received",
    "timed_out",
    "hurried",
    "called",
    "call_failed",
)
"""What of the trace says which way out of a step a customer went."""

ARM: Final = """CASE t.what WHEN 'timed_out' THEN coalesce(t.data ->> 'arm', 'else')
                            ELSE t.data ->> 'arm' END"""

_NEVER: Final = "CAST('9999-01-01Z' AS timestamptz)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which customers are asked for; the period is from `since` until just before `until`.

    Of a journey, or of its `step`; `now` leaves those who are inside or who have left. `address`
    is how the page names all this.
    """

    journey: str
    step: str = ""
    of: str = "entered"
    arm: str = ""
    since: datetime | None = None
    until: datetime | None = None
    q: str = ""
    now: Literal["", "inside", "left"] = ""
    sort: Sort = "newest"
    address: Mapping[str, str] = field(default_factory=dict)


_RUNS: Final = """
    SELECT r.id AS run_id, {at} AS at, 1 AS times FROM run r
    WHERE r.journey_id = :journey AND {which}
"""
_ENTERED: Final = (
    "(CAST(:since AS timestamptz) IS NULL OR r.entered_at >= :since) "
    "AND (CAST(:until AS timestamptz) IS NULL OR r.entered_at < :until)"
)
_OF_RUNS: Final = {
    "entered": ("r.entered_at", f"NOT r.held_out AND {_ENTERED}"),
    "inside": ("r.entered_at", "NOT r.held_out AND r.ended_at IS NULL"),
    "left": ("r.ended_at", f"NOT r.held_out AND r.ended_at IS NOT NULL AND {_ENTERED}"),
    "converted": ("r.goal_at", f"NOT r.held_out AND r.goal_at IS NOT NULL AND {_ENTERED}"),
    "held": ("r.held_at", "NOT r.held_out AND r.ended_at IS NULL AND r.held_at IS NOT NULL"),
    "held_out": ("r.entered_at", f"r.held_out AND {_ENTERED}"),
}
_REACHED: Final = """coalesce((
    SELECT max(t.at) FROM run_trace t
    WHERE t.run_id = r.id AND t.step = r.step AND t.what = 'reached'
), r.entered_at)"""
_STANDING: Final = {
    "waiting": (_REACHED, "NOT r.held_out AND r.ended_at IS NULL AND r.step = :step"),
    "held": (
        "r.held_at",
        "NOT r.held_out AND r.ended_at IS NULL AND r.step = :step AND r.held_at IS NOT NULL",
    ),
}
_TRACED: Final = """
    SELECT t.run_id, max(t.at) AS at, count(*) AS times FROM run_trace t
    WHERE t.journey_id = :journey AND t.step = :step AND {which}
      AND (CAST(:since AS timestamptz) IS NULL OR t.at >= :since)
      AND (CAST(:until AS timestamptz) IS NULL OR t.at < :until)
    GROUP BY t.run_id
"""
_WENT: Final = f"t.what = ANY(:ways) AND {ARM} = :arm"
_MESSAGES: Final = """
    SELECT g.run_id, max(coalesce({at}, g.decided_at)) AS at, count(*) AS times FROM message g
    WHERE g.journey_id = :journey AND g.step = :step AND {which}
      AND (CAST(:since AS timestamptz) IS NULL OR g.decided_at >= :since)
      AND (CAST(:until AS timestamptz) IS NULL OR g.decided_at < :until)
    GROUP BY g.run_id
"""
_LED_TO: Final = {"opened": "g.opened_at", "clicked": "g.clicked_at"}

_SHOWN: Final = f"""
    SELECT r.id, r.customer_id, r.version, r.entered_at, r.ended_at, r.end_reason, r.step,
           r.held_at, r.held_out, r.goal_at, r.command ->> 'kind' AS kind,
           CAST(coalesce(r.command ->> 'until', r.command ->> 'not_before') AS timestamptz) AS until,
           coalesce(r.check_at, {_NEVER}) AS due, m.at, m.times, c.traits, c.addresses,
           CASE WHEN r.ended_at IS NULL THEN {_REACHED} END AS stands_since,
           (SELECT min(value) FROM identity WHERE customer_id = c.id
            AND namespace = 'external_id') AS external_id
    FROM ({{matching}}) m JOIN run r ON r.id = m.run_id JOIN customer c ON c.id = r.customer_id
    WHERE {{after}} ORDER BY {{order}} LIMIT :most
"""  # noqa: S608 - constants
_ORDERS: Final = {
    "newest": ("m.at DESC, r.id DESC", "(m.at, r.id) < (:at, :id)", "at"),
    "oldest": ("m.at, r.id", "(m.at, r.id) > (:at, :id)", "at"),
    "due": ("due, r.id", f"(coalesce(r.check_at, {_NEVER}), r.id) > (:at, :id)", "due"),
}


def matching(asked: Asked) -> tuple[str, dict[str, Any]]:
    """Return a query of the runs that are asked for, with its values: run_id, at, times.

    Raises `InvalidInput` for what no such figure is.
    """
    given: dict[str, Any] = {
        "journey": asked.journey, "step": asked.step, "since": asked.since, "until": asked.until,
    }  # fmt: skip
    source = _of_step(asked, given) if asked.step else _of_journey(asked)
    wheres = []
    if asked.now:
        wheres.append(f"r.ended_at IS {'' if asked.now == 'inside' else 'NOT '}NULL")
    if query := asked.q.strip().replace("\0", ""):
        wheres.append(MATCHES)
        given |= beginning(query)
    if not wheres:
        return source, given
    return (
        f"SELECT f.run_id, f.at, f.times FROM ({source}) f JOIN run r ON r.id = f.run_id "  # noqa: S608 - constants
        f"JOIN customer c ON c.id = r.customer_id WHERE {' AND '.join(wheres)}"
    ), given


def _of_journey(asked: Asked) -> str:
    if asked.of not in _OF_RUNS:
        raise InvalidInput(f"There is no figure {asked.of!r} of a journey as a whole.")
    at, which = _OF_RUNS[asked.of]
    return _RUNS.format(at=at, which=which)


def _of_step(asked: Asked, given: dict[str, Any]) -> str:
    of = asked.of
    if of not in OF_STEP:
        raise InvalidInput(f"There is no figure {of!r} of a step.")
    if of in _STANDING:
        at, which = _STANDING[of]
        return _RUNS.format(at=at, which=which)
    if of == "entered":
        return _TRACED.format(which="t.what = 'reached'")
    if of == "went":
        given |= {"ways": list(WAYS), "arm": asked.arm}
        return _TRACED.format(which=_WENT)
    if of in _LED_TO:
        return _MESSAGES.format(at=_LED_TO[of], which=f"{_LED_TO[of]} IS NOT NULL")
    given["state"] = of
    return _MESSAGES.format(at="g.sent_at", which="g.state = :state")


def count(connection: Connection, asked: Asked) -> int:
    """Return how many customers are asked for, each time that one entered counted."""
    sql, given = matching(asked)
    found: int = connection.execute(
        text(f"SELECT count(*) FROM ({sql}) m"),  # noqa: S608 - constants
        given,
    ).scalar_one()
    return found


def customers(
    connection: Connection, asked: Asked, *, limit: int = 50, cursor: str | None = None
) -> Page:
    """List the customers that are asked for, with where each stands and how it ended."""
    limit = limited(limit)
    sql, given = matching(asked)
    order, after, key = _ORDERS[asked.sort]
    if cursor is not None:
        given["at"], given["id"] = read_cursor(cursor, datetime, UUID)
    whole = _SHOWN.format(matching=sql, after=after if cursor is not None else "true", order=order)
    rows = connection.execute(text(whole), {**given, "most": limit + 1}).all()
    items = [dict(row._mapping) for row in rows]  # noqa: SLF001 - Row's public name
    return page(rows, limit, items, key, "id")
