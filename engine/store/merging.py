# ruff: noqa: S608 - the parts that statements are made of are constants
"""The rows of customers who are merged, and of one who is parted into two again.

Numbers of a customer's order are put together so that they follow the instants: each side's keep
their order, and a number raised by how many of the other's came before it is nobody else's. What
was "after" something on one side therefore still is, and the other side's falls where it belongs.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import Connection, text

# The points of both whose instants are known. An instant is never before that of a lower number.
_ORDER: Final = text("""
WITH point AS (
    SELECT customer_id AS side, seq, received_at AS at FROM event
    WHERE customer_id IN (:kept, :merged)
    UNION ALL
    SELECT r.customer_id, p.seq, p.at FROM run r JOIN run_input i ON i.run_id = r.id
    CROSS JOIN LATERAL (VALUES (i.seq, i.at), (i.decided_seq, i.decided_at)) AS p (seq, at)
    WHERE r.customer_id IN (:kept, :merged) AND p.seq IS NOT NULL
    UNION ALL
    SELECT customer_id, seq, at FROM message_transition WHERE customer_id IN (:kept, :merged)
    UNION ALL
    SELECT customer_id, seq, at FROM entry_refusal WHERE customer_id IN (:kept, :merged)
), known AS (
    SELECT side = :merged AS other, seq, min(at) AS at FROM point GROUP BY side, seq
), even AS (
    SELECT other, seq, max(at) OVER (PARTITION BY other ORDER BY seq) AS at FROM known
), placed AS (
    SELECT other, seq, coalesce(max(CASE WHEN other THEN 0 ELSE seq END) OVER w, 0) AS own,
           coalesce(max(CASE WHEN other THEN seq ELSE 0 END) OVER w, 0) AS others
    FROM even WINDOW w AS (ORDER BY at, other, seq ROWS UNBOUNDED PRECEDING)
)
SELECT other, raised, min(seq) AS first FROM (
    SELECT other, seq, CASE WHEN other THEN own ELSE others END AS raised FROM placed
) AS raised
GROUP BY other, raised ORDER BY other, first
""")


@dataclass(frozen=True, slots=True)
class Raise:
    """By how much the numbers of one side rise: `by[n]` from `first[n]` on."""

    first: tuple[int, ...] = (0,)
    by: tuple[int, ...] = (0,)

    def of(self, seq: int) -> int:
        """Return what a number becomes."""
        return seq + self.by[bisect_right(self.first, seq) - 1]

    @property
    def nothing(self) -> bool:
        """Whether all numbers stay."""
        return not any(self.by)


def order(connection: Connection, kept: UUID, merged: UUID) -> tuple[Raise, Raise]:
    """Return by how much the kept one's numbers rise, and the other's, to follow one another."""
    first: tuple[list[int], list[int]] = ([0], [0])
    by: tuple[list[int], list[int]] = ([0], [0])
    for row in connection.execute(_ORDER, {"kept": kept, "merged": merged}):
        if row.raised != by[row.other][-1]:
            first[row.other].append(row.first)
            by[row.other].append(row.raised)
    own, others = (Raise(tuple(f), tuple(b)) for f, b in zip(first, by, strict=True))
    return own, others


_SPANS: Final = """unnest(CAST(:first AS bigint[]), CAST(:last AS bigint[]), CAST(:by AS bigint[]))
    AS s (first, last, by)"""


def _raised(column: str) -> str:
    return f"(SELECT {column} + s.by FROM {_SPANS} WHERE {column} BETWEEN s.first AND s.last)"


_WHOSE: Final = "customer_id = :kept, origin_customer = coalesce(t.origin_customer, :origin)"
_HER_RUNS: Final = "(SELECT id FROM run WHERE customer_id = :customer)"
_EVENTS: Final = text(f"""
UPDATE event AS t SET {_WHOSE}, seq = t.seq + s.by FROM {_SPANS}
WHERE t.customer_id = :customer AND t.seq BETWEEN s.first AND s.last
  AND (s.by > 0 OR :customer <> :kept)
