"""What the pages of traits show."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from designer.traits.sentences import TraitWords
from designer.words import Words
from engine.flow.definitions import used_by
from engine.model.trait import AnyTrait, EventTrait, QuantileTrait, Score
from engine.store import computed, definitions, trait_builds
from engine.store.computed import Spread
from engine.store.trait_builds import Build


@dataclass(frozen=True, slots=True)
class Progress:
    """How far everybody is computed."""

    done: int
    total: int
    said: str


@dataclass(frozen=True, slots=True)
class Row:
    """A computed trait or a score in the list."""

    id: str
    name: str
    address: str
    said: str
    customers: int
    progress: Progress | None


@dataclass(frozen=True, slots=True)
class Listed:
    """Everything that is known of customers, by where it comes from."""

    computed: list[Row]
    scores: list[Row]
    told: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of all customers who have the trait; `share` is of the largest, in percent."""

    value: str
    customers: int
    share: int


@dataclass(frozen=True, slots=True)
class Shown:
    """One computed trait or score: what it is, how far it is, and how it is spread."""

    said: str
    customers: int
    progress: Progress | None
    bars: list[Bar]
    used: list[str]
    borders: list[str]


def listed(connection: Connection, words: Words) -> Listed:
    """Return everything that is known of customers."""
    traits, scores = definitions.traits(connection), definitions.scores(connection)
    having, building = computed.having(connection), trait_builds.unfinished(connection)
    say = trait_words(connection, words)

    def row(one: AnyTrait | Score, below: str) -> Row:
        said = say.score(one) if isinstance(one, Score) else say.trait(one)
        progress = _progress(building.get(one.id), words)
        return Row(one.id, one.name, f"/{below}/{one.id}", said, having.get(one.id, 0), progress)

    told = computed.told(connection)
    return Listed(
        [row(trait, "traits") for trait in traits.values()],
        [row(score, "scores") for score in scores.values()],
        {name: n for name, n in told.items() if name not in traits and name not in scores},
    )


def shown(connection: Connection, one: AnyTrait | Score, words: Words) -> Shown:
    """Return what the page of a computed trait or a score shows beside its form."""
    say = trait_words(connection, words)
    spread = computed.spread(connection, one.id)
    return Shown(
        said=say.score(one) if isinstance(one, Score) else say.trait(one),
        customers=computed.having(connection).get(one.id, 0),
        progress=_progress(trait_builds.unfinished(connection).get(one.id), words),
        bars=_bars(spread, one, words),
        used=[words.said(said) for said in used_by(connection, one.id)],
        borders=_borders(connection, one, words),
    )


def trait_words(connection: Connection, words: Words) -> TraitWords:
    """Return who says what is computed."""
    every: list[AnyTrait | Score] = [
        *definitions.traits(connection).values(),
        *definitions.scores(connection).values(),
    ]
    return TraitWords(words, {one.id: one.name for one in every})


def _progress(build: Build | None, words: Words) -> Progress | None:
    if build is None:
        return None
    said = words.gettext(
        "%(done)s of %(total)s customers",
        done=words.number(min(build.done, build.total)),
        total=words.number(build.total),
    )
    return Progress(build.done, build.total, said)


def _bars(spread: Spread, one: AnyTrait | Score, words: Words) -> list[Bar]:
    most = max((n for _, n in spread.bars), default=0)
    if isinstance(one, EventTrait) and one.take in {"first_at", "last_at"}:
        return []
    return [
        Bar(_from(value, words) if spread.numbers else value, n, round(100 * n / most))
        for value, n in spread.bars
        if n
    ]


def _from(value: str, words: Words) -> str:
    return words.gettext("from %(value)s", value=words.number(float(value)))


def _borders(connection: Connection, one: AnyTrait | Score, words: Words) -> list[str]:
    """Return where the parts of all customers begin, the highest first."""
    if not isinstance(one, QuantileTrait):
        return []
    frozen = definitions.borders(connection)
    source: Any = definitions.traits(connection).get(one.quantile_of)
    dated = isinstance(source, EventTrait) and source.take in {"first_at", "last_at"}
    found = []
    for place, top in enumerate(one.tops):
        value = frozen.get((one.quantile_of, top))
        part = 1 + place if one.reversed else one.parts - place
        if value is not None:
            start = words.day(datetime.fromtimestamp(value, UTC)) if dated else words.number(value)
            found.append(words.gettext("%(part)s begins at %(value)s", part=part, value=start))
    return found
