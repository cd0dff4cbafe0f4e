"""Borders among all customers: found, frozen, and everybody put into the parts between them.

The expressions say in SQL what `engine.run.deriving` says of one customer; they look at one row, so
that they are right for a row that somebody else has just changed, too.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, text

from engine.model.trait import EventTrait, JoinedTrait, QuantileTrait, Score
from engine.run.deriving import Border, Derivation

_FROZEN = text("SELECT trait, top, frozen_at, customers FROM threshold")


def frozen(connection: Connection) -> dict[Border, tuple[datetime, int]]:
    """Return when each border was frozen, and of how many customers."""
    rows = connection.execute(_FROZEN)
    return {(row.trait, float(row.top)): (row.frozen_at, row.customers) for row in rows}


_EXPIRE = text("""
UPDATE threshold SET frozen_at = to_timestamp(0)
WHERE trait = ANY(CAST(:traits AS text[]))
""")


def expire(connection: Connection, traits: Collection[str]) -> None:
    """Have the borders of these traits found anew soon: much has changed at once."""
    connection.execute(_EXPIRE, {"traits": sorted(traits)})


# One sort of a trait of everybody, and both processors for reading it: the planner has no idea of
# how long it takes to read JSON.
_LARGE = text("SET LOCAL work_mem = '64MB'; SET LOCAL parallel_tuple_cost = 0.01")


def find(
    connection: Connection, derivation: Derivation, wanted: Mapping[str, Sequence[float]]
) -> dict[str, tuple[int, list[float | None]]]:
    """Return how many customers have each trait, and from which value they are among the top percents.

    That is the least value with which at most so many have as much: none, where too many have the
    most. Everybody is read once.
    """
    names = list(wanted)
    given: dict[str, Any] = {}
    values, shares, borders = [], [], []
    for n, name in enumerate(names):
        values.append(f"{_value(derivation, name, given, f'name{n}')} AS v{n}")
        given[f"shares{n}"] = [1 - top / 100 for top in wanted[name]]
        shares.append(
            f"percentile_disc(CAST(:shares{n} AS float8[])) WITHIN GROUP (ORDER BY v{n}) AS s{n}, "
            f"count(v{n}) AS c{n}"
        )
        borders += [
            _seconds(derivation, name, f"min(v{n}) FILTER (WHERE v{n} > s{n}[{place}])")
            + f" AS b{n}_{place}"
            for place in range(1, len(wanted[name]) + 1)
        ]
    counts = ", ".join(f"c{n}" for n in range(len(names)))
    connection.execute(_LARGE)
    row = connection.execute(
        text(
            f"WITH v AS MATERIALIZED (SELECT {', '.join(values)} FROM customer c "  # noqa: S608
            f"WHERE merged_into IS NULL), s AS MATERIALIZED (SELECT {', '.join(shares)} FROM v), "
            f"b AS (SELECT {', '.join(borders)} FROM v, s) SELECT {counts}, b.* FROM s, b"
        ),
        given,
    ).one()
    return {
        name: (
            getattr(row, f"c{n}"),
            [getattr(row, f"b{n}_{place + 1}") for place in range(len(wanted[name]))],
        )
        for n, name in enumerate(names)
    }


_FREEZE = text("""
INSERT INTO threshold (trait, top, value, customers, frozen_at)
VALUES (:trait, :top, :value, :customers, clock_timestamp())
ON CONFLICT (trait, top) DO UPDATE SET
    value = excluded.value, customers = excluded.customers, frozen_at = excluded.frozen_at
