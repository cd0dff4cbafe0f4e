"""Lists as tables to download: CSV that a spreadsheet reads as UTF-8."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from io import StringIO
from typing import Final

from starlette.responses import StreamingResponse

from designer.words import Words

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def sheet(columns: Sequence[str], pages: Iterable[Iterable[Sequence[str]]]) -> Iterator[bytes]:
    """Yield the table, a piece for each page of the list."""
    yield b"\xef\xbb\xbf" + _lines([columns])
    for rows in pages:
        yield _lines(rows)


def download(name: str, table: Iterator[bytes]) -> StreamingResponse:
    """Answer with a table as a file."""
    return StreamingResponse(
        table,
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}.csv"',
            "Cache-Control": "no-store",
        },
    )


def instant(at: datetime | None, words: Words) -> str:
    """Write an instant on the shop's clock; nothing for none."""
    return words.local(at).isoformat(timespec="seconds") if at is not None else ""


def _lines(rows: Iterable[Sequence[str]]) -> bytes:
    out = StringIO()
    writer = csv.writer(out)
    for row in rows:
        writer.writerow([_harmless(cell) for cell in row])
    return out.getvalue().encode()


def _harmless(cell: str) -> str:
    """Keep a spreadsheet from taking a text for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
