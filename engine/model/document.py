"""Reading and writing a journey's document, with the line of every mistake."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from io import StringIO
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.representer import RoundTripRepresenter

from engine.errors import InvalidDocument, Problem
from engine.model.journey import Journey
from engine.model.mistakes import problems_of
from engine.model.yaml import line_of, load, plain

_INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\xa0\u2028\u2029\ufeff]")


def parse_journey(text: str) -> Journey:
    """Read a journey from YAML or JSON; raise `InvalidDocument` naming line and step."""
    return journey_of(load(text))


def journey_of(document: Any) -> Journey:
    """Read a journey from a mapping; lines are known when it came from `parse_journey`."""
    if not isinstance(document, Mapping):
        raise InvalidDocument(
            "This is no journey",
            [Problem(message="a journey is a mapping with id, name, entry and steps", line=1)],
        )
    written = plain(document)
    try:
        return Journey.model_validate(written)
    except ValidationError as error:
        name = written.get("id")
        what = f"The journey {name} has mistakes" if name else "The journey has mistakes"
        raise InvalidDocument(what, problems_of(document, error)) from None


def stored_journey(document: Mapping[str, Any]) -> Journey:
    """Read a journey from what the database keeps of one.

    Raises `InvalidDocument` for one that an earlier release has kept, and that is none today.
    """
    try:
        return Journey.model_validate(document)
    except ValidationError:
        return journey_of(document)


def locate(text: str, problems: Iterable[Problem]) -> list[Problem]:
    """Add to each problem the line of its step, where `text` tells it."""
    try:
        document = load(text)
        plain(document)
    except InvalidDocument:
        return list(problems)
    lines = dict(_step_lines(document))
    return [
        problem
        if problem.line or problem.step not in lines
        else replace(problem, line=lines[problem.step])
        for problem in problems
    ]


def _step_lines(node: Any) -> Iterable[tuple[str, int]]:
    if isinstance(node, Mapping):
        if "id" in node and "type" in node:
            line = line_of(node, "id")
            if line:
                yield str(node["id"]), line
        for item in node.values():
            yield from _step_lines(item)
    elif isinstance(node, list):
        for item in node:
            yield from _step_lines(item)


def written(draft: Mapping[str, Any], source: str | None) -> str:
    """Return a stored draft as YAML: the text it was written as, if that is still the draft.

    Otherwise in the stable order of the model, so that the same draft always gives the same file.
    """
    try:
        if source is not None and parse_journey(source).document() == draft:
            return source
        return dump_journey(journey_of(draft))
    except InvalidDocument:  # a draft of an earlier release
        return source or dump_document(draft)


class _Representer(RoundTripRepresenter):
    """Writes what looks like an end of line, or like nothing, as an escape in quotes."""

    def represent_text(self, data: str) -> Any:
        style = '"' if _INVISIBLE.search(data) else None
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Representer.add_representer(str, _Representer.represent_text)


def dump_journey(journey: Journey) -> str:
    """Write a journey as YAML, in the stable order of the model."""
    return dump_document(journey.document())


def dump_document(document: Mapping[str, Any]) -> str:
    """Write any plain mapping as YAML."""
    yaml = YAML(typ="rt", pure=True)
    yaml.Representer = _Representer
    yaml.width = 100
    yaml.default_flow_style = False
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.representer.sort_base_mapping_type_on_output = False
    out = StringIO()
    yaml.dump(dict(document), out)
    return out.getvalue()
