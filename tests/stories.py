"""Stories: a customer's way through a journey on the pure machine, told in a few lines."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import journeys
from engine.compile.compiler import compile as compile_journey
from engine.model.customer import Customer
from engine.model.document import parse_journey
from engine.model.event import Event
from engine.model.opening import OnDate
from engine.run import entry
from engine.run.assignment import message_id
from engine.run.changes import updated
from engine.run.entry import Opened, PastRuns, Refused
from engine.run.machine import Machine
from engine.run.occurrences import next_occurrence
from engine.run.state import (
    Deliver,
    Entered,
    Exit,
    Happened,
    Settled,
    State,
    TimeReached,
    Update,
    Wait,
)
from engine.run.world import MemoryWorld

MONDAY: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ZONE: Final = "Europe/Zurich"
SEGMENTS: Final = {id: segment.rule for id, segment in journeys.segments().items()}
SEGMENT_NAMES: Final = {id: segment.name for id, segment in journeys.segments().items()}


class Story:
    """A customer's way through a journey, on a clock that waits for nobody.

    Messages of the steps `skips` are not sent, those of `holds` wait for room, and each of the
    others `takes` so long.
    """

    def __init__(
        self,
        text: str,
        *,
        number: int = 1,
        skips: tuple[str, ...] = (),
        holds: tuple[str, ...] = (),
        takes: timedelta = timedelta(),
        **customer: Any,
    ) -> None:
        self.machine = Machine(compile_journey(parse_journey(text)))
        self.skips, self.holds, self.takes = skips, holds, takes
        given = {"addresses": {"email": "a@example.com", "phone": "+33639980000"}, **customer}
        self.customer = Customer(id=UUID(int=number), **given)
        self.now, self.seq = MONDAY, 0
        self.history: list[Event] = []
        self.state: State | None = None
        self.command: Any = None
        self.sent: list[str] = []
        self.ended_at: datetime | None = None

    def world(self) -> MemoryWorld:
        return MemoryWorld(
            now=self.now,
            seq=self.seq,
            zone=ZONE,
            customer=self.customer,
            history=self.history,
            segments=SEGMENTS,
        )

    def does(self, name: str, /, **properties: Any) -> Opened | Refused | None:
        """Let an event happen: to the run, and to the entry when there is no run."""
        self.now += timedelta(seconds=1)
        event = self._noted(name, properties)
        if self.state is not None and self.state.ended is None:
            self._take(Happened(seq=self.seq, at=self.now, event=event))
            return None
        if not entry.triggers(self.machine.plan, event, self.world()):
            return None
        return self._decided(event)

    def comes_into(self, segment: str) -> Opened | Refused | None:
        """Let her come into a segment."""
        return self.does("Segment Entered", segment=segment, name=SEGMENT_NAMES[segment])

    def date_comes(self) -> Opened | Refused | None:
        """Let the date come that opens the journey; None when none ever does."""
        on = self.machine.plan.journey.entry.on
        assert isinstance(on, OnDate)
        told = self.customer.known.get(on.date)
        comes = next_occurrence(on, told, ZONE, after=self.now, done=None)
        if comes is None:
            return None
        self.now = comes.at
        properties = {"trait": on.date, "date": told, "on": comes.on.isoformat()}
        return self._decided(self._noted("Entry Requested", properties))

    def answers(self, name: str, step: str) -> None:
        """Let her do something with the message of a step."""
        assert self.state is not None
        self.does(name, message=str(message_id(self.state.run, step, 1)))

    def _noted(self, name: str, properties: dict[str, Any]) -> Event:
        self.seq += 1
        event = Event(
            id=UUID(int=self.seq),
            seq=self.seq,
            name=name,
            properties=properties,
            occurred_at=self.now,
            received_at=self.now,
        )
        self.history.append(event)
        return event

    def _decided(self, event: Event) -> Opened | Refused:
        decided = entry.decide(self.machine.plan, event, self.world(), self.past())
        if isinstance(decided, Opened):
            self.state = State(
                run=UUID(int=7),
                customer=self.customer.id,
                entered_at=self.now,
                entry=event.properties,
                held_out=decided.held_out,
            )
            self._take(Entered(seq=self.seq, at=self.now))
        return decided

    def past(self) -> PastRuns:
        """Return what is known of her last run, of whatever key."""
        if self.state is None:
            return PastRuns()
        return PastRuns(last_ended=self.ended_at, held_out=self.state.held_out)

    def _take(self, given: Any) -> None:
        assert self.state is not None
        self._advance(given)
        while isinstance(self.command, Deliver) and self.command.step not in self.holds:
            self.now += self.takes
            skipped = self.command.step in self.skips
            if not skipped:
                self.sent.append(f"{self.command.step} by {self.command.channel}")
            self.seq += 1
            settled = Settled(
                seq=self.seq,
                at=self.now,
                step=self.command.step,
                visit=self.command.visit,
                outcome="skipped" if skipped else "sent",
                since=self.seq,
            )
            self._advance(settled)

    def _advance(self, given: Any) -> None:
        assert self.state is not None
        world = self.world()
        advanced = self.machine.advance(self.state, given, world)
        self.state, self.command = advanced.state, advanced.command
        for effect in advanced.effects:
            if isinstance(effect, Update):
                self.customer = updated(world, effect)
        if isinstance(self.command, Exit):
            self.ended_at = self.now

    def waits(self) -> timedelta:
        """Let the awaited time come, and return how long that took."""
        assert isinstance(self.command, Wait)
        began, self.now = self.now, self.command.until
        self.seq += 1
        self._take(TimeReached(seq=self.seq, at=self.now))
        return self.now - began

    def past_by(self, length: timedelta) -> None:
        """Let time go by in which nothing comes due."""
        self.now += length

    @property
    def ended(self) -> str | None:
        """Why it ended."""
        return self.command.reason if isinstance(self.command, Exit) else None
