"""What a value is compared with: rows of an operator and what it takes, to and from documents.

A row has the operator as `op`, and a `value`, a `span` of time, or the name of a `trait` that
tells one, `times` over.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from designer.canvas.forms.raw import (
    Raw,
    length,
    length_raw,
    listed,
    listed_raw,
    part,
    rows,
    scalar,
    scalar_raw,
    text,
    unquoted,
    whole,
)
from designer.words import N_
from engine.model.condition import RANKS

Document = dict[str, Any]

KNOWN: Final = {"known": True, "unknown": False}
OPERATORS: Final = (
    "eq", "ne", "in", "nin", "gt", "gte", "lt", "lte", "contains", "starts_with",
    "before", "after", "within", "older_than", "exists", *RANKS,
)  # fmt: skip
"""The keys of a document that are operators of a comparison."""

NO_VALUE: Final = N_("Say what to compare with.")
NO_LENGTH: Final = N_("Say how long, as a whole number.")
NO_TRAIT: Final = N_("Say which of the customer's values tells how long.")
TWICE: Final = N_("The same comparison stands above: put the two into a group.")
TIMED: Final = N_("Say beside the event how long ago it may be, and compare otherwise here.")
_OF_THE_TRAIT: Final = "older_than_trait"


def operators_of(tests: Any) -> Document:
    """Return the operators that rows of comparisons say."""
    return dict(map(_operator, rows(tests)))


def _operator(row: Raw) -> tuple[str, Any]:
    operator, value = text(row, "op") or "eq", text(row, "value")
    if operator in KNOWN:
        return "exists", KNOWN[operator]
    if operator in {"in", "nin"}:
        return operator, listed(value)
    if operator in {"within", "older_than"}:
        return operator, length(part(row, "span")) or ""
    if operator == _OF_THE_TRAIT:
        times = text(row, "times")
        told: Document = {"trait": text(row, "trait")}
        return "older_than", {**told, "times": scalar(times)} if times else told
    if operator in RANKS:
        return operator, f"{value.removesuffix('%').strip()}%" if value else ""
    if operator in {"before", "after", "starts_with"}:
        return operator, unquoted(value)
    return operator, scalar(value)


def tests_of(condition: Mapping[str, Any]) -> list[Raw]:
    """Return the rows of the operators that a document has."""
    return [_test(key, condition[key]) for key in condition if key in OPERATORS]


def _test(operator: str, operand: Any) -> Raw:
    match operator:
        case "top" | "bottom":
            return {"op": operator, "value": operand}
        case "exists":
            return {"op": "known" if operand else "unknown"}
        case "in" | "nin":
            return {"op": operator, "value": listed_raw(operand)}
        case "within" | "older_than" if isinstance(operand, str):
            return {"op": operator, "span": length_raw(operand)}
        case "older_than":
            times = scalar_raw(operand["times"]) if "times" in operand else ""
            return {"op": _OF_THE_TRAIT, "trait": operand["trait"], "times": times}
        case _:
            return {"op": operator, "value": scalar_raw(operand) if operand != "" else '""'}


def untold(tests: Any, field: str, *, timed: bool = False) -> Iterator[tuple[str, str]]:
    """Yield what rows leave open, by the field; `timed` values say beside how old they may be."""
    seen: set[str] = set()
    for n, row in enumerate(rows(tests)):
        here, operator = f"{field}.{n}", text(row, "op") or "eq"
        key, _ = _operator(row)
        if key in seen:
            yield here, TWICE
        seen.add(key)
        if timed and operator == "within":
            yield here, TIMED
        elif operator in {"within", "older_than"}:
            if not text(part(row, "span"), "n").isdigit():
                yield here, NO_LENGTH
        elif operator == _OF_THE_TRAIT:
            if not text(row, "trait"):
                yield here, NO_TRAIT
        elif operator not in KNOWN and not text(row, "value"):
            yield here, NO_VALUE


# How often something happened


def count_of(counts: Any) -> Document | None:
    """Return how often something must have happened, None when nothing is said of it."""
    said = [row for row in rows(counts) if text(row, "n")]
    return {text(row, "op") or "gte": whole(text(row, "n")) for row in said} or None


def counts_of(count: Mapping[str, int] | None) -> list[Raw]:
    """Return the rows of a count."""
    return [{"op": operator, "n": str(often)} for operator, often in (count or {}).items()]


def counted_twice(counts: Any, field: str) -> Iterator[tuple[str, str]]:
    """Yield the rows whose bound another one has already, by the field."""
    seen: set[str] = set()
    for n, row in enumerate(rows(counts)):
        operator = text(row, "op") or "gte"
        if text(row, "n") and operator in seen:
            yield f"{field}.{n}", TWICE
        seen.add(operator)
