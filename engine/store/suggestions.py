"""Pairs of customers who may be one: found by what they share, decided by people."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, get_args
from uuid import UUID

import orjson
from sqlalchemy import Connection, text

from engine.model.customer import Customer
from engine.store.paging import Page, limited, page, read_cursor
from engine.store.tables.customers import NAME

Reason = Literal["alias", "identities", "login", "email", "name_birthday", "name_postcode", "phone"]
"""What speaks for it, strongest first: a call said so; one call named identities of both; she
logged in where the other had been; the same address; the same name and something else."""

REASONS: Final[tuple[Reason, ...]] = get_args(Reason)

STRENGTH: Final[Mapping[Reason, int]] = {
    "alias": 6, "identities": 5, "login": 4, "email": 4, "name_birthday": 3, "name_postcode": 3,
    "phone": 2,
}  # fmt: skip

State = Literal["open", "later", "different", "merged"]

Doubts = Mapping[tuple[UUID, UUID], Collection[Reason]]

MOST: Final = 5
"""How many customers may share something before it says nothing: a family, not a switchboard."""

_SUGGEST: Final = text("""
INSERT INTO suggestion AS s (first, second, reasons, strength)
SELECT first, second, reasons, strength FROM jsonb_to_recordset(CAST(:pairs AS jsonb))
    AS given (first uuid, second uuid, reasons jsonb, strength int) ORDER BY first, second
ON CONFLICT (first, second) DO UPDATE SET
    reasons = (SELECT jsonb_agg(DISTINCT r) FROM jsonb_array_elements(s.reasons || excluded.reasons) r),
    strength = (SELECT sum(CAST(CAST(:weights AS jsonb) ->> r AS int)) FROM (
        SELECT DISTINCT r FROM jsonb_array_elements_text(s.reasons || excluded.reasons) r) AS all_of),
    state = 'open'
WHERE s.state IN ('open', 'later') AND NOT s.reasons @> excluded.reasons
""")


def pair(one: UUID, other: UUID) -> tuple[UUID, UUID]:
    """Return two customers as a pair is named."""
    return (one, other) if one < other else (other, one)


def suggest(connection: Connection, doubts: Doubts) -> None:
    """Suggest pairs, or add reasons to them; what is decided to be two people stays so."""
    joined: defaultdict[tuple[UUID, UUID], set[Reason]] = defaultdict(set)
    for (one, other), reasons in doubts.items():
        if one != other:
            joined[pair(one, other)] |= set(reasons)
    if not joined:
        return
    rows = [
        {
            "first": str(first), "second": str(second), "reasons": sorted(reasons),
            "strength": sum(STRENGTH[reason] for reason in reasons),
        }
        for (first, second), reasons in joined.items()
    ]  # fmt: skip
    given = {"pairs": orjson.dumps(rows).decode(), "weights": orjson.dumps(STRENGTH).decode()}
    connection.execute(_SUGGEST, given)


_SHARING: Final = {
    kind: text(f"""
SELECT given.customer, o.id FROM unnest(CAST(:customers AS uuid[]), CAST(:values AS text[]))
    AS given (customer, value)
CROSS JOIN LATERAL (
    SELECT (array_agg(id ORDER BY created_at, id))[1] AS id, count(*) AS n FROM (
        SELECT id, created_at FROM customer
        WHERE {column} = given.value AND merged_into IS NULL AND id <> given.customer LIMIT :most
    ) AS few
) AS o WHERE o.n BETWEEN 1 AND :most - 1
""")  # noqa: S608 - constants
    for kind, column in (
        ("email", "lower(addresses ->> 'email')"), ("phone", "(addresses ->> 'phone')"),
    )
}  # fmt: skip


def sharing(connection: Connection, some: Iterable[Customer]) -> Doubts:
    """Return with whom these customers share an address; of several, the one known longest."""
    doubts: defaultdict[tuple[UUID, UUID], set[Reason]] = defaultdict(set)
    kinds: tuple[Literal["email", "phone"], ...] = ("email", "phone")
    for kind in kinds:
        having = [(one.id, one.addresses[kind]) for one in some if one.addresses.get(kind)]
        if having:
            given = {
                "customers": [id for id, _ in having],
                "values": [value.lower() for _, value in having],
                "most": MOST,
            }
            for row in connection.execute(_SHARING[kind], given):
                doubts[row.customer, row.id].add(kind)
    return doubts


# By an index in the order of what is compared: a group is read once, however many there are.
_EXPRESSIONS: Final = {
    "email": "lower(addresses ->> 'email')",
    "phone": "(addresses ->> 'phone')",
    "name": f"({NAME})",
}
_WALK: Final = {
    kind: text(f"""
