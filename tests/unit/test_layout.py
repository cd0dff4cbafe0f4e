"""Where steps, rails and joins stand."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from designer.canvas.layout import Rails, columns, ends, rails, width
from engine.model.condition import Reachable
from engine.model.journey import (
    AnyStep,
    BranchStep,
    ExitStep,
    RepeatStep,
    SplitArm,
    SplitStep,
    WaitStep,
)

WAIT = WaitStep.model_validate({"id": "w", "type": "wait", "for": "1d"})
EXIT = ExitStep(id="x", type="exit")


def branch(*lists: tuple[AnyStep, ...]) -> BranchStep:
    """A branch whose last list is its `else`."""
    condition = {"trait": "a", "eq": 1}
    return BranchStep.model_validate(
        {
            "id": "b",
            "type": "branch",
            "arms": [
                {"id": f"a{n}", "if": condition, "then": list_}
                for n, list_ in enumerate(lists[:-1])
            ],
            "else": lists[-1],
        }
    )


def split(*lists: tuple[AnyStep, ...]) -> SplitStep:
    return SplitStep.model_validate(
        {
            "id": "s",
            "type": "split",
            "arms": [{"id": f"a{n}", "weight": 0, "then": then} for n, then in enumerate(lists)],
        }
    )


def test_a_list_of_plain_steps_is_one_column() -> None:
    assert columns(()) == columns((WAIT,)) == columns((WAIT, WAIT)) == 1


def test_a_branch_is_as_wide_as_its_arms_together() -> None:
    inner = branch((WAIT,), ())
    assert width(inner) == 2
    assert width(branch((WAIT,), (inner,))) == 3
    assert columns((WAIT, branch((), (inner,)), WAIT)) == 3


def test_rails_run_from_the_middle_of_the_first_arm_to_that_of_the_last() -> None:
    # One column, then three: middles at 1 and 5 half columns, the step's own at 4.
    assert rails([1, 3], [True, True]) == Rails(left=1, right=5, join=(1, 5))


def test_an_arm_that_ends_does_not_join() -> None:
    assert rails([1, 1], [False, True]) == Rails(left=1, right=3, join=(2, 3))
    assert rails([1, 1, 1], [False, True, False]).join == (3, 3)
    assert rails([1, 1], [False, False]).join is None


def test_a_list_ends_when_nobody_gets_past_it() -> None:
    assert ends((WAIT, EXIT))
    assert not ends(())
    assert not ends((WAIT,))
    assert ends((branch((EXIT,), (WAIT, EXIT)),))
    assert not ends((branch((EXIT,), ()),))
    assert not ends((branch((EXIT,), (EXIT,)), WAIT))


steps = st.recursive(
    st.sampled_from([WAIT, EXIT]),
    lambda inner: st.builds(
        lambda lists: split(*map(tuple, lists)),
        st.lists(st.lists(inner, max_size=3), min_size=2, max_size=4),
    ),
    max_leaves=20,
)


@given(st.lists(steps, max_size=4))
def test_whatever_the_journey_every_arm_has_its_own_columns(journey: list[AnyStep]) -> None:
    def check(list_: tuple[AnyStep, ...]) -> int:
        widths = [1]
        for step in list_:
            inner = [arm.then for arm in step.arms] if isinstance(step, SplitStep) else []
            widths.append(sum(check(then) for then in inner) or 1)
            if inner:
                found = rails([columns(then) for then in inner], [not ends(t) for t in inner])
                assert 0 < found.left < found.right < 2 * width(step)
                if found.join:
                    assert found.join[0] <= width(step) <= found.join[1]
        assert columns(list_) == max(widths)
        return columns(list_)

    check(tuple(journey))


def test_a_repeat_holds_its_steps_and_ends_when_they_always_do() -> None:
    def loop(*steps: AnyStep, **more: Any) -> RepeatStep:
        return RepeatStep(id="l", type="repeat", times=2, steps=steps, **more)

    wide = SplitStep(
        id="s", type="split", arms=(SplitArm(id="a", weight=50), SplitArm(id="b", weight=50))
    )
    assert width(loop(wide)) == 2
    assert ends([loop(EXIT)])
    assert not ends([loop(wide)])
    assert not ends([loop(EXIT, until=Reachable(reachable="sms"))])
