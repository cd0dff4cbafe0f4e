"""Scores: points, fading, thresholds, and when somebody has to look again."""

from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.trait import Score
from engine.run.scoring import (
    Brought,
    Points,
    added,
    brought,
    folded,
    level,
    next_crossing,
    value,
)
from tests.traits import HEAT, ORDER, TODAY

DAY = timedelta(days=1)


def score(**more: Any) -> Score:
    rules = [{"event": ORDER, "points": 50}]
    return Score.model_validate({"id": "s", "name": "S", "rules": rules, **more})


def test_points_fade_by_half_in_a_half_life_of_whole_days() -> None:
    fading = score(half_life="30d")
    points = Points(50, TODAY)
    at = (0, 0.99, 1, 30, 60, 61, 1000)
    assert [value(fading, points, TODAY + n * DAY) for n in at] == [50, 50, 49, 25, 13, 12, 0]
    assert value(score(), points, TODAY + 1000 * DAY) == 50


def test_new_points_are_added_to_what_is_left() -> None:
    fading = score(half_life="30d", ceiling=70)
    after = added(fading, Points(50, TODAY), TODAY + 30 * DAY, 50)
    assert after == Points(70, TODAY + 30 * DAY)


def test_a_floor_and_a_ceiling_hold() -> None:
    held = score(half_life="10d", floor=5, ceiling=60)
    assert held.empty == 5
    assert added(held, None, TODAY, 100).points == 60
    assert added(held, Points(60, TODAY), TODAY, -500).points == 5
    assert value(held, Points(60, TODAY), TODAY + 300 * DAY) == 5


def test_events_count_in_the_order_in_which_they_occurred() -> None:
    some = [Brought(TODAY, 1, 50), Brought(TODAY - 10 * DAY, 2, 100)]
    assert folded(HEAT, some) == Points(100, TODAY)
    assert folded(HEAT, []) is None


def test_several_rules_may_mean_one_event() -> None:
    both = score(rules=[{"event": ORDER, "points": 5}, {"event": ORDER, "points": 2}])
    assert brought(both, ORDER, {}, "UTC") == 7
    assert brought(both, "Product Viewed", {}, "UTC") is None


def test_a_threshold_is_reached_at_its_number() -> None:
    assert [level(HEAT, at) for at in (0, 49, 50, 99, 100, 500)] == [0, 0, 1, 1, 2, 2]


@given(
    st.integers(-300, 300),
    st.integers(1, 40),
    st.integers(0, 200),
    st.lists(st.integers(-150, 150) | st.just(20.5), max_size=4),
)
def test_it_is_looked_at_again_on_the_first_day_on_which_a_comparison_changes(
    points: int, half: int, day: int, watched: list[float]
) -> None:
    fading = score(half_life=f"{half}d")
    kept, now = Points(points, TODAY), TODAY + day * DAY

    def standing(at: int) -> list[tuple[bool, bool]]:
        found = value(fading, kept, TODAY + at * DAY)
        return [(found >= mark, found > mark) for mark in watched]

    changes = (at for at in range(day + 1, day + 600) if standing(at) != standing(day))
    first = next(changes, None)
    assert next_crossing(fading, kept, now, watched) == (
        None if first is None else TODAY + first * DAY
    )


@given(st.randoms(use_true_random=False))
def test_points_added_one_by_one_are_those_of_all_of_them(random: Random) -> None:
    at, kept, some = TODAY, None, []
    for seq in range(random.randrange(30)):
        at += random.choice((timedelta(), timedelta(hours=30), 9 * DAY))
        some.append(Brought(at, seq, random.randrange(-60, 60)))
        kept = added(HEAT, kept, at, some[-1].points)
    assert folded(HEAT, some) == kept


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"half_life": "1mo"}, "whole days"),
        ({"half_life": "12h"}, "whole days"),
        ({"floor": 5, "ceiling": 1}, "above the ceiling"),
        ({"thresholds": [{"at": 1, "name": "a"}, {"at": 1, "name": "b"}]}, "same score"),
        ({"rules": [{"event": "Score Reached", "points": 1}]}, "feed itself"),
        ({"rules": []}, "at least 1"),
    ],
)  # fmt: skip
def test_what_makes_no_score_is_refused(more: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        score(**more)
