"""The condition builder: rows and groups, to and from conditions.

A group says with `join` how its `rows` go together (all, any, none, not_all); a row has a `kind`,
says with `not` whether it is denied, and the fields of its kind. What no row can hold is a row of
kind `written`, which keeps the condition as it stands in the document.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from designer.canvas.forms.comparisons import (
    count_of,
    counted_twice,
    counts_of,
    operators_of,
    tests_of,
    untold,
)
from designer.canvas.forms.raw import (
    Raw,
    length,
    length_raw,
    part,
    rows,
    text,
    without_empty,
)
from designer.words import N_
from engine.model.condition import AGGREGATES

Document = dict[str, Any]

DEEPEST: Final = 5
"""Groups within groups, and within the events that they ask about, that have rows."""

EMPTY_GROUP: Final = N_("This group has no condition yet.")
NO_CHOICE: Final = N_("Choose or write what this is about.")

_JOINS: Final = {"all": ("all", False), "any": ("any", False),
                 "none": ("any", True), "not_all": ("all", True)}  # fmt: skip


def condition_of(group: Mapping[str, Any]) -> Document | None:
    """Return the condition that a builder says; None when it has no rows."""
    said = [one for row in rows(group.get("rows")) if (one := _of_row(row)) is not None]
    if not said:
        return None
    key, denied = _join(group)
    made = {key: said} if _is_list(group, len(said)) else said[0]
    return {"not": made} if denied else made


def _join(group: Mapping[str, Any]) -> tuple[str, bool]:
    return _JOINS.get(text(group, "join"), _JOINS["all"])


def _is_list(group: Mapping[str, Any], said: int) -> bool:
    """Whether a group is written as a list: one row alone is not, unless it was before."""
    return said > 1 or text(group, "one") == "yes"


def group_of(condition: Mapping[str, Any] | None, depth: int = 0) -> Raw:
    """Return the builder's rows of a condition."""
    if condition is None:
        return {"join": "all", "rows": []}
    group = _group(condition, depth)
    if group is not None and _same(condition_of(_typed(group)), condition):
        return group
    return {"join": "all", "rows": [_row_of(condition, depth)]}


def _group(condition: Mapping[str, Any], depth: int) -> Raw | None:
    for join, (key, denied) in _JOINS.items():
        inner = condition.get("not") if denied else condition
        if isinstance(inner, Mapping) and set(inner) == {key}:
            listed = [_row_of(one, depth + 1) for one in inner[key]]
            return {"join": join, "rows": listed, **({"one": "yes"} if len(listed) == 1 else {})}
    return None


def new_row(kind: str) -> Raw:
    """Return an empty row, or an empty group."""
    return {"kind": "group", "join": "any", "rows": []} if kind == "group" else {"kind": kind}


def _of_row(row: Raw) -> Document | None:
    kind = _KINDS.get(text(row, "kind"))
    made = kind.make(row) if kind is not None else None
    return {"not": made} if made is not None and text(row, "not") == "yes" else made


def _row_of(condition: Mapping[str, Any], depth: int) -> Raw:
    row = _shown(condition, depth) if depth <= DEEPEST else None
    if row is not None and _same(_of_row(_typed(row)), condition):
        return row
    return {"kind": "written", "text": json.dumps(condition, ensure_ascii=False)}


def _shown(condition: Mapping[str, Any], depth: int) -> Raw | None:
    if (group := _group(condition, depth)) is not None:
        return {"kind": "group", **group}
    if set(condition) == {"not"}:
        row = _shown(condition["not"], depth)
        return {**row, "not": "yes"} if row is not None else None
    kind = next((kind for kind in _TOLD_BY_KEY if _KINDS[kind].key in condition), None)
    if kind == "event" and any(name in condition for name in AGGREGATES):
        kind = "value"
    return {"kind": kind, **_KINDS[kind].show(condition, depth)} if kind is not None else None


