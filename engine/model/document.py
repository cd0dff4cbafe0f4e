"""Reading and writing a journey's document, with the line of every mistake."""

from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from engine.errors import InvalidDocument, Problem
from engine.model.journey import Journey

Path = tuple[str | int, ...]


def _yaml(typ: str) -> YAML:
    yaml = YAML(typ=typ, pure=True)
    yaml.allow_duplicate_keys = False
    yaml.width = 100
    yaml.default_flow_style = False
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def parse_journey(text: str) -> Journey:
    """Read a journey from YAML or JSON; raise `InvalidDocument` naming line and step."""
    return journey_of(_load(text))


def journey_of(document: Any) -> Journey:
    """Read a journey from a mapping; lines are known when it came from `parse_journey`."""
    if not isinstance(document, Mapping):
        raise InvalidDocument(
            "This is no journey",
            [Problem(message="a journey is a mapping with id, name, entry and steps", line=1)],
        )
    try:
        return Journey.model_validate(_plain(document))
    except ValidationError as error:
        problems = [_problem(document, mistake) for mistake in error.errors()]
        name = document.get("id")
        what = f"The journey {name} has mistakes" if name else "The journey has mistakes"
        raise InvalidDocument(what, _worst_first(problems)) from None


def locate(text: str, problems: Iterable[Problem]) -> list[Problem]:
    """Add to each problem the line of its step, where `text` tells it."""
    try:
        document = _load(text)
    except InvalidDocument:
        return list(problems)
    lines = dict(_step_lines(document))
    return [
        problem
        if problem.line or problem.step not in lines
        else Problem(
            message=problem.message,
            step=problem.step,
            path=problem.path,
            line=lines[problem.step],
            severity=problem.severity,
        )
        for problem in problems
    ]


def dump_journey(journey: Journey) -> str:
    """Write a journey as YAML, in the stable order of the model."""
    return dump_document(journey.document())


def dump_document(document: Mapping[str, Any]) -> str:
    """Write any plain mapping as YAML."""
    out = StringIO()
    _ordered().dump(dict(document), out)
    return out.getvalue()


def _ordered() -> YAML:
    yaml = _yaml("rt")
    yaml.representer.sort_base_mapping_type_on_output = False
    return yaml


def _load(text: str) -> Any:
    if "\0" in text:
        raise InvalidDocument(
            "This is no journey", [Problem(message="the text holds a NUL character")]
        )
    try:
        return _yaml("rt").load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        message = f"the text is not YAML: {error.problem or error.context}"
        raise InvalidDocument("This is no journey", [Problem(message=message, line=line)]) from None
    except (YAMLError, RecursionError, ValueError) as error:
        message = f"the text is not YAML: {str(error).splitlines()[0]}"
        raise InvalidDocument("This is no journey", [Problem(message=message)]) from None


def _plain(value: Any) -> Any:
    """Return ruamel's annotated containers and scalars as plain ones."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    for kind in (str, int, float):
        if isinstance(value, kind):
            return kind(value)
    return str(value)  # an unquoted YAML date


def _problem(document: Any, mistake: Any) -> Problem:
    path, line, step, node = [], 1, None, document
    for part in mistake["loc"]:
        if isinstance(node, Mapping) and part in node:
            line = _line(node, part) or line
            node = node[part]
        elif isinstance(node, list) and isinstance(part, int) and part < len(node):
            line = _line(node, part) or line
            node = node[part]
        elif mistake["type"] == "missing" and part == mistake["loc"][-1]:
            path.append(part)
            continue
        else:
            continue  # a tag that pydantic adds to tell a union's branch
        path.append(part)
        if isinstance(node, Mapping) and "id" in node and "steps" not in node and "type" in node:
            step = str(node["id"])
    where = ".".join(str(part) for part in path)
    return Problem(
        message=f"{where}: {_words(mistake)}" if where else _words(mistake),
        step=step,
        path=tuple(path),
        line=line if hasattr(document, "lc") else None,
    )


def _words(mistake: Any) -> str:
    match mistake["type"]:
        case "missing":
            return "this is needed"
        case "extra_forbidden":
            return "this key is not known here"
        case "union_tag_not_found" | "union_tag_invalid":
            return "the type of step must be one of send, wait, wait_for, branch, split, exit"
        case "string_pattern_mismatch":
            return "write a name of letters, digits, _ . or -, at most 63 characters"
        case _:
            message: str = mistake["msg"]
            return message[0].lower() + message[1:]


def _line(node: Any, key: str | int) -> int | None:
    marks = getattr(node, "lc", None)
    data = getattr(marks, "data", None)
    return data[key][0] + 1 if data and key in data else None


def _worst_first(problems: Sequence[Problem]) -> list[Problem]:
    """Keep one sentence a place: a union reports each of its branches."""
    seen: dict[tuple[Path, str], Problem] = {}
    for problem in problems:
        seen.setdefault((problem.path, problem.message), problem)
    return list(seen.values())


def _step_lines(node: Any) -> Iterable[tuple[str, int]]:
    if isinstance(node, Mapping):
        if "id" in node and "type" in node:
            line = _line(node, "id")
            if line:
                yield str(node["id"]), line
        for item in node.values():
            yield from _step_lines(item)
    elif isinstance(node, list):
        for item in node:
            yield from _step_lines(item)
