"""What is computed of a customer, kept up in the transaction of what she does.

An event brings the traits and scores up to date that it concerns, before anybody else is given
it. What time alone changes is right at the beginning of each of her turns, and the dispatcher gives
her one when somebody has to be told of it (`engine.flow.due`).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from engine.model.event import Event
from engine.model.trait import SCORE_DROPPED, SCORE_REACHED, EventTrait, Score
from engine.run import scoring
from engine.run.deriving import Derivation, compute, history, keep, kept, window_dues
from engine.run.rolling import Fact, instant, meant, rolled, scan, step, those_meant, value_of
from engine.run.scoring import Brought

if TYPE_CHECKING:
    from engine.flow.turn import Turn


def refresh(turn: "Turn") -> None:
    """Bring up to date what time alone has changed, when her turn begins."""
    derivation = turn.catalogue.derivation
    if turn.new and derivation.empty.keys() - turn.customer.derived.keys():
        _take(turn, derivation.empty)
    if turn.scored:
        _take(turn, derivation.current(turn.scored, turn.now))
    if turn.derived_due_at is not None and turn.derived_due_at <= turn.now:
        states = turn.rollup()
        past = [
            trait
            for trait in derivation.of_events
            if (state := states.get(trait.id)) is not None
            and state[0] == derivation.versions[trait.id]
            and state[2] is not None
            and instant(state[2]) <= turn.now
        ]
        _take(turn, {trait.id: _scanned(turn, derivation, trait) for trait in past})
        _plan(turn, derivation)


def derive(turn: "Turn", event: Event) -> None:
    """Bring up to date what an event that is in her history now changes."""
    derivation = turn.catalogue.derivation
    traits = derivation.by_event.get(event.name, ())
    scores = derivation.scores_by_event.get(event.name, ())
    if not traits and not scores:
        return
    values = {trait.id: _after(turn, derivation, trait, event) for trait in traits}
    for score in scores:
        _bring(turn, derivation, score, event)
    _take(turn, {**values, **derivation.current(turn.scored, turn.now)})
    _plan(turn, derivation)


def recompute(turn: "Turn") -> None:
    """Compute everything of her anew from her history, as after a merge of two customers.

    What a score has reached in it is told to nobody.
    """
    derivation = turn.catalogue.derivation
    found = compute(derivation, lambda name: facts(turn, name), turn.now, turn.zone)
    turn.keep_rollup(found.states)
    turn.scored, turn.derived_due_at = found.scored, found.due
    if found.derived != turn.customer.derived:
        turn.change(derived=found.derived)


def crossed(turn: "Turn") -> list[tuple[str, dict[str, Any]]]:
    """Return the events of the thresholds that her scores have come to or left, each once."""
    derivation = turn.catalogue.derivation
    told: list[tuple[str, dict[str, Any]]] = []
    if not turn.scored:
        return told
    for id, score in derivation.scores.items():
        if (points := derivation.points(turn.scored, id)) is None:
            continue
        at = scoring.value(score, points, turn.now)
        before, now = turn.scored[id][3], scoring.level(score, at)
        if before == now:
            continue
        turn.scored = {**turn.scored, id: keep(derivation, id, points, now)}
        name = SCORE_REACHED if now > before else SCORE_DROPPED
        passed = score.levels[before:now] or score.levels[now:before][::-1]
        told += [
            (name, {"score": id, "threshold": level.at, "name": level.name, "value": at})
            for level in passed
        ]
    if told:
        _plan(turn, derivation)
    return told


def facts(turn: "Turn", name: str, since: datetime | None = None) -> list[Fact]:
    """Return her events of a name, those of this transaction among them."""
    found = turn.world().events(name, since=since)
    return [Fact(event.occurred_at, event.seq, event.properties) for event in found]


def _after(turn: "Turn", derivation: Derivation, trait: EventTrait, event: Event) -> Any:
    """Return the trait's value after an event, and keep what belongs to it."""
    state = turn.rollup().get(trait.id)
    known = state is not None and state[0] == derivation.versions[trait.id]
    if not known or not rolled(trait):
        return _scanned(turn, derivation, trait)
    before = state[1] if state is not None else None
    if not meant(trait.where, event.properties, turn.zone):
        return value_of(trait, before)
    after = step(trait, before, Fact(event.occurred_at, event.seq, event.properties))
    if after != before:
        turn.keep_rollup({trait.id: kept(derivation, trait, after, None)})
    return value_of(trait, after)


def _scanned(turn: "Turn", derivation: Derivation, trait: EventTrait) -> Any:
    since = trait.within.before(turn.now, turn.zone) if trait.within is not None else None
    some = those_meant(trait.where, facts(turn, trait.event, since), turn.zone)
    found = scan(trait, some, turn.now, turn.zone)
    turn.keep_rollup({trait.id: kept(derivation, trait, found.state, found.due)})
    return found.value


def _bring(turn: "Turn", derivation: Derivation, score: Score, event: Event) -> None:
    """Add an event's points; one that comes late has all of them added up anew."""
    points = scoring.brought(score, event.name, event.properties, turn.zone)
    if points is None:
        return
    before = derivation.points(turn.scored, score.id)
    if before is not None and event.occurred_at >= before.at:
        after = scoring.added(score, before, event.occurred_at, points)
        told = turn.scored[score.id][3]
    else:
        every = history(score, lambda name: facts(turn, name), turn.zone)
        whole = scoring.folded(score, every)
        assert whole is not None  # noqa: S101 - the event itself is among them
        after = whole
        if before is not None:
            told = turn.scored[score.id][3]
        else:
            # By this definition nobody has added up what was before: only what comes now is told.
            others = [one for one in every if one != Brought(event.occurred_at, event.seq, points)]
            earlier = scoring.folded(score, others)
            told = scoring.level(score, scoring.value(score, earlier, turn.now))
    turn.scored = {**turn.scored, score.id: keep(derivation, score.id, after, told)}


def _take(turn: "Turn", values: Mapping[str, Any]) -> None:
    """Take over computed values, and what follows from them."""
    derivation, before = turn.catalogue.derivation, turn.customer.derived
    after = derivation.completed({**before, **values})
    if after != before:
        turn.change(derived=after)


def _plan(turn: "Turn", derivation: Derivation) -> None:
    """Say when time alone next changes something."""
    windows: list[datetime] = []
    if any(trait.within is not None for trait in derivation.of_events):
        windows = window_dues(turn.rollup(), derivation.versions)
    turn.derived_due_at = derivation.due(windows, turn.scored, turn.now)
