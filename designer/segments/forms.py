"""A segment's form: its rule as rows or as a file, and what is wrong at which field."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from designer.canvas.forms.builders import at_fields
from designer.canvas.forms.conditions import condition_of, group_of
from designer.canvas.forms.raw import Raw, fields, part, text
from designer.canvas.panels import Asking, Form, Mistakes, asking, by_place
from designer.document.views import by_line
from designer.ids import id_of
from designer.words import Words
from engine.compile.segments import segment_faults
from engine.errors import InvalidDocument, Problem, Said, said
from engine.model.document import dump_document
from engine.model.mistakes import problems_of
from engine.model.segment import Segment
from engine.model.yaml import line_of, load, plain
from engine.store.drafts import Names

Document = dict[str, Any]

RESERVED: Final = frozenset({"new"})
"""What cannot be the id of a segment that is made here: addresses use it."""

_EMPTY: Final[Raw] = {"join": "all", "rows": [{"kind": "trait"}]}


def raw_of(document: Mapping[str, Any]) -> Raw:
    """Return the form of a document; one without a rule begins with an empty row."""
    rule = document.get("rule")
    return {"name": str(document.get("name", "")), "rule": group_of(rule) if rule else _EMPTY}


def document_of(raw: Raw, id_: str) -> Document:
    """Return the document that a form says."""
    return {"id": id_, "name": text(raw, "name"), "rule": condition_of(part(raw, "rule"))}


def new_id(raw: Raw, taken: Mapping[str, Segment]) -> str:
    """Return an id for a new segment, made from its name."""
    return id_of(text(raw, "name"), {*taken, *RESERVED}, "segment")


def read(raw: Raw, id_: str, segments: Mapping[str, Segment]) -> Segment | dict[str, Said]:
    """Return the segment that a form says, or what is wrong with it by the field."""
    document = document_of(raw, id_)
    found: dict[str, Said] = {}
    segment: Segment | None = None
    try:
        segment = Segment.model_validate(document)
    except ValidationError as error:
        found = by_place(error)
    wrong = at_fields("segment", raw, found)
    if segment is None or wrong:
        return wrong
    faults = segment_faults(segment, segments)
    return {"rule": _said(faults[0])} if faults else segment


def _said(problem: Problem) -> Said:
    return problem.said or Said(problem.message)


def form(
    raw: Raw,
    names: Names,
    words: Words,
    *,
    own: str = "",
    mistakes: Mapping[str, Said] | None = None,
    unsaved: bool = False,
) -> Form:
    """Return the form as it is shown; a segment (`own`) is not offered to itself."""
    others = {id_: name for id_, name in names.segments.items() if id_ != own}
    offered = asking(Names(segments=others, topics=names.topics), words, in_journey=False)
    return Form(
        kind="segment",
        step="",
        raw=fields(raw),
        mistakes=Mistakes({place: words.said(one) for place, one in (mistakes or {}).items()}),
        choices=Asking(**offered),
        problems=[],
        says="/segments/condition",
        unsaved=unsaved,
    )


# As a file


def written(document: Mapping[str, Any]) -> str:
    """Write a segment as YAML; what is not filled yet is left out."""
    return dump_document({key: value for key, value in document.items() if value is not None})


@dataclass(frozen=True, slots=True)
class Checked:
    """A text as a segment, as far as it is one."""

    segment: Segment | None
    problems: list[Problem]


_NO_SEGMENT: Final = said("a segment is a mapping with id, name and rule")


def checked(written_: str, segments: Mapping[str, Segment], *, own: str = "") -> Checked:
    """Read and check a text; with `own` it must be the segment of that id."""
    try:
        document = load(written_)
        if not isinstance(document, Mapping):
            return Checked(None, [Problem(message=str(_NO_SEGMENT), said=_NO_SEGMENT, line=1)])
        told = plain(document)
    except InvalidDocument as error:
        return Checked(None, by_line(error.problems))
    try:
        segment = Segment.model_validate(told)
    except ValidationError as error:
        return Checked(None, by_line(problems_of(document, error)))
    problems = [
        Problem(message=one.message, said=one.said, line=line_of(document, "rule"))
        for one in segment_faults(segment, segments)
    ]
    if own and segment.id != own:
        other = said("the id of this segment is %(id)s and stays so: journeys name it", id=own)
        problems.insert(0, Problem(message=str(other), said=other, line=line_of(document, "id")))
    return Checked(segment, by_line(problems))
