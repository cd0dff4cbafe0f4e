"""What a walk's page shows: the path on the canvas, the story so far, and where she stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from designer.canvas.sentences import Sentences
from designer.customers.telling import Teller, Told, ending, refusal
from designer.views import channel_name, customer_name
from designer.walk.asked import Asked
from designer.walk.letters import Letter, Letters
from designer.walk.offers import moment
from designer.walk.scene import Known, Scene
from engine.compile.compiler import COMPLETED
from engine.model.journey import AnyStep, SendStep, SplitStep, walk
from engine.run.entry import Opened, Refused
from engine.run.state import Call, Deliver, Wait
from engine.run.walked import Walked

_OTHER_EVENT: Final = "other_event"


_ICONS: Final = {"here": "map-pin", "passed": "footprints"}


@dataclass(frozen=True, slots=True)
class Lit:
    """The path on the canvas: what was passed, and the step `here` at which she stands."""

    steps: frozenset[str]
    arms: frozenset[tuple[str, str]]
    here: str | None
    entered: bool
    finished: bool

    def mark(self, step: str, told: Mapping[str, str]) -> tuple[str, str, str] | None:
        """Return how a step is shown, by which icon and in which words; None when she was not there.

        `told` says that she is `here` or has `passed`.
        """
        how = "here" if step == self.here else "passed" if step in self.steps else ""
        return (how, _ICONS[how], told[how]) if how else None

    def arm(self, step: str, arm: str) -> str:
        """Return how a way out of a step is shown."""
        return "passed" if (step, arm) in self.arms else ""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One thing that happened; `others` are the other ways that chance could have taken."""

    told: Told
    letter: Letter | None
    others: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why she would not enter, and what that decision saw."""

    why: str
    seen: str


def lit(walked: Walked) -> Lit:
    """Return the path of a walk."""
    ended = walked.state.ended if walked.state is not None else None
    return Lit(walked.steps, walked.arms, walked.here, walked.state is not None, ended == COMPLETED)


class Story:
    """Tells one walk."""

    def __init__(
        self, scene: Scene, walked: Walked, sentences: Sentences, letters: Letters
    ) -> None:
        self._scene = scene
        self._walked = walked
        self._sentences = sentences
        self._words = sentences.words
        self._letters = letters
        self._steps = {step.id: step for step in walk(scene.journey.steps)}
        self._teller = Teller(sentences, self._steps)

    def sentences(self) -> list[Sentence]:
        """Return what happened so far."""
        told = self._teller.tell([self._entry(n) for n in range(len(self._walked.lines))])
        letters = iter(self._letters.sent(self._walked))
        return [
            Sentence(
                one, next(letters, None) if one.what == "sent" else None, list(self._others(one))
            )
            for one in told
        ]

    def _entry(self, n: int) -> dict[str, Any]:
        line = self._walked.lines[n]
        data = dict(line.trace.data)
        if line.trace.what == "entered" and isinstance(self._walked.entry, Opened):
            data["seen"] = self._walked.seen
        return {"at": line.at, "what": line.trace.what, "step": line.trace.step, "data": data}

    def _others(self, told: Told) -> list[tuple[str, str]]:
        """Return the other ways of a draw, with what the form is told to take them."""
        if told.what != "drew" or told.step is None or self._walked.state is None:
            return []
        step, drawn = self._steps.get(told.step), self._walked.state.arms.get(told.step)
        return [
            (f"arm:{told.step}/{name}", label)
            for name, label in _draws(step, self._sentences)
            if name != drawn
        ]

    def refusal(self) -> Refusal | None:
        """Say why she would not enter; None when she does."""
        found = self._walked.entry
        if not isinstance(found, Refused):
            return None
        seen = self._teller.seen(self._walked.seen)
        if found.reason == _OTHER_EVENT:
            return Refusal(self._words.gettext("the event is not the one that opens it"), seen)
        about_her = found.reason == "condition"
        return Refusal(refusal(self._words, found.reason), seen if about_her else "")

    def stands(self) -> str:
        """Say where she stands now, and until when."""
        _, state, words = self._words.gettext, self._walked.state, self._words
        if state is None:
            return _("She does not enter")
        if state.ended is not None:
            return _("She has left: %(reason)s", reason=ending(words, state.ended))
        step = self._steps.get(self._walked.here or "")
        name = self._sentences.title(step) if step is not None else ""
        match self._walked.turns[-1].after.command:
            case Wait(until=until):
                until_ = moment(until, words)
                return _("She is at: %(step)s, until %(moment)s", step=name, moment=until_)
            case Deliver() | Call():
                return _("She is at: %(step)s", step=name)
            case _:
                return name


def _draws(step: AnyStep | None, sentences: Sentences) -> list[tuple[str, str]]:
    match step:
        case SplitStep():
            return [(arm.id, sentences.arm(step, arm.id)) for arm in step.arms]
        case SendStep():
            return [(one.id, sentences.words.quote(one.id)) for one in step.variants]
        case _:
            return []


def who(known: Known | None, asked: Asked, sentences: Sentences) -> tuple[str, str]:
    """Say who walks, and what matters of her."""
    words = sentences.words
    _ = words.gettext
    if known is not None:
        address = str(known.addresses.get("email") or known.addresses.get("phone") or "")
        return customer_name(known.traits, known.addresses, words), address
    reached = [channel_name(channel, words) for channel in asked.made.channels]
    said = _("reached by %(channels)s", channels=words.items(reached)) if reached else ""
    wanted = [
        words.quote(sentences.names.topics.get(topic, topic))
        for topic, yes in asked.made.topics.items()
        if yes
    ]
    agrees = _("agrees to %(topics)s", topics=words.items(wanted)) if wanted else ""
    nothing = _("cannot be reached on any channel")
    return _("Somebody made up"), " · ".join(filter(None, (said or nothing, agrees)))
