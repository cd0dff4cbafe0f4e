"""What would go wrong later, said before a journey is published."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from engine.compile.calling import check_activity, check_webhook
from engine.compile.entering import check_circles, check_enter
from engine.compile.known import Before, Known, unwise, wrong
from engine.compile.pauses import always_pauses
from engine.compile.questions import check_awaited, check_condition, check_match, check_segment
from engine.compile.sending import check_send
from engine.errors import Problem
from engine.model.condition import ResultIs, StepWas, parts
from engine.model.journey import (
    ActivityStep,
    AnyStep,
    BranchStep,
    EnterStep,
    Entry,
    Journey,
    RepeatStep,
    SendStep,
    SplitStep,
    WaitForStep,
    WebhookStep,
    arms,
    ends,
    walk,
)
from engine.model.opening import (
    OnApi,
    OnDate,
    OnEvent,
    OnSchedule,
    OnSegmentEntered,
    OnSegmentLeft,
    properties_of,
)

__all__ = ["Known", "check", "errors"]


_LONGEST_OFFSET: Final = timedelta(days=36_600)


def check(journey: Journey, known: Known) -> list[Problem]:
    """Return what is wrong (`error`: publishing refuses) and what is unwise (`warning`)."""
    problems = dict.fromkeys([
        *_ids(journey),
        *_entry(journey, known),
        *_around(journey, known),
        *_list(journey, journey.steps, known, {})[1],
        *check_circles(journey, known),
    ])  # fmt: skip
    return sorted(problems, key=lambda problem: problem.severity != "error")


def _ids(journey: Journey) -> Iterator[Problem]:
    counted = Counter(step.id for step in walk(journey.steps))
    for id, times in counted.items():
        if times > 1:
            yield wrong(
                "%(times)s steps have the id %(id)s; give each its own", id, times=times, id=id
            )
    for step in walk(journey.steps):
        match step:
            case BranchStep() | SplitStep():
                names = [arm.id for arm in step.arms]
            case SendStep():
                names = [variant.id for variant in step.variants]
            case _:
                continue
        for name, times in Counter(names).items():
            if times > 1:
                yield wrong(
                    "%(times)s of its arms have the id %(name)s; give each its own",
                    step.id,
                    times=times,
                    name=name,
                )
        if "else" in names and isinstance(step, BranchStep):
            yield wrong("`else` is the way of those for whom no condition holds", step.id)


def _entry(journey: Journey, known: Known) -> Iterator[Problem]:
    if not journey.steps:
        yield wrong("the journey has no steps: add at least one")
    entry = journey.entry
    if isinstance(entry.on, OnApi) and entry.reentry.key is not None:
        yield unwise(
            "entries by the API name their key themselves; `key` is not read from an event"
        )
    if entry.reentry.mode == "once" and entry.reentry.cooldown is not None:
        yield unwise("who enters only once needs no `cooldown`")
    yield from _opening(entry, known)
    where = entry.on.where if isinstance(entry.on, OnEvent) else None
    for condition in (entry.if_, where):
        if condition is None:
            continue
        later = {part.step for part in parts(condition) if isinstance(part, StepWas)}
        later |= {part.result.step for part in parts(condition) if isinstance(part, ResultIs)}
        for step in sorted(later):
            yield wrong("the entry cannot depend on the step %(step)s: it comes later", step=step)
        if not later:
            yield from check_condition(condition, None, known, {})


def _opening(entry: Entry, known: Known) -> Iterator[Problem]:
    """Check what opens the journey."""
    match entry.on:
        case OnSegmentEntered(segment_entered=name) | OnSegmentLeft(segment_left=name):
            yield from check_segment(name, known)
        case OnSchedule(segment=segment):
            if segment is not None:
                yield from check_segment(segment, known)
        case OnDate(offset=offset, yearly=yearly):
            if offset is not None and abs(offset.at_most) > _LONGEST_OFFSET:
                yield wrong("an offset is 100 years at most, before or after the date")
            if yearly and entry.reentry.mode == "once":
                yield unwise("who enters only once does not come back the next year")
        case _:
            pass
    key, properties = entry.reentry.key, properties_of(entry.on)
    if key is not None and properties is not None and key not in properties:
        yield wrong(
            "`key` names %(key)s, which no entry has that is opened like this; it has: %(has)s",
            key=key,
            has=", ".join(properties),
        )


def _around(journey: Journey, known: Known) -> Iterator[Problem]:
    """Check what holds during the whole journey: its holdout, exits and goal."""
    if journey.holdout and journey.goal is None:
        yield wrong("a holdout needs a goal to compare by: add `goal`")
    everything = {step.id: step for step in walk(journey.steps)}
    for rule in journey.exits:
        yield from check_match(rule.on, None, known, everything)
    if journey.goal is not None and journey.goal.where is not None:
        yield from check_condition(journey.goal.where, None, known, everything)


def _list(
    journey: Journey, steps: tuple[AnyStep, ...], known: Known, before: Before
) -> tuple[Before, list[Problem]]:
    problems: list[Problem] = []
    ended: str | None = None
    for step in steps:
        if ended is not None:
            problems.append(
                wrong(
                    "nothing gets here: the step %(ended)s before it always ends",
                    step.id,
                    ended=ended,
                )
            )
        problems += _step(journey, step, known, before)
        after = here = {**before, step.id: step}
        for _, inner in arms(step):
            reached, found = _list(journey, inner, known, here)
            problems += found
            after = {**after, **reached}
        before = after
        if ends((step,)):
            ended = step.id
    return before, problems


def _step(journey: Journey, step: AnyStep, known: Known, before: Before) -> Iterator[Problem]:
    match step:
        case SendStep():
            yield from check_send(journey, step, known, before)
        case WaitForStep():
            yield from _wait_for(step, known, before)
        case BranchStep():
            for arm in step.arms:
                yield from check_condition(arm.if_, step.id, known, before)
        case SplitStep():
            total = sum(arm.weight for arm in step.arms)
            if total != 100:
                yield wrong(
                    "the shares of its ways add up to %(total)s, not 100", step.id, total=total
                )
        case RepeatStep():
            yield from _repeat(step, known, before)
        case WebhookStep():
            yield from check_webhook(step, before)
        case EnterStep():
            yield from check_enter(journey, step, known)
        case ActivityStep():
            yield from check_activity(step, known, before)
        case _:
            pass


def _wait_for(step: WaitForStep, known: Known, before: Before) -> Iterator[Problem]:
    if step.since is not None and step.since not in before:
        yield wrong(
            "`since` names %(since)s, which is no step before this one", step.id, since=step.since
        )
    for awaited in step.events:
        yield from check_awaited(awaited.on, step.id, known, before)


def _repeat(step: RepeatStep, known: Known, before: Before) -> Iterator[Problem]:
    inside = {inner.id: inner for inner in walk(step.steps)}
    if step.until is not None:
        yield from check_condition(step.until, step.id, known, {**before, **inside})
    if not always_pauses(step.steps, inside):
        yield wrong(
            "its rounds would follow each other at once: put a wait into it that every way through comes by",
            step.id,
        )


def errors(problems: list[Problem]) -> list[Problem]:
    """Return those that make publishing refuse."""
    return [problem for problem in problems if problem.severity == "error"]
