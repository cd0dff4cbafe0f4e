"""The forms of computed traits and scores: from a document to fields, and back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from starlette.datastructures import FormData

from designer.words import N_
from engine.model.condition import All, AnyCondition, PropertyIs
from engine.model.trait import (
    OF_EVENTS_ALONE,
    AnyTrait,
    EventTrait,
    JoinedTrait,
    QuantileTrait,
    Score,
)
from engine.store.vocabulary import Vocabulary

Kind = Literal["events", "place", "joined", "score"]

OPERATORS: Final = {
    "eq": N_("is"),
    "ne": N_("is not"),
    "gte": N_("is at least"),
    "lte": N_("is at most"),
    "gt": N_("is more than"),
    "lt": N_("is less than"),
    "contains": N_("contains"),
}
"""What a row of a form can ask of a property."""

UNITS: Final = {"d": N_("days"), "w": N_("weeks"), "mo": N_("months"), "y": N_("years")}

_ROWS: Final = 2
_BLANK: Final = 2
_JOINED: Final = 4


@dataclass(frozen=True, slots=True)
class Editor:
    """A form: what stands in its fields, and what is wrong, by field.

    `kept` is a condition that has no rows here: it stays as it is.
    """

    kind: Kind
    id: str = ""
    name: str = ""
    new: bool = True
    raw: Mapping[str, Any] = field(default_factory=dict)
    wrong: Mapping[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Where it is posted."""
        below = "scores" if self.kind == "score" else "traits"
        return f"/{below}/{'new' if self.new else self.id}"


def blank(kind: Kind) -> Editor:
    """Return an empty form."""
    raw: dict[str, Any]
    match kind:
        case "events":
            raw = {"event": "Order Completed", "take": "count", "rows": _rows(())}
            raw |= {"of": "", "within": "", "unit": "d", "kept": ""}
        case "place":
            raw = {"of": "", "parts": "5", "reversed": False}
        case "joined":
            raw = {"join": [""] * _JOINED}
        case "score":
            raw = {"half_life": "30", "floor": "0", "ceiling": ""}
            raw |= {"rules": _rules(()), "levels": _levels(())}
    return Editor(kind, raw=raw)


def of_trait(trait: AnyTrait) -> Editor:
    """Return the form of a computed trait."""
    raw: dict[str, Any]
    match trait:
        case EventTrait():
            rows = _asked(trait.where)
            kept = "" if rows is not None or trait.where is None else _written(trait)
            unit = next(
                (u for u in ("mo", "d", "w", "y") if trait.within and trait.within.endswith(u)), "d"
            )
            raw = {
                "event": trait.event,
                "take": trait.take,
                "of": trait.of or "",
                "within": trait.within.removesuffix(unit) if trait.within else "",
                "unit": unit,
                "rows": _rows(rows or ()),
                "kept": kept,
            }
            return Editor("events", trait.id, trait.name, new=False, raw=raw)
        case QuantileTrait():
            raw = {"of": trait.quantile_of, "parts": str(trait.parts), "reversed": trait.reversed}
            return Editor("place", trait.id, trait.name, new=False, raw=raw)
        case JoinedTrait():
            raw = {"join": [*trait.join, *[""] * max(1, _JOINED - len(trait.join))]}
            return Editor("joined", trait.id, trait.name, new=False, raw=raw)


def of_score(score: Score) -> Editor:
    """Return the form of a score."""
    document = score.document()
    raw = {
        "half_life": str(score.half_life_days or ""),
        "floor": "" if score.floor is None else str(score.floor),
        "ceiling": "" if score.ceiling is None else str(score.ceiling),
        "rules": _rules([
            (rule["event"], str(rule["points"]), json.dumps(rule["where"]) if rule.get("where") else "")
            for rule in document["rules"]
        ]),
        "levels": _levels([(str(level.at), level.name) for level in score.levels]),
    }  # fmt: skip
    return Editor("score", score.id, score.name, new=False, raw=raw)


