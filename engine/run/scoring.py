"""Scores: points that events bring, and that fade while nothing happens.

What is kept of a customer's score is its value after the last change, and when that was; what it
is now follows. So nobody has to be touched while it fades, until somebody has to know: at a
threshold, and where a segment compares the score with a number (`next_crossing`).
"""

import math
from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from engine.model.trait import Score
from engine.run.rolling import meant

_DAY: Final = timedelta(days=1)
_BOUND: Final = 10**12
"""No score goes beyond this, whatever its rules say."""


class Points(NamedTuple):
    """A score after its last change."""

    points: int
    at: datetime


class Brought(NamedTuple):
    """An event that changes the score by so many points."""

    at: datetime
    seq: int
    points: int


def brought(score: Score, event: str, properties: Mapping[str, Any], zone: str) -> int | None:
    """Return how many points an event brings by all the rules that mean it; None by no rule."""
    found = [
        rule.points
        for rule in score.rules
        if rule.event == event and meant(rule.where, properties, zone)
    ]
    return sum(found) if found else None


def added(score: Score, before: Points | None, at: datetime, points: int) -> Points:
    """Return the score after an event that is not older than its last change."""
    faded = value(score, before, at) if before is not None else score.empty
    total = max(-_BOUND, min(_BOUND, faded + points))
    return Points(score.clamped(total), at)


def folded(score: Score, some: Iterable[Brought]) -> Points | None:
    """Return the score after all of these, in the order in which they occurred."""
    found: Points | None = None
    for one in sorted(some):
        found = added(score, found, one.at, one.points)
    return found


def value(score: Score, points: Points | None, now: datetime) -> int:
    """Return the score at an instant."""
    if points is None:
        return score.empty
    return _after(score, points.points, max(0, (now - points.at) // _DAY))


def _after(score: Score, points: int, days: int) -> int:
    half = score.half_life_days
    if half is None:
        return points
    return score.clamped(math.floor(points * 2.0 ** (-days / half) + 0.5))


def level(score: Score, at: int) -> int:
    """Return how many of its thresholds a score has reached."""
    return bisect_right([level.at for level in score.levels], at)


def next_crossing(
    score: Score, points: Points | None, now: datetime, watched: Collection[float]
) -> datetime | None:
    """Return when fading next changes how the score compares with one of these numbers.

    Its own thresholds are always watched.
    """
    half = score.half_life_days
    if points is None or half is None or not points.points:
        return None
    marks = sorted({*watched, *(level.at for level in score.thresholds)})

    def standing(days: int) -> list[tuple[bool, bool]]:
        now = _after(score, points.points, days)
        return [(now >= mark, now > mark) for mark in marks]

    today = max(0, (now - points.at) // _DAY)
    faded = math.ceil(half * math.log2(2 * abs(points.points))) + 1
    here = standing(today)
    if not marks or today >= faded or standing(faded) == here:
        return None
    low, high = today, faded  # a score fades one way only, so that where it stands changes so
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if standing(middle) == here else (low, middle)
    return points.at + high * _DAY
