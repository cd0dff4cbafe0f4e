"""Finding developers' activities: installed packages, and Python files in a folder."""

import importlib.util
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from activities.custom.declaring import Activity, DeclarationError

GROUP: Final = "parcours.activities"
"""The entry points of packages that have activities: each names a module, or one activity."""

_PACKAGE: Final = "parcours_activities"


@dataclass(slots=True)
class Found:
    """The activities by name, and a sentence for each place that could not be read."""

    activities: dict[str, Activity[Any, Any]] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    _places: dict[str, str] = field(default_factory=dict)

    def add(self, one: Activity[Any, Any], place: str) -> None:
        """Take an activity in; of two that have the same name the first stays."""
        name = one.declared.name
        known = self.activities.setdefault(name, one)
        before = self._places.setdefault(name, place)
        if known is not one:
            self.broken.append(
                f"{place}: there is an activity {name} in {before} already; "
                "give this one another name"
            )


def find(folder: Path | None) -> Found:
    """Find every activity; what is broken is told, and takes nothing else with it."""
    found = Found()
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        _from_package(point, found)
    if folder is not None:
        if str(folder) not in sys.path:
            sys.path.append(str(folder))  # so that its files can import each other
        for file in sorted(folder.glob("*.py")):
            if not file.name.startswith("_"):
                _from_file(file, found)
    return found


def _from_package(point: EntryPoint, found: Found) -> None:
    place = f"the package's entry point {point.name} ({point.value})"
    try:
        loaded = point.load()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - another's code, told as a sentence
        found.broken.append(f"{place}: {_why(error)}")
        return
    for one in _activities(loaded):
        found.add(one, place)


def _from_file(file: Path, found: Found) -> None:
    name = f"{_PACKAGE}.{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        found.broken.append(f"{file}: is no Python file")
        return
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # type hints are looked up there
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - another's code, told as a sentence
        del sys.modules[name]
        line = _line(file, error)
        place = f"{file}, line {line}" if line else str(file)
        found.broken.append(f"{place}: {_why(error)}")
        return
    for one in _activities(module):
        if one.__module__ == name:  # what it imports from a neighbour is the neighbour's
            found.add(one, str(file))


def _activities(loaded: Any) -> Iterator[Activity[Any, Any]]:
    candidates = vars(loaded).values() if isinstance(loaded, ModuleType) else [loaded]
    seen: set[int] = set()
    for one in candidates:
        if isinstance(one, Activity) and id(one) not in seen:
            seen.add(id(one))
            yield one


def _line(file: Path, error: BaseException) -> int | None:
    if isinstance(error, SyntaxError) and error.filename == str(file):
        return error.lineno
    frames = traceback.extract_tb(error.__traceback__)
    return next((frame.lineno for frame in reversed(frames) if frame.filename == str(file)), None)


def _why(error: BaseException) -> str:
    match error:
        case DeclarationError():
            return str(error)
        case SyntaxError():
            return f"it cannot be read as Python: {error.msg}"
        case SystemExit():
            return "it ends the process when it is imported"
        case _:
            return f"{type(error).__name__}: {error}"
