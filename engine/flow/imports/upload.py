"""A file that was brought: made UTF-8, looked into, and given to nobody else."""

import codecs
import csv
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

import orjson

from engine.errors import InvalidInput, said
from engine.flow.imports.kinds import Kind
from engine.flow.imports.lines import Format, Record, records
from engine.flow.imports.mapped import flat

LIMIT: Final = 2_000_000_000
"""The largest file, in bytes."""

SAMPLE: Final = 500
"""Records that are looked into to find what the columns are."""

MOST_COLUMNS: Final = 200

_HEAD: Final = 1_000_000
_AT_ONCE: Final = 1_000_000
_SUFFIXES: Final[dict[str, Format]] = {"jsonl": "jsonl", "ndjson": "jsonl", "json": "jsonl"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What a file's beginning shows; `native` when it is written as imports are."""

    format: Format
    columns: list[str]
    samples: list[dict[str, Any]]
    native: bool

    @property
    def print(self) -> str:
        """Tells files with the same columns from others."""
        written = orjson.dumps([self.format, *sorted(self.columns)])
        return hashlib.sha256(written).hexdigest()[:32]


def format_of(name: str, file: Path) -> Format:
    """Return a file's format by its name, else by how it begins."""
    found = _SUFFIXES.get(name.rpartition(".")[2].lower())
    if found is None:
        with file.open("rb") as opened:
            begins = opened.read(200).removeprefix(codecs.BOM_UTF8).lstrip()[:1]
        found = "jsonl" if begins == b"{" else "csv"
    return found


def make_utf8(file: Path, format_: Format) -> None:
    """Write a spreadsheet's file anew as UTF-8, when it is UTF-16 or Windows-1252."""
    with file.open("rb") as opened:
        head = opened.read(_HEAD)
    encoding = _encoding(head) if format_ == "csv" else None
    if encoding is None:
        return
    other = file.with_name(f"{file.name}.utf8")
    other.touch(mode=0o600)
    with (
        file.open(encoding=encoding, errors="replace", newline="") as old,
        other.open("w", encoding="utf-8", newline="") as new,
    ):
        while text := old.read(_AT_ONCE):
            new.write(text)
    other.replace(file)


def _encoding(head: bytes) -> str | None:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "cp1252"
    return None


def look(file: Path, format_: Format, kind: Kind[Any]) -> Looked:
    """Look into a file; raise `InvalidInput` when nothing can be made of it."""
    names: list[str] = []
    try:
        with file.open("rb") as opened:
            some = list(islice(records(opened, format_, check_columns=names.extend), SAMPLE))
    except csv.Error:
        raise InvalidInput(said("The first line must name the columns.")) from None
    good = [record.data for record in some if record.fault is None]
    if not good:
        raise InvalidInput(said("There is nothing in the file that can be read."))
    native = format_ == "jsonl" and all(map(kind.native, good))
    samples = [flat(data) if format_ == "jsonl" else dict(data) for data in good]
    if format_ == "jsonl":
        names = list(dict.fromkeys(name for sample in samples for name in sample))
    if len(names) > MOST_COLUMNS:
        most = said("The file has more than %(n)s columns.", n=MOST_COLUMNS)
        raise InvalidInput(most)
    return Looked(format=format_, columns=names, samples=samples, native=native)


def shown(file: Path, format_: Format, count: int) -> list[Mapping[str, Any]]:
    """Return the first records of a file, for people to look at."""
    with file.open("rb") as opened:
        found: list[Record] = list(islice(records(opened, format_), count))
    return [flat(record.data) for record in found if record.fault is None]
