"""Customers: found by their identities, locked, changed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, TextualSelect, column, insert, text

from engine.model.customer import Customer
from engine.model.identity import EXTERNAL_ID
from engine.store import tables
from engine.store.session import RaceLost

Identity = tuple[str, str]
"""A namespace and a value."""

_WHO: Final = (
    "id", "seq", "last_at", "traits", "derived", "scored", "derived_due_at", "addresses", "locale",
    "time_zone", "consent", "suppressed", "merged_into", "merges",
)  # fmt: skip


def locking(where: str, more: Mapping[str, str] | None = None, joined: str = "") -> TextualSelect:
    """Return a statement that locks customers in the order of their ids.

    `more` is read with them: expressions by the name of their column. The columns are told to
    SQLAlchemy, which otherwise works them out anew at each execution.
    """
    read = {
        **(more or {}),
        "clock": "clock_timestamp()",
        "revision": "(SELECT revision FROM workspace)",
        "waited": "clock_timestamp() > statement_timestamp() + interval '1 millisecond'",
    }
    also = ", ".join(f"{expression} AS {name}" for name, expression in read.items())
    statement = f"""
WITH locked AS MATERIALIZED (
    SELECT {", ".join(_WHO)} FROM customer WHERE {where} ORDER BY id FOR NO KEY UPDATE
)
SELECT locked.*, {also} FROM locked {joined} ORDER BY locked.id
"""  # noqa: S608
    return text(statement).columns(*(column(name) for name in (*_WHO, *read)))


_LOCK = locking("id = ANY(:ids)")


@dataclass(slots=True)
class Locked:
    """A customer under her lock, in this transaction.

    `catalogue_revision` was read when the lock was asked for: it is None when others held it,
    because the rules may have changed meanwhile. `scored` and `derived_due_at` are what is kept of
    her scores, and when time alone changes what is computed of her. `merges` is how often she was merged and
    parted.
    """

    customer: Customer
    seq: int
    last_at: datetime
    clock: datetime
    catalogue_revision: int | None
    scored: Mapping[str, Any]
    derived_due_at: datetime | None
    merges: int = 0


def locked(row: Any) -> Locked:
    """Return the customer of a locking statement's row.

    One who has been merged away meanwhile makes the transaction start again.
    """
    if row.merged_into is not None:
        raise RaceLost
    return _locked(row)


def _locked(row: Any) -> Locked:
    customer = Customer(
        id=row.id,
        traits=row.traits,
        derived=row.derived,
        addresses=row.addresses,
        locale=row.locale,
        time_zone=row.time_zone,
        consent=row.consent,
        suppressed=row.suppressed,
    )
    revision = None if row.waited else row.revision
    return Locked(
        customer,
        row.seq,
        row.last_at,
        row.clock,
        revision,
        row.scored,
        row.derived_due_at,
        row.merges,
    )


def lock_both(connection: Connection, kept: UUID, merged: UUID) -> tuple[Locked, UUID | None]:
    """Lock two customers who were made one; return the kept one, and whom she was merged into."""
    rows = {row.id: row for row in connection.execute(_LOCK, {"ids": sorted((kept, merged))})}
    return _locked(rows[kept]), rows[kept].merged_into


def lock(connection: Connection, ids: Iterable[UUID]) -> dict[UUID, Locked]:
    """Lock these customers, in the order of their ids, and return them as they then are.

    One who has been merged away meanwhile makes the transaction start again.
    """
    rows = connection.execute(_LOCK, {"ids": sorted(ids)}).all()
    return {row.id: locked(row) for row in rows}


_IDENTITIES = text("""
SELECT namespace, value, customer_id, origin_customer FROM identity
JOIN unnest(CAST(:namespaces AS text[]), CAST(:values AS text[])) AS wanted (n, v)
ON namespace = wanted.n AND value = wanted.v
""")


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose an identity is, and who has brought it with her when she was merged, if anybody."""

    customer: UUID
    origin: UUID | None = None


