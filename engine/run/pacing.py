"""How many may have their turn now, so that no more than a number do in a time."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

_BURST: Final = timedelta(seconds=2)
"""Turns that nobody used are made up for as long as this: after a stop there is no flood."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many may have their turn, and from when on the time for them counts."""

    customers: int
    begins: datetime
    per_second: float

    def used(self, customers: int) -> datetime:
        """Return until when the pace is used up once so many have had their turn."""
        return self.begins + timedelta(seconds=customers / self.per_second)


def allowance(paced_at: datetime | None, now: datetime, per_second: float) -> Allowance:
    """Return how many may have their turn at `now`.

    `paced_at` is until when the pace has been used up, None before the first.
    """
    one = timedelta(seconds=1 / per_second)
    begins = now - one if paced_at is None else max(paced_at, now - max(_BURST, one))
    seconds = max((now - begins).total_seconds(), 0)
    # A microsecond is what an instant can tell: without it the last one would come a round late.
    return Allowance(int((seconds + 1e-6) * per_second), begins, per_second)
