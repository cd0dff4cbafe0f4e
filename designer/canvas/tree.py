"""The journey as the canvas draws it: cards, the ways between them, and their counters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from designer.canvas import layout
from designer.canvas.figures import PLAIN, Figure, Figures, Reading
from designer.canvas.sentences import Kind, Sentences
from designer.canvas.sought import sought
from designer.words import Words
from engine.errors import Problem
from engine.model.journey import AnyStep, ExitStep, RepeatStep, arms, walk

LONG: Final = 40
"""Steps that still fit a screen or two."""


@dataclass(frozen=True, slots=True)
class Fold:
    """What is told of steps that are collapsed: how many, and how many are to be put right."""

    count: str
    wrong: str


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
    fold: Fold | None

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
    figures: tuple[Figure, ...]
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
    size: int
    wrong: int
    fold: Fold | None
    follows: str
    """`size` and `wrong` count the steps of its ways; `follows` names them all."""


@dataclass(frozen=True, slots=True)
class Tree:
    """The whole journey below its entry."""

    cards: tuple[Card, ...]
    columns: int
    ends: bool
    size: int
    arms_title: str

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
        reading: Reading = PLAIN,
    ) -> None:
        """Draw with what was counted of the journey; nothing for one that nobody enters yet."""
        self._sentences = sentences
        self._counted: Mapping[str, Any] = counted.get("steps", {})
        self._entered: int = counted.get("entered", 0)
        self._figures = Figures(sentences.words, reading)
        self._problems = {
            problem.step: sentences.words.problem(problem)
            for problem in reversed(problems)
            if problem.step
        }

    def tree(self, steps: Sequence[AnyStep]) -> Tree:
        """Return the tree of a journey's steps."""
        cards = self._cards(steps)
        return Tree(
            cards, layout.columns(steps), layout.ends(steps), _size(cards), self._figures.arms_title
        )

    def _cards(self, steps: Sequence[AnyStep]) -> tuple[Card, ...]:
        return tuple(self._card(step, last=n == len(steps)) for n, step in enumerate(steps, 1))

    def _card(self, step: AnyStep, *, last: bool) -> Card:
        words, found = self._sentences.words, self._counted.get(step.id, {})
        passed, title = self._figures.arms(found), self._sentences.title(step)
        ways = tuple(
            self._arm(step, name, inner, passed.get(name, self._figures.no_arm))
            for name, inner in arms(step)
        )
        rails = (
            layout.rails([way.columns for way in ways], [way.rejoins for way in ways])
            if ways
            else None
        )
        size, wrong = sum(way.size for way in ways), sum(way.wrong for way in ways)
        return Card(
            face=Face(
                id=step.id,
                kind=self._sentences.kind(step),
                title=title,
                detail=self._sentences.detail(step),
                figures=tuple(self._figures.card(step, found, self._entered)),
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
            size=size,
            wrong=wrong,
            fold=self._fold(size, wrong),
            follows=words.gettext("What follows %(step)s", step=title) if size else "",
        )

    def _fold(self, size: int, wrong: int) -> Fold | None:
        if not size:
            return None
        ngettext = self._sentences.words.ngettext
        return Fold(
            ngettext("%(n)s step", "%(n)s steps", size),
            ngettext("%(n)s to put right", "%(n)s to put right", wrong) if wrong else "",
        )

    def _arm(self, step: AnyStep, name: str, inner: Sequence[AnyStep], passed: str) -> Arm:
        cards, label = self._cards(inner), self._sentences.arm(step, name)
        size = _size(cards)
        wrong = sum(bool(card.face.problem) + card.wrong for card in cards)
        return Arm(
            id=name,
            label=label,
            add=self._sentences.words.gettext("Add at the beginning of %(way)s", way=label),
            passed=passed,
            columns=layout.columns(inner),
            rejoins=not layout.ends(inner),
            cards=cards,
            size=size,
            wrong=wrong,
            fold=self._fold(size, wrong),
        )


def _size(cards: Sequence[Card]) -> int:
    return sum(1 + card.size for card in cards)


def texts(
    steps: tuple[AnyStep, ...], counted: Mapping[str, Any], words: Words, reading: Reading = PLAIN
) -> dict[str, str]:
    """Return every figure of the canvas by its id in the page."""
    figures = Figures(words, reading)
    shown: dict[str, str] = {}
    for step in walk(steps):
        found = counted["steps"].get(step.id, {})
        shown |= {one.id: one.value for one in figures.card(step, found, counted["entered"])}
        passed = figures.arms(found)
        for name, _ in arms(step):
            shown[f"a-{step.id}-{name}"] = passed.get(name, figures.no_arm)
    return shown
