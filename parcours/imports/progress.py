"""How far a long command has come: one line on standard error, drawn over where that is possible."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TextIO

_ON_SCREEN: Final = 0.1
_IN_LOG: Final = 5.0
"""Seconds between two lines: on a terminal, where one replaces the other, and elsewhere."""


class Progress:
    """Counts towards `total`, which may be unknown."""

    def __init__(self, what: str, total: int | None = None, out: TextIO | None = None) -> None:
        self._what = what
        self._total = total
        self._out = out or sys.stderr
        self._screen = self._out.isatty()
        self._last = time.monotonic() if not self._screen else 0.0
        self._shown = False

    def reach(self, done: int, note: str = "") -> None:
        """Tell how far it is, if it was not told just now."""
        now = time.monotonic()
        if now - self._last < (_ON_SCREEN if self._screen else _IN_LOG):
            return
        self._last, self._shown = now, True
        self._write(f"{self._what}: {self._share(done)}{f', {note}' if note else ''}")

    def _share(self, done: int) -> str:
        if not self._total:
            return f"{done:,}"
        return f"{100 * done // self._total} %"

    def _write(self, line: str) -> None:
        self._out.write(f"\r\x1b[K{line}" if self._screen else f"{line}\n")
        self._out.flush()

    def clear(self) -> None:
        """Leave no half line behind."""
        if self._screen and self._shown:
            self._out.write("\r\x1b[K")
            self._out.flush()


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Progress]:
    """Show progress for the length of a block."""
    shown = Progress(what, total)
    try:
        yield shown
    finally:
        shown.clear()
