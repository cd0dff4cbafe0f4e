"""The machine on random journeys and histories: what holds whatever happens."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import pytest
from pydantic import TypeAdapter

from engine.compile.compiler import compile as compile_journey
from engine.compile.plan import Await, CallOut, SendTo, WaitHere
from engine.model.condition import AnyCondition, Condition
from engine.model.customer import Customer
from engine.model.event import Event
from engine.model.journey import Journey, RepeatStep, walk
from engine.run import entry
from engine.run.changes import updated
from engine.run.entry import Opened, PastRuns
from engine.run.machine import Machine
from engine.run.state import (
    Advanced,
    Call,
    Deliver,
    Entered,
    Exit,
    Happened,
    Hurried,
    Input,
    Returned,
    Settled,
    State,
    TimeReached,
    Trace,
    Update,
    Wait,
)
from engine.run.world import MemoryWorld
from tests.journeys import EVENTS, SEGMENTS, JourneyMaker, properties
from tests.journeys import traits as traits_of

STATES = TypeAdapter(State)
RULES: dict[str, AnyCondition] = {
    name: TypeAdapter[AnyCondition](Condition).validate_python(rule)
    for name, rule in SEGMENTS.items()
}
BEGIN = datetime(2026, 10, 20, tzinfo=UTC)  # the clocks change on the 25th


@dataclass(frozen=True)
class Turn:
    """One input, the world that decided it, and what came of it."""

    given: Input
    world: MemoryWorld
    before: State
    after: Advanced


@dataclass(frozen=True)
class Story:
    """A run from its entry to wherever the history ends."""

    journey: Journey
    machine: Machine
    turns: list[Turn]


def traces(story: Story) -> Iterator[Trace]:
    for turn in story.turns:
        yield from (effect for effect in turn.after.effects if isinstance(effect, Trace))


def stories(seed: int) -> Iterator[Story]:
    rng = Random(seed)
    for n in range(10):
        journey = JourneyMaker(rng, f"j{n}").journey()
        machine = Machine(compile_journey(journey))
        yield Story(journey, machine, list(turns(rng, machine)))


def turns(rng: Random, machine: Machine) -> Iterator[Turn]:
    """Live through a run: events, time, and messages that are settled sooner, later or twice."""
    told = traits_of(rng)
    customer = Customer(
        id=UUID(int=rng.getrandbits(128)), traits=told, time_zone="Europe/Zurich",
        addresses={"email": told.get("email"), "phone": told.get("phone")},
    )  # fmt: skip
    now, seq = BEGIN + timedelta(minutes=rng.randrange(10_000)), 1
    entered = event(rng, machine.plan.journey.entry.on.event, seq, now)  # type: ignore[union-attr]
    history = [entered]

    def world() -> MemoryWorld:
        return MemoryWorld(now=now, seq=seq, zone="Europe/Zurich", customer=customer,
                           history=tuple(history), segments=RULES)  # fmt: skip

    decided = entry.decide(machine.plan, entered, replace(world()), PastRuns())
    held_out = isinstance(decided, Opened) and decided.held_out
    state = State(run=UUID(int=rng.getrandbits(128)), customer=customer.id, entered_at=now,
                  entry=entered.properties, held_out=held_out)  # fmt: skip
    given: Input = Entered(seq=1, at=now)
    for _ in range(rng.randrange(5, 60)):
        after = machine.advance(state, given, world())
        yield Turn(given, world(), state, after)
        for effect in after.effects:
            if isinstance(effect, Update):
                customer = updated(world(), effect)
        state, command = after.state, after.command
        kind = rng.random()
        claimed = seq
        if isinstance(command, Wait) and kind < 0.34:
            now, seq = max(now, command.until), seq + 1
            given = TimeReached(seq=seq, at=now)
        elif isinstance(command, Wait) and command.step is not None and kind < 0.4:
            now, seq = now + timedelta(seconds=1), seq + 1
            given = Hurried(seq=seq, at=now, step=command.step, visit=state.visits[command.step])
        elif isinstance(command, Deliver) and kind < 0.6:
            for _ in range(rng.randrange(3)):  # what came while it was with the provider
                now, seq = now + timedelta(seconds=1), seq + 1
                history.append(event(rng, rng.choice(EVENTS), seq, now))
            now, seq = now + timedelta(seconds=1), seq + 1
            outcome = rng.choice(["sent", "sent", "sent", "skipped", "failed", "unknown"])
            since = claimed if outcome in {"sent", "unknown"} else None
            given = Settled(seq=seq, at=now, step=command.step, visit=command.visit,
                            outcome=outcome, since=since)  # fmt: skip
        elif isinstance(command, Call) and kind < 0.5:
            now, seq = now + timedelta(seconds=1), seq + 1
            given = _returned(rng, seq, now, command.step, command.visit)
        elif kind < 0.7:
            seq += 1
            given = rng.choice([
                TimeReached(seq=seq, at=now),
                Settled(seq=seq, at=now, step=f"s{rng.randrange(1, 9)}", visit=rng.randrange(3), outcome="sent"),
                _returned(rng, seq, now, f"s{rng.randrange(1, 9)}", rng.randrange(3)),
                Hurried(seq=seq, at=now, step=f"s{rng.randrange(1, 9)}", visit=rng.randrange(3)),
            ])  # fmt: skip
        else:
            now, seq = now + timedelta(minutes=rng.choice([0, 1, 50, 2000])), seq + 1
            happened = event(rng, rng.choice(EVENTS), seq, now)
            history.append(happened)
            given = Happened(seq=seq, at=now, event=happened)


def _returned(rng: Random, seq: int, at: datetime, step: str, visit: int) -> Returned:
    if rng.random() < 0.5:
        return Returned(seq=seq, at=at, step=step, visit=visit, outcome="done", status=200,
                        kept={"points": rng.randrange(100)})  # fmt: skip
    return Returned(seq=seq, at=at, step=step, visit=visit, outcome="failed", reason="not_reached")


def event(rng: Random, name: str, seq: int, at: datetime) -> Event:
    return Event(id=UUID(int=seq), seq=seq, name=name, properties=properties(rng),
                 occurred_at=at, received_at=at)  # fmt: skip


@pytest.fixture(scope="module", params=range(12))
def some(request: pytest.FixtureRequest) -> list[Story]:
    return list(stories(request.param))


def test_a_run_always_rests_where_it_can(some: list[Story]) -> None:
    for story in some:
        for turn in story.turns:
            state, command = turn.after.state, turn.after.command
            here = story.machine.plan.instructions[state.place]
            match command:
                case Exit(reason=reason):
                    assert state.ended == reason
                case Deliver(step=step, visit=visit):
                    assert isinstance(here, SendTo)
                    assert (here.step.id, state.visits[step]) == (step, visit)
                    assert state.until is None
                case Call(step=step, visit=visit, until=until):
                    assert isinstance(here, CallOut)
                    assert (here.step.id, state.visits[step]) == (step, visit)
                    assert state.until == until
                case Wait(step=step, until=until):
                    assert state.until == until
                    if not state.held_out:
                        assert isinstance(here, WaitHere | Await)
                        assert here.step.id == step


def test_the_same_inputs_give_the_same_run_also_when_it_is_stored_in_between(
    some: list[Story],
) -> None:
    for story in some:
        for turn in story.turns:
            again = story.machine.advance(turn.before, turn.given, turn.world)
            assert again == turn.after
            stored = STATES.validate_json(STATES.dump_json(turn.before))
            assert stored == turn.before
            assert story.machine.advance(stored, turn.given, turn.world) == turn.after


def test_an_ended_run_stays_ended(some: list[Story]) -> None:
    for story in some:
        for turn in story.turns:
            if turn.before.ended is not None:
                assert turn.after.state.ended == turn.before.ended
                assert turn.after.state.place == turn.before.place
                assert turn.after.state.visits == turn.before.visits
                assert turn.after.command == Exit(reason=turn.before.ended)
        ends = [e for e in traces(story) if e.what == "ended"]
        assert len(ends) == (story.turns[-1].after.state.ended is not None)


def test_the_goal_is_reached_once_and_in_time(some: list[Story]) -> None:
    for story in some:
        goals = [e for e in traces(story) if e.what == "goal"]
        final = story.turns[-1].after.state
        assert len(goals) == (final.goal_at is not None)
        assert final.goal_until is not None
        assert final.goal_at is None or final.goal_at <= final.goal_until
        for turn in story.turns:
            if turn.before.goal_at is not None:
                assert turn.after.state.goal_at == turn.before.goal_at
        first = next((t.given for t in story.turns if _is_goal(story.journey, t)), None)
        assert (first is None) == (final.goal_at is None)


def _is_goal(journey: Journey, turn: Turn) -> bool:
    goal, until = journey.goal, turn.before.goal_until
    return (
        isinstance(turn.given, Happened)
        and goal is not None
        and turn.given.event.name == goal.event
        and until is not None
        and turn.given.at <= until
    )


def test_steps_are_reached_before_anything_becomes_of_them(some: list[Story]) -> None:
    for story in some:
        reached: Counter[str] = Counter()
        for turn in story.turns:
            late = isinstance(turn.given, Settled | Returned)
            for effect in turn.after.effects:
                if not isinstance(effect, Trace):
                    assert effect.step in reached
                elif effect.what == "reached" and effect.step is not None:
                    reached[effect.step] += 1
                elif effect.step is not None and not late:
                    assert effect.step in reached
            state = turn.after.state
            assert state.visits == reached
            assert set(state.since) == set(reached)
            assert max(state.since.values(), default=0) <= turn.world.seq
            assert reached.keys() <= story.machine.plan.places.keys()


def test_no_repeat_has_more_rounds_than_it_may(some: list[Story]) -> None:
    for story in some:
        times = {s.id: s.times for s in walk(story.journey.steps) if isinstance(s, RepeatStep)}
        begun: Counter[str] = Counter()
        for told in traces(story):
            if told.what == "reached" and told.step in times:
                begun[told.step] = 0
            elif told.what == "round" and told.step is not None:
                begun[told.step] += 1
                assert told.data["round"] == begun[told.step] <= times[told.step]
            elif told.what == "repeated" and told.step is not None:
                assert told.data["rounds"] == begun[told.step]
                if told.data["outcome"] == "done":
                    assert begun[told.step] == times[told.step]
        final = story.turns[-1].after.state
        assert all(final.rounds[step] == begun[step] for step in final.rounds)


def test_every_run_comes_to_an_end_when_its_commands_are_carried_out() -> None:
    """Repeats and all: what is published ends, and time passes on the way."""
    for seed in range(20):
        rng = Random(seed)
        machine = Machine(compile_journey(JourneyMaker(rng, "j").journey()))
        customer = Customer(id=UUID(int=seed), traits=traits_of(rng), addresses={"email": "a@b.c"})
        now, seq = BEGIN, 1
        state = State(run=UUID(int=7), customer=customer.id, entered_at=now, entry=properties(rng))
        given: Input = Entered(seq=1, at=now)
        for _ in range(3000):
            world = MemoryWorld(now=now, seq=seq, zone="Europe/Zurich", customer=customer,
                                segments=RULES)  # fmt: skip
            after = machine.advance(state, given, world)
            state, seq = after.state, seq + 1
            match after.command:
                case Exit():
                    break
                case Wait(until=until):
                    assert until > now
                    now = until
                    given = TimeReached(seq=seq, at=now)
                case Deliver(step=step, visit=visit):
                    given = Settled(seq=seq, at=now, step=step, visit=visit, outcome="sent")
                case Call(step=step, visit=visit):
                    given = _returned(rng, seq, now, step, visit)
        assert state.ended is not None


def test_draws_stay(some: list[Story]) -> None:
    for story in some:
        for turn in story.turns:
            for step, arm in turn.before.arms.items():
                assert turn.after.state.arms[step] == arm


def test_what_a_run_is_not_interested_in_changes_nothing(some: list[Story]) -> None:
    for story in some:
        for turn in story.turns:
            if not isinstance(turn.given, Happened):
                continue
            if not story.machine.interested(turn.before, turn.given.event.name):
                assert turn.after.state == turn.before
                assert turn.after.effects == ()


def test_time_moves_a_run_only_when_it_has_come(some: list[Story]) -> None:
    for story in some:
        for turn in story.turns:
            if not isinstance(turn.given, TimeReached) or turn.before.ended is not None:
                continue
            until = turn.before.until
            moved = turn.after.state != turn.before
            if isinstance(story.machine.plan.instructions[turn.before.place], CallOut):
                until = None  # of a call: its result alone moves the run
            assert moved is (until is not None and turn.given.at >= until)


def test_only_the_wait_at_hand_is_hurried(some: list[Story]) -> None:
    for story in some:
        for turn in story.turns:
            if not isinstance(turn.given, Hurried):
                continue
            asked, before = story.machine.command(turn.before), turn.before
            here = isinstance(asked, Wait) and asked.step == turn.given.step
            if here and before.visits.get(turn.given.step) == turn.given.visit:
                first = turn.after.effects[0]
                assert isinstance(first, Trace)
                assert (first.what, first.step) == ("hurried", turn.given.step)
                assert turn.after.state.outcomes[turn.given.step] in {"waited", "timed_out"}
                assert story.machine.command(turn.after.state) != asked
            else:
                assert turn.after.state == before
                assert turn.after.effects == ()


def test_who_is_held_out_never_moves(some: list[Story]) -> None:
    for story in some:
        for turn in story.turns:
            if turn.before.held_out:
                assert turn.after.state.place == 0
                assert not turn.after.state.visits
                assert not isinstance(turn.after.command, Deliver | Call)


def test_only_the_result_of_the_call_at_hand_changes_a_run(some: list[Story]) -> None:
    for story in some:
        for turn in story.turns:
            if not isinstance(turn.given, Returned):
                continue
            given, state = turn.given, turn.after.state
            asked = story.machine.command(turn.before)
            if isinstance(asked, Call) and (asked.step, asked.visit) == (given.step, given.visit):
                assert state.outcomes[given.step] == given.outcome
                assert state.results[given.step] == given.kept
            else:
                assert state == turn.before
                (told,) = turn.after.effects
                assert isinstance(told, Trace)
                assert told.what == "call_late"


def test_the_histories_are_worth_the_name() -> None:
    """The random stories go everywhere: a change of the maker must not empty these tests."""
    told: set[str] = set()
    for seed in range(12):
        for story in stories(seed):
            told |= {e.what for e in traces(story)}
    assert told >= {"entered", "held_out", "reached", "chose", "drew", "waits", "passed", "received",
                    "timed_out", "sent", "skipped", "failed", "unknown", "goal", "ended", "called", "call_failed", "call_late",
                    "round", "repeated", "updated", "hurried"}  # fmt: skip