SELECT id, {value} AS value,
       coalesce(traits ->> 'postcode', traits ->> 'postal_code', traits ->> 'zip',
                traits -> 'address' ->> 'postalCode', traits -> 'address' ->> 'zip') AS postcode,
       coalesce(traits ->> 'birthday', traits ->> 'birth_date', traits ->> 'birthdate',
                traits ->> 'date_of_birth') AS birthday
FROM customer WHERE {value} ~>~ :after AND merged_into IS NULL
ORDER BY {value} USING ~<~, created_at, id LIMIT :most
""")  # noqa: S608 - constants
    for kind, value in _EXPRESSIONS.items()
}
_DUE: Final = text("""
SELECT kind, after FROM duplicate_pass WHERE due_at <= now()
ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
""")
_WALKED: Final = text("""
UPDATE duplicate_pass SET after = :after,
    due_at = now() + CASE WHEN :ended THEN interval '1 day' ELSE interval '0' END
WHERE kind = :kind
""")


def walk(connection: Connection, most: int) -> int | None:
    """Look at the next customers for pairs, by emails, phones or names; return how many it were.

    None means that everybody has been looked at.
    """
    due = connection.execute(_DUE).one_or_none()
    if due is None:
        return None
    rows = connection.execute(_WALK[due.kind], {"after": due.after, "most": most}).all()
    ended = len(rows) < most
    groups: defaultdict[str, list[Any]] = defaultdict(list)
    for row in rows:
        groups[row.value].append(row)
    if not ended and len(groups) > 1:
        groups.pop(rows[-1].value)  # it may go on: it comes next time
    suggest(connection, _alike(due.kind, groups))
    after = "" if ended else next(reversed(groups))
    connection.execute(_WALKED, {"kind": due.kind, "after": after, "ended": ended})
    return len(rows)


def _alike(kind: str, groups: Mapping[str, Sequence[Any]]) -> Doubts:
    doubts: defaultdict[tuple[UUID, UUID], set[Reason]] = defaultdict(set)
    for group in groups.values():
        for reason, some in _shared(kind, group):
            if 1 < len(some) <= MOST:
                for row in some[1:]:
                    doubts[some[0].id, row.id].add(reason)
    return doubts


def _shared(kind: str, group: Sequence[Any]) -> Iterable[tuple[Reason, Sequence[Any]]]:
    """Return what the customers of a group share, each with those who share it."""
    if kind == "email":
        yield "email", group
    elif kind == "phone":
        yield "phone", group
    else:
        beside: tuple[tuple[Reason, str], ...] = (
            ("name_postcode", "postcode"), ("name_birthday", "birthday"),
        )  # fmt: skip
        for reason, column in beside:
            by: defaultdict[str, list[Any]] = defaultdict(list)
            for row in group:
                if value := getattr(row, column):
                    by[value.replace(" ", "").lower()].append(row)
            yield from ((reason, some) for some in by.values())


_DECIDE: Final = text("""
INSERT INTO suggestion (first, second, state, decided_at, decided_by)
VALUES (:first, :second, :state, now(), :by)
ON CONFLICT (first, second) DO UPDATE
SET state = excluded.state, decided_at = excluded.decided_at, decided_by = excluded.decided_by
""")


def decide(connection: Connection, one: UUID, other: UUID, state: State, by: str) -> None:
    """Keep what somebody has decided about two customers."""
    first, second = pair(one, other)
    connection.execute(_DECIDE, {"first": first, "second": second, "state": state, "by": by})


_STATE: Final = text("SELECT state FROM suggestion WHERE first = :first AND second = :second")


def state(connection: Connection, one: UUID, other: UUID) -> State | None:
    """Return how it stands about two customers, None when nothing was suggested."""
    first, second = pair(one, other)
    found: State | None = connection.execute(_STATE, {"first": first, "second": second}).scalar()
    return found


_TAKE_OVER: Final = text("""
INSERT INTO suggestion AS s
    (first, second, reasons, strength, state, found_at, decided_at, decided_by, through)
SELECT least(:kept, o.other), greatest(:kept, o.other), o.reasons, o.strength, o.state, o.found_at,
       o.decided_at, o.decided_by, :merged
