"""Customers by the hundred, with what they did: for looking at many of them at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, TextClause, text

from engine.model.customer import Customer
from engine.model.event import Event
from engine.store import definitions

COUNTED: Final = 100_000
"""Up to so many customers are counted; of more, the database's own estimate is taken."""
_AMPLE: Final = 10
"""So many times more customers are drawn from than are wanted, so that no page of the table
weighs much."""


@dataclass(frozen=True, slots=True)
class Known:
    """A customer, and the last number given out in her order."""

    customer: Customer
    seq: int


_FEW = text("""
    SELECT count(*) FROM (
        SELECT FROM customer WHERE merged_into IS NULL LIMIT :most
    ) AS few
""")
_ESTIMATE = text("SELECT reltuples::bigint FROM pg_class WHERE oid = 'customer'::regclass")


def total(connection: Connection) -> int:
    """Return how many customers there are; about so many, when there are very many."""
    counted: int = connection.execute(_FEW, {"most": COUNTED + 1}).scalar_one()
    if counted <= COUNTED:
        return counted
    estimated: int = connection.execute(_ESTIMATE).scalar_one()
    return max(estimated, counted)


_COLUMNS = "id, seq, traits, derived, scored, clock_timestamp() AS clock, addresses, locale, time_zone, consent, suppressed"
_DRAWN = text(f"""
    SELECT {_COLUMNS} FROM customer TABLESAMPLE SYSTEM (:percent) REPEATABLE (7)
    WHERE merged_into IS NULL ORDER BY md5(id::text) LIMIT :most
""")  # noqa: S608 - constants


def draw(connection: Connection, most: int, of: int) -> list[Known]:
    """Return at most so many of the shop's customers, the same ones each time.

    They are drawn from pages of the table that are chosen by chance, but always alike: half of
    them, a quarter, and so on, as long as that is ample.
    """
    percent = 100.0
    while of * percent / 100 > 2 * _AMPLE * most:
        percent /= 2
    return _known(connection, connection.execute(_DRAWN, {"percent": percent, "most": most}).all())


_THESE = text(f"SELECT {_COLUMNS} FROM customer WHERE id = ANY(:ids) ORDER BY id")  # noqa: S608 - constants


def of(connection: Connection, ids: Sequence[UUID]) -> list[Known]:
    """Return these customers."""
    return _known(connection, connection.execute(_THESE, {"ids": [*ids]}).all())


def _known(connection: Connection, rows: Sequence[Any]) -> list[Known]:
    derivation = definitions.for_reading(connection)
    return [
        Known(
            Customer(
                id=row.id,
                traits=row.traits,
                derived=derivation.fresh(row.derived, row.scored, row.clock),
                addresses=row.addresses,
                locale=row.locale,
                time_zone=row.time_zone,
                consent=row.consent,
                suppressed=row.suppressed,
            ),
            row.seq,
        )
        for row in rows
    ]


_PASTS: Final = """
    SELECT e.customer_id, json_agg(json_build_array({columns}) ORDER BY e.seq) AS past
    FROM event e
    JOIN unnest(CAST(:names AS text[]), CAST(:sinces AS timestamptz[])) AS wanted (name, since)
    ON e.name = wanted.name AND e.occurred_at > wanted.since
    WHERE e.customer_id = ANY(:customers) GROUP BY e.customer_id
"""
# One row a customer, and no more of an event than is asked for: most of the time goes into
# carrying events over.


@lru_cache(maxsize=64)
def _statement(properties: int) -> TextClause:
    asked = [f"e.properties -> :p{n}" for n in range(properties)]
    return text(_PASTS.format(columns=", ".join(["e.seq", "e.name", "e.occurred_at", *asked])))


def pasts(
    connection: Connection,
    customers: Sequence[UUID],
    since: Mapping[str, datetime],
    properties: Sequence[str],
) -> dict[UUID, list[Event]]:
    """Return these customers' events of these names, each since an instant, in one statement.

    Of what they say, only these properties are read.
    """
    found: dict[UUID, list[Event]] = {customer: [] for customer in customers}
    if since:
        given = {f"p{n}": name for n, name in enumerate(properties)}
        rows = connection.execute(
            _statement(len(properties)),
            {"customers": [*customers], "names": [*since], "sinces": [*since.values()], **given},
        ).all()
        for row in rows:
            found[row.customer_id] = [_event(told, properties) for told in row.past]
    return found


_NOBODYS: Final = UUID(int=0)


def _event(told: list[Any], properties: Sequence[str]) -> Event:
    seq, event, at, *values = told
    occurred_at = datetime.fromisoformat(at)
    return Event(
        id=_NOBODYS,  # nothing asks for it, or for when it was received
        seq=seq,
        name=event,
        properties={
            name: value for name, value in zip(properties, values, strict=True) if value is not None
        },
        occurred_at=occurred_at,
        received_at=occurred_at,
    )
