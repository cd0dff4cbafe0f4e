"""Whether a message may be sent now: frequency caps, who goes first, and the hours of the day.

The guarantee: a message's time is the instant of its claim, in the order of the customer's lock.
No claim is granted if the slots held in the window of any rule that applies, the window ending
at that instant and this message counted, would exceed the rule's limit. A claim yields only to a
waiting message of the same customer that is ahead of it, could be sent at this instant, and could
not any more once this one is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Protocol
from uuid import UUID

from engine.model.base import Channel
from engine.model.cap import Cap, OnFull
from engine.model.clock import LATEST, instant_of
from engine.model.duration import Duration
from engine.run.assignment import fraction
from engine.run.calendar import local, next_window, window_start

SPREAD = timedelta(minutes=30)
"""Deferred messages come back spread over this long, so that they do not return as a herd."""

_TRIES = 50

HOURS_AT_MOST = Duration("4d")
"""Hours of the day never defer for longer than this, counted from the first decision.

From the Saturday before Easter until the Tuesday after it are 60 hours, in France.
"""


class Hours(Protocol):
    """When messages of one kind may go out, by the customer's clock and calendar."""

    def closed(self, at: datetime) -> tuple[datetime, str] | None:
        """Return when it opens again and why it is closed, or None when it is open at `at`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A message that counts against the caps: claimed, sent, or of unknown outcome."""

    channel: Channel
    topic: str | None
    at: datetime
    offer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A message that asks to be sent, or waits.

    `first_deferred_at` is when it was first put off, if it was.
    """

    id: UUID
    customer: UUID
    channel: Channel
    topic: str | None
    transactional: bool
    decided_at: datetime
    offer: str | None = None
    priority: int = 50
    first_deferred_at: datetime | None = None
    on_full: OnFull | None = None
    hours: Hours | None = None

    def slot(self, at: datetime) -> Slot:
        """Return the slot that it takes when it is claimed."""
        return Slot(channel=self.channel, topic=self.topic, offer=self.offer, at=at)

    def is_ahead_of(self, other: "Candidate", now: datetime) -> bool:
        """Whether it goes first: by priority, then by who was put off first."""
        return self.rank(now) < other.rank(now)

    def rank(self, now: datetime) -> tuple[int, datetime]:
        """Return its place in the order; who was never put off comes last."""
        return -self.priority, self.first_deferred_at or now


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """It may be sent now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferred:
    """Not now: ask again at `until`. `to_next` allows another channel of its list instead."""

    until: datetime
    reason: str
    rule: str | None = None
    to_next: bool = False
    ahead: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """Not at all. `to_next` allows another channel of its list instead."""

    reason: str
    rule: str | None = None
    to_next: bool = False
    ahead: tuple[UUID, ...] = ()


Verdict = Granted | Deferred | Skipped
"""`ahead` are waiting messages that this one yields to."""


def applies(cap: Cap, message: Slot | Candidate) -> bool:
    """Whether the rule counts messages such as this one."""
    return (
        (not cap.channels or message.channel in cap.channels)
        and (not cap.topics or message.topic in cap.topics)
        and (not cap.offers or message.offer in cap.offers)
    )


def limit_for(cap: Cap, priority: int) -> int:
    """Return how many slots the rule has for a message of this priority."""
    if cap.keep is not None and priority <= cap.keep.above_priority:
        return cap.limit - cap.keep.slots
    return cap.limit


def longest(caps: Sequence[Cap], now: datetime, zone: str) -> datetime | None:
    """Return since when slots matter, or None without rules."""
    return min((window_start(cap.per, now, zone) for cap in caps), default=None)


def admissible(
    candidate: Candidate, caps: Sequence[Cap], slots: Sequence[Slot], *, now: datetime, zone: str
) -> bool:
    """Whether rules and hours permit it at this instant."""
    rules = [cap for cap in caps if applies(cap, candidate)]
    return _first_admissible(candidate, now, rules, slots, zone, tries=1) == now


def decide(
    candidate: Candidate,
    caps: Sequence[Cap],
    slots: Sequence[Slot],
    waiting: Sequence[Candidate] = (),
    *,
    now: datetime,
    zone: str,
) -> Verdict:
    """Decide one claim at the instant `now`.

    Transactional messages keep to their own hours alone. `waiting` are the customer's other messages that were put off
    and that consent, channel and journey permit. Deferred until an instant at which it would be
    granted, if nothing else is sent before; skipped when that is later than a rule that holds it
    back allows.
    """
    if candidate.transactional:
        return _alone(candidate, (), (), now, zone)
    verdict = _alone(candidate, caps, slots, now, zone)
    if not isinstance(verdict, Granted) or not caps:
        return verdict
    ahead = _robbed(candidate, caps, slots, waiting, now, zone)
    if not ahead:
        return verdict
    taken = [*slots, *(other.slot(now) for other in ahead)]
    verdict = _alone(candidate, caps, taken, now, zone)
    if isinstance(verdict, Granted):
        raise AssertionError("who is ahead and would be robbed leaves no room")
    return replace(verdict, ahead=tuple(other.id for other in ahead))


