"""What pydantic finds wrong with a document, in words for the person who wrote it."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from engine.errors import Problem
from engine.model.base import is_tag
from engine.model.yaml import line_of

_WORDS = {
    "missing": "this is needed",
    "extra_forbidden": "this key is not known here",
    "union_tag_not_found": "{tags}",
    "union_tag_invalid": "{tags}",
    "string_type": "write a text; in quotes, if it looks like a number",
    "string_too_short": "this must not be empty",
    "string_too_long": "this is longer than {max_length} characters",
    "string_pattern_mismatch": "write a name of letters, digits, _ . or -, at most 63 characters",
    "tuple_type": "write a list",
    "list_type": "write a list",
    "dict_type": "write a mapping, like {{key: value}}",
    "model_type": "write a mapping, like {{key: value}}",
    "model_attributes_type": "write a mapping, like {{key: value}}",
    "bool_type": "write true or false",
    "bool_parsing": "write true or false",
    "greater_than_equal": "this is at least {ge}",
    "less_than_equal": "this is at most {le}",
    "literal_error": "write {expected}",
    "too_short": "there must be at least {min_length} of these",
    "none_required": "this key is not known here",
    "recursion_loop": "this is nested too deeply",
}
_STEP_TYPES = (
    "the type of a step is one of send, wait, wait_for, branch, split, repeat, update, webhook, "
    "enter, exit"
)


def problems_of(document: Any, error: ValidationError) -> list[Problem]:
    """Return the mistakes, each once, with line and step as far as `document` knows them."""
    mistakes = error.errors(include_url=False, include_input=False)
    found = [_problem(document, mistake) for mistake in _first_causes(mistakes)]
    return list(dict.fromkeys(found))


def _first_causes(mistakes: Any) -> Iterator[Any]:
    """Leave out that a list is too short because its items have mistakes."""
    places = [mistake["loc"] for mistake in mistakes]
    for mistake in mistakes:
        loc = mistake["loc"]
        inside = any(len(place) > len(loc) and place[: len(loc)] == loc for place in places)
        if mistake["type"] != "too_short" or not inside:
            yield mistake


def _problem(document: Any, mistake: Any) -> Problem:
    path: list[str | int] = []
    step, node = None, document
    line = line_of_start(document)
    before: str | int = ""
    for part in mistake["loc"]:
        is_added = is_tag(part) or _is_step_type(before, part, node)
        before = part
        if is_added:
            continue
        try:
            inner = node[part]
        except (TypeError, LookupError):
            inner = None
        else:
            line = line_of(node, part) or line
        node = inner if isinstance(inner, Mapping | list) else None
        path.append(part)
        if isinstance(node, Mapping) and "id" in node and "type" in node:
            step = str(node["id"])
    where = ".".join(map(str, path))
    message = words(mistake)
    return Problem(
        message=f"{where}: {message}" if where else message, step=step, path=tuple(path), line=line
    )


def _is_step_type(before: str | int, part: str | int, node: Any) -> bool:
    """Whether pydantic put a step's type into the location, to tell the union's branch."""
    in_list = isinstance(before, int)
    return in_list and isinstance(node, Mapping) and node.get("type") == part


def line_of_start(document: Any) -> int | None:
    """Return the line on which the document begins, where it is known."""
    marks = getattr(document, "lc", None)
    return marks.line + 1 if marks is not None and marks.line is not None else None


def words(mistake: Any) -> str:
    """Return the sentence for one mistake."""
    said: str | None = _WORDS.get(mistake["type"])
    if said is not None:
        return said.format(tags=_STEP_TYPES, **mistake.get("ctx", {}))
    message: str = mistake["msg"]
    return message[:1].lower() + message[1:]
