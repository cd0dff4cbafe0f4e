"""The condition builder: rows and groups, to and from conditions.

A group has `join` (all, any) and `rows`; a row has a `kind`, says with `not` whether it is denied,
and the fields of its kind. What the builder has no fields for is a row of kind `written`, which
keeps the condition as it stands in the document.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from designer.canvas.forms.raw import (
    Raw,
    length,
    length_raw,
    part,
    rows,
    scalar,
    scalar_raw,
    text,
    whole,
    without_empty,
)

Document = dict[str, Any]

LISTS: Final = {"in", "nin"}
KNOWN: Final = {"known": True, "unknown": False}
_COMPARISONS: Final = ("eq", "ne", "in", "nin", "gt", "gte", "lt", "lte", "contains",
                       "starts_with", "before", "after", "within")  # fmt: skip
_COUNTS: Final = ("gte", "lte", "eq")


def condition_of(group: Mapping[str, Any]) -> Document | None:
    """Return the condition that a builder says; None when it has no rows."""
    said = [one for row in rows(group.get("rows")) if (one := _of_row(row)) is not None]
    if len(said) < 2:
        return said[0] if said else None
    return {"any" if text(group, "join") == "any" else "all": said}


def group_of(condition: Mapping[str, Any] | None) -> Raw:
    """Return the builder's rows of a condition."""
    if condition is None:
        return {"join": "all", "rows": []}
    for join in ("all", "any"):
        if set(condition) == {join}:
            return {"join": join, "rows": [_row_of(one) for one in condition[join]]}
    return {"join": "all", "rows": [_row_of(condition)]}


def new_row(kind: str) -> Raw:
    """Return an empty row, or an empty group."""
    return {"kind": "group", "join": "any", "rows": []} if kind == "group" else {"kind": "trait"}


def _of_row(row: Raw) -> Document | None:
    make = _MADE.get(text(row, "kind"))
    made: Document | None = make(row) if make is not None else None
    return {"not": made} if made is not None and text(row, "not") == "yes" else made


def _row_of(condition: Mapping[str, Any]) -> Raw:
    if set(condition) == {"not"}:
        row = _row_of(condition["not"])
        if "not" not in row:
            return {**row, "not": "yes"}
        return {"kind": "written", "text": json.dumps(condition, ensure_ascii=False)}
    if set(condition) in ({"all"}, {"any"}):
        return {"kind": "group", **group_of(condition)}
    for key, show in _SHOWN.items():
        shown = show(dict(condition)) if key in condition else None
        if shown is not None:
            return {"kind": key, **shown}
    return {"kind": "written", "text": json.dumps(condition, ensure_ascii=False)}


# Comparisons


def _compared(key: str) -> Callable[[Raw], Document]:
    def make(row: Raw) -> Document:
        operator, value = text(row, "op") or "eq", text(row, "value")
        if operator in KNOWN:
            return {key: text(row, key), "exists": KNOWN[operator]}
        operand: Any = scalar(value)
        if operator in LISTS:
            operand = [scalar(one.strip()) for one in value.split(",") if one.strip()]
        elif operator == "within":
            operand = length(part(row, "span")) or ""
        elif operator in {"before", "after", "starts_with"}:
            operand = value
        return {key: text(row, key), operator: operand}

    return make


def _comparison(key: str) -> Callable[[Document], Raw | None]:
    def show(condition: Document) -> Raw | None:
        name = condition.pop(key)
        if len(condition) != 1:
            return None
        (operator, operand), *_ = condition.items()
        if operator == "exists":
            return {key: name, "op": "known" if operand else "unknown"}
        if operator not in _COMPARISONS or isinstance(operand, dict):
            return None
        if operator == "within":
            return {key: name, "op": operator, "span": length_raw(operand)}
        if operator in LISTS:
            return {key: name, "op": operator, "value": ", ".join(map(scalar_raw, operand))}
        return {key: name, "op": operator, "value": scalar_raw(operand)}

    return show


# Events, and the other kinds


def _event(row: Raw) -> Document:
    count = text(row, "count")
    often = {text(row, "count_op") or "gte": whole(count)} if count else None
    return without_empty(
        {
            "event": text(row, "event"),
            "where": condition_of(part(row, "where")),
            "message": text(row, "message"),
            "count": often,
            "within": length(part(row, "span")),
        }
    ) or {"event": ""}


def _event_row(condition: Document) -> Raw | None:
    count = condition.get("count") or {}
    known = {"event", "where", "message", "count", "within"}
    if set(condition) - known or len(count) > 1 or set(count) - set(_COUNTS):
        return None
    (operator, often), *_ = count.items() or [("gte", "")]
    return {
        "event": condition["event"],
        "where": group_of(condition.get("where")),
        "message": condition.get("message", ""),
        "count_op": operator,
        "count": str(often),
        "span": length_raw(condition.get("within")),
    }


def _fields(*names: str) -> Callable[[Raw], Document]:
    def make(row: Raw) -> Document:
        first, *others = names
        return {
            first: text(row, first),
            **without_empty({name: text(row, name) for name in others}),
        }

    return make


def _same(*names: str) -> Callable[[Document], Raw | None]:
    return lambda condition: condition if set(condition) <= set(names) else None


def _written(row: Raw) -> Document:
    try:
        found: Document = json.loads(text(row, "text"))
    except ValueError:  # the model says what is wrong with it
        return {"": text(row, "text")}
    return found


_MADE: Final[Mapping[str, Callable[[Raw], Document | None]]] = {
    "group": condition_of,
    "trait": _compared("trait"),
    "property": _compared("property"),
    "event": _event,
    "segment": _fields("segment"),
    "step": _fields("step", "is"),
    "reachable": _fields("reachable"),
    "subscribed": _fields("subscribed", "channel"),
    "written": _written,
}
_SHOWN: Final[Mapping[str, Callable[[Document], Raw | None]]] = {
    "event": _event_row,
    "trait": _comparison("trait"),
    "property": _comparison("property"),
    "segment": _same("segment"),
    "step": _same("step", "is"),
    "reachable": _same("reachable"),
    "subscribed": _same("subscribed", "channel"),
}
