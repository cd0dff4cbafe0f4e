"""Drawing by hash: always the same, evenly spread, independent between scopes."""

from collections import Counter
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from engine.run.assignment import draw, fraction, message_id

CUSTOMERS = [UUID(int=n * 0x9E3779B97F4A7C15) for n in range(20_000)]


def test_a_draw_never_changes() -> None:
    assert fraction(UUID(int=1), "holdout", "j") == 0.22543687509005583
    assert draw(UUID(int=1), ("j", "s"), [("a", 50), ("b", 50)]) == "b"
    assert message_id(UUID(int=1), "s", 1) == UUID("b6fa1cf4-3a4e-8c48-9acc-f610c3f83fcc")


def test_shares_are_kept() -> None:
    weights = [("a", 10), ("none", 0), ("b", 65), ("c", 25), ("last", 0)]
    drawn = Counter(draw(customer, ("j", "s"), weights) for customer in CUSTOMERS)
    for name, weight in weights:
        assert abs(drawn[name] / len(CUSTOMERS) - weight / 100) < 0.015
    assert drawn["none"] == drawn["last"] == 0


def test_two_draws_do_not_depend_on_each_other() -> None:
    both = Counter(
        (fraction(c, "j", "one") < 0.5, fraction(c, "j", "two") < 0.5) for c in CUSTOMERS
    )
    assert all(abs(n / len(CUSTOMERS) - 0.25) < 0.015 for n in both.values())


def test_a_larger_share_keeps_who_was_in_the_smaller() -> None:
    small = {c for c in CUSTOMERS if fraction(c, "holdout", "j") < 0.05}
    assert small < {c for c in CUSTOMERS if fraction(c, "holdout", "j") < 0.1}


@given(st.uuids(), st.lists(st.text(), max_size=3))
def test_a_fraction_is_below_one(customer: UUID, scope: list[str]) -> None:
    scope = [text.encode("utf-8", "ignore").decode() for text in scope]
    assert 0 <= fraction(customer, *scope) < 1


@given(st.uuids(), st.integers(1, 5))
def test_a_message_has_one_id(run: UUID, visit: int) -> None:
    assert message_id(run, "a", visit) == message_id(run, "a", visit)
    assert (
        len(
            {
                message_id(run, "a", visit),
                message_id(run, "b", visit),
                message_id(run, "a", visit + 1),
            }
        )
        == 3
    )
    assert message_id(run, "a", visit).version == 8
