"""What pydantic finds wrong with a document, in words for the person who wrote it."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from engine.errors import Problem, Said, said
from engine.model.base import is_tag
from engine.model.refusal import SENTENCE
from engine.model.yaml import line_of

_SAID = {
    "missing": said("this is needed"),
    "extra_forbidden": said("this key is not known here"),
    "string_type": said("write a text; in quotes, if it looks like a number"),
    "string_too_short": said("this must not be empty"),
    "string_too_long": said("this is longer than %(max_length)s characters"),
    "string_pattern_mismatch": said(
        "write a name of letters, digits, _ . or -, at most 63 characters"
    ),
    "tuple_type": said("write a list"),
    "list_type": said("write a list"),
    "dict_type": said("write a mapping, like {key: value}"),
    "model_type": said("write a mapping, like {key: value}"),
    "model_attributes_type": said("write a mapping, like {key: value}"),
    "bool_type": said("write true or false"),
    "bool_parsing": said("write true or false"),
    "greater_than_equal": said("this is at least %(ge)s"),
    "less_than_equal": said("this is at most %(le)s"),
    "literal_error": said("write %(expected)s"),
    "too_short": said("there must be at least %(min_length)s of these"),
    "none_required": said("this key is not known here"),
    "recursion_loop": said("this is nested too deeply"),
}
_STEP_TYPES = said(
    "the type of a step is one of send, wait, wait_for, branch, split, repeat, update, webhook, "
    "activity, enter, exit"
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
    what = sentence(mistake)
    whole = said("%(where)s: %(what)s", where=where, what=what) if where else what
    return Problem(message=str(whole), said=whole, step=step, path=tuple(path), line=line)


def _is_step_type(before: str | int, part: str | int, node: Any) -> bool:
    """Whether pydantic put a step's type into the location, to tell the union's branch."""
    in_list = isinstance(before, int)
    return in_list and isinstance(node, Mapping) and node.get("type") == part


def line_of_start(document: Any) -> int | None:
    """Return the line on which the document begins, where it is known."""
    marks = getattr(document, "lc", None)
    return marks.line + 1 if marks is not None and marks.line is not None else None


def sentence(mistake: Any) -> Said:
    """Return the sentence for one mistake."""
    context: Mapping[str, Any] = mistake.get("ctx", {})
    own = context.get(SENTENCE)
    if isinstance(own, Said):
        return own
    if mistake["type"].startswith("union_tag_"):
        return _STEP_TYPES
    known = _SAID.get(mistake["type"])
    if known is not None:
        values = {name: value for name, value in context.items() if f"%({name})s" in known.text}
        return said(known.text, **values)
    message: str = mistake["msg"]
    return Said(message[:1].lower() + message[1:])
