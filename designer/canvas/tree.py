"""The journey as the canvas draws it: cards, the ways between them, and their counters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, assert_never

from designer.canvas import layout
from designer.canvas.sentences import Kind, Sentences
from designer.canvas.sought import sought
from designer.words import Words
from engine.errors import Problem
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
    arms,
)

LONG: Final = 40
"""Steps that still fit a screen or two."""


@dataclass(frozen=True, slots=True)
class Counter:
    """The figure on a card: how many, of what, and what that means."""

    text: str
    unit: str
    title: str


@dataclass(frozen=True, slots=True)
class Arm:
    """One way out of a branching step; `wrong` counts its steps with something to put right."""

    id: str
    label: str
    add: str
    passed: str
    columns: int
    rejoins: bool
    cards: tuple["Card", ...]
    size: int
    wrong: int

    def slot(self, step: str) -> str:
        """Return the name of the list that the way holds."""
        return f"{step}/{self.id}"


@dataclass(frozen=True, slots=True)
class Face:
    """What a step's card says."""

    id: str
    kind: Kind
    title: str
    detail: str
    counter: Counter
    problem: str
    note: str
    sought: str


@dataclass(frozen=True, slots=True)
class Card:
    """One step, where it stands and what hangs on it."""

    face: Face
    add: str
    leaves: bool
    arms: tuple[Arm, ...]
    loops: bool
    columns: int
    rails: layout.Rails | None
    ends: bool
    last: bool

    @property
    def size(self) -> int:
        """How many steps are in its ways."""
        return sum(way.size for way in self.arms)

    @property
    def wrong(self) -> int:
        """How many steps in its ways have something to put right."""
        return sum(way.wrong for way in self.arms)


@dataclass(frozen=True, slots=True)
class Tree:
    """The whole journey below its entry."""

    cards: tuple[Card, ...]
    columns: int
    ends: bool
    size: int

    @property
    def long(self) -> bool:
        """Whether it is so long that what is out of sight is better not drawn."""
        return self.size > LONG


class Drawing:
    """Draws one journey's steps."""

    def __init__(
        self,
        sentences: Sentences,
        counted: Mapping[str, Any],
        problems: Sequence[Problem] = (),
    ) -> None:
        self._sentences = sentences
        self._counted = counted
        self._problems = {
            problem.step: sentences.words.problem(problem)
            for problem in reversed(problems)
            if problem.step
        }

    def tree(self, steps: Sequence[AnyStep]) -> Tree:
        """Return the tree of a journey's steps."""
        cards = self._cards(steps)
        return Tree(cards, layout.columns(steps), layout.ends(steps), _size(cards))

    def _cards(self, steps: Sequence[AnyStep]) -> tuple[Card, ...]:
        return tuple(self._card(step, last=n == len(steps)) for n, step in enumerate(steps, 1))

    def _card(self, step: AnyStep, *, last: bool) -> Card:
        words, found = self._sentences.words, self._counted.get(step.id, {})
        passed, title = found.get("arms", {}), self._sentences.title(step)
        ways = tuple(
            self._arm(step, name, inner, words.number(passed.get(name, 0)))
            for name, inner in arms(step)
        )
        rails = (
            layout.rails([way.columns for way in ways], [way.rejoins for way in ways])
            if ways
            else None
        )
        return Card(
            face=Face(
                id=step.id,
                kind=self._sentences.kind(step),
                title=title,
                detail=self._sentences.detail(step),
                counter=counter(step, found, words),
                problem=self._problems.get(step.id, ""),
                note=step.note or "",
                sought=sought(step, self._sentences),
            ),
            add=words.gettext("Add after %(step)s", step=title),
            leaves=isinstance(step, ExitStep),
            arms=ways,
            loops=isinstance(step, RepeatStep),
            columns=layout.width(step),
            rails=rails,
            ends=layout.ends((step,)),
            last=last,
        )

    def _arm(self, step: AnyStep, name: str, inner: Sequence[AnyStep], passed: str) -> Arm:
        cards, label = self._cards(inner), self._sentences.arm(step, name)
        return Arm(
            id=name,
            label=label,
            add=self._sentences.words.gettext("Add at the beginning of %(way)s", way=label),
            passed=passed,
            columns=layout.columns(inner),
            rejoins=not layout.ends(inner),
            cards=cards,
            size=_size(cards),
            wrong=sum(bool(card.face.problem) + card.wrong for card in cards),
        )


def _size(cards: Sequence[Card]) -> int:
    return sum(1 + card.size for card in cards)


def counter(step: AnyStep, found: Mapping[str, Any], words: Words) -> Counter:
    """Return the figure that says most about a step of this kind."""
    _ = words.gettext
    match step:
        case SendStep():
            n, unit, title = found.get("sent", 0), _("sent"), _("Messages sent by this step")
        case WaitStep() | WaitForStep():
            n, unit = found.get("waiting", 0), _("waiting")
            title = _("Customers who wait here now")
        case RepeatStep():
            n, unit = found.get("arms", {}).get("again", 0), _("begun")
            title = _("Rounds that customers have begun")
        case (
            BranchStep() | SplitStep() | UpdateStep() | WebhookStep() | ActivityStep() | EnterStep()
        ):
            n, unit, title = found.get("entered", 0), _("passed"), _("Customers who came by here")
        case ExitStep():
            n, unit, title = found.get("entered", 0), _("left"), _("Customers who left here")
        case _:
            assert_never(step)
    return Counter(words.number(n), unit, title)


def texts(steps: Sequence[AnyStep], counted: Mapping[str, Any], words: Words) -> dict[str, str]:
    """Return every counter of the canvas by its id in the page."""
    shown: dict[str, str] = {}
    for step in steps:
        found = counted.get(step.id, {})
        shown[f"n-{step.id}"] = counter(step, found, words).text
        for name, inner in arms(step):
            shown[f"a-{step.id}-{name}"] = words.number(found.get("arms", {}).get(name, 0))
            shown |= texts(inner, counted, words)
    return shown
