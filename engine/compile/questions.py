"""Checks of what a journey asks: its conditions, and the events that it matches."""

from collections.abc import Iterator

from engine.compile.known import Before, Known, error, outcomes, warning
from engine.errors import Problem
from engine.model.condition import (
    AnyCondition,
    EventHappened,
    EventMatch,
    EventValue,
    InSegment,
    ResultIs,
    StepWas,
    parts,
)
from engine.model.journey import ActivityStep, AnyStep, SendStep, WebhookStep

MESSAGE_EVENTS = (
    "Message Sent", "Message Delivered", "Message Opened", "Message Clicked", "Message Bounced",
)  # fmt: skip
"""The events about a message; to await one needs a message sent before."""


def check_match(
    match: EventMatch, step: str | None, known: Known, before: Before
) -> Iterator[Problem]:
    """Check an event that something waits for."""
    yield from _message(match, step, before)
    if match.where is not None:
        yield from check_condition(match.where, step, known, before)


def check_awaited(match: EventMatch, step: str, known: Known, before: Before) -> Iterator[Problem]:
    """Check an event of a `wait_for`: one about a message needs a message."""
    yield from check_match(match, step, known, before)
    sends = any(isinstance(earlier, SendStep) for earlier in before.values())
    if match.event in MESSAGE_EVENTS and match.message is None and not sends:
        yield error(f"{match.event} cannot come: no message is sent before this step", step)


def check_condition(
    condition: AnyCondition, step: str | None, known: Known, before: Before
) -> Iterator[Problem]:
    """Check a condition, and the rules of the segments that it names."""
    yield from _Asked(step, known, before).condition(condition, ())


class _Asked:
    """A condition and all that it leads to, each segment once."""

    def __init__(self, step: str | None, known: Known, before: Before) -> None:
        self.step = step
        self.known = known
        self.before = before
        self.done: set[str] = set()

    def condition(self, condition: AnyCondition, within: tuple[str, ...]) -> Iterator[Problem]:
        for part in parts(condition):
            match part:
                case InSegment():
                    yield from self.segment(part.segment, within)
                case StepWas():
                    yield from self.outcome(part)
                case ResultIs():
                    yield from self.result(part)
                case EventHappened() | EventValue():
                    yield from _message(part, self.step, self.before)
                case _:
                    pass

    def segment(self, name: str, within: tuple[str, ...]) -> Iterator[Problem]:
        if name in within:
            cycle = " → ".join((*within[within.index(name) :], name))
            yield error(f"the segment {name} is defined by itself: {cycle}", self.step)
        elif name not in self.known.segments:
            yield error(f"there is no segment {name}; create it or choose another", self.step)
        elif name not in self.done:
            yield from self.condition(self.known.segments[name].rule, (*within, name))
            self.done.add(name)

    def outcome(self, asked: StepWas) -> Iterator[Problem]:
        earlier = self.before.get(asked.step)
        if earlier is None:
            yield error(
                f"the condition asks about {asked.step}, which is no step before", self.step
            )
        elif asked.is_ not in outcomes(earlier):
            can = ", ".join(outcomes(earlier)) or "left for good"
            yield error(f"{asked.step} is never {asked.is_}, only: {can}", self.step)

    def result(self, asked: ResultIs) -> Iterator[Problem]:
        step, name = asked.result.step, asked.result.name
        earlier = self.before.get(step)
        if earlier is None:
            yield error(f"the condition asks about {step}, which is no step before", self.step)
            return
        kept = _kept(earlier, self.known)
        if kept is not None and name.split(".")[0] not in kept:
            can = f"only: {', '.join(kept)}" if kept else "nothing"
            yield error(f"{step} keeps no {name}, {can}", self.step)


def _kept(step: AnyStep, known: Known) -> tuple[str, ...] | None:
    """Return the names of what a step keeps for later; None when that is not known."""
    match step:
        case WebhookStep():
            return tuple(step.keep)
        case ActivityStep():
            found = known.activities.get(step.activity)
            return found.results if found is not None else None
        case _:
            return ()


def _message(match: EventMatch, step: str | None, before: Before) -> Iterator[Problem]:
    if match.message is None:
        return
    about = f"{match.event} is about the message of {match.message}"
    if match.message not in before:
        yield error(f"{about}, which is no step before", step)
    elif not isinstance(before[match.message], SendStep):
        yield error(f"{about}, which sends none", step)
    elif not match.event.startswith("Message "):
        yield warning(f"{about}: only events like Message Opened are about a message", step)