""")
_FORGET = text("DELETE FROM threshold WHERE trait = :trait AND top = :top")


def freeze(connection: Connection, trait: str, top: float, value: float | None, n: int) -> None:
    """Keep a border until it is frozen anew."""
    # As it is written: a cast of a double to a decimal number would round it.
    exact = None if value is None else Decimal(repr(value))
    given = {"trait": trait, "top": top, "value": exact, "customers": n}
    connection.execute(_FREEZE, given)


def forget(connection: Connection, gone: Collection[Border]) -> None:
    """Forget borders that nobody asks for any more."""
    for trait, top in gone:
        connection.execute(_FORGET, {"trait": trait, "top": top})


_UP_TO = text("""
SELECT id FROM customer WHERE merged_into IS NULL AND (CAST(:after AS uuid) IS NULL OR id > :after)
ORDER BY id OFFSET :most - 1 LIMIT 1
""")
_BETWEEN = text("""
SELECT count(*) FROM customer
WHERE merged_into IS NULL AND (CAST(:after AS uuid) IS NULL OR id > :after) AND id <= :last
""")
_GREATEST: Final = UUID(int=2**128 - 1)
_LAST = text("""
SELECT id FROM customer WHERE merged_into IS NULL AND (CAST(:after AS uuid) IS NULL OR id > :after)
ORDER BY id DESC LIMIT 1
""")


def place(
    connection: Connection,
    derivation: Derivation,
    names: Collection[str],
    after: UUID | None,
    *,
    most: int,
    moved: int,
) -> tuple[UUID | None, int]:
    """Put the next customers into the parts they are in now; return the last, and how many.

    At most so many are looked at, and so many moved. `names` that are defined no more are taken
    from them. Only those who change are locked, and computed once more under their locks.
    """
    given: dict[str, Any] = {"after": after, "most": most, "moved": moved}
    last: UUID | None = connection.execute(_UP_TO, given).scalar()
    gone = sorted(
        name for name in names if name not in derivation.traits.keys() | derivation.scores
    )
    replaced = [*(trait.id for trait in derivation.placing), *gone]
    candidates = _placed(
        derivation,
        names,
        gone,
        "SELECT id, derived, scored FROM customer WHERE merged_into IS NULL AND id <= :last "
        "AND (CAST(:after AS uuid) IS NULL OR id > :after)",
    )
    locked = _placed(derivation, names, gone, "SELECT id, derived, scored FROM locked")
    found = connection.execute(
        text(f"""
