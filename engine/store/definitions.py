"""Computed traits and scores: their definitions, and the borders that are frozen."""

from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import Connection, func, select, update

from engine.model.condition import AnyCondition, TraitIs, parts
from engine.model.trait import AnyTrait, Score, TraitDocument
from engine.run.deriving import Border, Derivation
from engine.store import tables
from engine.store.documents import segments, upsert


def traits(connection: Connection) -> dict[str, AnyTrait]:
    """Return every computed trait by its id."""
    rows = connection.execute(select(tables.trait).order_by(tables.trait.c.id))
    return {row.id: TraitDocument.read(row.document) for row in rows}


def scores(connection: Connection) -> dict[str, Score]:
    """Return every score by its id."""
    rows = connection.execute(select(tables.score).order_by(tables.score.c.id))
    return {row.id: Score.model_validate(row.document) for row in rows}


def put_trait(connection: Connection, trait: AnyTrait) -> bool:
    """Create or replace a computed trait; return whether it is new."""
    values = {"document": trait.document(), "updated_at": func.now()}
    return upsert(connection, tables.trait, trait.id, values)


def put_score(connection: Connection, score: Score) -> bool:
    """Create or replace a score; return whether it is new."""
    values = {"document": score.document(), "updated_at": func.now()}
    return upsert(connection, tables.score, score.id, values)


def borders(connection: Connection) -> dict[Border, float | None]:
    """Return the frozen borders: from which value a customer is among so many percent."""
    table = tables.threshold.c
    rows = connection.execute(select(table.trait, table.top, table.value))
    return {
        (row.trait, float(row.top)): None if row.value is None else float(row.value) for row in rows
    }


def derivation(connection: Connection, rules: Iterable[AnyCondition]) -> Derivation:
    """Return everything that customers' traits are computed by; `rules` are the segments'."""
    known, frozen = scores(connection), borders(connection)
    return Derivation(
        traits=traits(connection),
        scores=known,
        borders=frozen,
        watched=compared(known, rules, frozen),
    )


def for_reading(connection: Connection) -> Derivation:
    """Return what is needed to tell how customers' scores and parts stand now."""
    return derivation(connection, ())


def compared(
    names: Collection[str], rules: Iterable[AnyCondition], frozen: Mapping[Border, float | None]
) -> dict[str, frozenset[float]]:
    """Return the numbers with which segments compare each of these scores."""
    found: dict[str, set[float]] = {name: set() for name in names}
    for (name, _), value in frozen.items():
        if name in found and value is not None:
            found[name].add(value)
    for rule in rules:
        for part in parts(rule):
            if isinstance(part, TraitIs) and part.trait in found:
                for _, operand in part.operators:
                    operands = operand if isinstance(operand, list) else [operand]
                    found[part.trait] |= {
                        value
                        for value in operands
                        if isinstance(value, int | float) and not isinstance(value, bool)
                    }
    return {name: frozenset(values) for name, values in found.items()}


def now_watched(connection: Connection) -> dict[str, frozenset[float]]:
    """Return the numbers with which segments compare each score now."""
    rules = [segment.rule for segment in segments(connection).values()]
    return compared(scores(connection), rules, borders(connection))


def watched(connection: Connection) -> dict[str, frozenset[float]]:
    """Return the numbers that customers' due times keep an eye on, by score."""
    rows = connection.execute(select(tables.score.c.id, tables.score.c.watched))
    return {row.id: frozenset(row.watched) for row in rows}


def watch(connection: Connection, score: str, numbers: Collection[float]) -> None:
    """Have customers' due times keep an eye on these numbers."""
    table = tables.score
    connection.execute(update(table).where(table.c.id == score).values(watched=sorted(numbers)))
