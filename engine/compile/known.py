"""What a check knows: the shop's templates, segments and the like, and the steps that come before."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import assert_never

from engine.errors import Problem, said
from engine.model.activity import ActivityType
from engine.model.journey import (
    ActivityStep,
    AnyStep,
    BranchStep,
    EnterStep,
    ExitStep,
    Journey,
    RepeatStep,
    SendStep,
    SplitStep,
    UpdateStep,
    WaitForStep,
    WaitStep,
    WebhookStep,
    arms,
)
from engine.model.segment import Segment
from engine.model.snippet import Snippet
from engine.model.template import Template

Before = Mapping[str, AnyStep]
"""The steps that can have been reached before some place, by id."""


@dataclass(frozen=True, slots=True)
class Known:
    """What exists in the shop, for a journey to refer to.

    `pools` tells how many coupon codes each pool has left, None when it makes them itself.
    `journeys` are as published, else as drafted; nobody can enter those that are `unpublished`.
    `silent` names the activities of which no worker has told for long.
    """

    templates: Mapping[str, Template] = field(default_factory=dict)
    segments: Mapping[str, Segment] = field(default_factory=dict)
    snippets: Mapping[str, Snippet] = field(default_factory=dict)
    pools: Mapping[str, int | None] = field(default_factory=dict)
    journeys: Mapping[str, Journey] = field(default_factory=dict)
    unpublished: Collection[str] = ()
    activities: Mapping[str, ActivityType] = field(default_factory=dict)
    silent: Collection[str] = ()


def wrong(text: str, step: str | None = None, /, **values: object) -> Problem:
    """Return what makes publishing refuse; `values` fill the text's `%(name)s`."""
    sentence = said(text, **values)
    return Problem(message=str(sentence), said=sentence, step=step)


def unwise(text: str, step: str | None = None, /, **values: object) -> Problem:
    """Return what is allowed, and unwise."""
    return replace(wrong(text, step, **values), severity="warning")


def outcomes(step: AnyStep) -> tuple[str, ...]:
    """Return what can become of a step, as `{step: …, is: …}` may ask."""
    match step:
        case SendStep():
            return "sent", "skipped", "failed", "unknown"
        case WaitStep():
            return "waited", "passed"
        case WaitForStep():
            return "received", "timed_out"
        case BranchStep() | SplitStep():
            return tuple(name for name, _ in arms(step))
        case RepeatStep():
            return "done", "stopped"
        case WebhookStep() | ActivityStep():
            return "done", "failed"
        case UpdateStep() | EnterStep() | ExitStep():
            return ()
        case _:
            assert_never(step)
