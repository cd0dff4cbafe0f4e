"""Edits of a journey's document: insert, move, duplicate and delete steps, and their settings.

An edit takes a document (plain JSON) and returns another one; nothing is changed in place. A place
between steps is a *slot*, written `LIST:STEP`: behind that step of the list, or at its beginning
when no step is named. `LIST` is empty for the journey's own steps, else `STEP/ARM`.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

from engine.errors import Conflict, InvalidInput, said

Json = Any
Document = dict[str, Json]

_REFERENCES: Final = ("since", "step", "message")
"""The keys by which one step names another."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A place between steps."""

    list: str
    after: str

    def __str__(self) -> str:
        return f"{self.list}:{self.after}"


@dataclass(frozen=True, slots=True)
class Edited:
    """The document after an edit, and the step that it was about, when there still is one."""

    document: dict[str, Json]
    step: str | None


def slot_of(text: str) -> Slot:
    """Read a slot."""
    list_, colon, after = text.partition(":")
    if not colon:
        raise InvalidInput(
            said("%(text)s is no place in a journey: write LIST:STEP.", text=repr(text))
        )
    return Slot(list_, after)


def lists(step: Document) -> Iterator[tuple[str, dict[str, Json], str]]:
    """Yield the lists of steps in a step: the arm's name, and where the list is kept.

    The names are those of `engine.model.journey.arms`; a list that is not written is empty.
    """
    match step.get("type"):
        case "branch":
            yield from ((arm["id"], arm, "then") for arm in step["arms"])
            yield "else", step, "else"
        case "split":
            yield from ((arm["id"], arm, "then") for arm in step["arms"])
        case "wait_for":
            yield from ((f"event-{n}", one, "then") for n, one in enumerate(step["events"]))
            yield "else", step, "else"
        case "repeat":
            yield "again", step, "steps"
        case "webhook" | "activity":
            yield "on_error", step, "on_error"
        case _:
            return


def walk(steps: Sequence[Document]) -> Iterator[Document]:
    """Yield every step, in the order of the document."""
    for step in steps:
        yield step
        for _, holder, key in lists(step):
            yield from walk(holder.get(key) or [])


def find(document: Document, step: str) -> Document | None:
    """Return a step by its id."""
    return next((one for one in walk(document.get("steps") or []) if one["id"] == step), None)


def insert(document: Document, slot: Slot, step: Document) -> Edited:
    """Put a new step into a slot; its id, and those within it, are made new where they are taken."""
    draft = _copied(document)
    added = _renamed(step, _ids(draft))
    _put(draft, slot, added)
    return Edited(draft, added["id"])


def delete(document: Document, step: str) -> Edited:
    """Take a step out, with everything in it."""
    draft = _copied(document)
    steps, n, keep = _place(draft, step)
    del steps[n]
    keep(steps)
    before = steps[n - 1]["id"] if n else None
    return Edited(draft, steps[n]["id"] if n < len(steps) else before)


def move(document: Document, step: str, slot: Slot) -> Edited:
    """Move a step, with everything in it, into a slot outside of itself."""
    draft = _copied(document)
    steps, n, keep = _place(draft, step)
    moved = steps[n]
    inside = {one["id"] for one in walk([moved])}
    if slot.list.partition("/")[0] in inside:
        raise InvalidInput(
            said("A step cannot be moved into itself: choose a place outside of it.")
        )
    if slot.after == step:
        slot = Slot(slot.list, steps[n - 1]["id"] if n else "")
    del steps[n]
    keep(steps)
    _put(draft, slot, moved)
    return Edited(draft, step)


def duplicate(document: Document, step: str) -> Edited:
    """Put a copy of a step, with everything in it, right behind it."""
    draft = _copied(document)
    steps, n, _ = _place(draft, step)
    copy = _renamed(steps[n], _ids(draft))
    _refuse_dead_end(steps, n, copy)
    steps.insert(n + 1, copy)
    return Edited(draft, copy["id"])


