"""What a form holds: nested texts, by the dots in its fields' names.

`events.0.on` is the field `on` of the first of `events`; several fields of one name that ends in
`[]` are a list. A form that has mistakes is shown again from this, as it was typed.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from starlette.datastructures import FormData

from engine.errors import InvalidInput

Raw = dict[str, Any]
"""Texts, lists of texts, and more of the same by name."""

DEEPEST: Final = 24
_WIDEST: Final = 500
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{1,10})?")
_DURATION = re.compile(r"(-?)(\d+)(mo|s|m|h|d|w|y)")
_QUOTED = re.compile(r'"((?:[^"]|"")*)"')
_ITEM = re.compile(r'\s*("(?:[^"]|"")*"|[^,]*?)\s*(?:,|$)')


def read(form: FormData) -> Raw:
    """Read a form."""
    root: Raw = {}
    for name, value in form.multi_items():
        if not isinstance(value, str):
            continue
        path = name.removesuffix("[]").split(".")
        if len(path) > DEEPEST:
            raise InvalidInput("The form is nested too deeply.")
        node = root
        for part in path[:-1]:
            inner = node.setdefault(part, {})
            if not isinstance(inner, dict):
                raise InvalidInput("The form contradicts itself.")
            node = inner
        text = value.replace("\r\n", "\n").strip()
        if name.endswith("[]"):
            several = node.setdefault(path[-1], [])
            if text and isinstance(several, list):
                several.append(text)
        else:
            node[path[-1]] = text
    return {key: _listed(value) for key, value in root.items()}


def _listed(node: Any) -> Any:
    """Return the same with what is counted by numbers as lists."""
    if not isinstance(node, dict):
        return node
    if node and all(key.isdecimal() for key in node):
        if len(node) > _WIDEST:
            raise InvalidInput("The form has too many parts.")
        return [_listed(node[key]) for key in sorted(node, key=int)]
    return {key: _listed(value) for key, value in node.items()}


def rows(raw: Any) -> list[Raw]:
    """Return a list of parts; none when there is something else."""
    return [one for one in raw if isinstance(one, dict)] if isinstance(raw, list) else []


def text(raw: Mapping[str, Any], name: str) -> str:
    """Return a field's text, or nothing."""
    value = raw.get(name, "")
    return value if isinstance(value, str) else ""


def part(raw: Mapping[str, Any], name: str) -> Raw:
    """Return what belongs to a name."""
    value = raw.get(name)
    return value if isinstance(value, dict) else {}


def length(raw: Mapping[str, Any]) -> str | None:
    """Return a duration from its number, its unit and whether it lies `before`; None when empty."""
    number = text(raw, "n")
    sign = "-" if text(raw, "side") == "before" else ""
    return f"{sign}{number}{text(raw, 'unit') or 'd'}" if number else None


def length_raw(duration: str | None) -> Raw:
    """Return a duration's number, unit and side."""
    found = _DURATION.fullmatch(duration or "")
    if found is None:
        return {"n": "", "unit": "d", "side": "after"}
    return {"n": found[2], "unit": found[3], "side": "before" if found[1] else "after"}


def whole(written: str) -> int | str:
    """Return a whole number, or the text that is none, for the model to refuse."""
    return int(written) if re.fullmatch(r"-?\d{1,9}", written) else written


def unquoted(written: str) -> str:
    """Return a text; what stands in quotation marks is meant to the letter."""
    found = _QUOTED.fullmatch(written)
    return found[1].replace('""', '"') if found else written


def quoted(value: str) -> str:
    """Return a text so that it is read to the letter."""
    return '"' + value.replace('"', '""') + '"'


def scalar(written: str) -> str | int | float | bool:
    """Return what a text in a condition means: a number, yes or no, or the text itself.

    `"42"` is a text of digits.
    """
    if written in {"true", "false"}:
        return written == "true"
    if _NUMBER.fullmatch(written):
        return float(written) if "." in written else int(written)
    return unquoted(written)


def scalar_raw(value: Any) -> str:
    """Return a value as a form shows it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    written = str(value)
    misread = isinstance(value, str) and (scalar(value) != value or value != value.strip())
    return quoted(written) if misread else written


def listed(written: str) -> list[str | int | float | bool]:
    """Return what a text with commas lists; a comma within quotation marks divides nothing."""
    return [scalar(one) for one in _ITEM.findall(written) if one]


def listed_raw(values: Sequence[Any]) -> str:
    """Return a list as a form shows it."""
    return ", ".join(
        quoted(one) if isinstance(one, str) and (not one or "," in one) else scalar_raw(one)
        for one in values
    )


def without_empty(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document without what was left empty."""
    return {key: value for key, value in document.items() if value not in (None, "", [], {}, ())}


def pairs(written: str, mark: str) -> dict[str, str]:
    """Return lines like `name: value` as a mapping; a line without the mark has no value."""
    found = {}
    for line in written.splitlines():
        name, _, value = line.partition(mark)
        if name.strip():
            found[name.strip()] = value.strip()
    return found


def lines(mapping: Mapping[str, Any], mark: str) -> str:
    """Return a mapping as lines."""
    return "\n".join(f"{name}{mark} {value}" for name, value in mapping.items())


class Blank:
    """What a form does not have: nothing to show, and nothing in it."""

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return ""

    __html__ = __str__

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __getitem__(self, name: object) -> "Blank":
        return self

    def __eq__(self, other: object) -> bool:
        return other == "" or isinstance(other, Blank)

    __hash__ = object.__hash__


_BLANK: Final = Blank()


class Fields(dict[str, Any]):
    """Parts of a form for a template: what is not there is blank."""

    def __missing__(self, name: str) -> Blank:
        return _BLANK


def fields(raw: Any) -> Any:
    """Return the form's texts for a template."""
    if isinstance(raw, dict):
        return Fields({key: fields(value) for key, value in raw.items()})
    return [fields(one) for one in raw] if isinstance(raw, list) else raw


def at(raw: Any, path: Sequence[str]) -> Any:
    """Return what lies at a path; raises `InvalidInput` when nothing does."""
    node: Any = raw
    for key in path:
        try:
            node = node[int(key)] if isinstance(node, list) else node[key]
        except (KeyError, IndexError, ValueError, TypeError):
            raise InvalidInput(f"The form has no part {'.'.join(path)!r}.") from None
    return node
