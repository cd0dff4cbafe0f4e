"""A customer's turn: what one transaction decides for her, under her lock."""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

from sqlalchemy import Connection

from engine.flow import deriving, outgoing
from engine.model.activity import ActivityType
from engine.model.condition import AnyCondition
from engine.model.customer import Customer
from engine.model.event import Event
from engine.model.hook import Hook
from engine.model.topic import Topic
from engine.names import Answer, Command, Wake
from engine.run.crossing import UNEVEN
from engine.run.machine import Machine
from engine.run.state import Enter, Update
from engine.store import catalogue as catalogues
from engine.store import events, kept, rollups, runs, tables
from engine.store.catalogue import Catalogue
from engine.store.customers import Locked
from engine.store.kept import Kept
from engine.store.memberships import Standing
from engine.store.runs import Run
from engine.store.session import Database
from engine.store.writing import write

T = TypeVar("T")

_EPOCH = datetime.fromisoformat("0001-01-02T00:00:00+00:00")
_TICK = timedelta(microseconds=1)


@dataclass(slots=True)
class Writes:
    """What a transaction will write, kept together so that it takes one round trip."""

    events: list[dict[str, Any]] = field(default_factory=list)
    inputs: list[dict[str, Any]] = field(default_factory=list)
    traces: list[dict[str, Any]] = field(default_factory=list)
    refusals: list[dict[str, Any]] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    claims: list[dict[str, Any]] = field(default_factory=list)
    transitions: list[dict[str, Any]] = field(default_factory=list)
    runs: dict[UUID, Run] = field(default_factory=dict)
    rollups: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    memberships: dict[tuple[UUID, str], dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a run's decision asked to be done; `depth` counts how much of that led to this."""

    run: Run
    effect: Update | Enter
    depth: int


class Turn:
    """A customer under her lock. `now` and `seq` are this turn's instant and number.

    `settled` is the message whose outcome this turn records, `origin` the customer by whose name she
    was found, when that is one who was merged into her. `fresh` are events that will be
    written at its end, and `at_the_end` is what has to be decided once everything else is.
    `asked` is what runs asked for and is not done yet, `depth` that of what is being done.
    `scored` and `derived_due_at` are kept of what is computed of her (see `engine.flow.deriving`).
    `followed` is the customer as her segments know her, with so many of the fresh events; of a
    `new` one they know nothing yet.
    """

    def __init__(
        self,
        database: Database,
        connection: Connection,
        locked: Locked,
        writes: Writes | None = None,
    ) -> None:
        self.connection = connection
        self.database = database
        self.customer = locked.customer
        self.seq = locked.seq
        self.now = max(locked.clock, locked.last_at + _TICK)
        self.writes = writes if writes is not None else Writes()
        self.catalogue: Catalogue = catalogues.current(
            database, connection, locked.catalogue_revision
        )
        self.settled: UUID | None = None
        self.at_the_end: Callable[[Turn], None] | None = None
        self.origin: UUID | None = None
        self.fresh: list[Event] = []
        self.asked: deque[Asked] = deque()
        self.depth = 0
        self.new = locked.seq == 0
        self.followed = locked.customer
        self.followed_events = 0
        self.scored = locked.scored
        self.derived_due_at = locked.derived_due_at
        self._was = locked.customer
        self._had = (locked.scored, locked.derived_due_at)
        self._first = locked.seq
        self._rollup: dict[str, Any] | None = None if locked.seq else {}
        self._pasts: dict[str, tuple[datetime, list[Event]]] = {}
        self._standings: dict[str, Standing] | None = None
        self._runs: list[Run] | None = None
        self._held: dict[UUID, Run] = {}
        deriving.refresh(self)

    @property
    def zone(self) -> str:
        """Her time zone, or the workspace's."""
        return self.customer.time_zone or self.catalogue.workspace.time_zone

    def stamp(self, *, not_before: datetime | None = None) -> int:
        """Take the next number of her order, and an instant after the last one."""
        self.seq += 1
        self.now = max(self.now + _TICK, not_before or self.now)
        return self.seq

    def world(self) -> "StoreWorld":
        """Return what decisions may ask at this instant."""
        return StoreWorld(self)

    def machine(self, plan_hash: str) -> Machine:
        """Return the machine of a published version."""
        return catalogues.machine(self.database, self.connection, plan_hash)

    def change(self, **changes: Any) -> None:
        """Change who she is."""
        self.customer = replace(self.customer, **changes)

    def hold(self, *held: Run) -> None:
        """Keep runs that were read by another way: a turn has each run once."""
        self._held |= {run.id: run for run in held}

    def past(self, name: str, since: datetime) -> list[Event]:
        """Return her stored events of a name that occurred after an instant, and maybe others.

        They are read once, from the earliest instant that is asked for on.
        """
        if not self._first:
            return []
        known = self._pasts.get(name)
        if known is None or since < known[0]:
            found = events.past(
                self.connection, self.customer.id, name, since=since, after=-1, until=self._first
            )
            known = self._pasts[name] = since, found
        return known[1]

    def read_ahead(self, segments: Iterable[str]) -> None:
        """Read the events that these segments ask for, each name once.

        Months are uneven: what has just left their window may come back.
        """
        shop = self.catalogue
        for name in {name for id in segments for name in shop.horizons.get(id, {})}:
            lengths = {length for id in segments for length in shop.horizons[id].get(name, ())}
            since = (
                _EPOCH
                if None in lengths
                else min(length.before(self.now, self.zone) for length in lengths if length)
            )
            self.past(name, max(since, _EPOCH + UNEVEN) - UNEVEN)

    def standings(self) -> dict[str, Standing]:
        """Return how she stands to segments, by segment."""
        if self._standings is None:
            customer = self.customer.id
            found = kept.read(self.connection, [customer], self.now, standings=True)
            self._standings = found[customer].standings or {}
        return self._standings

    def stand(self, segment: str, standing: Standing) -> None:
        """Have her stand so to a segment."""
        self.standings()[segment] = standing
        self.writes.memberships[self.customer.id, segment] = {
            "customer_id": self.customer.id,
            "segment_id": segment,
            "inside": standing.inside,
            "since": standing.since,
            "next_change_at": standing.next_change_at,
        }

    def begin_with(self, kept: Kept) -> None:
        """Take over what is kept of her, which was read with others'."""
        self._runs = kept.runs
        if self._rollup is None:
            self._rollup = kept.rollup
        if self._standings is None:
            self._standings = kept.standings

    def runs(self) -> list[Run]:
        """Return her runs that an event may concern; a new one is appended by who opens it."""
        if self._runs is None:
            customer = self.customer.id
            stored = kept.read(self.connection, [customer], self.now)[customer].runs
            known = {run.id: run for run in stored} | self._held
            known |= {
                id: run for id, run in self.writes.runs.items() if run.state.customer == customer
            }
            self._runs = list(known.values())
        return self._runs

    def rollup(self) -> Mapping[str, Sequence[Any]]:
        """Return what is kept of her events, by trait (see `engine.run.deriving.kept`)."""
        if self._rollup is None:
            self._rollup = rollups.of(self.connection, [self.customer.id])[self.customer.id]
        return self._rollup

    def keep_rollup(self, states: Mapping[str, Sequence[Any]]) -> None:
        """Keep these of her events, beside what is kept already."""
        self._rollup = {**self.rollup(), **states}
        self.writes.rollups[self.customer.id] = self._rollup

    def ask(self, run: Run, effect: Update | Enter) -> None:
        """Have something done when what is being decided is decided."""
        self.asked.append(Asked(run, effect, self.depth + 1))

    def row(self, *, whole: bool) -> dict[str, Any]:
        """Return what is to be written of her: how far she has come, and who she is now."""
        customer = self.customer
        row = {"id": customer.id, "seq": self.seq, "last_at": self.now}
        if whole:
            row |= {
                "traits": customer.traits,
                "derived": customer.derived,
                "scored": self.scored,
                "derived_due_at": self.derived_due_at,
                "addresses": customer.addresses,
                "locale": customer.locale,
                "time_zone": customer.time_zone,
                "consent": customer.consent,
                "suppressed": customer.suppressed,
            }
        return row

    @property
    def changed(self) -> bool:
        """Whether she is another than when her turn began."""
        return self.customer is not self._was or self._had != (self.scored, self.derived_due_at)


def finish(
    turns: Collection[Turn],
    writes: Writes,
    connection: Connection,
    *,
    answered: UUID | None = None,
    follow: bool = True,
) -> list[Wake]:
    """Write everything that these turns decided; return whom Temporal has to be told about.

    They are put in the outbox too, of which the process that commits tells Temporal at once.
    The run that is `answered` needs no telling, and one whose customer is held out has no
    workflow. Their segments follow, unless there are too many of them for that (`follow`).
    """
    if follow:
        from engine.flow import following  # it gives events to runs, and so leads back to here

        for turn in turns:
            following.carry_out(turn)
    for turn in turns:
        if turn.at_the_end is not None:
            turn.at_the_end(turn)
    assert not any(turn.asked for turn in turns)  # noqa: S101 - who decides has it carried out
    new, old = runs.rows(writes.runs.values())
    told = [
        wake_of(run)
        for run in writes.runs.values()
        if run.revision > run.stored_revision and not run.state.held_out and run.id != answered
    ]
    whole = any(turn.changed for turn in turns)
    listening = next((turn.catalogue.hooks for turn in turns), ())
    write(
        connection,
        {
            tables.event: writes.events,
            tables.run: new,
            tables.run_input: writes.inputs,
            tables.run_trace: writes.traces,
            tables.entry_refusal: writes.refusals,
            tables.membership: list(writes.memberships.values()),
            tables.message: writes.messages,
            tables.message_transition: writes.transitions,
            tables.customer_rollup: [
                {"customer_id": id, "states": states} for id, states in writes.rollups.items()
            ],
            tables.wake: [{"run_id": wake.run, "revision": wake.revision} for wake in told],
            tables.hook_delivery: _tellings(connection, listening, writes) if listening else (),
        },
        {
            tables.message: writes.claims,
            tables.run: old,
            tables.customer: [turn.row(whole=whole) for turn in turns],
        },
    )
    return told


def _tellings(
    connection: Connection, listening: Sequence[Hook], writes: Writes
) -> list[dict[str, Any]]:
    return outgoing.deliveries(
        connection,
        listening,
        events=writes.events,
        transitions=writes.transitions,
        traces=writes.traces,
        decided=writes.messages,
        runs=writes.runs,
    )


def in_turn_of(
    database: Database,
    run_id: UUID,
    decide: Callable[[Turn, Run], T],
    *,
    gone: T,
    own: bool = False,
) -> tuple[T, list[Wake]]:
    """Run `decide` in the turn of a run's customer; return its answer, and whom to tell.

    The run's own workflow learns by the answer, unless `own` asks for its wake as well. `gone` is
    answered for a run that does not exist any more.
    """

    def work(connection: Connection) -> tuple[T, list[Wake]]:
        found = runs.locked(connection, run_id)
        if found is None:
            return gone, []
        locked, run = found
        turn = Turn(database, connection, locked)
        turn.hold(run)
        turn.stamp()
        answer = decide(turn, run)
        answered = None if own else run_id
        return answer, finish([turn], turn.writes, connection, answered=answered)

    return database.transact(work)


GONE: Final = Answer(0, Command("exit"))
"""What the workflow of a run that does not exist any more is told."""


def wake_of(run: Run) -> Wake:
    """Return what its workflow has to be told."""
    return Wake(
        run=str(run.id),
        revision=run.revision,
        journey=run.journey,
        version=run.version,
        source=run.source,
        answer=run.answer,
    )


class StoreWorld:
    """The world as the database knows it, in a turn (see `engine.run.world.World`)."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self.now = turn.now
        self.seq = turn.seq
        self.zone = turn.zone
        self.customer: Customer = turn.customer
        self._found: dict[tuple[str, datetime | None, int | None], Sequence[Event]] = {}

    def events(
        self, name: str, *, since: datetime | None = None, after: int | None = None
    ) -> Sequence[Event]:
        """See `World.events`."""
        asked = name, since, after
        if (found := self._found.get(asked)) is None:
            found = self._found[asked] = self._events(name, since or _EPOCH, after)
        return found

    def _events(self, name: str, since: datetime, after: int | None) -> list[Event]:
        after = after if after is not None else -1
        if after < 0:
            stored = [one for one in self._turn.past(name, since) if one.occurred_at > since]
        else:
            stored = events.past(
                self._turn.connection, self.customer.id, name,
                since=since, after=after, until=self.seq,
            )  # fmt: skip
        fresh = [
            event
            for event in self._turn.fresh
            if event.name == name and after < event.seq <= self.seq and event.occurred_at > since
        ]
        return stored + fresh

    def segment(self, segment: str) -> AnyCondition | None:
        """See `World.segment`."""
        segments: Mapping[str, AnyCondition] = self._turn.catalogue.segments
        return segments.get(segment)

    def topic(self, topic: str) -> Topic:
        """See `World.topic`."""
        return self._turn.catalogue.topic(topic)

    def activity(self, name: str) -> ActivityType | None:
        """See `World.activity`."""
        activities: Mapping[str, ActivityType] = self._turn.catalogue.activities
        return activities.get(name)

    def threshold(self, trait: str, top: int) -> float | None:
        """See `World.threshold`."""
        return self._turn.catalogue.thresholds.get((trait, top))
