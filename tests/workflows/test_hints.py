"""What the workflow takes over when it continues as new."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from temporalio import workflow
from temporalio.common import RawValue
from temporalio.converter import DefaultPayloadConverter

from activities.contracts import Answer, Command, RunStart
from workers.workflows.journey_run import JourneyRun


class Continued(Exception):
    """It would continue as new with this."""


def answer(revision: int) -> Answer:
    return Answer(revision, Command("wait", "rest", at=4e9))


@pytest.mark.parametrize(
    ("signals", "taken_over"),
    [
        ([], answer(5)),
        ([answer(6), answer(7), answer(6)], answer(7)),
        ([answer(4)], answer(5)),
        ([None], None),
        ([answer(6), None], None),
    ],
)
def test_hints_outlive_the_change(
    signals: list[Answer | None], taken_over: Answer | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest one does; a wake without one makes the next execution ask."""

    def continued(start: RunStart) -> None:
        raise Continued(start)

    full = SimpleNamespace(is_continue_as_new_suggested=lambda: True)
    monkeypatch.setattr(workflow, "info", lambda: full)
    monkeypatch.setattr(workflow, "payload_converter", DefaultPayloadConverter)
    monkeypatch.setattr(workflow, "continue_as_new", continued)
    run: Any = JourneyRun()
    payload = DefaultPayloadConverter().to_payload(RunStart("r", answer(5)))
    # They arrive while the execution is busy, after it has begun.
    newest, run._newest = run._newest, lambda given: _signalled(run, newest, signals, given)
    with pytest.raises(Continued) as told:
        asyncio.run(run.run([RawValue(payload)]))
    assert told.value.args == (RunStart("r", taken_over),)


def _signalled(run: Any, newest: Any, signals: list[Answer | None], given: Any) -> Any:
    while signals:
        run.wake(signals.pop(0))
    run._newest = newest
    return newest(given)
