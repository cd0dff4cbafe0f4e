"""The hour of the day at which a customer is most likely to read."""

from collections.abc import Collection, Sequence
from typing import Final

PRIOR: Final = 10.0
"""Everybody's habits weigh as much as so many opens of her own (a Dirichlet prior)."""

_NEAR: Final = ((-1, 0.25), (0, 0.5), (1, 0.25))
"""An open at nine says something of eight and ten as well."""


def best_hour(
    own: Sequence[int], everybody: Sequence[int], allowed: Collection[int] = range(24)
) -> int | None:
    """Return the hour, from 0 to 23, at which she opens most, among those `allowed`.

    `own` and `everybody` are 24 counts of opens by local hour. Few opens of her own are drawn
    towards everybody's. None when nothing is known of anybody or no hour is allowed; the earliest
    of hours that are alike.
    """
    if not allowed or not (sum(own) or sum(everybody)):
        return None
    hers, theirs = _smoothed(own), _smoothed(everybody)
    weight = PRIOR / sum(theirs) if any(theirs) else 0.0
    return min(sorted(allowed), key=lambda hour: -(hers[hour] + weight * theirs[hour]))


def window_of(hour: int) -> str:
    """Return the hour as a window: `09:00-10:00`."""
    return f"{hour:02}:00-{(hour + 1) % 24:02}:00"


def _smoothed(counts: Sequence[int]) -> list[float]:
    return [
        sum(weight * counts[(hour + step) % 24] for step, weight in _NEAR) for hour in range(24)
    ]
