"""One edit of the canvas: what the page sends, what it does, and what it is called."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import FormData

from designer.canvas.palette import new_step
from designer.words import N_, Words
from engine.errors import InvalidInput
from engine.flow import drafting
from engine.flow.drafting import Draft, Edit
from engine.model import editing
from engine.model.actor import Actor
from engine.store.edits import Label
from engine.store.session import Database

Title = Callable[[Draft], str]
"""Says a step of the document in the reader's language."""

_DONE: Final = {
    "insert": N_("Added: %(what)s"),
    "move": N_("Moved: %(what)s"),
    "delete": N_("Deleted: %(what)s"),
    "duplicate": N_("Duplicated: %(what)s"),
    "paste": N_("Pasted: %(what)s"),
    "settings": N_("Saved: %(what)s"),
    "journey": N_("Saved: settings of the journey"),
    "document": N_("Saved: the document"),
}
_NAMED: Final = {
    "insert": N_("add %(what)s"),
    "move": N_("move %(what)s"),
    "delete": N_("delete %(what)s"),
    "duplicate": N_("duplicate %(what)s"),
    "paste": N_("paste %(what)s"),
    "settings": N_("change %(what)s"),
    "journey": N_("change the journey's settings"),
    "document": N_("save the document"),
}


def done(label: Label, words: Words) -> str:
    """Say that something was done."""
    sentence = _DONE[label["did"]]
    return words.gettext(sentence, what=label.get("what", ""))


def named(label: Label | None, words: Words) -> str:
    """Name an edit, as in “Undo: move First mail”; nothing when there is none."""
    sentence = _NAMED[label["did"]] if label else ""
    return words.gettext(sentence, what=label.get("what", "")) if label else ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the page asks for."""

    op: str
    rev: int
    step: str = ""
    slot: str = ""
    type: str = ""
    origin: str = ""


def asked(form: FormData) -> Asked:
    """Read an edit's form."""
    given = {name: str(form.get(name) or "") for name in ("op", "step", "slot", "type", "from")}
    try:
        rev = int(str(form.get("rev") or ""))
    except ValueError:
        raise InvalidInput("The edit does not say which draft it is about.") from None
    return Asked(given["op"], rev, given["step"], given["slot"], given["type"], given["from"])


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an edit did, and which step is chosen after it."""

    step: str
    said: str


def carry_out(
    database: Database,
    journey_id: str,
    asked: Asked,
    title: Title,
    words: Words,
    *,
    actor: Actor,
) -> Outcome:
    """Carry out one edit of the canvas."""
    if asked.op in {"undo", "redo"}:
        label = drafting.step_back(
            database, journey_id, asked.rev, -1 if asked.op == "undo" else 1, actor=actor
        )
        said = (
            words.gettext("Undone: %(edit)s")
            if asked.op == "undo"
            else words.gettext("Redone: %(edit)s")
        )
        return Outcome(asked.step, said % {"edit": named(label, words)})
    labels: list[Label] = []

    def decide(draft: Draft) -> Edit:
        edited, about = _decide(database, draft, asked)
        label = {"did": asked.op, "what": title(about)}
        labels.append(label)
        return Edit(edited, label)

    step = drafting.edit(database, journey_id, asked.rev, decide, actor=actor)
    return Outcome(step or "", done(labels[-1], words))


def _decide(database: Database, draft: Draft, asked: Asked) -> tuple[editing.Edited, Draft]:
    match asked.op:
        case "insert":
            step = new_step(asked.type)
            return editing.insert(draft, editing.slot_of(asked.slot), step), step
        case "paste":
            step = drafting.copied(database, asked.origin, asked.step)
            return editing.insert(draft, editing.slot_of(asked.slot), step), step
        case "move":
            edited = editing.move(draft, asked.step, editing.slot_of(asked.slot))
        case "duplicate":
            edited = editing.duplicate(draft, asked.step)
        case "delete":
            edited = editing.delete(draft, asked.step)
        case _:
            raise InvalidInput(f"There is no edit {asked.op!r}.")
    about = editing.find(draft, asked.step)
    assert about is not None  # noqa: S101 - the edit has found it
    return edited, about
