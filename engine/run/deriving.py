"""What is computed of a customer, by the definitions of a moment.

Her computed traits follow from her events; the parts of all customers she is in, from the borders
that were frozen last; traits that are joined, from those.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import orjson

from engine.model.trait import (
    AnyTrait,
    EventTrait,
    JoinedTrait,
    QuantileTrait,
    Score,
    of_others,
)
from engine.run import scoring
from engine.run.calendar import moment
from engine.run.rolling import Fact, State, instant, micros, scan, those_meant
from engine.run.scoring import Brought, Points

Scored = Mapping[str, Sequence[Any]]
"""By score: the version of its definition, its points after the last change, when that was (in
microseconds), and how many of its thresholds it has been told to have reached."""

Border = tuple[str, float]
"""A trait, and the share of all customers, in percent, who have at least the border's value."""


@dataclass(frozen=True)
class Derivation:
    """The definitions, and what they need to know of others than the customer.

    `borders` are frozen; one without a value is where nobody stands apart. `watched` are the
    numbers with which segments compare each score.
    """

    traits: Mapping[str, AnyTrait] = field(default_factory=dict)
    scores: Mapping[str, Score] = field(default_factory=dict)
    borders: Mapping[Border, float | None] = field(default_factory=dict)
    watched: Mapping[str, frozenset[float]] = field(default_factory=dict)

    @cached_property
    def by_event(self) -> Mapping[str, tuple[EventTrait, ...]]:
        """The traits that an event of each name may change."""
        found: dict[str, tuple[EventTrait, ...]] = {}
        for trait in self.of_events:
            found[trait.event] = (*found.get(trait.event, ()), trait)
        return found

    @cached_property
    def of_events(self) -> tuple[EventTrait, ...]:
        """The traits that are computed of events."""
        return tuple(trait for trait in self.traits.values() if isinstance(trait, EventTrait))

    @cached_property
    def scores_by_event(self) -> Mapping[str, tuple[Score, ...]]:
        """The scores that an event of each name may change."""
        found: dict[str, tuple[Score, ...]] = {}
        for score in self.scores.values():
            for event in sorted({rule.event for rule in score.rules}):
                found[event] = (*found.get(event, ()), score)
        return found

    @cached_property
    def versions(self) -> Mapping[str, str]:
        """What tells a definition from what it was before, by its id."""
        every: Iterable[AnyTrait | Score] = (*self.of_events, *self.scores.values())
        return {one.id: _version(one) for one in every}

    @cached_property
    def wheres(self) -> Mapping[str, bytes]:
        """What tells which events a trait means from those that others mean, by its id."""
        return {one.id: orjson.dumps(one.document().get("where")) for one in self.of_events}

    @cached_property
    def empty(self) -> Mapping[str, Any]:
        """What a customer has of whom nothing is known: no orders are 0 orders."""
        of_events = ((trait.id, trait.empty) for trait in self.of_events)
        scores = ((score.id, score.empty) for score in self.scores.values())
        return {id: value for id, value in (*of_events, *scores) if value is not None}

    @cached_property
    def placing(self) -> tuple[QuantileTrait | JoinedTrait, ...]:
        """The traits made of others, each after those it is made of."""
        done: dict[str, QuantileTrait | JoinedTrait] = {}
        left = [t for t in self.traits.values() if not isinstance(t, EventTrait)]
        while left:
            waiting = {trait.id for trait in left}
            ready = [trait for trait in left if not waiting & set(of_others(trait))]
            if not ready:
                break  # a circle, which nobody can save
            done |= {trait.id: trait for trait in ready}
            left = [trait for trait in left if trait.id not in done]
        return tuple(done.values())

    def concerned(self, event: str) -> bool:
        """Whether an event of this name changes a trait or a score."""
        return event in self.by_event or event in self.scores_by_event

    def events_of(self, only: Collection[str] | None) -> frozenset[str]:
        """Return the events that all, or `only` these, are computed of."""
        wanted = (t for t in self.of_events if only is None or t.id in only)
        scores = (s for s in self.scores.values() if only is None or s.id in only)
        rules = (rule.event for score in scores for rule in score.rules)
        return frozenset({*(trait.event for trait in wanted), *rules})

    def dependents(self, names: Collection[str]) -> frozenset[str]:
        """Return these traits, and those that are made of them."""
        found = set(names)
        for trait in self.placing:
            if found & set(of_others(trait)):
                found.add(trait.id)
        return frozenset(found)

    def completed(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return computed values with those made of them, without what is missing or unknown."""
        known = {
            id: value
            for id, value in values.items()
            if value is not None
            and (id in self.scores or isinstance(self.traits.get(id), EventTrait))
        }
        for trait in self.placing:
            made = (
                self._part(trait, known)
                if isinstance(trait, QuantileTrait)
                else _joined(trait, known)
            )
            if made is not None:
                known[trait.id] = made
        return known

    def _part(self, trait: QuantileTrait, known: Mapping[str, Any]) -> int | None:
        source, value = self.traits.get(trait.quantile_of), known.get(trait.quantile_of)
        at = magnitude(value, dated=isinstance(source, EventTrait) and source.dated)
        borders = [(trait.quantile_of, top) for top in trait.tops]
        if at is None or not all(border in self.borders for border in borders):
            return None
        reached = [self.borders[border] for border in borders]
        part = 1 + sum(1 for value in reached if value is not None and at >= value)
        return trait.parts + 1 - part if trait.reversed else part

    def current(self, scored: Scored, now: datetime) -> dict[str, int]:
        """Return what each score is at an instant, of those that are up to date."""
        return {
            id: scoring.value(score, self.points(scored, id), now)
            for id, score in self.scores.items()
            if id in scored and scored[id][0] == self.versions[id]
        }

    def fresh(self, derived: Mapping[str, Any], scored: Scored, now: datetime) -> Mapping[str, Any]:
        """Return what is computed of a customer as it is at an instant, when it is only read.

        What is stored of a score is from when somebody last had to look: since then it fades.
        """
        current = self.current(scored, now)
        if all(derived.get(id) == value for id, value in current.items()):
            return derived
        return self.completed({**derived, **current})

    def points(self, scored: Scored, id: str) -> Points | None:
        """Return what is kept of a score, None when there is nothing by this definition."""
        return points_kept(scored.get(id), self.versions[id])

    def due(
        self, windows: Iterable[datetime | None], scored: Scored, now: datetime
    ) -> datetime | None:
        """Return when time alone next changes what somebody has to be told."""
        dues = [at for at in windows if at is not None]
        for id, score in self.scores.items():
            points = self.points(scored, id)
            if points is None:
                continue
            if scoring.level(score, scoring.value(score, points, now)) != scored[id][3]:
                dues.append(now)
            watched = self.watched.get(id, frozenset[float]())
            crossing = scoring.next_crossing(score, points, now, watched)
            if crossing is not None:
                dues.append(crossing)
        return min(dues, default=None)


@dataclass(frozen=True, slots=True)
class Computed:
    """Everything that is computed of one customer: values, what is kept, when to look again."""

    derived: Mapping[str, Any]
    states: Mapping[str, Sequence[Any]]
    scored: Scored
    due: datetime | None


Events = Callable[[str], Sequence[Fact]]
"""A customer's events by their name."""


def compute(
    derivation: Derivation,
    events: Events,
    now: datetime,
    zone: str,
    *,
    before: Computed | None = None,
    only: Collection[str] | None = None,
) -> Computed:
    """Compute a customer anew from her history: everything, or `only` some beside what was `before`.

    Thresholds that a score has reached in it are taken as told.
    """
    before = before or Computed({}, {}, {}, None)
    values = dict(before.derived)
    states, scored = dict(before.states), dict(before.scored)
    meant: dict[tuple[str, bytes], list[Fact]] = {}
    for trait in derivation.of_events:
        if only is None or trait.id in only:
            asked = trait.event, derivation.wheres[trait.id]
            if asked not in meant:
                meant[asked] = those_meant(trait.where, events(trait.event), zone)
            found = scan(trait, meant[asked], now, zone)
            values[trait.id] = found.value
            states[trait.id] = kept(derivation, trait, found.state, found.due)
    for score in derivation.scores.values():
        if only is None or score.id in only:
            points = scoring.folded(score, history(score, events, zone))
            values[score.id] = scoring.value(score, points, now)
            scored.pop(score.id, None)
            if points is not None:
                told = scoring.level(score, values[score.id])
                scored[score.id] = keep(derivation, score.id, points, told)
    values |= derivation.current(scored, now)
    scored = {id: state for id, state in scored.items() if id in derivation.scores}
    states = {id: state for id, state in states.items() if state[0] == derivation.versions.get(id)}
    windows = window_dues(states, derivation.versions)
    due = derivation.due([*windows, before.due if only is not None else None], scored, now)
    return Computed(derivation.completed(values), states, scored, due)


def history(score: Score, events: Events, zone: str) -> list[Brought]:
    """Return all her events that bring a score points."""
    return [
        Brought(fact.at, fact.seq, points)
        for name in sorted({rule.event for rule in score.rules})
        for fact in events(name)
        if (points := scoring.brought(score, name, fact.properties, zone)) is not None
    ]


def kept(
    derivation: Derivation, trait: EventTrait, state: State, due: datetime | None
) -> list[Any]:
    """Return what is kept of a trait: the version of its definition, its state, when it is due."""
    return [derivation.versions[trait.id], state, None if due is None else micros(due)]


def keep(derivation: Derivation, score: str, points: Points, told: int) -> list[Any]:
    """Return what is kept of a score (see `Scored`)."""
    return [derivation.versions[score], points.points, micros(points.at), told]


def points_kept(state: Sequence[Any] | None, version: str) -> Points | None:
    """Return the points that are kept, None when they are by another definition."""
    if state is None or state[0] != version:
        return None
    return Points(state[1], instant(state[2]))


def window_dues(states: Mapping[str, Sequence[Any]], versions: Mapping[str, str]) -> list[datetime]:
    """Return when an event next leaves each of the windows that are kept by these definitions."""
    return [
        instant(state[2])
        for id, state in states.items()
        if state[2] is not None and state[0] == versions.get(id)
    ]


def magnitude(value: Any, *, dated: bool = False) -> float | None:
    """Return the number by which customers are put in order; None for those who are not.

    An instant (`dated`) counts by its seconds. Zero is as good as nothing: who never bought is in no
    part.
    """
    if dated:
        at = moment(value, "UTC")
        return None if at is None else at.timestamp()
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) or None


def _joined(trait: JoinedTrait, known: Mapping[str, Any]) -> str | None:
    values = [known.get(id) for id in trait.join]
    if any(value is None for value in values):
        return None
    return "".join(one if isinstance(one, str) else orjson.dumps(one).decode() for one in values)


def _version(definition: AnyTrait | Score) -> str:
    document = definition.document()
    del document["name"]
    if isinstance(definition, Score):
        for threshold in document.get("thresholds", ()):
            del threshold["name"]
    return hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).hexdigest()[:12]
