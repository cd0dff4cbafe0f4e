"""A customer's best hour, from her own opens and everybody's."""

from hypothesis import given
from hypothesis import strategies as st

from engine.run.best_hour import best_hour, window_of

NOBODY = [0] * 24
counts = st.lists(st.integers(0, 500), min_size=24, max_size=24)


def at(**opens: int) -> list[int]:
    hours = list(NOBODY)
    for hour, n in opens.items():
        hours[int(hour.removeprefix("h"))] = n
    return hours


EVENING = at(h19=400, h20=500, h21=300)


def test_without_any_opens_there_is_none() -> None:
    assert best_hour(NOBODY, NOBODY) is None


def test_who_has_opened_nothing_is_taken_for_everybody() -> None:
    assert best_hour(NOBODY, EVENING) == 20


def test_one_open_does_not_outweigh_everybody_and_many_do() -> None:
    assert best_hour(at(h7=1), EVENING) == 20
    assert best_hour(at(h7=40), EVENING) == 7


def test_her_own_opens_are_enough_where_there_are_no_others() -> None:
    assert best_hour(at(h7=1), NOBODY) == 7


def test_neighbouring_hours_support_each_other_across_midnight() -> None:
    assert best_hour(at(h23=5, h0=6, h1=5, h12=7), NOBODY) == 0


def test_only_hours_that_are_open_are_chosen() -> None:
    assert best_hour(at(h22=50), EVENING, allowed=range(8, 20)) == 19
    assert best_hour(at(h22=50), EVENING, allowed=()) is None


@given(counts, counts, st.sets(st.integers(0, 23)))
def test_the_hour_is_one_of_those_allowed(
    own: list[int], everybody: list[int], allowed: set[int]
) -> None:
    found = best_hour(own, everybody, allowed)
    known = any(own) or any(everybody)
    assert (found in allowed) if known and allowed else found is None


@given(counts.filter(any), counts, st.integers(1, 23))
def test_everything_later_by_some_hours_is_best_later_by_as_many(
    own: list[int], everybody: list[int], later: int
) -> None:
    def turned(hours: list[int]) -> list[int]:
        return hours[-later:] + hours[:-later]

    here, there = best_hour(own, everybody), best_hour(turned(own), turned(everybody))
    assert here is not None
    assert there is not None
    back = (there - later) % 24
    # Hours that are alike may be told apart the other way round.
    assert back == here or best_hour(own, everybody, {here, back}) == min(here, back)


def test_an_hour_is_written_as_a_window() -> None:
    assert window_of(9) == "09:00-10:00"
    assert window_of(23) == "23:00-00:00"