WITH moved AS MATERIALIZED ({candidates} ORDER BY id LIMIT :moved), locked AS MATERIALIZED (
    SELECT id, derived, scored FROM customer WHERE id IN (SELECT id FROM moved)
    ORDER BY id FOR NO KEY UPDATE
), placed AS MATERIALIZED ({locked}), written AS (
    UPDATE customer c SET derived = placed.after_it, scored = c.scored - CAST(:gone AS text[])
    FROM placed WHERE c.id = placed.id
)
SELECT id FROM moved ORDER BY id OFFSET :moved - 1
"""),  # noqa: S608 - from definitions, whose ids are words
        {**given, "last": last or _GREATEST, "replaced": replaced, "gone": gone},
    ).scalar()
    if found is None and last is not None:
        return last, most
    # After who is found, there may be more to be moved.
    last = found or connection.execute(_LAST, given).scalar()
    if last is None:
        return None, 0
    n: int = connection.execute(_BETWEEN, {"after": after, "last": last}).scalar_one()
    return last, n


def _placed(
    derivation: Derivation, names: Collection[str], gone: Collection[str], rows: str
) -> str:
    """Return who of these rows (id, derived, scored) has moved in `names`, with all that is derived.

    Who has something of what is `gone` has moved, too.

    Each level names what the next ones need, so that nothing is computed twice for a customer.
    """
    quantiles = [one for one in derivation.placing if isinstance(one, QuantileTrait)]
    sources = sorted({one.quantile_of for one in quantiles})
    values = "".join(f", {_value(derivation, name, {}, '')} AS v_{name}" for name in sources)
    query = f"SELECT c.*{values} FROM ({rows}) AS c OFFSET 0"  # noqa: S608
    parts = "".join(f", {_part(derivation, one)} AS p_{one.id}" for one in quantiles)
    query = f"SELECT c.*{parts} FROM ({query}) AS c OFFSET 0"  # noqa: S608
    for trait in derivation.placing:
        if isinstance(trait, JoinedTrait):
            joined = " || ".join(_text(derivation, id) for id in trait.join)  # null if one is
            query = f"SELECT c.*, {joined} AS p_{trait.id} FROM ({query}) AS c OFFSET 0"  # noqa: S608
    pairs = ", ".join(f"'{trait.id}', c.p_{trait.id}" for trait in derivation.placing)
    after_it = (
        f"(c.derived - CAST(:replaced AS text[])) || jsonb_strip_nulls(jsonb_build_object({pairs}))"
    )
    # Part by part, because next to nobody has moved: composing everything takes longer.
    moved = " OR ".join(
        [
            *(["c.derived ?| CAST(:gone AS text[])"] if gone else ()),
            *(
                f"(c.derived ->> '{trait.id}') IS DISTINCT FROM CAST(c.p_{trait.id} AS text)"
                for trait in derivation.placing
                if trait.id in names
            ),
        ]
        or ["false"]
    )
    return f"SELECT c.id, {after_it} AS after_it FROM ({query}) AS c WHERE {moved}"  # noqa: S608


_NUMBER: Final = (
    "CASE WHEN jsonb_typeof({value}) = 'number' THEN nullif(CAST({value} AS float8), 0) END"
)


def _value(derivation: Derivation, name: str, given: dict[str, Any], parameter: str) -> str:
    """Return the number, or the instant, by which customers are put in order; null for who is not.

    A trait that is not computed is a told one, whose name goes into `given`.
    """
    score = derivation.scores.get(name)
    if score is not None:
        return f"nullif(CAST({_score(derivation, score)} AS float8), 0)"
    if _dated(derivation, name):
        return f"CAST(c.derived ->> '{name}' AS timestamptz)"
    if name in derivation.traits:
        return _NUMBER.format(value=f"(c.derived -> '{name}')")
    given[parameter] = name
    return _NUMBER.format(value=f"(c.traits -> CAST(:{parameter} AS text))")


def _dated(derivation: Derivation, name: str) -> bool:
    trait = derivation.traits.get(name)
    return isinstance(trait, EventTrait) and trait.dated


def _seconds(derivation: Derivation, name: str, value: str) -> str:
    """Return a border as a number: of an instant, its seconds."""
    return f"CAST(extract(epoch FROM {value}) AS float8)" if _dated(derivation, name) else value


def _score(derivation: Derivation, score: Score) -> str:
    """Return a score as it is at the beginning of the transaction (see `engine.run.scoring`)."""
    kept = f"(c.scored -> '{score.id}')"
    points = f"CAST({kept} ->> 1 AS bigint)"
    now = points
    if score.half_life_days is not None:
        at = f"CAST({kept} ->> 2 AS bigint)"
        days = f"floor(greatest(0, extract(epoch FROM now()) * 1000000 - {at}) / 86400000000)"
        faded = f"floor({points} * power(CAST(2 AS float8), CAST(-{days} / {score.half_life_days} AS float8)) + 0.5)"
        now = f"CAST({faded} AS bigint)"
        if score.floor is not None:
            now = f"greatest({now}, {score.floor})"
        if score.ceiling is not None:
            now = f"least({now}, {score.ceiling})"
    version = derivation.versions[score.id]
    return f"CASE WHEN {kept} ->> 0 = '{version}' THEN {now} ELSE {score.empty} END"


def _part(derivation: Derivation, trait: QuantileTrait) -> str:
    borders = [(trait.quantile_of, top) for top in trait.tops]
    if not all(border in derivation.borders for border in borders):
        return "CAST(NULL AS int)"
    at = f"c.v_{trait.quantile_of}"
    found = (derivation.borders[border] for border in borders)
    known = sorted(value for value in found if value is not None)
    if _dated(derivation, trait.quantile_of):
        kind, written = "timestamptz", [_instant(seconds) for seconds in known]
    else:
        kind, written = "float8", [repr(value) for value in known]
    array = f"CAST(ARRAY[{', '.join(written)}] AS {kind}[])"
    reached = f"width_bucket({at}, {array})" if known else "0"
    part = f"{trait.parts} - {reached}" if trait.reversed else f"1 + {reached}"
    return f"CASE WHEN {at} IS NOT NULL THEN {part} END"


def _instant(seconds: float) -> str:
    return f"'{datetime.fromtimestamp(seconds, UTC).isoformat()}'"


def _text(derivation: Derivation, id: str) -> str:
    if id in derivation.scores:
        return f"CAST({_score(derivation, derivation.scores[id])} AS text)"
    if isinstance(derivation.traits.get(id), EventTrait):
        return f"(c.derived ->> '{id}')"
    return f"CAST(c.p_{id} AS text)"
