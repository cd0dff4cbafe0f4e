"""What a decision may ask, at one instant."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from engine.model.activity import ActivityType
from engine.model.condition import AnyCondition
from engine.model.customer import Customer
from engine.model.event import Event
from engine.model.topic import Topic, topic_named


class World(Protocol):
    """The customer, her past and the shop's rules, at the instant `now`.

    `seq` is the last number given out in her order; nothing after it is visible.
    """

    @property
    def now(self) -> datetime:
        """The instant of the decision, in UTC."""
        ...

    @property
    def seq(self) -> int:
        """Her counter at this instant."""
        ...

    @property
    def zone(self) -> str:
        """Her time zone, or the workspace's."""
        ...

    @property
    def customer(self) -> Customer:
        """Who she is at this instant."""
        ...

    def events(
        self, name: str, *, since: datetime | None = None, after: int | None = None
    ) -> Iterable[Event]:
        """Her events of this name: those that occurred after `since`, numbered above `after`."""
        ...

    def segment(self, segment: str) -> AnyCondition | None:
        """The rule of a segment, or None when there is none of that name."""
        ...

    def topic(self, topic: str) -> Topic:
        """The topic of that name; one that nobody defined is like a new one."""
        ...

    def activity(self, name: str) -> ActivityType | None:
        """The developer's activity of that name, or None when no worker has told of one."""
        ...

    def threshold(self, trait: str, top: int) -> float | None:
        """The value of a trait from which a customer is among the `top` percent of all, or None.

        Frozen once a day; there is none before the first time.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryWorld:
    """A world from what is given: for the backtest, the walk-through and tests."""

    now: datetime
    seq: int
    zone: str
    customer: Customer
    history: Sequence[Event] = ()
    segments: Mapping[str, AnyCondition] = field(default_factory=dict)
    topics: Mapping[str, Topic] = field(default_factory=dict)
    activities: Mapping[str, ActivityType] = field(default_factory=dict)
    thresholds: Mapping[tuple[str, int], float] = field(default_factory=dict)

    def events(
        self, name: str, *, since: datetime | None = None, after: int | None = None
    ) -> Iterable[Event]:
        """See `World.events`."""
        return [
            event
            for event in self.history
            if event.name == name
            and event.seq <= self.seq
            and (since is None or event.occurred_at > since)
            and (after is None or event.seq > after)
        ]

    def segment(self, segment: str) -> AnyCondition | None:
        """See `World.segment`."""
        return self.segments.get(segment)

    def topic(self, topic: str) -> Topic:
        """See `World.topic`."""
        return self.topics.get(topic) or topic_named(topic)

    def activity(self, name: str) -> ActivityType | None:
        """See `World.activity`."""
        return self.activities.get(name)

    def threshold(self, trait: str, top: int) -> float | None:
        """See `World.threshold`."""
        return self.thresholds.get((trait, top))


@dataclass(frozen=True, slots=True)
class Changed:
    """A world in which the decision at hand has changed the customer."""

    before: World
    customer: Customer

    @property
    def now(self) -> datetime:
        """See `World.now`."""
        return self.before.now

    @property
    def seq(self) -> int:
        """See `World.seq`."""
        return self.before.seq

    @property
    def zone(self) -> str:
        """See `World.zone`."""
        return self.before.zone

    def events(
        self, name: str, *, since: datetime | None = None, after: int | None = None
    ) -> Iterable[Event]:
        """See `World.events`."""
        return self.before.events(name, since=since, after=after)

    def segment(self, segment: str) -> AnyCondition | None:
        """See `World.segment`."""
        return self.before.segment(segment)

    def topic(self, topic: str) -> Topic:
        """See `World.topic`."""
        return self.before.topic(topic)

    def activity(self, name: str) -> ActivityType | None:
        """See `World.activity`."""
        return self.before.activity(name)

    def threshold(self, trait: str, top: int) -> float | None:
        """See `World.threshold`."""
        return self.before.threshold(trait, top)


@dataclass(slots=True)
class Seen:
    """The questions that a decision asked, with their answers, for the trace."""

    answers: dict[str, Any] = field(default_factory=dict)

    def note(self, question: str, answer: Any) -> None:
        """Keep an answer."""
        self.answers[question] = answer
