"""Where a journey takes its time: what always waits, and what follows at once from an entry."""

from collections.abc import Collection, Iterator, Sequence
from typing import assert_never

from engine.model.journey import (
    ActivityStep,
    AnyStep,
    BranchStep,
    EnterStep,
    ExitStep,
    RepeatStep,
    SendStep,
    SplitStep,
    UntilTime,
    UpdateStep,
    WaitForStep,
    WaitStep,
    WebhookStep,
    arms,
    walk,
)


def always_pauses(steps: Sequence[AnyStep], inside: Collection[str]) -> bool:
    """Whether time passes on every way through that does not end the journey.

    `inside` are the steps that are gone through with these: what a `wait_for` counts since an
    earlier one may have happened already.
    """
    return any(_pauses(step, inside) for step in steps)


def _pauses(step: AnyStep, inside: Collection[str]) -> bool:
    match step:
        case ExitStep():
            return True  # nobody comes by here again
        case WaitStep():
            # The date in a trait or a property may be missing, or past.
            return isinstance(step.until, UntilTime) or bool(step.for_ and step.for_.at_most)
        case WaitForStep() if step.timeout.at_most and (step.since is None or step.since in inside):
            return True
        case RepeatStep() if step.until is not None:
            return False  # it may be over before its first round
        case (
            WaitForStep()
            | BranchStep()
            | SplitStep()
            | RepeatStep()
            | WebhookStep()
            | ActivityStep()
        ):
            ways = [ahead for _, ahead in arms(step)]
            return bool(ways) and all(always_pauses(ahead, inside) for ahead in ways)
        case SendStep() | UpdateStep() | EnterStep():
            return False
        case _:
            assert_never(step)


def entered_at_once(steps: Sequence[AnyStep]) -> Iterator[EnterStep]:
    """Yield the steps that start another journey with no time passing before them."""
    yield from _at_once(steps, {step.id for step in walk(tuple(steps))})


def _at_once(steps: Sequence[AnyStep], inside: Collection[str]) -> Iterator[EnterStep]:
    for step in steps:
        if isinstance(step, EnterStep):
            yield step
        if isinstance(step, WaitStep | WaitForStep) and _pauses(step, inside):
            return
        for _, ahead in arms(step):
            yield from _at_once(ahead, inside)
        if _pauses(step, inside):
            return