def next_in_line(
    caps: Sequence[Cap],
    slots: Sequence[Slot],
    waiting: Sequence[Candidate],
    *,
    now: datetime,
    zone: str,
) -> list[UUID]:
    """Return the waiting messages that would be granted one after the other, in their order."""
    taken, woken = list(slots), []
    for candidate in sorted(waiting, key=lambda each: each.rank(now)):
        if admissible(candidate, caps, taken, now=now, zone=zone):
            woken.append(candidate.id)
            taken.append(candidate.slot(now))
    return woken


def _robbed(
    candidate: Candidate,
    caps: Sequence[Cap],
    slots: Sequence[Slot],
    waiting: Sequence[Candidate],
    now: datetime,
    zone: str,
) -> list[Candidate]:
    """Return who is ahead, could be sent now, and could not any more once this one is."""
    after = [*slots, candidate.slot(now)]
    return [
        other
        for other in waiting
        if other.is_ahead_of(candidate, now)
        and admissible(other, caps, slots, now=now, zone=zone)
        and not admissible(other, caps, after, now=now, zone=zone)
    ]


def _alone(
    candidate: Candidate, caps: Sequence[Cap], slots: Sequence[Slot], now: datetime, zone: str
) -> Verdict:
    rules = [cap for cap in caps if applies(cap, candidate)]
    until, reason, rule, at_most = now, "", None, None
    to_next = candidate.on_full == "next_channel"
    for cap in rules:
        free = _free_at(cap, candidate, slots, now, zone)
        if free == now:
            continue
        on_full = candidate.on_full or cap.on_full
        if on_full == "skip" or free is None or free > _latest(cap.defer_at_most, candidate, zone):
            return Skipped(reason="cap", rule=cap.id, to_next=on_full == "next_channel")
        to_next = to_next or on_full == "next_channel"
        if free > until:
            until, reason, rule, at_most = free, "cap", cap.id, cap.defer_at_most
    if until == now and (candidate.hours is None or candidate.hours.closed(now) is None):
        return Granted()
    first = _first_admissible(candidate, until, rules, slots, zone)
    if not reason:
        closed = candidate.hours.closed(now) if candidate.hours is not None else None
        reason, at_most = closed[1] if closed else "quiet_hours", HOURS_AT_MOST
    latest = _latest(at_most, candidate, zone)
    if first is None or first > latest:
        return Skipped(reason=reason, rule=rule, to_next=to_next)
    share = fraction(candidate.customer, "spread", candidate.id.hex)
    spread = min(first + SPREAD * share, latest)
    if _first_admissible(candidate, spread, rules, slots, zone, tries=1) != spread:
        spread = first
    return Deferred(until=spread, reason=reason, rule=rule, to_next=to_next)


def _latest(at_most: Duration | None, candidate: Candidate, zone: str) -> datetime:
    return at_most.after(candidate.decided_at, zone) if at_most is not None else LATEST


def _first_admissible(
    candidate: Candidate,
    start: datetime,
    rules: Sequence[Cap],
    slots: Sequence[Slot],
    zone: str,
    *,
    tries: int = _TRIES,
) -> datetime | None:
    """Return the first instant found from `start` on at which all permit, or None for never."""
    at = start
    for _ in range(tries):
        before = at
        for cap in rules:
            free = _free_at(cap, candidate, slots, at, zone)
            if free is None:
                return None
            at = max(at, free)
        closed = candidate.hours.closed(at) if candidate.hours is not None else None
        at = closed[0] if closed else at
        if at == before:
            return at
    return at


def _free_at(
    cap: Cap, candidate: Candidate, slots: Sequence[Slot], at: datetime, zone: str
) -> datetime | None:
    """Return when the rule has room for one more: `at`, a later instant, or None for never."""
    limit = limit_for(cap, candidate.priority)
    if limit == 0:
        return None
    start = window_start(cap.per, at, zone)
    if not isinstance(cap.per, Duration):
        if sum(start <= slot.at <= at and applies(cap, slot) for slot in slots) < limit:
            return at
        return next_window(cap.per, at, zone)
    held = sorted(slot.at for slot in slots if slot.at > start and applies(cap, slot))
    if len(held) < limit:
        return at
    last = held[-limit]
    free = max(cap.per.after(last, zone), at)
    # A month after 31 January is 28 February, and a month before that 28 January: days that a
    # month lacks keep the slot until the next one begins.
    while free < LATEST and cap.per.before(free, zone) < last:
        free = instant_of(local(free, zone).date() + timedelta(days=1), time(), zone)
    return free if free < LATEST else None
