"""What checks say of a document, and what publishing it would do."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from designer.canvas.sentences import Sentences
from designer.words import Words
from engine.compile.compiler import compile as compile_journey
from engine.compile.validate import Known, check
from engine.errors import InvalidDocument, Problem
from engine.model.document import locate, parse_journey
from engine.model.journey import AnyStep, Journey, walk
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
        return Checked(None, _by_line(error.problems))
    problems = locate(text, check(journey, known))
    if id_ is not None and journey.id != id_:
        message = f"the id of this journey is {id_} and stays so: figures hang on it"
        problems.insert(0, Problem(message=message, path=("id",), line=_id_line(text)))
    return Checked(journey, _by_line(problems))


def _by_line(problems: Sequence[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda one: (one.severity != "error", one.line or 0))


def _id_line(text: str) -> int | None:
    lines = enumerate(text.splitlines(), 1)
    return next((n for n, line in lines if line.startswith("id:")), None)


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between what is live and the draft."""

    icon: str
    text: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What publishing does."""

    changed: bool
    version: int
    changes: list[Change] = field(default_factory=list)


def plan(
    draft: Journey,
    live: Journey | None,
    last: int,
    live_hash: str | None,
    *,
    names: Names,
    words: Words,
) -> Plan:
    """Say what publishing the draft does; `last` is the newest version's number."""
    if live_hash is not None and compile_journey(draft).hash == live_hash:
        return Plan(changed=False, version=last)
    return Plan(True, last + 1, _changes(draft, live, names, words) if live else [])


def _changes(draft: Journey, live: Journey, names: Names, words: Words) -> list[Change]:
    _ = words.gettext
    new = {step.id: step for step in walk(draft.steps)}
    old = {step.id: step for step in walk(live.steps)}

    def called(step: AnyStep, journey: Journey) -> str:
        return words.quote(Sentences(words, journey, names).title(step))

    changes = [
        Change("plus", _("Step %(step)s is new", step=called(step, draft)))
        for name, step in new.items()
        if name not in old
    ]
    changes += [
        Change("minus", _("Step %(step)s is gone", step=called(step, live)))
        for name, step in old.items()
        if name not in new
    ]
    changes += [
        Change("file-text", _("Step %(step)s has other settings", step=called(step, draft)))
        for name, step in new.items()
        if name in old and _own(step.document()) != _own(old[name].document())
    ]
    parts = {
        "name": _("The name is another"),
        "entry": _("Who enters, or how often, is another"),
        "goal": _("The goal is another"),
        "exits": _("What ends it early is another"),
        "holdout": _("The share held out is another"),
        "topic": _("The topic is another"),
        "priority": _("The priority is another"),
    }
    before, after = live.document(), draft.document()
    changes += [
        Change("file-text", sentence)
        for key, sentence in parts.items()
        if before.get(key) != after.get(key)
    ]
    if not changes and [*new] != [*old]:
        changes.append(Change("shuffle", _("The steps come in another order")))
    return changes


def _own(value: object) -> object:
    """Return a step's settings without the steps inside it."""
    if isinstance(value, dict):
        return {
            key: _own(item)
            for key, item in value.items()
            if key not in {"then", "else", "on_error", "steps"}
        }
    return [_own(item) for item in value] if isinstance(value, list) else value
