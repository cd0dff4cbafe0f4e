"""Whether an event opens a journey for a customer."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, assert_never

from engine.compile.plan import Plan
from engine.model.event import Event
from engine.model.journey import Reentry
from engine.model.opening import (
    OnApi,
    OnDate,
    OnEvent,
    OnSchedule,
    OnSegmentEntered,
    OnSegmentLeft,
    opening_event,
)
from engine.run.assignment import fraction
from engine.run.conditions import Scope, holds, look_up, matches
from engine.run.world import Seen, World

_LONGEST_KEY = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRuns:
    """What is known of this customer's earlier runs of the journey.

    `running` and `last_ended` are about the runs of the same key; `held_out` and `arms` are what
    she was once given, and keeps whatever the weights are now.
    """

    running: bool = False
    last_ended: datetime | None = None
    held_out: bool | None = None
    arms: Mapping[str, str] = field(default_factory=dict)

    @property
    def any(self) -> bool:
        """Whether there was one at all."""
        return self.running or self.last_ended is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """She enters."""

    held_out: bool = False
    arms: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """She does not; `reason` is one of late, condition, no_key, once, running, cooldown, paused, not_live."""

    reason: str
    data: Mapping[str, Any] = field(default_factory=dict)


def triggers(plan: Plan, event: Event, world: World) -> bool:
    """Whether the event is the one that the journey's entry waits for."""
    on = plan.journey.entry.on
    match on:
        case OnEvent():
            return matches(on, event, world)
        case OnSegmentEntered(segment_entered=name) | OnSegmentLeft(segment_left=name):
            return event.name == opening_event(on) and event.properties.get("segment") == name
        case OnDate() | OnSchedule() | OnApi():
            return False
        case _:
            assert_never(on)


def key_of(plan: Plan, event: Event, given: str | None = None) -> str | None:
    """Return what tells apart a customer's entries: empty unless the mode is `per_key`.

    None when the mode asks for a key and neither the event nor the caller names one.
    """
    reentry = plan.journey.entry.reentry
    if reentry.key is None:
        return ""
    value = given or look_up(event.properties, reentry.key)
    if value is None or isinstance(value, dict | list):
        return None
    key = str(value)
    # The database looks runs up by their key, and its index holds no long ones.
    return key if len(key) <= _LONGEST_KEY else hashlib.sha256(key.encode()).hexdigest()


def decide(plan: Plan, event: Event, world: World, past: PastRuns) -> Opened | Refused:
    """Decide the entry of an event that triggers the journey."""
    journey = plan.journey
    entry = journey.entry
    if not isinstance(entry.on, OnApi):
        oldest = entry.max_age.before(world.now, world.zone)
        if event.occurred_at < oldest:
            return Refused(reason="late", data={"occurred_at": event.occurred_at.isoformat()})
    refused = _again(entry.reentry, world, past)
    if refused is not None:
        return refused
    if entry.if_ is not None:
        seen = Seen()
        if not holds(entry.if_, world, Scope(properties=event.properties), seen):
            return Refused(reason="condition", data={"seen": seen.answers})
    drawn = fraction(world.customer.id, "holdout", journey.id) * 100 < journey.holdout
    return Opened(held_out=drawn if past.held_out is None else past.held_out, arms=past.arms)


def _again(reentry: Reentry, world: World, past: PastRuns) -> Refused | None:
    if past.running:
        return Refused(reason="running")
    if past.last_ended is None:
        return None
    if reentry.mode == "once" or (reentry.mode == "per_key" and reentry.cooldown is None):
        return Refused(reason="once")
    if reentry.cooldown is not None:
        again = reentry.cooldown.after(past.last_ended, world.zone)
        if again > world.now:
            return Refused(reason="cooldown", data={"until": again.isoformat()})
    return None