def change(document: Document, step: str, changed: Document) -> Edited:
    """Replace a step by what its settings now say; no step within its arms may get lost."""
    draft = _copied(document)
    steps, n, _ = _place(draft, step)
    new = deepcopy({**changed, "id": step, "type": steps[n]["type"]})
    kept = {one["id"] for one in walk([new])}
    if lost := [one for one in walk([steps[n]]) if one["id"] not in kept]:
        raise InvalidInput(
            said(
                "This way still has steps (%(value)s): move or delete them before the way itself.",
                value=lost[0].get("name") or lost[0]["id"],
            )
        )
    steps[n] = new
    return Edited(draft, step)


def change_journey(document: Document, settings: Document) -> Edited:
    """Replace what the journey says about itself; its id and its steps stay."""
    draft = _copied(document)
    return Edited({**settings, "id": draft["id"], "steps": draft.get("steps", [])}, None)


def fresh_id(taken: set[str], wish: str) -> str:
    """Return the wish, or the first free of wish-2, wish-3 and so on."""
    if wish not in taken:
        return wish
    stem = re.sub(r"-\d+$", "", wish)[:56]
    n = 2
    while f"{stem}-{n}" in taken:
        n += 1
    return f"{stem}-{n}"


def _copied(document: Document) -> dict[str, Json]:
    return deepcopy(document)


def _ids(document: Document) -> set[str]:
    return {step["id"] for step in walk(document.get("steps") or [])}


def _renamed(step: Document, taken: set[str]) -> dict[str, Json]:
    """Return a copy whose ids are free; what names a step within the copy names the copied one."""
    copy = deepcopy(step)
    new: dict[str, str] = {}
    for one in walk([copy]):
        new[one["id"]] = fresh_id(taken, one["id"])
        taken.add(new[one["id"]])
        one["id"] = new[one["id"]]
    _refer(copy, new)
    return copy


def _refer(node: Json, new: Mapping[str, str]) -> None:
    if isinstance(node, dict):
        for key, value in node.items():
            if key in _REFERENCES and isinstance(value, str):
                node[key] = new.get(value, value)
            else:
                _refer(value, new)
    elif isinstance(node, list):
        for item in node:
            _refer(item, new)


def _put(draft: dict[str, Json], slot: Slot, step: dict[str, Json]) -> None:
    steps, keep = _list(draft, slot.list)
    n = -1
    if slot.after:
        n = next((n for n, one in enumerate(steps) if one["id"] == slot.after), -2)
    if n == -2:
        raise Conflict(
            said("That place is gone: the step before it was moved or deleted meanwhile.")
        )
    if n >= 0 and steps[n].get("type") == "exit":
        raise InvalidInput(said("Nobody gets past an exit: choose a place before it."))
    _refuse_dead_end(steps, n, step)
    steps.insert(n + 1, step)
    keep(steps)


def _refuse_dead_end(steps: Sequence[Document], n: int, step: Document) -> None:
    if step.get("type") == "exit" and n + 1 < len(steps):
        raise InvalidInput(
            said("An exit in front of other steps would cut them off: put it at the end of a way.")
        )


Keep = Callable[[list[Json]], None]
"""Writes a list back to where it is kept; an empty one within a step is not written."""


def _list(draft: dict[str, Json], name: str) -> tuple[list[Json], Keep]:
    if not name:
        return draft.setdefault("steps", []), lambda steps: None
    step, _, arm = name.partition("/")
    owner = find(draft, step)
    if owner is not None:
        for found, holder, key in lists(owner):
            if found == arm:
                return holder.get(key) or [], _keeper(holder, key)
    raise Conflict(said("That place is gone: the step around it was changed or deleted meanwhile."))


def _keeper(holder: dict[str, Json], key: str) -> Keep:
    def keep(steps: list[Json]) -> None:
        if steps:
            holder[key] = steps
        else:
            holder.pop(key, None)

    return keep


def _place(draft: dict[str, Json], step: str) -> tuple[list[Json], int, Keep]:
    """Return the list that holds a step, and where in it."""

    def look(steps: list[Json], keep: Keep) -> tuple[list[Json], int, Keep] | None:
        for n, one in enumerate(steps):
            if one["id"] == step:
                return steps, n, keep
            for _, holder, key in lists(one):
                found = look(holder.get(key) or [], _keeper(holder, key))
                if found is not None:
                    return found
        return None

    found = look(draft.setdefault("steps", []), lambda steps: None)
    if found is None:
        raise Conflict(said("That step is gone: it was deleted meanwhile."))
    return found