""")
# Keys of these hold numbers without an instant: they go by way of what is below zero, so that
# none meets one that has not moved yet.
_MOVE: Final = tuple(
    text(statement)
    for statement in (
        f"""
        UPDATE entry_refusal AS t SET {_WHOSE}, seq = -{_raised("t.seq")}
        WHERE t.customer_id = :customer
        """,
        f"""
        UPDATE run_input AS t SET seq = -{_raised("t.seq")}, decided_seq = {_raised("t.decided_seq")},
            data = CASE WHEN t.data ->> 'since' IS NULL THEN t.data ELSE jsonb_set(
                t.data, '{{since}}', to_jsonb({_raised("CAST(t.data ->> 'since' AS bigint)")})) END
        WHERE t.run_id IN {_HER_RUNS}
        """,
        f"""
        UPDATE message_transition AS t SET customer_id = :kept, seq = -{_raised("t.seq")}
        WHERE t.customer_id = :customer
        """,
        f"""
        UPDATE message AS t SET customer_id = :kept, claim_seq = {_raised("t.claim_seq")}
        WHERE t.customer_id = :customer
        """,
        f"UPDATE run_input SET seq = -seq WHERE run_id IN {_HER_RUNS} AND seq < 0",
        "UPDATE message_transition SET seq = -seq WHERE customer_id = :kept AND seq < 0",
        "UPDATE entry_refusal SET seq = -seq WHERE customer_id = :kept AND seq < 0",
    )
)
_SINCE: Final = text("""
SELECT id, state -> 'since' AS since FROM run
WHERE customer_id = :customer AND state -> 'since' <> '{}'
""")
_SET_SINCE: Final = text("""
UPDATE run SET state = jsonb_set(state, '{since}', CAST(:since AS jsonb)) WHERE id = :run
""")
_MOVE_OTHER: Final = tuple(
    text(statement)
    for statement in (
        f"UPDATE run_trace SET customer_id = :kept WHERE run_id IN {_HER_RUNS}",
        f"""
        UPDATE coupon_code SET customer_id = :kept WHERE pool IN (SELECT id FROM coupon_pool)
            AND message_id IN (SELECT id FROM message WHERE run_id IN {_HER_RUNS})
        """,
        f"""
        UPDATE run AS t SET {_WHOSE}, state = jsonb_set(state, '{{customer}}',
            to_jsonb(CAST(:kept AS text)))
        WHERE t.customer_id = :customer
        """,
        f"UPDATE identity AS t SET {_WHOSE} WHERE t.customer_id = :customer",
        f"UPDATE consent AS t SET {_WHOSE} WHERE t.customer_id = :customer",
        f"UPDATE purchase AS t SET {_WHOSE} WHERE t.customer_id = :customer",
        f"UPDATE gift_card AS t SET {_WHOSE} WHERE t.customer_id = :customer",
        """
        INSERT INTO product_interest AS t (sku, customer_id, kind, shop, at)
        SELECT sku, :kept, kind, shop, at FROM product_interest WHERE customer_id = :customer
        ON CONFLICT (sku, customer_id, kind, shop) DO UPDATE SET at = greatest(t.at, excluded.at)
        """,
        "DELETE FROM product_interest WHERE customer_id = :customer",
        "DELETE FROM customer_rollup WHERE customer_id = :customer",
        "DELETE FROM membership_stage WHERE customer_id = :customer",
        "UPDATE customer SET merged_into = :kept WHERE merged_into = :customer",
    )
)


def move(
    connection: Connection, kept: UUID, merged: UUID, kept_raise: Raise, merged_raise: Raise
) -> None:
    """Give all that is one customer's to another, in one order; she must be moved from no more."""
    for customer, rise in ((kept, kept_raise), (merged, merged_raise)):
        if customer == kept and rise.nothing:
            continue
        last = [*(first - 1 for first in rise.first[1:]), 2**62]
        given = {
            "kept": kept,
            "customer": customer,
            "origin": None if customer == kept else merged,
            "first": list(rise.first),
            "last": last,
            "by": list(rise.by),
        }
        connection.execute(_EVENTS, given)
        for statement in _MOVE:
            connection.execute(statement, given)
        since = [
            {"run": row.id, "since": _dump({key: rise.of(seq) for key, seq in row.since.items()})}
            for row in connection.execute(_SINCE, {"customer": customer})
        ]
        if since:
            connection.execute(_SET_SINCE, since)
    given = {"kept": kept, "customer": merged, "origin": merged}
    for statement in _MOVE_OTHER:
        connection.execute(statement, given)


