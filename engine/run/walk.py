"""A walk: which way a customer would go through a journey, told what happens on the way.

It is the machine of production on a world in memory. Nothing is kept between two looks: the
choices are carried out from the beginning each time. Caps and the hours of messages are left out,
and what the journey asks to be done elsewhere, like entering another journey, is told only.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, assert_never
from uuid import UUID

from engine.compile.plan import Await, CallOut, Plan, SendTo
from engine.model.base import Channel
from engine.model.clock import LATEST
from engine.model.condition import EventMatch
from engine.model.event import Event
from engine.model.journey import WebhookStep
from engine.model.opening import OnApi, OnEvent, opening_event
from engine.run import entry
from engine.run.assignment import message_id
from engine.run.changes import updated
from engine.run.conditions import Scope, holds
from engine.run.entry import Opened, Refused
from engine.run.machine import Machine, channels_of
from engine.run.reach import barred
from engine.run.state import (
    Call,
    Deliver,
    Enter,
    Entered,
    Exit,
    Happened,
    Input,
    Returned,
    Settled,
    State,
    TimeReached,
    Trace,
    Update,
    Wait,
)
from engine.run.walked import (
    Answered,
    CanAnswer,
    CanHappen,
    CanPass,
    CanSend,
    Choice,
    Handed,
    Happens,
    Line,
    Opening,
    Passes,
    Start,
    Turn,
    Walked,
)
from engine.run.world import MemoryWorld, Seen

ANY_EVENT: Final = "Entry Requested"
"""What an entry that the shop's systems ask for is stored as."""


def walk(plan: Plan, start: Start, choices: Sequence[Choice] = ()) -> Walked:
    """Walk from the entry as far as the choices lead; one that does not fit ends it there."""
    walker = _Walker(plan, start)
    if not walker.enter():
        return walker.walked(0, None)
    for n, choice in enumerate(choices):
        unfit = walker.take(choice, n)
        if unfit is not None:
            return walker.walked(n, unfit)
    return walker.walked(len(choices), None)