def identified(connection: Connection, wanted: Sequence[Identity]) -> dict[Identity, UUID]:
    """Return which of these identities belong to whom."""
    return {name: owner.customer for name, owner in owners(connection, wanted).items()}


def owners(connection: Connection, wanted: Sequence[Identity]) -> dict[Identity, Owner]:
    """Return which of these identities belong to whom, and who has brought them."""
    parameters = {"namespaces": [n for n, _ in wanted], "values": [v for _, v in wanted]}
    rows = connection.execute(_IDENTITIES, parameters).all()
    return {(row.namespace, row.value): Owner(row.customer_id, row.origin_customer) for row in rows}


_STANDING = text("""
SELECT id, merged_into FROM customer WHERE id = ANY(:ids) AND merged_into IS NOT NULL
""")


def standing(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, Owner]:
    """Return for whom those of these customers stand who were merged into another."""
    if not ids:
        return {}
    rows = connection.execute(_STANDING, {"ids": list(ids)})
    return {row.id: Owner(row.merged_into, row.id) for row in rows}


_NAMED = text("""
SELECT DISTINCT namespace, customer_id FROM identity
WHERE customer_id = ANY(:ids) AND namespace = ANY(:namespaces)
""")


def named(
    connection: Connection, ids: Sequence[UUID], namespaces: Iterable[str]
) -> set[tuple[str, UUID]]:
    """Return which of these customers have an id in which of these namespaces."""
    asked = {"ids": list(ids), "namespaces": sorted(namespaces)}
    rows = connection.execute(_NAMED, asked).all()
    return {(row.namespace, row.customer_id) for row in rows}


_EXTERNAL_IDS = text("""
SELECT customer_id, max(value) AS value FROM identity
WHERE customer_id = ANY(:ids) AND namespace = 'external_id' GROUP BY customer_id
""")


def external_ids(connection: Connection, ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return the id by which the shop knows each of these customers, where it has one."""
    rows = connection.execute(_EXTERNAL_IDS, {"ids": list(ids)})
    return {row.customer_id: row.value for row in rows}


_NAMED_TWICE = text("""
SELECT customer_id FROM identity
WHERE customer_id = ANY(:ids) AND namespace = ANY(:namespaces)
GROUP BY namespace, customer_id HAVING count(*) > 1 LIMIT 1
""")


def check_named_once(
    connection: Connection, ids: Iterable[UUID], namespaces: Iterable[str] = (EXTERNAL_ID,)
) -> None:
    """Start again when one of these, who had none, was given two ids of a namespace at once.

    To be asked under their locks: the last to get one sees what the others did.
    """
    asked = {"ids": list(ids), "namespaces": sorted(namespaces)}
    if connection.execute(_NAMED_TWICE, asked).first() is not None:
        raise RaceLost


def create(connection: Connection, ids: Sequence[UUID]) -> None:
    """Make customers without anything."""
    connection.execute(insert(tables.customer), [{"id": id} for id in ids])


_IDENTIFY = text("""
INSERT INTO identity (namespace, value, customer_id, origin_customer)
VALUES (:namespace, :value, :customer, :origin)
ON CONFLICT DO NOTHING
""")


def identify(connection: Connection, identities: Mapping[Identity, Owner]) -> None:
    """Give identities to customers; one that is another's by now is a lost race."""
    rows = [
        {"namespace": namespace, "value": value, "customer": owner.customer, "origin": owner.origin}
        for (namespace, value), owner in sorted(identities.items(), key=lambda item: item[0])
    ]
    connection.execute(_IDENTIFY, rows)
    if owners(connection, list(identities)) != dict(identities):
        raise RaceLost


_NAMES = text("SELECT namespace, value FROM identity WHERE customer_id = :id")


def names(connection: Connection, id: UUID) -> dict[str, set[str]]:
    """Return a customer's identities by their namespace."""
    found: dict[str, set[str]] = {}
    for row in connection.execute(_NAMES, {"id": id}):
        found.setdefault(row.namespace, set()).add(row.value)
    return found
