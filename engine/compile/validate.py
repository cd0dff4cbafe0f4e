"""What would go wrong later, said before a journey is published."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from engine.errors import Problem
from engine.model.base import CHANNELS
from engine.model.condition import (
    AnyCondition,
    EventHappened,
    EventMatch,
    InSegment,
    PropertyIs,
    Reachable,
    StepWas,
    parts,
)
from engine.model.journey import (
    AnyStep,
    BranchStep,
    ExitStep,
    Journey,
    OnApi,
    SendStep,
    SplitStep,
    WaitForStep,
    arms,
    walk,
)
from engine.model.segment import Segment
from engine.model.template import Template

MESSAGE_EVENTS = (
    "Message Sent", "Message Delivered", "Message Opened", "Message Clicked", "Message Bounced",
)  # fmt: skip
"""The events about a message; to await one needs a message sent before."""

ENVELOPE = ("subject", "preheader", "template", "channel", "at", "from")
"""What a variant may replace; any other key of its `set` is a variable of the template."""


@dataclass(frozen=True, slots=True)
class Known:
    """What exists in the shop, for a journey to refer to."""

    templates: Mapping[str, Template] = field(default_factory=dict)
    segments: Mapping[str, Segment] = field(default_factory=dict)


def check(journey: Journey, known: Known) -> list[Problem]:
    """Return what is wrong (`error`: publishing refuses) and what is unwise (`warning`)."""
    problems = [
        *_ids(journey),
        *_entry(journey, known),
        *_steps(journey, known),
    ]
    return sorted(problems, key=lambda problem: problem.severity != "error")


def _error(message: str, step: str | None = None) -> Problem:
    return Problem(message=message, step=step)


def _warning(message: str, step: str | None = None) -> Problem:
    return Problem(message=message, step=step, severity="warning")


def _ids(journey: Journey) -> Iterator[Problem]:
    counted = Counter(step.id for step in walk(journey.steps))
    for id, times in counted.items():
        if times > 1:
            yield _error(f"{times} steps have the id {id}; give each its own", id)
    for step in walk(journey.steps):
        names = [arm.id for arm in step.arms] if isinstance(step, BranchStep | SplitStep) else []
        if isinstance(step, SendStep):
            names = [variant.id for variant in step.variants]
        for name, times in Counter(names).items():
            if times > 1:
                yield _error(f"{times} of its arms have the id {name}; give each its own", step.id)


def _entry(journey: Journey, known: Known) -> Iterator[Problem]:
    if not journey.steps:
        yield _error("the journey has no steps: add at least one")
    if journey.holdout and journey.goal is None:
        yield _error("a holdout needs a goal to compare by: add `goal`")
    entry = journey.entry
    if isinstance(entry.on, OnApi) and entry.reentry.key is None:
        pass
    elif isinstance(entry.on, OnApi):
        yield _warning(
            "entries by the API name their key themselves; `key` is not read from an event"
        )
    entry_conditions = [entry.if_] if entry.if_ else []
    if not isinstance(entry.on, OnApi) and entry.on.where is not None:
        entry_conditions.append(entry.on.where)
    for condition in entry_conditions:
        for part in parts(condition):
            if isinstance(part, StepWas):
                yield _error(f"the entry cannot depend on the step {part.step}: it comes later")
        yield from _condition(condition, None, known, before=frozenset())
    everything = frozenset(step.id for step in walk(journey.steps))
    for rule in journey.exits:
        yield from _match(rule.on, None, known, before=everything)
    if journey.goal is not None and journey.goal.where is not None:
        yield from _condition(journey.goal.where, None, known, before=everything)


def _steps(journey: Journey, known: Known) -> Iterator[Problem]:
    """Check each step against those that can come before it."""
    yield from _list(journey, journey.steps, known, frozenset())[1]


def _list(
    journey: Journey, steps: tuple[AnyStep, ...], known: Known, before: frozenset[str]
) -> tuple[frozenset[str], list[Problem]]:
    problems: list[Problem] = []
    ended: str | None = None
    for step in steps:
        if ended is not None:
            problems.append(
                _error(f"nothing gets here: the step {ended} before it always ends", step.id)
            )
        problems += _step(journey, step, known, before)
        after = before | {step.id}
        inner_ends = []
        for _, inner in arms(step):
            reached, found = _list(journey, inner, known, before | {step.id})
            problems += found
            after |= reached
            inner_ends.append(_ends(inner))
        before = after
        if isinstance(step, ExitStep) or (inner_ends and all(inner_ends)):
            ended = step.id
    return before, problems


def _ends(steps: tuple[AnyStep, ...]) -> bool:
    """Whether the list always ends the journey."""
    if not steps:
        return False
    last = steps[-1]
    inner = arms(last)
    return isinstance(last, ExitStep) or (bool(inner) and all(_ends(list_) for _, list_ in inner))


def _step(
    journey: Journey, step: AnyStep, known: Known, before: frozenset[str]
) -> Iterator[Problem]:
    match step:
        case SendStep():
            yield from _send(journey, step, known)
        case WaitForStep():
            if step.since is not None and step.since not in before:
                yield _error(
                    f"`since` names {step.since}, which is no step before this one", step.id
                )
            for awaited in step.events:
                yield from _match(awaited.on, step.id, known, before)
        case BranchStep():
            for arm in step.arms:
                yield from _condition(arm.if_, step.id, known, before)
        case SplitStep():
            total = sum(arm.weight for arm in step.arms)
            if total != 100:
                yield _error(f"the shares of its ways add up to {total}, not 100", step.id)
        case _:
            pass


def _send(journey: Journey, step: SendStep, known: Known) -> Iterator[Problem]:
    if step.class_ == "marketing" and not (step.topic or journey.topic):
        yield _error(
            "a marketing message needs a topic: set it on the step or on the journey", step.id
        )
    if step.variants:
        total = sum(variant.weight for variant in step.variants)
        if total != 100:
            yield _error(f"the shares of its variants add up to {total}, not 100", step.id)
    wanted: list[tuple[str, tuple[str, ...]]] = [(step.template, tuple(step.channels))]
    for variant in step.variants:
        template, channel = variant.set.get("template"), variant.set.get("channel")
        if channel is not None and channel not in CHANNELS:
            yield _error(f"the variant {variant.id} names an unknown channel {channel}", step.id)
            continue
        if template is not None or channel is not None:
            only: tuple[str, ...] = (str(channel),) if channel else tuple(step.channels)
            wanted.append((str(template or step.template), only))
    for name, channels in wanted:
        found = known.templates.get(name)
        if found is None:
            yield _error(f"there is no template {name}; create it or choose another", step.id)
        elif found.channel not in channels and not {found.channel, *channels} <= {"sms", "push"}:
            yield _error(
                f"the template {name} is made for {found.channel}, the step sends {' or '.join(channels)}",
                step.id,
            )


def _match(
    match: EventMatch, step: str | None, known: Known, before: frozenset[str]
) -> Iterator[Problem]:
    if match.message is not None and match.message not in before:
        yield _error(f"{match.event} is about the message of {match.message}, "
                     "which is no step before this one", step)  # fmt: skip
    if match.where is not None:
        yield from _condition(match.where, step, known, before)


def _condition(
    condition: AnyCondition,
    step: str | None,
    known: Known,
    before: frozenset[str],
    within: tuple[str, ...] = (),
) -> Iterator[Problem]:
    for part in parts(condition):
        match part:
            case InSegment():
                if part.segment in within:
                    cycle = " → ".join((*within, part.segment))
                    yield _error(f"the segment {part.segment} is defined by itself: {cycle}", step)
                elif part.segment not in known.segments:
                    yield _error(
                        f"there is no segment {part.segment}; create it or choose another", step
                    )
                else:
                    rule = known.segments[part.segment].rule
                    yield from _condition(rule, step, known, before, (*within, part.segment))
            case StepWas():
                if part.step not in before:
                    yield _error(
                        f"the condition asks about {part.step}, which is no step before", step
                    )
            case EventHappened():
                if part.message is not None and part.message not in before:
                    yield _error(f"the condition asks about the message of {part.message}, "
                                 "which is no step before", step)  # fmt: skip
            case PropertyIs() | Reachable():
                pass
            case _:
                pass


def errors(problems: list[Problem]) -> list[Problem]:
    """Return those that make publishing refuse."""
    return [problem for problem in problems if problem.severity == "error"]