FROM (SELECT CASE WHEN first = :merged THEN second ELSE first END AS other, suggestion.*
      FROM suggestion WHERE first = :merged OR second = :merged) AS o
WHERE o.other <> :kept AND o.state <> 'merged'
ORDER BY 1, 2
ON CONFLICT (first, second) DO UPDATE SET state = 'different', through = NULL
WHERE excluded.state = 'different'
""")
_GIVE_BACK: Final = text("DELETE FROM suggestion WHERE through = :merged AND state <> 'merged'")


def merged(connection: Connection, kept: UUID, merged: UUID, by: str) -> None:
    """Two are one now: what was suggested of one is suggested of the other."""
    decide(connection, kept, merged, "merged", by)
    connection.execute(_TAKE_OVER, {"kept": kept, "merged": merged})


def different(connection: Connection, kept: UUID, merged: UUID, by: str) -> None:
    """Two who were one are two people after all, and not suggested again."""
    decide(connection, kept, merged, "different", by)
    connection.execute(_GIVE_BACK, {"merged": merged})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which pairs are listed: in this state, by this reason, of this customer."""

    state: State = "open"
    reason: Reason | None = None
    customer: UUID | None = None


_LISTED: Final = """
SELECT s.first, s.second, s.reasons, s.strength, s.state, s.found_at, s.decided_at, s.decided_by
FROM suggestion s
JOIN customer a ON a.id = s.first AND a.merged_into IS NULL
JOIN customer b ON b.id = s.second AND b.merged_into IS NULL
"""


def listed(
    connection: Connection, wanted: Wanted, *, limit: int = 20, cursor: str | None = None
) -> Page:
    """List pairs, those for which most speaks first."""
    limit = limited(limit)
    wheres, given = ["s.state = :state"], dict[str, Any](state=wanted.state, most=limit + 1)
    if wanted.reason is not None:
        wheres.append("s.reasons ? :reason")
        given["reason"] = wanted.reason
    if wanted.customer is not None:
        wheres.append("(s.first = :customer OR s.second = :customer)")
        given["customer"] = wanted.customer
    if cursor is not None:
        wheres.append(
            "(-s.strength, s.found_at, s.first, s.second) > (:strength, :found_at, :first, :second)"
        )
        strength, found_at, first, second = read_cursor(cursor, int, datetime, UUID, UUID)
        given |= {"strength": -strength, "found_at": found_at, "first": first, "second": second}
    statement = (
        f"{_LISTED} WHERE {' AND '.join(wheres)} "
        "ORDER BY s.strength DESC, s.found_at, s.first, s.second LIMIT :most"
    )
    rows = connection.execute(text(statement), given).all()
    items = [
        {**row._mapping, "first": str(row.first), "second": str(row.second)}  # noqa: SLF001 - Row's public name
        for row in rows
    ]
    return page(rows, limit, items, "strength", "found_at", "first", "second")


_COUNT: Final = text("""
SELECT count(*) FROM (
    SELECT FROM suggestion s
    JOIN customer a ON a.id = s.first AND a.merged_into IS NULL
    JOIN customer b ON b.id = s.second AND b.merged_into IS NULL
    WHERE s.state = :state LIMIT 1000
) AS few
""")


def count(connection: Connection, state: State = "open") -> int:
    """Count the pairs in a state, no further than 1000."""
    found: int = connection.execute(_COUNT, {"state": state}).scalar_one()
    return found


_SEEN: Final = text("""
SELECT c.id,
       (SELECT count(*) FROM event e
        WHERE e.customer_id = c.id AND e.name = 'Order Completed') AS orders,
       (SELECT occurred_at FROM event e WHERE e.customer_id = c.id AND NOT e.future
        ORDER BY seq DESC LIMIT 1) AS seen_at,
       EXISTS (SELECT FROM run r WHERE r.customer_id = c.id AND r.ended_at IS NULL) AS inside
FROM customer c WHERE c.id = ANY(:ids)
""")


def seen(connection: Connection, ids: Collection[UUID]) -> dict[str, dict[str, Any]]:
    """Return of customers how often they have ordered, and when they were seen last."""
    rows = connection.execute(_SEEN, {"ids": sorted(ids)})
    return {
        str(row.id): {"orders": row.orders, "seen_at": row.seen_at, "inside": row.inside}
        for row in rows
    }
