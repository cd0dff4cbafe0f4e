"""A file in portions, each of them stored before the next is read; what is rejected is kept."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

import orjson

from engine.flow.imports.lines import Record

T = TypeVar("T")

AT_ONCE: Final = 5_000
"""Records in a portion."""

BYTES_AT_ONCE: Final = 8_000_000
"""Text in a portion, at most about this."""

_KEPT: Final = 20_000
"""How much of a rejected record is kept, in characters."""

Refused = tuple[Record, str]
"""A record, and why it is not taken in."""


class Rejected(Exception):
    """A record that cannot be taken in; the text says why."""


def portions(some: Iterable[Record], at_once: int = AT_ONCE) -> Iterator[list[Record]]:
    """Yield the records in portions."""
    portion: list[Record] = []
    size = 0
    for record in some:
        portion.append(record)
        size += len(record.text)
        if len(portion) >= at_once or size >= BYTES_AT_ONCE:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


def sort_out(
    portion: Iterable[Record], read: Callable[[Record], T]
) -> tuple[list[T], list[Refused]]:
    """Return what records say, and those that cannot be taken in."""
    good: list[T] = []
    refused: list[Refused] = []
    for record in portion:
        try:
            good.append(read(record))
        except Rejected as error:
            refused.append((record, str(error)))
    return good, refused


class Rejects:
    """The file of rejected records, made with the first of them; only its owner may read it."""

    def __init__(self, file: Path, size: int = 0) -> None:
        """Begin anew, or at the size that it had when the import was interrupted."""
        self._file = file
        self._size = size
        if size:
            os.truncate(file, size)
        else:
            file.unlink(missing_ok=True)

    def write(self, refused: list[Refused]) -> int:
        """Add records with their reasons, and return the file's size."""
        if not refused:
            return self._size
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        with os.fdopen(os.open(self._file, flags, 0o600), "ab") as out:
            for record, reason in refused:
                out.write(orjson.dumps(_line(record, reason), option=orjson.OPT_APPEND_NEWLINE))
        self._size = self._file.stat().st_size
        return self._size


def _line(record: Record, reason: str) -> dict[str, Any]:
    return {"line": record.line, "reason": reason, "text": record.text[:_KEPT]}