def _dump(value: Any) -> str:
    return orjson.dumps(value).decode()


_MIXED: Final = text("""
WITH unlike AS (
    SELECT DISTINCT a.journey_id FROM run a JOIN run b ON b.journey_id = a.journey_id
    WHERE a.customer_id = :kept AND b.customer_id = :merged AND (
        a.held_out <> b.held_out OR EXISTS (
            SELECT FROM jsonb_each_text(a.state -> 'arms') x
            JOIN jsonb_each_text(b.state -> 'arms') y ON y.key = x.key AND y.value <> x.value))
)
UPDATE run SET mixed = true
WHERE customer_id IN (:kept, :merged) AND journey_id IN (SELECT journey_id FROM unlike) AND NOT mixed
RETURNING id
""")


def mix(connection: Connection, kept: UUID, merged: UUID) -> list[str]:
    """Mark the runs of journeys in which the two are in different arms; return the runs' ids."""
    rows = connection.execute(_MIXED, {"kept": kept, "merged": merged})
    return sorted(str(id) for id in rows.scalars())


_UNMIX: Final = text("UPDATE run SET mixed = false WHERE id = ANY(CAST(:runs AS uuid[]))")
_CLOSE_GOAL: Final = text("UPDATE run SET goal_until = :at WHERE id = :run")


def close_goal(connection: Connection, run: UUID, at: Any) -> None:
    """Let a run whose twin goes on count no goal any more."""
    connection.execute(_CLOSE_GOAL, {"run": run, "at": at})


# Whoever is in a segment already does not enter it by being merged.
_MEMBERSHIPS: Final = tuple(
    text(statement)
    for statement in (
        """
        INSERT INTO membership (customer_id, segment_id, inside, since, next_change_at)
        SELECT :kept, segment_id, inside, since, now() FROM membership WHERE customer_id = :merged
        ON CONFLICT (customer_id, segment_id) DO UPDATE SET
            inside = membership.inside OR excluded.inside,
            since = CASE WHEN membership.inside AND excluded.inside
                THEN least(membership.since, excluded.since)
                WHEN excluded.inside THEN excluded.since ELSE membership.since END
        """,
        "DELETE FROM membership WHERE customer_id = :merged",
    )
)
_INSIDE: Final = text("""
SELECT customer_id = :merged AS other, segment_id, since FROM membership
WHERE customer_id IN (:kept, :merged) AND inside
""")
_BACK_INSIDE: Final = text("""
INSERT INTO membership (customer_id, segment_id, inside, since, next_change_at)
SELECT :merged, s.id, true, was.since, now()
FROM segment s JOIN jsonb_to_recordset(CAST(:inside AS jsonb))
    AS was (segment text, since timestamptz) ON was.segment = s.id
""")
_NOT_INSIDE: Final = text("""
DELETE FROM membership WHERE customer_id = :kept AND segment_id = ANY(:came)
""")


def inside(connection: Connection, kept: UUID, merged: UUID) -> tuple[list[Any], list[Any]]:
    """Return the segments that each is in, and since when."""
    found: tuple[list[Any], list[Any]] = ([], [])
    for row in connection.execute(_INSIDE, {"kept": kept, "merged": merged}):
        found[row.other].append({"segment": row.segment_id, "since": row.since.isoformat()})
    return found


def join_memberships(connection: Connection, kept: UUID, merged: UUID) -> None:
    """Put the kept one in the segments where either is."""
    for statement in _MEMBERSHIPS:
        connection.execute(statement, {"kept": kept, "merged": merged})


