"""What checks say of a document, and what publishing it would do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from designer.canvas.sentences import Sentences
from designer.document.differences import GONE, Change, differences
from designer.words import Words
from engine.compile.compiler import compile as compile_journey
from engine.compile.validate import Known, check
from engine.errors import InvalidDocument, Problem
from engine.model.document import locate, parse_journey
from engine.model.journey import Journey, walk
from engine.store.drafts import Names


@dataclass(frozen=True, slots=True)
class Checked:
    """A text as a journey, as far as it is one."""

    journey: Journey | None
    problems: list[Problem]

    @property
    def errors(self) -> list[Problem]:
        """What publishing would refuse."""
        return [problem for problem in self.problems if problem.severity == "error"]

    @property
    def warnings(self) -> list[Problem]:
        """What is allowed, and unwise."""
        return [problem for problem in self.problems if problem.severity != "error"]


def checked(text: str, known: Known, *, id_: str | None = None) -> Checked:
    """Read and check a text; with `id_` it must be the journey of that id."""
    try:
        journey = parse_journey(text)
    except InvalidDocument as error:
        return Checked(None, by_line(error.problems))
    problems = locate(text, check(journey, known))
    if id_ is not None and journey.id != id_:
        message = f"the id of this journey is {id_} and stays so: figures hang on it"
        problems.insert(0, Problem(message=message, path=("id",), line=_id_line(text)))
    return Checked(journey, by_line(problems))


def by_line(problems: Sequence[Problem]) -> list[Problem]:
    """Return mistakes in the order of the lines, hints last."""
    return sorted(problems, key=lambda one: (one.severity != "error", one.line or 0))


def _id_line(text: str) -> int | None:
    lines = enumerate(text.splitlines(), 1)
    return next((n for n, line in lines if line.startswith("id:")), None)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Customers of the live version who wait at a step that the draft changes."""

    step: str
    n: int
    gone: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What publishing does; `enters` says who enters from then on, and whether again."""

    changed: bool
    version: int
    enters: list[str] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)


def plan(
    draft: Journey,
    live: Journey | None,
    last: int,
    live_hash: str | None,
    *,
    names: Names,
    words: Words,
    standing: Mapping[str, Mapping[str, Any]] | None = None,
) -> Plan:
    """Say what publishing the draft does.

    `last` is the newest version's number, `standing` the live version's counters by step.
    """
    if live_hash is not None and compile_journey(draft).hash == live_hash:
        return Plan(changed=False, version=last)
    says = Sentences(words, draft, names)
    enters = [says.opens(draft.entry), says.who(draft.entry), says.again(draft.entry)]
    changes = differences(draft, live, names=names, words=words) if live else []
    return Plan(
        changed=True,
        version=last + 1,
        enters=[said for said in enters if said],
        changes=changes,
        waiting=_waiting(changes, live, names, words, standing or {}) if live else [],
    )


def _waiting(
    changes: Sequence[Change],
    live: Journey,
    names: Names,
    words: Words,
    standing: Mapping[str, Mapping[str, Any]],
) -> list[Waiting]:
    says = Sentences(words, live, names)
    steps = {step.id: step for step in walk(live.steps)}
    gone = {change.step for change in changes if change.icon == GONE}
    touched = {change.step for change in changes if change.step in steps}
    return [
        Waiting(words.quote(says.title(step)), int(standing[name]["waiting"]), name in gone)
        for name, step in steps.items()
        if name in touched and standing.get(name, {}).get("waiting")
    ]
