"""Whether a message may be sent now: quiet hours and frequency caps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Literal
from uuid import UUID

from engine.model.base import Channel
from engine.model.cap import Cap
from engine.model.clock import LATEST, instant_of
from engine.model.duration import Duration
from engine.model.workspace import QuietHours
from engine.run.assignment import fraction
from engine.run.calendar import local, quiet_until

SPREAD = timedelta(minutes=30)
"""Deferred messages come back spread over this long, so that they do not return as a herd."""

_TRIES = 50

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
    are within its limit, and no quiet hours hold. Transactional messages pass. Deferred until
    an instant at which it would be granted, if nothing else is sent before; skipped when that
    is later than a rule that holds it back allows.
    """
    if candidate.transactional:
        return Granted()
    rules = [cap for cap in caps if applies(cap, candidate.channel, candidate.topic)]
    until, reason, rule, at_most = now, "", None, None
    for cap in rules:
        free = _free_at(cap, slots, now, zone)
        if free == now:
            continue
        if (candidate.on_full or cap.on_full) == "skip" or free is None:
            return Skipped(reason="cap", rule=cap.id)
        if free > _latest(cap.defer_at_most, candidate, zone):
            return Skipped(reason="cap", rule=cap.id)
        if free > until:
            until, reason, rule, at_most = free, "cap", cap.id, cap.defer_at_most
    admissible = _admissible_from(until, rules, slots, quiet, zone)
    if admissible == now:
        return Granted()
    if not reason:
        reason, at_most = "quiet_hours", QUIET_AT_MOST
    latest = _latest(at_most, candidate, zone)
    if admissible is None or admissible > latest:
        return Skipped(reason=reason, rule=rule)
    share = fraction(candidate.customer, "spread", candidate.id.hex)
    spread = min(admissible + SPREAD * share, latest)
    if _admissible_from(spread, rules, slots, quiet, zone) != spread:
        spread = admissible
    return Deferred(until=spread, reason=reason, rule=rule)


def _latest(at_most: Duration | None, candidate: Candidate, zone: str) -> datetime:
    return at_most.after(candidate.decided_at, zone) if at_most is not None else LATEST


def _admissible_from(
    start: datetime,
    rules: Sequence[Cap],
    slots: Sequence[Slot],
    quiet: QuietHours | None,
    zone: str,
) -> datetime | None:
    """Return the first instant found from `start` on at which all permit, or None for never."""
    at = start
    for _ in range(_TRIES):
        before = at
        for cap in rules:
            free = _free_at(cap, slots, at, zone)
            if free is None:
                return None
            at = max(at, free)
        ends = quiet_until(at, zone, quiet.from_, quiet.to) if quiet is not None else None
        at = ends or at
        if at == before:
            return at
    return at


def _free_at(cap: Cap, slots: Sequence[Slot], at: datetime, zone: str) -> datetime | None:
    """Return when the rule has room for one more: `at`, a later instant, or None for never."""
    if cap.limit == 0:
        return None
    start = cap.per.before(at, zone)
    held = sorted(
        slot.at for slot in slots if slot.at > start and applies(cap, slot.channel, slot.topic)
    )
    if len(held) < cap.limit:
        return at
    last = held[-cap.limit]
    free = max(cap.per.after(last, zone), at)
    # A month after 31 January is 28 February, and a month before that 28 January: days that a
    # month lacks keep the slot until the next one begins.
    while free < LATEST and cap.per.before(free, zone) < last:
        free = instant_of(local(free, zone).date() + timedelta(days=1), time(), zone)
    return free if free < LATEST else None
