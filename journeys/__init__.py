"""The library: ready journeys as files, with their templates beside them.

A file works outside the library too: whatever folder a journey lies in, its templates are
those in the folder `templates` beside it.
"""

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from engine.errors import InvalidDocument, NotFound, Problem
from engine.model.base import Channel
from engine.model.journey import AnyStep, SendStep, walk
from engine.model.template import Template

TEMPLATES: Final = "templates"
"""The folder beside a journey that holds its templates."""


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
    return _read(files(__name__).joinpath(TEMPLATES))


def templates_beside(journey: Path) -> dict[str, Template]:
    """Return the templates in the folder beside a journey's file, by id."""
    return _read(journey.parent / TEMPLATES)


def used(steps: tuple[AnyStep, ...]) -> dict[str, Channel]:
    """Return the ids of the templates that these steps send, each with its first channel."""
    wanted: dict[str, Channel] = {}
    for step in walk(steps):
        if isinstance(step, SendStep):
            for name in (step.template, *(v.set.get("template") for v in step.variants)):
                if name:
                    wanted.setdefault(str(name), step.channels[0])
    return wanted


def _read(folder: Traversable) -> dict[str, Template]:
    if not folder.is_dir():
        return {}
    found = [_template(file) for file in _yaml_files(folder)]
    return {template.id: template for template in found}


def _yaml_files(folder: Traversable) -> Iterator[Traversable]:
    inside = (file for file in folder.iterdir() if file.name.endswith(".yaml"))
    return iter(sorted(inside, key=lambda file: file.name))


def _template(file: Traversable) -> Template:
    try:
        document = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))
        return Template.model_validate(document)
    except (YAMLError, UnicodeDecodeError) as error:
        first = str(error).splitlines()[0]
        problems = [Problem(message=f"the file is not YAML: {first}")]
    except ValidationError as error:
        problems = [
            Problem(message=f"{'.'.join(map(str, mistake['loc']))}: {mistake['msg']}")
            for mistake in error.errors(include_url=False, include_input=False)
        ]
    raise InvalidDocument(f"The template {file} has mistakes", problems)
