"""What is kept of customers' events for their computed traits, and whom to compute anew."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from engine.run.deriving import Computed
from engine.run.rolling import Fact
from engine.store import tables
from engine.store.writing import write

_OF = text("SELECT customer_id, states FROM customer_rollup WHERE customer_id = ANY(:ids)")


def of(connection: Connection, ids: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
    """Return what is kept of these customers, under their locks; of some there may be nothing."""
    rows = connection.execute(_OF, {"ids": list(ids)})
    found: dict[UUID, dict[str, Any]] = {row.customer_id: row.states for row in rows}
    return {id: found.get(id, {}) for id in ids}


_FACTS = text("""
SELECT customer_id, name, occurred_at, seq, properties FROM event
WHERE customer_id = ANY(:ids) AND name = ANY(:names)
""")

Histories = Mapping[UUID, Mapping[str, Sequence[Fact]]]
"""Customers' events by their names."""


def facts(connection: Connection, ids: Collection[UUID], names: Collection[str]) -> Histories:
    """Return all events of these names of these customers."""
    found: dict[UUID, dict[str, list[Fact]]] = {id: defaultdict(list) for id in ids}
    if names:
        rows = connection.execute(_FACTS, {"ids": list(ids), "names": sorted(names)})
        for customer, name, at, seq, properties in rows:
            found[customer][name].append(Fact(at, seq, properties))
    return found


def keep(connection: Connection, computed: Mapping[UUID, Computed]) -> None:
    """Write what was computed of customers who are locked."""
    customers = [
        {
            "id": id,
            "derived": one.derived,
            "scored": one.scored,
            "derived_due_at": one.due,
        }
        for id, one in computed.items()
    ]
    states = [{"customer_id": id, "states": one.states} for id, one in computed.items()]
    write(connection, {tables.customer_rollup: states}, {tables.customer: customers})


_FORGET = text("DELETE FROM customer_rollup WHERE customer_id = ANY(:ids)")
_STALE = text("""
INSERT INTO trait_stale (customer_id) SELECT unnest(CAST(:ids AS uuid[]))
ON CONFLICT (customer_id) DO UPDATE SET at = now()
""")


def mark_stale(connection: Connection, ids: Iterable[UUID]) -> None:
    """Have these customers computed anew, soon; until then an event of theirs does it."""
    given = {"ids": sorted(ids)}
    connection.execute(_FORGET, given)
    connection.execute(_STALE, given)


_SOME_STALE = text("SELECT customer_id FROM trait_stale ORDER BY customer_id LIMIT :most")
_FRESH = text("DELETE FROM trait_stale WHERE customer_id = ANY(:ids)")


def stale(connection: Connection, most: int) -> list[UUID]:
    """Return some customers who are to be computed anew."""
    return list(connection.execute(_SOME_STALE, {"most": most}).scalars())


def mark_fresh(connection: Connection, ids: Collection[UUID]) -> None:
    """Note that these, who are locked, are computed anew."""
    connection.execute(_FRESH, {"ids": list(ids)})


_DUE = text("""
SELECT id FROM customer
WHERE derived_due_at <= clock_timestamp() AND merged_into IS NULL
ORDER BY derived_due_at LIMIT :most
""")


def due(connection: Connection, most: int) -> list[UUID]:
    """Return customers of whom time has changed what is computed, in the order of their ids."""
    return sorted(connection.execute(_DUE, {"most": most}).scalars())
