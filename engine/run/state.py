"""What a run is at one moment, what reaches it, what it commands, and what it tells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from engine.model.base import Channel
from engine.model.event import Event
from engine.model.topic import Subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Where a run stands. `place` is an index into the plan's instructions.

    `visits` counts how often each step was reached, `since` is the customer's counter when a
    step took effect, `arms` the draws that hold for good.
    """

    run: UUID
    customer: UUID
    entered_at: datetime
    entry: Mapping[str, Any] = field(default_factory=dict)
    held_out: bool = False
    place: int = 0
    until: datetime | None = None
    visits: Mapping[str, int] = field(default_factory=dict)
    outcomes: Mapping[str, str] = field(default_factory=dict)
    since: Mapping[str, int] = field(default_factory=dict)
    arms: Mapping[str, str] = field(default_factory=dict)
    goal_until: datetime | None = None
    goal_at: datetime | None = None
    goal_revenue: Decimal | None = None
    ended: str | None = None
    results: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What was kept of the answers to calls, by step."""
    rounds: Mapping[str, int] = field(default_factory=dict)
    """How many rounds have begun of each repeat that the run stands in."""

    @property
    def told(self) -> dict[str, dict[str, Any]]:
        """What templates may say of each step: what became of it, and what was kept."""
        return {
            step: {**self.results.get(step, {}), "outcome": outcome}
            for step, outcome in self.outcomes.items()
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """The customer has entered; `state` is as new."""

    seq: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """An event that the run is interested in."""

    seq: int
    at: datetime
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeReached:
    """The instant has come that the run waits for."""

    seq: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """It is known what became of a message; `since` is her counter when it was claimed."""

    seq: int
    at: datetime
    step: str
    visit: int
    outcome: str
    reason: str | None = None
    since: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """It is known what became of a call. `reason` is why it failed, `kept` what its answer said.

    `detail` is for people who look for the cause; `missing` are parts that the answer lacked.
    """

    seq: int
    at: datetime
    step: str
    visit: int
    outcome: Literal["done", "failed"]
    status: int | None = None
    reason: str | None = None
    detail: str | None = None
    kept: Mapping[str, Any] = field(default_factory=dict)
    missing: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """Somebody ends the run from outside."""

    seq: int
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hurried:
    """Somebody ends this visit's wait from outside: the run goes on as if its time had come."""

    seq: int
    at: datetime
    step: str
    visit: int


Input = Entered | Happened | TimeReached | Settled | Returned | Stopped | Hurried


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliver:
    """Send the message of this visit of the step, not before an instant when one is given."""

    step: str
    visit: int
    channel: Channel
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Do nothing until then, or until an event of interest arrives."""

    step: str | None
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """The run has ended."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """A developer's activity that carries out a call: by which name, where, how long it may take.

    `timeout` is in seconds and holds for one attempt.
    """

    call: str
    activity: str
    queue: str
    timeout: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Make the call of this visit of the step; `until` is how long it is tried again."""

    step: str
    visit: int
    until: datetime
    errand: Errand | None = None


Command = Deliver | Call | Wait | Exit


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One thing that happened to a run, for people to read.

    `what` is one of entered, held_out, reached, chose, drew, round, repeated, waits, passed,
    received, timed_out, hurried, sent, skipped, failed, unknown, deferred, called, call_failed, call_late,
    updated, held, resumed, goal, ended; and what the transaction adds, such as started,
    not_started, too_deep.
    """

    what: str
    step: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """The customer has other traits (None forgets one), and wants topics or does not any more."""

    step: str
    traits: Mapping[str, Any] = field(default_factory=dict)
    topics: Mapping[tuple[str, Channel], Subscription] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Enter:
    """The customer asks to enter another journey, with these properties of an event."""

    step: str
    journey: str
    properties: Mapping[str, Any] = field(default_factory=dict)


Effect = Trace | Update | Enter
"""What a decision brings about besides the run's own state; the transaction carries it out."""


@dataclass(frozen=True, slots=True)
class Advanced:
    """The outcome of one input."""

    state: State
    effects: tuple[Effect, ...]
    command: Command
