"""The library: ready journeys as files, with their templates and segments beside them.

A file works outside the library too: whatever folder a journey lies in, its templates are those in
the folder `templates` beside it, and its segments those in the folder `segments`.
"""

from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from engine.errors import InvalidDocument, NotFound, Problem
from engine.model.base import Channel, Frozen
from engine.model.condition import AnyCondition, InSegment, parts
from engine.model.journey import AnyStep, Journey, SendStep, walk
from engine.model.segment import Segment
from engine.model.template import Template
from journeys.ready import ReadySegment

__all__ = [
    "ReadySegment",
    "names",
    "segments",
    "segments_beside",
    "segments_of",
    "segments_used",
    "templates",
    "templates_beside",
    "text",
    "traits_of",
    "used",
]

Document = TypeVar("Document", bound=Frozen)

TEMPLATES: Final = "templates"
"""The folder beside a journey that holds its templates."""

SEGMENTS: Final = "segments"
"""The folder beside a journey that holds the segments that it asks for."""


def names() -> list[str]:
    """Return the ids of the library's journeys."""
    found = (file.name for file in files(__name__).iterdir())
    return sorted(name.removesuffix(".yaml") for name in found if name.endswith(".yaml"))


def text(name: str) -> str:
    """Return a journey of the library as it is written, comments included."""
    if name not in names():
        raise NotFound(f"The library has no journey {name!r}; it has {', '.join(names())}.")
    return files(__name__).joinpath(f"{name}.yaml").read_text(encoding="utf-8")


def templates() -> dict[str, Template]:
    """Return the library's templates by id."""
    return _templates(files(__name__).joinpath(TEMPLATES))


def templates_beside(journey: Path) -> dict[str, Template]:
    """Return the templates in the folder beside a journey's file, by id."""
    return _templates(journey.parent / TEMPLATES)


def segments() -> dict[str, ReadySegment]:
    """Return the library's segments by id, in the order of a customer's time with a shop."""
    return _segments(files(__name__).joinpath(SEGMENTS))


def segments_beside(journey: Path) -> dict[str, Segment]:
    """Return the segments in the folder beside a journey's file, by id."""
    return {id: one.taken("en") for id, one in _segments(journey.parent / SEGMENTS).items()}


def used(steps: tuple[AnyStep, ...]) -> dict[str, Channel]:
    """Return the ids of the templates that these steps send, each with its first channel."""
    wanted: dict[str, Channel] = {}
    for step in walk(steps):
        if isinstance(step, SendStep):
            for name in (step.template, *(v.set.get("template") for v in step.variants)):
                if name:
                    wanted.setdefault(str(name), step.channels[0])
    return wanted


def segments_used(journey: Journey, known: Mapping[str, Segment]) -> list[str]:
    """Return the ids of the segments that a journey asks for, those that others stand on first.

    What a segment stands on is looked up among the `known`.
    """
    found: list[str] = []
    for name in segments_of(journey.document()):
        _add(name, known, found, ())
    return found


def _add(
    name: str, known: Mapping[str, Segment], found: list[str], within: tuple[str, ...]
) -> None:
    if name in found or name in within:
        return
    if name in known:
        for inner in _asked(known[name].rule):
            _add(inner, known, found, (*within, name))
    found.append(name)


def _asked(rule: AnyCondition) -> list[str]:
    return [part.segment for part in parts(rule) if isinstance(part, InSegment)]


def segments_of(document: Any) -> Iterator[str]:
    """Yield the names of the segments that a document asks about."""
    return _named(document, ("segment", "segment_entered", "segment_left"))


def traits_of(document: Any) -> Iterator[str]:
    """Yield the names of the traits that a document asks about."""
    return _named(document, ("trait", "date"))


def _named(document: Any, keys: tuple[str, ...]) -> Iterator[str]:
    if isinstance(document, dict):
        for key in keys:
            if isinstance(named := document.get(key), str):
                yield named
        document = list(document.values())
    if isinstance(document, list):
        for item in document:
            yield from _named(item, keys)


def _templates(folder: Traversable) -> dict[str, Template]:
    return {one.id: one for one in _documents(folder, Template, "template")}


def _segments(folder: Traversable) -> dict[str, ReadySegment]:
    found = _documents(folder, ReadySegment, "segment")
    return {one.id: one for one in sorted(found, key=lambda one: (one.place, one.id))}


def _documents(folder: Traversable, model: type[Document], what: str) -> list[Document]:
    if not folder.is_dir():
        return []
    return [_read(file, model, what) for file in _yaml_files(folder)]


def _yaml_files(folder: Traversable) -> Iterator[Traversable]:
    inside = (file for file in folder.iterdir() if file.name.endswith(".yaml"))
    return iter(sorted(inside, key=lambda file: file.name))


def _read(file: Traversable, model: type[Document], what: str) -> Document:
    try:
        document = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))
        return model.model_validate(document)
    except (YAMLError, UnicodeDecodeError) as error:
        first = str(error).splitlines()[0]
        problems = [Problem(message=f"the file is not YAML: {first}")]
    except ValidationError as error:
        problems = [
            Problem(message=f"{'.'.join(map(str, mistake['loc']))}: {mistake['msg']}")
            for mistake in error.errors(include_url=False, include_input=False)
        ]
    raise InvalidDocument(f"The {what} {file} has mistakes", problems)
