"""What the journey's page shows around and beside its canvas."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, assert_never

from designer.canvas.figures import PLAIN, Figure, Figures, Reading
from designer.canvas.sentences import Sentences, readable
from designer.views import channel_name
from designer.words import Words
from engine.model.journey import (
    ActivityStep,
    AnyStep,
    BranchStep,
    EnterStep,
    ExitStep,
    FromProperty,
    Journey,
    RepeatStep,
    SendStep,
    SplitStep,
    UpdateStep,
    WaitForStep,
    WaitStep,
    WebhookStep,
)


@dataclass(frozen=True, slots=True)
class Fact:
    """A name and what it is."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Way:
    """A way out of a step, and how many went it."""

    name: str
    value: str
    arm: str


@dataclass(frozen=True, slots=True)
class Top:
    """The card above the steps."""

    title: str
    who: str
    goal: str
    exits: list[str]
    holdout: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One step's settings and figures, beside the canvas."""

    id: str
    icon: str
    colour: str
    kind: str
    title: str
    does: str
    note: str
    facts: list[Fact]
    figures: list[Figure]
    versions: list[Way] = field(default_factory=list)
    fails: bool = False
    """Whether it has steps for when it goes wrong."""


def top(journey: Journey, sentences: Sentences) -> Top:
    """Return the entry's card: who enters, what for, and what takes her out."""
    words = sentences.words
    exits = [
        words.gettext(
            "%(event)s (%(reason)s)", event=sentences.event(rule.on), reason=readable(rule.reason)
        )
        for rule in journey.exits
    ]
    return Top(
        title=sentences.opens(journey.entry),
        who=sentences.who(journey.entry),
        goal=sentences.goal(journey.goal) if journey.goal else "",
        exits=exits,
        holdout=words.percent(journey.holdout / 100) if journey.holdout else "",
    )


def title_of(step: AnyStep, words: Words) -> str:
    """Return what to call a step outside of its journey."""
    sentences = Sentences(words)
    if isinstance(step, SendStep) and not step.name:
        return sentences.kind(step).name
    return sentences.title(step)


def entry_facts(journey: Journey, sentences: Sentences) -> list[Fact]:
    """Return the settings of the journey as a whole."""
    _ = sentences.words.gettext
    shown = top(journey, sentences)
    facts = [
        Fact(_("Enters"), shown.title),
        Fact(_("Only"), shown.who),
        Fact(_("Comes back"), sentences.again(journey.entry)),
        Fact(_("At most"), sentences.pace(journey.entry)),
        Fact(_("Goal"), shown.goal),
        Fact(_("Leaves early on"), "; ".join(shown.exits)),
        Fact(_("Held out"), shown.holdout),
        Fact(_("Topic"), journey.topic or ""),
        Fact(_("Priority"), sentences.words.number(journey.priority)),
        Fact(_("Note"), journey.note or ""),
    ]
    return [fact for fact in facts if fact.value]


def totals(
    counted: Mapping[str, Any], journey: Journey, words: Words, reading: Reading = PLAIN
) -> list[Figure]:
    """Return the journey's figures."""
    return Figures(words, reading).totals(counted, journey)


def panel(
    step: AnyStep, found: Mapping[str, Any], sentences: Sentences, reading: Reading = PLAIN
) -> Panel:
    """Return the panel of a step."""
    words, kind = sentences.words, sentences.kind(step)
    figures = Figures(words, reading)
    versions = _ways(step, figures.arms(found), figures.no_arm, sentences)
    return Panel(
        id=step.id,
        icon=kind.icon,
        colour=kind.colour,
        kind=kind.name,
        title=sentences.title(step),
        does=sentences.does(step) if step.name else "",
        note=step.note or "",
        facts=[fact for fact in _facts(step, sentences) if fact.value],
        figures=figures.panel(step, found),
        versions=versions,
        fails=bool(getattr(step, "on_error", ())),
    )


