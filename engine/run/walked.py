"""What a walk through a journey begins with, what can be chosen on it, and what it comes to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from engine.model.activity import ActivityType
from engine.model.base import Channel
from engine.model.condition import AnyCondition, EventMatch
from engine.model.customer import Customer
from engine.model.event import Event
from engine.model.topic import Topic
from engine.run.entry import Opened, PastRuns, Refused
from engine.run.state import Advanced, Input, State, Trace
from engine.run.world import MemoryWorld


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Who walks, when, and what she does to enter; `past` is what is known of earlier runs.

    `anyway` lets her in whatever the entry says, and `arms` are draws that are given, not drawn.
    """

    customer: Customer
    zone: str
    at: datetime
    properties: Mapping[str, Any] = field(default_factory=dict)
    history: Sequence[Event] = ()
    segments: Mapping[str, AnyCondition] = field(default_factory=dict)
    topics: Mapping[str, Topic] = field(default_factory=dict)
    activities: Mapping[str, ActivityType] = field(default_factory=dict)
    thresholds: Mapping[tuple[str, int], float] = field(default_factory=dict)
    past: PastRuns = field(default_factory=PastRuns)
    anyway: bool = False
    arms: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passes:
    """The time comes until which she waits at `step`."""

    kind: Literal["passes"] = "passes"
    step: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Happens:
    """An event happens, so many seconds later; `message` is the step whose message it is about."""

    kind: Literal["happens"] = "happens"
    step: str | None = None
    event: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    after: int = 0
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """What became of the message at `step`."""

    kind: Literal["handed"] = "handed"
    step: str | None = None
    outcome: Literal["sent", "skipped", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What became of the call at `step`, and what is kept of its answer."""

    kind: Literal["answered"] = "answered"
    step: str | None = None
    outcome: Literal["done", "failed"]
    kept: Mapping[str, Any] = field(default_factory=dict)


Choice = Passes | Happens | Handed | Answered


@dataclass(frozen=True, slots=True, kw_only=True)
class CanPass:
    """She waits until then."""

    step: str | None
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CanHappen:
    """An event that would change something, and until when; `match` says what it must be like.

    `role` is what it would do: answer the step's wait, end the journey, reach the goal.
    """

    role: Literal["awaited", "exit", "goal"]
    step: str | None
    match: EventMatch
    until: datetime | None
    revenue: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CanSend:
    """A message is to be sent on `channel`, unless something bars it."""

    step: str
    channel: Channel
    barred: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CanAnswer:
    """A call is made; an answer may hold these parts (None: whatever it likes)."""

    step: str
    kept: tuple[str, ...] | None


Opening = CanPass | CanHappen | CanSend | CanAnswer


@dataclass(frozen=True, slots=True)
class Turn:
    """One input, the world that decided it, and what came of it.

    `channel` is the one by which the message went of whose sending the input tells.
    """

    given: Input
    before: State
    world: MemoryWorld
    after: Advanced
    channel: Channel | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened on the way; `choice` is the one that led to it, None the entry."""

    at: datetime
    trace: Trace
    choice: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """How far she came. `taken` choices were carried out; `unfit` is why the next one was not.

    `seen` is what deciding the entry saw. Without `state` she did not enter.
    """

    entry: Opened | Refused
    seen: Mapping[str, Any]
    state: State | None
    now: datetime
    customer: Customer
    lines: tuple[Line, ...] = ()
    turns: tuple[Turn, ...] = ()
    open: tuple[Opening, ...] = ()
    taken: int = 0
    unfit: str | None = None

    @property
    def here(self) -> str | None:
        """The step at which she stands."""
        if self.state is None or self.state.ended is not None:
            return None
        return getattr(self.turns[-1].after.command, "step", None)

    @property
    def steps(self) -> frozenset[str]:
        """The steps that she has come by."""
        return frozenset(self.state.visits) if self.state is not None else frozenset()

    @property
    def arms(self) -> frozenset[tuple[str, str]]:
        """The ways that she has gone, by the step that they leave."""
        found = ((line.trace.step, _arm(line.trace)) for line in self.lines)
        return frozenset((step, arm) for step, arm in found if step is not None and arm is not None)


def _arm(trace: Trace) -> str | None:
    if trace.what == "timed_out":
        return "else"
    arm = trace.data.get("arm")
    return arm if isinstance(arm, str) else None
