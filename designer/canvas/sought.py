"""By which words a step is found, beside those that stand on its card."""

from typing import assert_never

from designer.canvas.sentences import Sentences
from engine.model.journey import (
    ActivityStep,
    AnyStep,
    BranchStep,
    EnterStep,
    ExitStep,
    RepeatStep,
    SendStep,
    SplitStep,
    UpdateStep,
    WaitForStep,
    WaitStep,
    WebhookStep,
)


def sought(step: AnyStep, sentences: Sentences) -> str:
    """Return what a step refers to without showing it: ids, templates, conditions of named ways."""
    match step:
        case SendStep():
            return " ".join([step.subject or "", *_templates(step, sentences)]).strip()
        case BranchStep():
            return " ".join(sentences.conditions.say(arm.if_) for arm in step.arms if arm.label)
        case EnterStep():
            return step.journey
        case ActivityStep():
            return step.activity
        case WebhookStep():
            return step.url
        case WaitStep() | WaitForStep() | SplitStep() | RepeatStep() | UpdateStep() | ExitStep():
            return ""
        case _:
            assert_never(step)


def _templates(step: SendStep, sentences: Sentences) -> list[str]:
    """Return the ids and names of what is sent, of every version."""
    told = [variant.set.get("template") for variant in step.variants]
    ids = dict.fromkeys(one for one in (step.template, *told) if isinstance(one, str))
    names = sentences.names.templates
    return [word for one in ids for word in dict.fromkeys((one, names.get(one, one)))]
