"""A customer's turn: what one transaction decides for her, under her lock."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, insert

from engine.model.condition import AnyCondition
from engine.model.customer import Customer
from engine.model.event import Event
from engine.names import Wake
from engine.run.machine import Machine
from engine.store import catalogue as catalogues
from engine.store import customers, events, messages, runs, tables, wakes
from engine.store.catalogue import Catalogue
from engine.store.customers import Locked
from engine.store.runs import Run
from engine.store.session import Database

_EPOCH = datetime.fromisoformat("0001-01-02T00:00:00+00:00")
_TICK = timedelta(microseconds=1)


@dataclass(slots=True)
class Writes:
    """What a transaction will write, kept together so that it takes few round trips."""

    inputs: list[dict[str, Any]] = field(default_factory=list)
    traces: list[dict[str, Any]] = field(default_factory=list)
    refusals: list[dict[str, Any]] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    transitions: list[dict[str, Any]] = field(default_factory=list)
    runs: dict[UUID, Run] = field(default_factory=dict)

    def flush(self, connection: Connection) -> None:
        """Write everything."""
        if self.runs:
            runs.save(connection, list(self.runs.values()))
        for table, rows in (
            (tables.run_input, self.inputs),
            (tables.run_trace, self.traces),
            (tables.entry_refusal, self.refusals),
        ):
            if rows:
                connection.execute(insert(table), rows)
        if self.messages:
            messages.decide(connection, self.messages)
        if self.transitions:
            messages.transition(connection, self.transitions)


class Turn:
    """A customer under her lock. `now` and `seq` are this turn's instant and number.

    `settled` is the message whose outcome this turn records.
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
        self._was = locked.customer

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

    @property
    def row(self) -> dict[str, Any]:
        """Her counters, to be written at the end."""
        return {"id": self.customer.id, "seq": self.seq, "last_at": self.now}

    @property
    def changed_row(self) -> dict[str, Any] | None:
        """Who she is now, when that has changed."""
        if self.customer is self._was:
            return None
        customer = self.customer
        return {
            "key": customer.id,
            "seq": self.seq,
            "last_at": self.now,
            "traits": customer.traits,
            "addresses": customer.addresses,
            "locale": customer.locale,
            "time_zone": customer.time_zone,
        }


def finish(turns: Iterable[Turn], writes: Writes, connection: Connection) -> list[Wake]:
    """Write everything that these turns decided; return whom Temporal has to be told about."""
    writes.flush(connection)
    ticked, changed = [], []
    for turn in turns:
        row = turn.changed_row
        if row is None:
            ticked.append(turn.row)
        else:
            changed.append(row)
    if ticked:
        customers.tick(connection, ticked)
    if changed:
        customers.change(connection, changed)
    return [
        wake_of(run)
        for run in writes.runs.values()
        if run.revision > run.stored_revision and not run.state.held_out
    ]


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


def remember(connection: Connection, told: list[Wake]) -> list[Wake]:
    """Put wakes in the outbox, of which the process that commits tells Temporal at once."""
    if told:
        wakes.add(connection, told)
    return told


class StoreWorld:
    """The world as the database knows it, in a turn (see `engine.run.world.World`)."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self.now = turn.now
        self.seq = turn.seq
        self.zone = turn.zone
        self.customer: Customer = turn.customer

    def events(
        self, name: str, *, since: datetime | None = None, after: int | None = None
    ) -> list[Event]:
        """See `World.events`."""
        return events.past(
            self._turn.connection,
            self.customer.id,
            name,
            since=since or _EPOCH,
            after=after if after is not None else -1,
            until=self.seq,
        )

    def segment(self, segment: str) -> AnyCondition | None:
        """See `World.segment`."""
        segments: Mapping[str, AnyCondition] = self._turn.catalogue.segments
        return segments.get(segment)