def part_memberships(
    connection: Connection, kept: UUID, merged: UUID, before: Mapping[str, Any]
) -> None:
    """Put the other in the segments where she was, and the kept one out of those that came."""
    came = {one["segment"] for one in before["merged_inside"]}
    came -= {one["segment"] for one in before["kept_inside"]}
    connection.execute(_NOT_INSIDE, {"kept": kept, "came": sorted(came)})
    given = {"merged": merged, "inside": _dump(before["merged_inside"])}
    connection.execute(_BACK_INSIDE, given)


_INTERESTS: Final = text("""
SELECT sku, kind, shop, at FROM product_interest WHERE customer_id = :customer
""")
_INTERESTED: Final = text("""
INSERT INTO product_interest (sku, customer_id, kind, shop, at)
SELECT was.sku, :customer, was.kind, was.shop, was.at
FROM jsonb_to_recordset(CAST(:interests AS jsonb))
    AS was (sku text, kind text, shop text, at timestamptz)
""")


def interests(connection: Connection, customer: UUID) -> list[dict[str, Any]]:
    """Return the products that a customer has looked at or asked for."""
    rows = connection.execute(_INTERESTS, {"customer": customer}).mappings()
    return [{**row, "at": row["at"].isoformat()} for row in rows]


def give_interests(connection: Connection, customer: UUID, interests: Sequence[Any]) -> None:
    """Let a customer who has none be interested in these products."""
    connection.execute(_INTERESTED, {"customer": customer, "interests": _dump(interests)})


_TREE: Final = text("""
WITH RECURSIVE tree (id) AS (
    SELECT CAST(:merged AS uuid)
    UNION
    SELECT m.merged FROM merge m JOIN tree ON m.kept = tree.id WHERE m.undone_at IS NULL
)
SELECT id FROM tree
""")
_MINE: Final = "t.customer_id = :kept AND t.origin_customer = ANY(:tree)"
_BACK: Final = "customer_id = :merged, origin_customer = nullif(t.origin_customer, :merged)"
_ALL_HERS: Final = "(SELECT id FROM run WHERE customer_id = :merged)"
_PART: Final = tuple(
    text(statement)
    for statement in (
        f"UPDATE event AS t SET {_BACK} WHERE {_MINE}",
        f"UPDATE identity AS t SET {_BACK} WHERE {_MINE}",
        f"UPDATE consent AS t SET {_BACK} WHERE {_MINE}",
        f"UPDATE gift_card AS t SET {_BACK} WHERE {_MINE}",
        f"""
        UPDATE purchase AS t SET {_BACK} WHERE {_MINE} OR t.customer_id = :kept AND EXISTS (
            SELECT FROM event e WHERE e.customer_id = :merged AND e.name = 'Order Completed'
              AND e.received_at > :at AND e.properties ->> 'order_id' = t.id)
        """,
        # A run or a refusal goes with the event that it came of.
        f"""
        UPDATE entry_refusal AS t SET {_BACK} WHERE {_MINE} OR t.customer_id = :kept AND t.at > :at
            AND EXISTS (SELECT FROM event e WHERE e.customer_id = :merged AND e.seq = t.seq)
        """,
        f"""
        UPDATE run AS t SET {_BACK}, state = jsonb_set(state, '{{customer}}',
            to_jsonb(CAST(:merged AS text)))
        WHERE {_MINE} OR t.customer_id = :kept AND EXISTS (
            SELECT FROM run_input i JOIN event e ON e.customer_id = :merged AND e.seq = i.seq
            WHERE i.run_id = t.id AND i.kind = 'entered' AND i.at > :at)
        """,
        f"UPDATE run_trace SET customer_id = :merged WHERE run_id IN {_ALL_HERS}",
        f"""
        UPDATE message_transition AS t SET customer_id = :merged FROM message m
        WHERE m.id = t.message_id AND m.run_id IN {_ALL_HERS}
        """,
        f"UPDATE message SET customer_id = :merged WHERE run_id IN {_ALL_HERS}",
        f"""
        UPDATE coupon_code SET customer_id = :merged WHERE pool IN (SELECT id FROM coupon_pool)
            AND message_id IN (SELECT id FROM message WHERE run_id IN {_ALL_HERS})
        """,
        # What waits for a claim to be settled is decided no more when it is another's.
        """
        DELETE FROM run_input AS i USING run r
        WHERE r.id = i.run_id AND r.customer_id IN (:kept, :merged) AND i.decided_seq IS NULL
          AND i.kind = 'happened'
          AND NOT EXISTS (SELECT FROM event e WHERE e.customer_id = r.customer_id AND e.seq = i.seq)
        """,
        "UPDATE customer SET merged_into = :merged WHERE id = ANY(:tree) AND id <> :merged",
        "UPDATE customer SET merged_into = NULL WHERE id = :merged",
    )
)


