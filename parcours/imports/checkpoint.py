"""How far an import has come, kept beside its file so that it can go on after an interruption."""

import hashlib
import os
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from engine.errors import InvalidInput

_HEAD: Final = 65_536


@dataclass(slots=True, kw_only=True)
class Checkpoint:
    """Everything before `offset` is stored, or among the rejected lines."""

    what: str
    print: str
    """Tells the file from another one, or from itself after a change of its beginning."""
    offset: int = 0
    line: int = 0
    accepted: int = 0
    known: int = 0
    rejected: int = 0
    rejects_size: int = 0
    mentions: list[str] = field(default_factory=list)
    """What segments may depend on of what is stored; they are built anew at the end."""


def place_of(file: Path) -> Path:
    """Return where the progress of importing a file is kept."""
    return file.with_name(f"{file.name}.progress.json")


def begin(file: Path, what: str) -> Checkpoint:
    """Return the beginning of a file."""
    return Checkpoint(what=what, print=_print(file))


def resume(file: Path, what: str) -> Checkpoint:
    """Return where the import of a file was interrupted."""
    try:
        found: dict[str, Any] = orjson.loads(place_of(file).read_bytes())
        checkpoint = Checkpoint(**found)
    except FileNotFoundError:
        raise InvalidInput(
            f"There is nothing to resume: {place_of(file)} is not there. Leave --resume out."
        ) from None
    except (orjson.JSONDecodeError, TypeError):
        raise InvalidInput(f"{place_of(file)} cannot be read: leave --resume out.") from None
    if checkpoint.what != what or checkpoint.print != _print(file):
        raise InvalidInput(
            f"{file} is not what was being imported when it was interrupted: leave --resume out."
        )
    return checkpoint


def keep(file: Path, checkpoint: Checkpoint) -> None:
    """Keep how far it is, whole or not at all."""
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    with os.fdopen(handle, "wb") as out:
        out.write(orjson.dumps(asdict(checkpoint)))
    Path(temporary).replace(place_of(file))


def _print(file: Path) -> str:
    with file.open("rb") as opened:
        head = opened.read(_HEAD)
    return f"{file.stat().st_size}-{hashlib.sha256(head).hexdigest()[:16]}"
