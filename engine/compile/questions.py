"""Checks of what a journey asks: its conditions, and the events that it matches."""

from collections.abc import Iterator

from engine.compile.known import Before, Known, outcomes, unwise, wrong
from engine.errors import Problem, said
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
        yield wrong(
            "%(event)s cannot come: no message is sent before this step", step, event=match.event
        )


def check_condition(
    condition: AnyCondition, step: str | None, known: Known, before: Before
) -> Iterator[Problem]:
    """Check a condition, and the rules of the segments that it names."""
    yield from _Asked(step, known, before).condition(condition, ())


def check_segment(name: str, known: Known) -> Iterator[Problem]:
    """Check a segment that a journey names, and its rule."""
    yield from _Asked(None, known, {}).segment(name, ())


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
            yield wrong(
                "the segment %(name)s is defined by itself: %(cycle)s",
                self.step,
                name=name,
                cycle=cycle,
            )
        elif name not in self.known.segments:
            yield wrong(
                "there is no segment %(name)s; create it or choose another", self.step, name=name
            )
        elif name not in self.done:
            yield from self.condition(self.known.segments[name].rule, (*within, name))
            self.done.add(name)

    def outcome(self, asked: StepWas) -> Iterator[Problem]:
        earlier = self.before.get(asked.step)
        if earlier is None:
            yield wrong(
                "the condition asks about %(step)s, which is no step before",
                self.step,
                step=asked.step,
            )
        elif asked.is_ not in outcomes(earlier):
            if can := ", ".join(outcomes(earlier)):
                yield wrong(
                    "%(step)s is never %(asked)s, only: %(can)s",
                    self.step,
                    step=asked.step,
                    asked=asked.is_,
                    can=can,
                )
            else:
                yield wrong(
                    "%(step)s is never %(asked)s: nothing becomes of it that could be asked for",
                    self.step,
                    step=asked.step,
                    asked=asked.is_,
                )

    def result(self, asked: ResultIs) -> Iterator[Problem]:
        step, name = asked.result.step, asked.result.name
        earlier = self.before.get(step)
        if earlier is None:
            yield wrong(
                "the condition asks about %(step)s, which is no step before", self.step, step=step
            )
            return
        kept = _kept(earlier, self.known)
        if kept is not None and name.split(".")[0] not in kept:
            if kept:
                yield wrong(
                    "%(step)s keeps no %(name)s, only: %(kept)s",
                    self.step,
                    step=step,
                    name=name,
                    kept=", ".join(kept),
                )
            else:
                yield wrong(
                    "%(step)s keeps nothing of its answer, so no %(name)s either",
                    self.step,
                    step=step,
                    name=name,
                )


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
    about = said(
        "%(event)s is about the message of %(step)s", event=match.event, step=match.message
    )
    if match.message not in before:
        yield wrong("%(about)s, which is no step before", step, about=about)
    elif not isinstance(before[match.message], SendStep):
        yield wrong("%(about)s, which sends none", step, about=about)
    elif not match.event.startswith("Message "):
        yield unwise(
            "%(about)s: only events like Message Opened are about a message", step, about=about
        )
