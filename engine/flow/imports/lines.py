"""Files read record by record, with bounded memory: JSON lines and CSV.

A record that cannot be read is told apart from those that can, and never ends the reading.
"""

import csv
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal

import orjson

from engine.errors import InvalidInput

Format = Literal["jsonl", "csv"]

LONGEST: Final = 1_000_000
"""The longest line, in bytes."""

_SHOWN: Final = 2_000
"""How much of a line that is too long is kept, in bytes."""

_FORMATS: Final[dict[str, Format]] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One line of a file, or one row of several lines; `fault` says why it cannot be read.

    It begins on `line` and ends on `last`; `end` is where the next one begins, in bytes.
    """

    line: int
    last: int
    end: int
    text: str
    data: dict[str, Any]
    fault: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where to go on in a file: after so many bytes, and so many lines."""

    offset: int = 0
    line: int = 0


START: Final = Place()


def format_of(file: Path, given: str | None = None) -> Format:
    """Return the format as given, else as the file's name tells."""
    if given is not None:
        if given not in {"jsonl", "csv"}:
            raise InvalidInput(f"{given!r} is no format: there are jsonl and csv.")
        return "jsonl" if given == "jsonl" else "csv"
    found = _FORMATS.get(file.suffix.lower())
    if found is None:
        raise InvalidInput(
            f"The name of {file} does not tell its format: say --format jsonl or --format csv."
        )
    return found


def records(
    file: BinaryIO,
    kind: Format,
    start: Place = START,
    check_columns: Callable[[list[str]], None] | None = None,
) -> Iterator[Record]:
    """Yield the records after `start`; a table's columns are checked first."""
    if file.read(2) in {b"\xff\xfe", b"\xfe\xff"}:
        raise InvalidInput("The file is UTF-16: save it as UTF-8.")
    file.seek(0)
    if kind == "jsonl":
        return _json(_lines(file, start))
    names, delimiter, after = _header(file)
    if check_columns is not None:
        check_columns(names)
    return _csv(_lines(file, start if start.offset else after), names, delimiter)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line without its end. What is too long is cut, and what is not UTF-8 replaced."""

    number: int
    end: int
    text: str
    fault: str | None


def _lines(file: BinaryIO, start: Place = START) -> Iterator[_Line]:
    number, offset = start.line, start.offset
    file.seek(offset)
    while raw := file.readline(LONGEST):
        number, size, fault = number + 1, len(raw), None
        while not raw.endswith(b"\n") and (more := file.readline(LONGEST)):
            fault = f"the line is longer than {LONGEST:,} bytes"
            size += len(more)
            raw = raw[:_SHOWN] + more[-1:]
        offset += size
        if number == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        if b"\0" in raw:
            fault = fault or "the line holds a NUL character"
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            fault, text = fault or "the line is not UTF-8", raw.decode(errors="replace")
        yield _Line(number, offset, text.rstrip("\r\n"), fault)


def _json(lines: Iterator[_Line]) -> Iterator[Record]:
    for line in lines:
        if not line.text.strip():
            continue
        fault, data = line.fault, None
        if fault is None:
            try:
                data = orjson.loads(line.text)
            except orjson.JSONDecodeError as error:
                fault = f"the line is not JSON: {error}"
        if fault is None and not isinstance(data, dict):
            fault, data = "a line is one JSON object", None
        yield Record(
            line=line.number,
            last=line.number,
            end=line.end,
            text=line.text,
            data=data or {},
            fault=fault,
        )


def _csv(lines: Iterator[_Line], header: list[str], delimiter: str) -> Iterator[Record]:
    feed = _Feed(lines)
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    while True:
        row: list[str] = []
        feed.begin()
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            feed.fault = feed.fault or f"the row is not CSV: {error}"
        if feed.fault is None and row and len(row) != len(header):
            feed.fault = f"the row has {len(row)} fields, the header {len(header)}"
        fault = feed.end()
        if fault is None and not any(row):
            continue
        yield Record(
            line=feed.row[0].number,
            last=feed.row[-1].number,
            end=feed.row[-1].end,
            text="\n".join(line.text for line in feed.row),
            data=dict(zip(header, row, strict=True)) if fault is None else {},
            fault=fault,
        )


class _Feed:
    """Gives the csv module its lines, and remembers those of the row at hand.

    Of a row of several lines that cannot be read, only the first is given up: most likely a
    quotation mark in it is not closed, and the others are rows of their own.
    """

    def __init__(self, lines: Iterator[_Line]) -> None:
        self._lines = lines
        self._again: deque[_Line] = deque()
        self.row: list[_Line] = []
        self.fault: str | None = None

    def begin(self) -> None:
        """Begin a row."""
        self.row, self.fault = [], None

    def end(self) -> str | None:
        """End the row; return why it cannot be read."""
        if self.fault is not None and len(self.row) > 1:
            self._again.extendleft(reversed(self.row[1:]))
            del self.row[1:]
            if self.row[0].fault is None:
                self.fault = "the row is not CSV: a quotation mark is not closed"
        return self.fault

    def __iter__(self) -> "_Feed":
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self.row.append(line)
        self.fault = self.fault or line.fault
        return line.text + "\n" if line.fault is None else "\n"


def _header(file: BinaryIO) -> tuple[list[str], str, Place]:
    """Read the names of the columns, and how they are parted."""
    line = next(_lines(file), None)
    if line is None:
        raise InvalidInput("The file is empty: its first line must name the columns.")
    if line.fault is not None:
        raise InvalidInput(f"The first line must name the columns, but {line.fault}.")
    # Spreadsheets of many countries write semicolons.
    delimiter = max(",;\t", key=line.text.count)
    names = [name.strip() for name in next(csv.reader([line.text], delimiter=delimiter), [])]
    if not names or not all(names):
        raise InvalidInput("The first line must name every column.")
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise InvalidInput(f"The first line names a column twice: {', '.join(doubled)}.")
    return names, delimiter, Place(offset=line.end, line=line.number)