def _same(made: Any, condition: Mapping[str, Any]) -> bool:
    # As JSON: to Python, 1 is true and 1.0.
    return json.dumps(made, sort_keys=True) == json.dumps(condition, sort_keys=True)


def _typed(raw: Any) -> Any:
    """Return a form's texts as they come back: of one line, without blanks around them."""
    if isinstance(raw, dict):
        return {key: value if key == "text" else _typed(value) for key, value in raw.items()}
    if isinstance(raw, list):
        return [_typed(one) for one in raw]
    return "".join(sign for sign in raw if sign not in "\r\n").strip()


# The kinds of rows


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a row is made into a condition and shown again.

    `key` tells the condition in a document, `fields` where a row asks for what a document has
    under other names, and `asks` what a row cannot be without.
    """

    key: str
    make: Callable[[Raw], Document | None]
    show: Callable[[Mapping[str, Any], int], Raw]
    fields: Mapping[str, str] = field(default_factory=dict)
    asks: tuple[str, ...] = ()


def _named(*names: str, asks: int = 1) -> _Kind:
    """Return a kind whose row has the fields of the document, the first ones never empty."""

    def make(row: Raw) -> Document:
        needed, more = names[:asks], names[asks:]
        return {
            **{name: text(row, name) for name in needed},
            **without_empty({name: text(row, name) for name in more}),
        }

    def show(condition: Mapping[str, Any], _depth: int) -> Raw:
        return {name: condition.get(name, "") for name in names}

    return _Kind(names[0], make, show, asks=names[:asks])


def _compared(key: str) -> _Kind:
    def make(row: Raw) -> Document:
        return {key: text(row, key), **operators_of(row.get("tests"))}

    def show(condition: Mapping[str, Any], _depth: int) -> Raw:
        return {key: condition[key], "tests": tests_of(condition)}

    return _Kind(key, make, show, asks=(key,))


def _result(row: Raw) -> Document:
    asked = {"step": text(row, "step"), "name": text(row, "name")}
    return {"result": asked, **operators_of(row.get("tests"))}


def _result_row(condition: Mapping[str, Any], _depth: int) -> Raw:
    return {**condition["result"], "tests": tests_of(condition)}


def _matched(row: Raw) -> Document:
    """Return which events a row means."""
    more = {
        "where": condition_of(part(row, "where")),
        "message": text(row, "message"),
        "within": length(part(row, "span")),
    }
    return {"event": text(row, "event"), **without_empty(more)}


def _match_row(condition: Mapping[str, Any], depth: int) -> Raw:
    return {
        "event": condition["event"],
        "where": group_of(condition.get("where"), depth + 1),
        "message": condition.get("message", ""),
        "span": length_raw(condition.get("within")),
    }


def _event(row: Raw) -> Document:
    count = count_of(row.get("counts"))
    return {**_matched(row), **({"count": count} if count else {})}


def _event_row(condition: Mapping[str, Any], depth: int) -> Raw:
    return {**_match_row(condition, depth), "counts": counts_of(condition.get("count"))}


def _made(row: Raw) -> str:
    return text(row, "made") or "sum"


def _value(row: Raw) -> Document:
    operators = operators_of(row.get("tests"))
    operators.pop("within", None)  # which says of a value how old its events may be
    return {**_matched(row), _made(row): text(row, "of"), **operators}


def _value_row(condition: Mapping[str, Any], depth: int) -> Raw:
    made = next(name for name in AGGREGATES if name in condition)
    operators = {key: value for key, value in condition.items() if key != "within"}
    row = {"made": made, "of": condition[made], "tests": tests_of(operators)}
    return {**_match_row(condition, depth), **row}


def _anniversary(row: Raw) -> Document:
    return {"anniversary": text(row, "anniversary"), "within": length(part(row, "span")) or ""}


def _anniversary_row(condition: Mapping[str, Any], _depth: int) -> Raw:
    return {"anniversary": condition["anniversary"], "span": length_raw(condition["within"])}


def _written(row: Raw) -> Document:
    try:
        found = json.loads(text(row, "text"))
    except ValueError:
        found = None
    # The model says what is wrong with anything else.
    return found if isinstance(found, dict) else {"": text(row, "text")}


def _never(_condition: Mapping[str, Any], _depth: int) -> Raw:
    raise AssertionError("no condition is shown as this kind by its key")


_SPAN: Final = {"within": "span"}
_KINDS: Final[Mapping[str, _Kind]] = {
    "group": _Kind("", condition_of, _never),
    "trait": _compared("trait"),
    "property": _compared("property"),
    "event": _Kind("event", _event, _event_row, _SPAN, ("event",)),
    "value": _Kind(
        "event", _value, _value_row, _SPAN | dict.fromkeys(AGGREGATES, "of"), ("event", "of")
    ),
    "anniversary": _Kind(
        "anniversary", _anniversary, _anniversary_row, _SPAN, ("anniversary", "span")
    ),
    "segment": _named("segment"),
    "step": _named("step", "is", asks=2),
    "result": _Kind(
        "result", _result, _result_row, {"result.step": "step", "result.name": "name"},
        ("step", "name"),
    ),
    "reachable": _named("reachable"),
    "subscribed": _named("subscribed", "channel"),
    "written": _Kind("", _written, _never, asks=("text",)),
}  # fmt: skip
_TOLD_BY_KEY: Final = tuple(kind for kind, one in _KINDS.items() if one.key and kind != "value")
_COMPARING: Final = frozenset({"trait", "property", "value", "result"})


# Which field says what of the document


def places(group: Mapping[str, Any], place: str, name: str) -> Iterator[tuple[str, str]]:
    """Yield each place of the condition that a group makes, with the field that asks for it."""
    yield place, name
    key, denied = _join(group)
    listed = rows(group.get("rows"))
    said = [(n, row) for n, row in enumerate(listed) if _of_row(row) is not None]
    inner = f"{place}.not" if denied else place
    for m, (n, row) in enumerate(said):
        here = f"{inner}.{key}.{m}" if _is_list(group, len(said)) else inner
        denying = f"{here}.not" if text(row, "not") == "yes" else here
        yield from _row_places(row, denying, f"{name}.rows.{n}")


def _row_places(row: Raw, place: str, name: str) -> Iterator[tuple[str, str]]:
    kind = text(row, "kind")
    if kind == "group":
        yield from places(row, place, name)
        return
    known = _KINDS[kind]
    yield place, f"{name}.text" if kind == "written" else name
    for asked in known.asks:
        yield f"{place}.{asked}", f"{name}.{asked}"
    for key, asked in known.fields.items():
        yield f"{place}.{key}", f"{name}.{asked}"
    if kind in _COMPARING:
        for n, test in enumerate(rows(row.get("tests"))):
            for key in operators_of([test]):
                yield f"{place}.{key}", f"{name}.tests.{n}"
    for n, count in enumerate(rows(row.get("counts"))):
        yield f"{place}.count.{text(count, 'op') or 'gte'}", f"{name}.counts.{n}"
    if "where" in row:
        yield from places(part(row, "where"), f"{place}.where", f"{name}.where")


def open_fields(group: Mapping[str, Any], name: str) -> Iterator[tuple[str, str]]:
    """Yield what a group's rows leave open, by the field: no document can tell that."""
    for n, row in enumerate(rows(group.get("rows"))):
        here, kind = f"{name}.rows.{n}", text(row, "kind")
        if kind == "group":
            if not rows(row.get("rows")):
                yield here, EMPTY_GROUP
            yield from open_fields(row, here)
            continue
        for asked in _KINDS[kind].asks if kind in _KINDS else ():
            if asked not in {"span", "text"} and not text(row, asked):
                yield f"{here}.{asked}", NO_CHOICE
        if kind in _COMPARING:
            yield from untold(row.get("tests") or [{}], f"{here}.tests", timed=kind == "value")
        yield from counted_twice(row.get("counts"), f"{here}.counts")
        yield from open_fields(part(row, "where"), f"{here}.where")