def _ways(step: AnyStep, passed: Mapping[str, str], nobody: str, sentences: Sentences) -> list[Way]:
    """Return the ways out of a step, or a message's versions, with how many went each."""
    words = sentences.words
    match step:
        case SendStep():
            return [
                Way(f"{readable(one.id)} · {words.percent(one.weight / 100)}",
                    passed.get(one.id, nobody), one.id)
                for one in step.variants
            ]  # fmt: skip
        case WaitForStep():
            names = [*(f"event-{n}" for n in range(len(step.events))), "else"]
        case BranchStep():
            names = [*(arm.id for arm in step.arms), "else"]
        case WebhookStep() | ActivityStep() if step.on_error:
            names = ["done", "on_error"]
        case SplitStep():
            names = [arm.id for arm in step.arms]
        case _:
            names = []
    return [Way(sentences.arm(step, name), passed.get(name, nobody), name) for name in names]


def _facts(step: AnyStep, sentences: Sentences) -> list[Fact]:
    words = sentences.words
    _ = words.gettext
    match step:
        case SendStep():
            kinds = {
                "marketing": _("Marketing: caps, quiet hours and topics hold"),
                "transactional": _("Transactional: always sent"),
            }
            full = {"defer": _("Send it later"), "skip": _("Do not send it")}
            return [
                Fact(
                    _("Channel"), _(", else ").join(channel_name(c, words) for c in step.channels)
                ),
                Fact(_("Template"), sentences.template(step)),
                Fact(_("Subject"), step.subject or ""),
                Fact(_("Kind"), kinds[step.class_]),
                Fact(_("Topic"), step.topic or ""),
                Fact(_("Time of day"), sentences.when(step)),
                Fact(_("When a cap is full"), full.get(step.on_full or "", "")),
            ]
        case WaitForStep():
            awaited = [sentences.event(one.on) for one in step.events]
            since = sentences.step_name(step.since) if step.since else ""
            return [
                Fact(_("Waits for"), words.items(awaited, style="or")),
                Fact(_("At most"), sentences.duration(step.timeout)),
                Fact(_("Counts what happened since"), since),
            ]
        case BranchStep():
            return [
                Fact(sentences.arm(step, arm.id), sentences.conditions.say(arm.if_))
                for arm in step.arms
            ]
        case RepeatStep():
            until = sentences.conditions.say(step.until) if step.until is not None else ""
            return [
                Fact(_("Rounds at most"), words.number(step.times)),
                Fact(_("Until"), until),
            ]
        case UpdateStep():
            topics = step.subscribe or step.unsubscribe
            only = step.channels if topics and step.channel is not None else ()
            return [
                Fact(_("Changes"), words.items(sentences.changes(step))),
                Fact(_("Only on"), words.items([channel_name(c, words) for c in only])),
            ]
        case EnterStep():
            told = {
                readable(name): _("the event's %(property)s", property=readable(value.property))
                if isinstance(value, FromProperty)
                else words.value(value)
                for name, value in step.properties.items()
            }
            return [
                Fact(_("Journey"), sentences.names.journeys.get(step.journey, step.journey)),
                Fact(
                    _("Tells it"), words.items([f"{name}: {said}" for name, said in told.items()])
                ),
            ]
        case WebhookStep():
            kept = [readable(name) for name in step.keep]
            return [
                Fact(_("Web address"), step.url),
                Fact(_("Kept of the answer"), words.items(kept)),
                Fact(_("Waits for the answer"), sentences.duration(step.timeout)),
                Fact(_("Tries again for"), sentences.duration(step.retry_for)),
            ]
        case ActivityStep():
            return [
                Fact(_("Does"), sentences.activity_name(step.activity) if step.name else ""),
                *(
                    Fact(readable(name).capitalize(), words.value(value))
                    for name, value in step.parameters.items()
                ),
                Fact(_("Takes at most"), sentences.duration(step.timeout) if step.timeout else ""),
                Fact(
                    _("Tries again for"),
                    sentences.duration(step.retry_for) if step.retry_for else "",
                ),
            ]
        case ExitStep():
            return [Fact(_("Reason"), readable(step.reason))]
        case WaitStep() | SplitStep():
            return []
        case _:
            assert_never(step)
