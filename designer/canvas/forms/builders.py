"""The condition builders of a form: where they are, and what is wrong at which of their fields."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from designer.canvas.forms.conditions import open_fields, places
from designer.canvas.forms.raw import Raw, part, rows, text
from designer.words import N_
from engine.errors import Said

NO_SEGMENT: Final = N_("Choose a segment.")
_OF_SEGMENT: Final = ("segment_entered", "segment_left")

NO_CONDITION: Final = N_("Say for whom this way is: add a condition.")
NO_RULE: Final = N_("Say who is in the segment: add a condition.")


@dataclass(frozen=True, slots=True)
class Builder:
    """One builder: its name in the form, and the place of its condition in the document.

    `event` names the event whose properties it asks about; None: it is about customers. `needed` is
    what to say when it has no rows, for one that has to have some.
    """

    field: str
    place: str
    group: Raw
    event: str | None = None
    needed: str = ""


def builders(kind: str, raw: Raw) -> Iterator[Builder]:
    """Yield the builders of a form; `kind` is the type of its step, `journey`, or `segment`."""
    match kind:
        case "segment":
            yield Builder("rule", "rule", part(raw, "rule"), needed=NO_RULE)
        case "branch":
            for n, arm in enumerate(rows(raw.get("arms"))):
                yield Builder(f"arms.{n}.if", f"arms.{n}.if", part(arm, "if"), needed=NO_CONDITION)
        case "repeat":
            yield Builder("until", "until", part(raw, "until"))
        case "wait_for":
            yield from _matches("events", raw)
        case "journey":
            entry = part(raw, "entry")
            if text(entry, "kind") == "event":
                yield _match("entry.on", "entry.on", part(entry, "on"))
            yield Builder("entry.if", "entry.if", part(entry, "if"))
            yield _match("goal", "goal", part(raw, "goal"))
            yield from _matches("exits", raw)
        case _:
            pass


def _matches(name: str, raw: Raw) -> Iterator[Builder]:
    for n, row in enumerate(rows(raw.get(name))):
        yield _match(f"{name}.{n}", f"{name}.{n}.on", row)


def _match(name: str, place: str, row: Raw) -> Builder:
    where = part(row, "where")
    return Builder(f"{name}.where", f"{place}.where", where, event=text(row, "event"))


def open_in(kind: str, raw: Raw) -> dict[str, str]:
    """Return what the builders of a form, and its choice of a segment, leave open, by the field."""
    found: dict[str, str] = {}
    entry = part(raw, "entry") if kind == "journey" else {}
    if text(entry, "kind") in _OF_SEGMENT and not text(entry, "segment"):
        found[f"entry.on.{text(entry, 'kind')}"] = NO_SEGMENT
    for one in builders(kind, raw):
        if one.needed and not rows(one.group.get("rows")):
            found[one.field] = one.needed
        for field, sentence in open_fields(one.group, one.field):
            found.setdefault(field, sentence)
    return found


def at_fields(kind: str, raw: Raw, mistakes: Mapping[str, Said]) -> dict[str, Said]:
    """Return mistakes by the field; those of conditions come by their place in the document.

    What a builder leaves open comes first, and the model's word on the same row is left out.
    """
    found = {field: Said(sentence) for field, sentence in open_in(kind, raw).items()}
    known = {
        place: field
        for one in builders(kind, raw)
        for place, field in places(one.group, one.place, one.field)
    }
    for place, sentence in mistakes.items():
        field = _field(place, known)
        if not any(_near(field, other) for other in found):
            found[field] = sentence
    return found


def _field(place: str, known: Mapping[str, str]) -> str:
    above: Any = place
    while above:
        if above in known:
            return known[above]
        above = above.rpartition(".")[0]
    return place


def _near(one: str, other: str) -> bool:
    """Whether two fields are the same, or one is part of the other."""
    return f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")
