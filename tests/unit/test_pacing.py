"""How many may have their turn at a pace."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from engine.model.opening import Pace
from engine.run.pacing import allowance

NOW = datetime(2026, 5, 4, 10, tzinfo=UTC)


def rounds(pace: str, seconds: list[float], most: int = 10_000) -> list[int]:
    """Return how many had their turn in rounds so many seconds after each other."""
    per_second, paced_at, now, had = Pace(pace).per_second, None, NOW, []
    for pause in seconds:
        now += timedelta(seconds=pause)
        allowed = allowance(paced_at, now, per_second)
        count = min(allowed.customers, most)
        if count:
            paced_at = allowed.used(count)
        had.append(count)
    return had


def test_each_round_lets_in_what_the_time_since_the_last_allows() -> None:
    assert rounds("600/min", [0, 1, 1, 0.5, 1]) == [1, 10, 10, 5, 10]
    assert rounds("1/s", [0, 0.4, 0.4, 0.4]) == [1, 0, 0, 1]


def test_a_slow_pace_comes_to_its_turn() -> None:
    assert sum(rounds("2/h", [0] + [60] * 60)) == 3


def test_what_was_missed_is_not_made_up_for() -> None:
    assert rounds("600/min", [0, 1, 3600, 1]) == [1, 10, 20, 10]


def test_what_a_round_leaves_comes_with_the_next() -> None:
    assert rounds("600/min", [0, 1, 1, 1], most=8) == [1, 8, 8, 8]


@given(
    st.sampled_from(["7/s", "500/min", "90/h", "6000/min"]),
    st.lists(st.floats(0.01, 5), min_size=1, max_size=200),
)
def test_over_time_it_is_never_faster_than_its_pace(pace: str, pauses: list[float]) -> None:
    per_second, had = Pace(pace).per_second, rounds(pace, pauses)
    saved = max(2, 1 / per_second)
    for first in range(len(pauses)):
        span = 0.0
        for last in range(first, len(pauses)):
            span += pauses[last] if last > first else 0
            assert sum(had[first : last + 1]) <= (span + saved) * per_second + 1
