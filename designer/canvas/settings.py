"""The settings of a step or of the journey: shown again as typed, or saved as one edit."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final

from designer.canvas.forms import journey as journey_form
from designer.canvas.forms import steps as step_forms
from designer.canvas.forms.builders import at_fields
from designer.canvas.forms.conditions import new_row
from designer.canvas.forms.raw import Raw, rows, text
from designer.canvas.forms.raw import at as part_at
from designer.canvas.panels import journey_mistakes, step_mistakes
from designer.ids import id_of
from designer.words import Words
from engine.errors import Conflict, InvalidInput, Said, said
from engine.flow import drafting, materials
from engine.flow.drafting import Draft, Edit
from engine.model import editing
from engine.model.actor import Actor
from engine.model.template import Template
from engine.store import documents
from engine.store.edits import Label
from engine.store.session import Database

_NEW: Final[dict[str, Raw]] = {
    "variants": {"weight": "0"},
    "events": {"event": ""},
    "arms": {"weight": "0", "if": {"join": "all", "rows": [{"kind": "trait"}]}},
    "exits": {"event": "", "reason": ""},
    "set": {"name": "", "how": "value", "value": ""},
    "properties": {"name": "", "how": "value", "value": ""},
    "tests": {"op": "eq", "value": ""},
    "counts": {"op": "lte", "n": ""},
}
"""What another row of a list begins as."""


def rearranged(raw: Raw, what: str) -> Raw:
    """Return the form with a row added, dropped or raised: `add PATH KIND` and so on."""
    changed = deepcopy(raw)
    do, _, rest = what.partition(" ")
    where, _, kind = rest.partition(" ")
    path = where.split(".")
    match do:
        case "add":
            _add(changed, path, kind)
        case "drop" | "raise":
            siblings, n = part_at(changed, path[:-1]), int(path[-1]) if path[-1].isdigit() else -1
            if not isinstance(siblings, list) or not 0 <= n < len(siblings):
                raise InvalidInput(f"The form has no part {where!r}.")
            one = siblings.pop(n)
            if do == "raise":
                siblings.insert(max(n - 1, 0), one)
            elif path[-2] in {"variants", "arms"}:
                _share(siblings)
        case _:
            pass  # only shown again: another kind was chosen
    return changed


def _add(raw: Raw, path: list[str], kind: str) -> None:
    holder: Any = raw
    for key in path[:-1]:
        holder = part_at(holder, [key]) if isinstance(holder, list) else holder.setdefault(key, {})
    if not isinstance(holder, dict):
        raise InvalidInput("The form has no such part.")
    name = path[-1]
    listed = holder[name] = rows(holder.get(name))
    if name == "rows":
        listed.append(new_row(kind))
        return
    if name not in _NEW:
        raise InvalidInput(f"The form has no part {name!r}.")
    listed.append(deepcopy(_NEW[name]))
    if name == "variants":
        if len(listed) == 1:
            listed.append(deepcopy(_NEW[name]))
        _letter(listed)
    if name in {"variants", "arms"}:
        _share(listed)


def _letter(variants: list[Raw]) -> None:
    """Name the versions that have no name yet: a, b, c."""
    taken = {text(one, "id") for one in variants}
    for one in variants:
        if not text(one, "id"):
            letter = next(chr(code) for code in range(97, 123) if chr(code) not in taken)
            taken.add(letter)
            one["id"] = letter


def _share(arms: list[Raw]) -> None:
    """Give every way the same share, to the whole percent."""
    if arms and "weight" in arms[0]:
        each, left = divmod(100, len(arms))
        for n, one in enumerate(arms):
            one["weight"] = str(each + (1 if n < left else 0))


def new_template(database: Database, raw: Raw, words: Words, *, actor: Actor) -> str:
    """Make a template for what a form sends, with hardly a word in it yet; return its id."""
    with database.read() as connection:
        taken = set(documents.templates(connection))
    name = text(raw, "name") or words.gettext("New template")
    id_ = id_of(name, taken, "template")
    channels = [one for one in raw.get("channel") or [] if one]
    content = {"subject": name, "body": words.gettext("Hello")}
    template = Template.model_validate(
        {
            "id": id_,
            "name": name,
            "channel": channels[0] if channels else "email",
            "locales": {words.language: content},
        }
    )
    materials.put_template(database, template, actor=actor)
    return id_


class Unfit(Exception):
    """A form that cannot be saved; `mistakes` says what is wrong, by place."""

    def __init__(self, mistakes: Mapping[str, Said]) -> None:
        super().__init__("; ".join(map(str, mistakes.values())))
        self.mistakes = mistakes


def save(
    database: Database,
    journey_id: str,
    rev: int,
    step: str,
    raw: Raw,
    title: Any,
    *,
    actor: Actor,
) -> Label:
    """Save a step's settings, or the journey's when no step is named; return what was done.

    Raises `Unfit` when something is wrong with the form, and `Conflict` when the draft is another
    by now.
    """
    labels: list[Label] = []

    def decide(draft: Draft) -> Edit:
        edited = _of_step(draft, step, raw) if step else _of_journey(draft, raw)
        label: Label = {"did": "journey"}
        if step:
            label = {"did": "settings", "what": title(editing.find(edited.document, step))}
        labels.append(label)
        return Edit(edited, label)

    drafting.edit(database, journey_id, rev, decide, actor=actor)
    return labels[-1]


def _of_step(draft: Draft, step: str, raw: Raw) -> editing.Edited:
    old = editing.find(draft, step)
    if old is None:
        raise Conflict("That step is gone: it was deleted meanwhile.")
    changed = step_forms.document_of(old, raw)
    if mistakes := at_fields(old["type"], raw, step_mistakes(changed)):
        raise Unfit(mistakes)
    if mistakes := _shares(changed):
        raise Unfit(mistakes)
    try:
        return editing.change(draft, step, changed)
    except InvalidInput as refusal:
        raise Unfit({"": refusal.said}) from None


def _shares(step: Draft) -> dict[str, Said]:
    for key in ("variants", "arms"):
        weights = [one["weight"] for one in step.get(key, []) if "weight" in one]
        if weights and sum(weights) != 100:
            return {key: said("the shares add up to %(total)s, not 100", total=sum(weights))}
    return {}


def _of_journey(draft: Draft, raw: Raw) -> editing.Edited:
    changed = journey_form.document_of(draft, raw)
    found = journey_mistakes({**changed, "id": draft["id"]})
    if mistakes := at_fields("journey", raw, found):
        raise Unfit(mistakes)
    return editing.change_journey(draft, changed)