def part(
    connection: Connection, kept: UUID, merged: UUID, at: datetime, mixed: Sequence[str]
) -> None:
    """Give back what one of two brought with her, and what came by her identities after `at`.

    Numbers stay as they are: those of each are still in order.
    """
    tree = list(connection.execute(_TREE, {"merged": merged}).scalars())
    given = {"kept": kept, "merged": merged, "tree": tree, "at": at}
    for statement in _PART:
        connection.execute(statement, given)
    connection.execute(_UNMIX, {"runs": list(mixed)})


_FORGET_CONSENT: Final = text("""
DELETE FROM consent WHERE customer_id IN (:kept, :merged) AND how = 'merge' AND source = :merge
""")


def forget_consent(connection: Connection, kept: UUID, merged: UUID, merge: UUID) -> None:
    """Take out of the record what nobody has said, but followed from a merge."""
    given = {"kept": kept, "merged": merged, "merge": str(merge)}
    connection.execute(_FORGET_CONSENT, given)


_TOLD: Final = text("""
SELECT customer_id, properties -> 'traits' AS traits FROM event
WHERE customer_id IN (:kept, :merged) AND received_at > :at AND kind = 'identify'
  AND properties ? 'traits'
ORDER BY seq
""")


def told_since(
    connection: Connection, kept: UUID, merged: UUID, at: datetime
) -> list[tuple[bool, dict[str, Any]]]:
    """Return the traits that came after an instant, each with whether they are the other's."""
    rows = connection.execute(_TOLD, {"kept": kept, "merged": merged, "at": at})
    return [(row.customer_id == merged, row.traits) for row in rows]


_RETIRE: Final = text("""
UPDATE customer SET merged_into = :kept, merges = merges + 1, traits = '{}', derived = '{}',
    addresses = '{}', consent = '{}', suppressed = '{}', scored = '{}', derived_due_at = NULL,
    locale = NULL, time_zone = NULL
WHERE id = :merged
""")
_KEEP: Final = text("""
UPDATE customer SET merges = merges + 1, created_at = least(created_at, :created_at)
WHERE id = :kept
""")
_NOTHING_UPCOMING: Final = text("DELETE FROM upcoming WHERE customer_id = :merged")
_CREATED: Final = text("SELECT id, created_at FROM customer WHERE id IN (:kept, :merged)")
_CREATED_AT: Final = text("""
UPDATE customer SET merges = merges + 1,
    created_at = CASE WHEN created_at = CAST(:after AS timestamptz) THEN CAST(:before AS timestamptz)
        ELSE created_at END
WHERE id = :id
""")


def created(connection: Connection, kept: UUID, merged: UUID) -> tuple[Any, Any]:
    """Return since when each is known."""
    rows = connection.execute(_CREATED, {"kept": kept, "merged": merged})
    known = {row.id: row.created_at for row in rows}
    return known[kept], known[merged]


def retire(connection: Connection, kept: UUID, merged: UUID, created_at: Any) -> None:
    """Let a customer lead to the kept one, and hold nothing any more."""
    connection.execute(_RETIRE, {"kept": kept, "merged": merged})
    connection.execute(_NOTHING_UPCOMING, {"merged": merged})
    connection.execute(_KEEP, {"kept": kept, "created_at": created_at})


def separate(connection: Connection, id: UUID, *, before: Any, after: Any) -> None:
    """Count a parting, and have the customer known since when she was before."""
    connection.execute(_CREATED_AT, {"id": id, "before": before, "after": after})