def posted(kind: Kind, form: FormData, own: str | None) -> Editor:
    """Return the form as it was filled in; `own` is the id of what is changed."""

    def said(name: str) -> str:
        return str(form.get(name, "")).strip()

    def every(name: str) -> list[str]:
        return [str(value).strip() for value in form.getlist(name)]

    raw: dict[str, Any]
    match kind:
        case "events":
            rows = zip(every("property"), every("operator"), every("value"), strict=False)
            filled = [row for row in rows if row[0]]
            raw = {name: said(name) for name in ("event", "take", "of", "within", "unit", "kept")}
            raw["rows"] = _rows(filled)
        case "place":
            raw = {"of": said("of"), "parts": said("parts"), "reversed": said("reversed") == "yes"}
        case "joined":
            names = [name for name in every("join") if name]
            raw = {"join": [*names, *[""] * max(1, _JOINED - len(names))]}
        case "score":
            rules = zip(every("event"), every("points"), every("where"), strict=False)
            levels = zip(every("at"), every("level"), strict=False)
            raw = {name: said(name) for name in ("half_life", "floor", "ceiling")}
            raw["rules"] = _rules([rule for rule in rules if rule[0] or rule[1]])
            raw["levels"] = _levels([level for level in levels if level[0] or level[1]])
    return Editor(kind, own or said("id"), said("name"), new=own is None, raw=raw)


def document(editor: Editor, words: Vocabulary) -> dict[str, Any]:
    """Return the document that a form means; what is no number stays the text that it is."""
    raw = editor.raw
    base = {"id": editor.id, "name": editor.name}
    match editor.kind:
        case "events":
            found = {**base, "event": raw["event"], "take": raw["take"]}
            if raw["take"] not in OF_EVENTS_ALONE:
                found["of"] = raw["of"] or None
            if raw["within"]:
                found["within"] = f"{raw['within']}{raw['unit']}"
            where = json.loads(raw["kept"]) if raw["kept"] else _where(raw, words)
            return {**found, "where": where} if where else found
        case "place":
            more = {"reversed": True} if raw["reversed"] else {}
            return {**base, "quantile_of": raw["of"], "parts": _number(raw["parts"]), **more}
        case "joined":
            return {**base, "join": [name for name in raw["join"] if name]}
        case "score":
            return {**base, **_score(raw)}


def _score(raw: Mapping[str, Any]) -> dict[str, Any]:
    rules = []
    for event, points, where in raw["rules"]:
        if event or points:
            more = {"where": json.loads(where)} if where else {}
            rules.append({"event": event, "points": _number(points), **more})
    found: dict[str, Any] = {"rules": rules}
    if raw["half_life"]:
        found["half_life"] = f"{raw['half_life']}d"
    found |= {name: _number(raw[name]) for name in ("floor", "ceiling") if raw[name]}
    levels = [{"at": _number(at), "name": name} for at, name in raw["levels"] if at or name]
    return {**found, "thresholds": levels} if levels else found


def _where(raw: Mapping[str, Any], words: Vocabulary) -> dict[str, Any] | None:
    kinds = words.property_kinds.get(raw["event"], {})
    parts = [
        {"property": name, operator: _value(value, operator, kinds.get(name))}
        for name, operator, value in raw["rows"]
        if name and operator in OPERATORS
    ]
    return {"all": parts} if len(parts) > 1 else parts[0] if parts else None


def _value(value: str, operator: str, kind: str | None) -> Any:
    if operator in {"gte", "lte", "gt", "lt"} or kind == "number":
        return _number(value)
    if kind == "yes_no" and value in {"true", "false"}:
        return value == "true"
    return value


def _number(value: str) -> int | float | str:
    for read in (int, float):
        try:
            return read(value)
        except ValueError:
            continue
    return value


def _asked(where: AnyCondition | None) -> list[tuple[str, str, str]] | None:
    """Return a condition as rows, None when it has none."""
    parts = where.all if isinstance(where, All) else (where,) if where is not None else ()
    rows = []
    for part in parts:
        told = part.operators if isinstance(part, PropertyIs) else []
        if len(told) != 1 or told[0][0] not in OPERATORS or not isinstance(part, PropertyIs):
            return None
        operator, value = told[0]
        shown = json.dumps(value) if isinstance(value, bool) else str(value)
        rows.append((part.property, operator, shown))
    return rows


def _written(trait: EventTrait) -> str:
    return json.dumps(trait.document()["where"])


def _rows(some: Any) -> list[tuple[str, str, str]]:
    return [*some, *[("", "eq", "")] * max(1, _ROWS - len(some))]


def _rules(some: Any) -> list[tuple[str, str, str]]:
    return [*some, *[("", "", "")] * max(_BLANK, 3 - len(some))]


def _levels(some: Any) -> list[tuple[str, str]]:
    return [*some, *[("", "")] * _BLANK]