class _Walker:
    """A walk under way: her clock, her counter, and what has happened so far."""

    def __init__(self, plan: Plan, start: Start) -> None:
        self.plan = plan
        self.machine = Machine(plan)
        self.start = start
        self.customer = start.customer
        self.now = start.at
        self.history = list(start.history)
        self.seq = max((event.seq for event in self.history), default=0)
        self.state: State | None = None
        self.decided: Opened | Refused = Refused(reason="")
        self.seen = Seen()
        self.turns: list[Turn] = []
        self.lines: list[Line] = []

    def world(self) -> MemoryWorld:
        start = self.start
        return MemoryWorld(
            now=self.now, seq=self.seq, zone=start.zone, customer=self.customer,
            history=tuple(self.history), segments=start.segments, topics=start.topics,
            activities=start.activities, thresholds=start.thresholds,
        )  # fmt: skip

    # What happens to her

    def enter(self) -> bool:
        """Decide the entry, and its first stretch; return whether she is in."""
        on = self.plan.journey.entry.on
        event = self._event(opening_event(on) or ANY_EVENT, self.start.properties)
        self.decided = self._decide(event)
        if isinstance(self.decided, Refused) and not self.start.anyway:
            return False
        drawn = self.decided.arms if isinstance(self.decided, Opened) else {}
        self.state = State(
            run=self.customer.id,  # only the ids of her messages are made from it
            customer=self.customer.id,
            entered_at=self.now,
            entry=event.properties,
            arms={**drawn, **self.start.arms},
        )
        self._give(Entered(seq=self.seq, at=self.now), None)
        return True

    def _decide(self, event: Event) -> Opened | Refused:
        world, rules = self.world(), self.plan.journey.entry
        scope = Scope(properties=event.properties)
        where = rules.on.where if isinstance(rules.on, OnEvent) else None
        fits = where is None or holds(where, world, scope, self.seen)
        opened_by_event = opening_event(rules.on) is not None
        if not fits or (opened_by_event and not entry.triggers(self.plan, event, world)):
            return Refused(reason="other_event")
        if rules.if_ is not None:
            holds(rules.if_, world, scope, self.seen)
        # An entry by the interface may bring its key; one that is walked is let in without.
        given = str(self.customer.id) if isinstance(rules.on, OnApi) else None
        if entry.key_of(self.plan, event, given) is None:
            return Refused(reason="no_key", data={"key": rules.reentry.key})
        return entry.decide(self.plan, event, world, self.start.past)

    def take(self, choice: Choice, n: int) -> str | None:
        """Carry out a choice; return why it does not fit where she stands."""
        state = self.state
        if state is None or choice.step != self._here():
            return "elsewhere"
        command = self.turns[-1].after.command
        match choice:
            case Passes():
                if not isinstance(command, Wait):
                    return "elsewhere"
                self.now, self.seq = max(self.now, command.until), self.seq + 1
                self._give(TimeReached(seq=self.seq, at=self.now), n)
            case Happens():
                return self._happens(choice, n)
            case Handed():
                if not isinstance(command, Deliver):
                    return "elsewhere"
                self._hand(command, choice, n)
            case Answered():
                if not isinstance(command, Call):
                    return "elsewhere"
                self._answer(command, choice, n)
            case _:
                assert_never(choice)
        return None

    def _answer(self, command: Call, choice: Answered, n: int) -> None:
        self.seq += 1
        returned = Returned(
            seq=self.seq,
            at=self.now,
            step=command.step,
            visit=command.visit,
            outcome=choice.outcome,
            reason="not_done" if choice.outcome == "failed" else None,
            kept=choice.kept,
        )
        self._give(returned, n)

    def _happens(self, choice: Happens, n: int) -> str | None:
        command = self.turns[-1].after.command
        if timedelta(seconds=choice.after) > LATEST - self.now:
            return "too_late"
        then = self.now + timedelta(seconds=choice.after)
        if isinstance(command, Deliver):
            return "elsewhere"  # what comes while a message is being sent is decided after it
        if isinstance(command, Wait | Call) and then >= command.until and then > self.now:
            return "too_late"
        properties = dict(choice.properties)
        if choice.message is not None:
            message = self._message(choice.message)
            if message is None:
                return "not_sent"
            properties["message"] = str(message)
        self.now = then
        event = self._event(choice.event, properties)
        heard = self._give(Happened(seq=event.seq, at=self.now, event=event), n)
        if not heard:
            self._tell(Trace(what="happened", step=self._here(), data=self._unheard(event)), n)
        return None

    def _unheard(self, event: Event) -> dict[str, Any]:
        """Return what was seen of an event that something waits for, and that is another one."""
        seen = Seen()
        for opening in self._events():
            where = opening.match.where
            if opening.match.event == event.name and where is not None:
                holds(where, self.world(), Scope(properties=event.properties), seen)
        return {"event": event.name, "seen": seen.answers}

    def _hand(self, command: Deliver, choice: Handed, n: int) -> None:
        """Settle a message; what moved it to another channel is told as production tells it."""
        can = self._send(command)
        if choice.outcome == "sent" and can.channel != command.channel:
            told = {
                "from": command.channel,
                "to": can.channel,
                "reason": self._bars(command.channel),
            }
            self._tell(Trace(what="moved", step=command.step, data=told), n)
        # Whoever could be written to is skipped because a rule is full.
        why = {"sent": None, "failed": "refused", "skipped": can.barred or "cap"}
        claimed = self.seq
        self.seq += 1
        settled = Settled(
            seq=self.seq,
            at=self.now,
            step=command.step,
            visit=command.visit,
            outcome=choice.outcome,
            reason=why[choice.outcome],
            since=claimed if choice.outcome == "sent" else None,
        )
        self._give(settled, n, can.channel)

    def _give(self, given: Input, n: int | None, channel: Channel | None = None) -> bool:
        """Let the machine decide; return whether anything came of it."""
        assert self.state is not None  # noqa: S101 - she has entered
        world = self.world()
        advanced = self.machine.advance(self.state, given, world)
        self.turns.append(Turn(given, self.state, world, advanced, channel))
        self.state = advanced.state
        for effect in advanced.effects:
            match effect:
                case Trace():
                    self._tell(effect, n)
                case Update():
                    self.customer = updated(self.world(), effect)
                case Enter():
                    told = {"journey": effect.journey, "reason": "told_only"}
                    self._tell(Trace(what="started", step=effect.step, data=told), n)
                case _:
                    assert_never(effect)
        return bool(advanced.effects)

    def _tell(self, trace: Trace, n: int | None) -> None:
        self.lines.append(Line(self.now, trace, n))

    def _event(self, name: str, properties: Mapping[str, Any]) -> Event:
        self.seq += 1
        event = Event(
            id=UUID(int=self.seq), seq=self.seq, name=name, properties=dict(properties),
            occurred_at=self.now, received_at=self.now,
        )  # fmt: skip
        self.history.append(event)
        return event

    def _message(self, step: str) -> UUID | None:
        """Return the last message of a step, if one was sent."""
        state = self.state
        if state is None or state.outcomes.get(step) != "sent":
            return None
        return message_id(state.run, step, state.visits[step])

    # Where she stands

    def walked(self, taken: int, unfit: str | None) -> Walked:
        return Walked(
            entry=self.decided,
            seen=self.seen.answers,
            state=self.state,
            now=self.now,
            customer=self.customer,
            lines=tuple(self.lines),
            turns=tuple(self.turns),
            open=tuple(self._open()),
            taken=taken,
            unfit=unfit,
        )

    def _here(self) -> str | None:
        return getattr(self.turns[-1].after.command, "step", None)

    def _open(self) -> Iterator[Opening]:
        if self.state is None:
            return
        command = self.turns[-1].after.command
        match command:
            case Deliver():
                yield self._send(command)
                return
            case Call():
                yield CanAnswer(step=command.step, kept=self._kept())
            case Wait():
                yield CanPass(step=command.step, until=command.until)
            case Exit():
                pass
            case _:
                assert_never(command)
        yield from self._events()

    def _events(self) -> Iterator[CanHappen]:
        state, journey = self.state, self.plan.journey
        assert state is not None  # noqa: S101 - she has entered
        step, command = self._here(), self.turns[-1].after.command
        until = command.until if isinstance(command, Wait | Call) else None
        here = self.plan.instructions[state.place]
        if state.ended is None:
            if isinstance(here, Await):
                for match, _ in here.events:
                    if match.message is None or self._message(match.message) is not None:
                        yield CanHappen(role="awaited", step=step, match=match, until=until)
            for rule in journey.exits:
                if rule.on.message is None or self._message(rule.on.message) is not None:
                    yield CanHappen(role="exit", step=step, match=rule.on, until=until)
        goal = journey.goal
        if goal is not None and state.goal_at is None and not self._goal_over():
            match = EventMatch(event=goal.event, where=goal.where)
            yield CanHappen(role="goal", step=step, match=match, until=until, revenue=goal.revenue)

    def _goal_over(self) -> bool:
        until = self.state.goal_until if self.state is not None else None
        return until is not None and self.now > until

    def _send(self, command: Deliver) -> CanSend:
        """Return on which channel the message goes, as the claim finds it."""
        reason = self._bars(command.channel)
        if reason is not None:
            channels = self._channels()
            at = (
                channels.index(command.channel) + 1
                if command.channel in channels
                else len(channels)
            )
            for other in channels[at:]:
                if self._bars(other) is None:
                    return CanSend(step=command.step, channel=other, barred=None)
        return CanSend(step=command.step, channel=command.channel, barred=reason)

    def _channels(self) -> tuple[Channel, ...]:
        here = self._sends()
        assert self.state is not None  # noqa: S101 - she has entered
        return channels_of(here.step, self.machine.variant(self.state, here.step))

    def _bars(self, channel: Channel) -> str | None:
        here = self._sends()
        topic = self.world().topic(here.topic) if here.topic is not None else None
        transactional = here.step.class_ == "transactional"
        return barred(self.customer, channel, topic, transactional=transactional)

    def _sends(self) -> SendTo:
        assert self.state is not None  # noqa: S101 - she has entered
        here = self.plan.instructions[self.state.place]
        assert isinstance(here, SendTo)  # noqa: S101 - the command is to deliver
        return here

    def _kept(self) -> tuple[str, ...] | None:
        assert self.state is not None  # noqa: S101 - she has entered
        here = self.plan.instructions[self.state.place]
        assert isinstance(here, CallOut)  # noqa: S101 - the command is a call
        if isinstance(here.step, WebhookStep):
            return tuple(here.step.keep)
        known = self.start.activities.get(here.step.activity)
        return known.results if known is not None else None
