"""Whether a message may be sent now: quiet hours and frequency caps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from engine.model.base import Channel
from engine.model.cap import Cap
from engine.model.duration import Duration
from engine.model.workspace import QuietHours
from engine.run.assignment import fraction
from engine.run.calendar import quiet_until

SPREAD = timedelta(minutes=30)
"""Deferred messages come back spread over this long, so that they do not return as a herd."""

QUIET_AT_MOST = Duration("2d")
"""Quiet hours never defer for longer than this, counted from the first decision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A message that counts against the caps: claimed, sent, or of unknown outcome."""

    channel: Channel
    topic: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A message that asks to be sent."""

    id: UUID
    customer: UUID
    channel: Channel
    topic: str | None
    transactional: bool
    decided_at: datetime
    on_full: Literal["defer", "skip"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """It may be sent now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferred:
    """Not now: ask again at `until`."""

    until: datetime
    reason: str
    rule: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """Not at all."""

    reason: str
    rule: str | None = None


Verdict = Granted | Deferred | Skipped


def applies(cap: Cap, channel: Channel, topic: str | None) -> bool:
    """Whether the rule counts messages of this channel and topic."""
    return (not cap.channels or channel in cap.channels) and (not cap.topics or topic in cap.topics)


def longest(caps: Sequence[Cap], now: datetime, zone: str) -> datetime | None:
    """Return since when slots matter, or None without rules."""
    return min((cap.per.before(now, zone) for cap in caps), default=None)


def decide(
    candidate: Candidate,
    caps: Sequence[Cap],
    slots: Sequence[Slot],
    quiet: QuietHours | None,
    *,
    now: datetime,
    zone: str,
) -> Verdict:
    """Decide one claim at the instant `now`.

    Granted only if, for every rule that applies, the slots in (now - per, now] and this one
    are within its limit, and no quiet hours hold. Transactional messages pass.
    """
    if candidate.transactional:
        return Granted()
    until, reason, rule, at_most = now, "", None, None
    for cap in caps:
        if not applies(cap, candidate.channel, candidate.topic):
            continue
        free = _free_at(cap, slots, now, zone)
        if free == now:
            continue
        if (candidate.on_full or cap.on_full) == "skip" or free is None:
            return Skipped(reason="cap", rule=cap.id)
        if free > until:
            until, reason, rule, at_most = free, "cap", cap.id, cap.defer_at_most
    ends = quiet_until(until, zone, quiet.from_, quiet.to) if quiet is not None else None
    if ends is not None:
        until = ends
        if not reason:
            reason, at_most = "quiet_hours", QUIET_AT_MOST
    if until == now:
        return Granted()
    if at_most is not None and until > at_most.after(candidate.decided_at, zone):
        return Skipped(reason=reason, rule=rule)
    return Deferred(until=_spread(until, candidate, quiet, zone), reason=reason, rule=rule)


def _free_at(cap: Cap, slots: Sequence[Slot], now: datetime, zone: str) -> datetime | None:
    """Return when the rule has room for one more: `now`, a later instant, or None for never."""
    if cap.limit == 0:
        return None
    start = cap.per.before(now, zone)
    held = sorted(
        slot.at for slot in slots if slot.at > start and applies(cap, slot.channel, slot.topic)
    )
    if len(held) < cap.limit:
        return now
    free = cap.per.after(held[-cap.limit], zone)
    # Adding and taking away calendar months are not inverse: never answer an instant not ahead.
    return max(free, now + timedelta(seconds=1))


def _spread(until: datetime, candidate: Candidate, quiet: QuietHours | None, zone: str) -> datetime:
    """Move the instant by the message's own share of half an hour, but not into quiet hours."""
    later = until + SPREAD * fraction(candidate.customer, "spread", candidate.id.hex)
    if quiet is not None and quiet_until(later, zone, quiet.from_, quiet.to) is not None:
        return until
    return later
