"""A domain's records, from the resolver or from a file."""

import re
import shlex
from collections import defaultdict
from pathlib import Path
from typing import Final, Protocol

import dns.exception
import dns.resolver

from engine.errors import InvalidInput

_LINE: Final = re.compile(
    r"(?P<name>\S+?)\.?\s+(?:\d+\s+)?(?:IN\s+)?(?P<kind>TXT|CNAME)\s+(?P<value>.+)", re.IGNORECASE
)
_MOST_NAMES: Final = 5


class NoResolver(Exception):
    """Nobody here answers what records a name has."""


class Records(Protocol):
    """The TXT records of names."""

    def text(self, name: str) -> list[str]:
        """Return a name's TXT records, their parts put together; none when there are none."""
        ...


class Resolved:
    """Records as this machine's resolver knows them."""

    def __init__(self, seconds: float = 5) -> None:
        self._seconds = seconds

    def text(self, name: str) -> list[str]:
        """See `Records.text`. Raises `NoResolver`."""
        try:
            found = dns.resolver.resolve(name, "TXT", lifetime=self._seconds)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.exception.DNSException, OSError) as error:
            raise NoResolver(type(error).__name__) from None
        return [b"".join(record.strings).decode(errors="replace") for record in found]


class Given:
    """Records from a file, in the lines of a zone: what `dig NAME TXT` prints."""

    def __init__(self, file: Path) -> None:
        self._texts: dict[str, list[str]] = defaultdict(list)
        self._others: dict[str, str] = {}
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInput(f"{file} cannot be read ({type(error).__name__}).") from None
        for n, line in enumerate(lines, 1):
            if line.strip() and not line.lstrip().startswith((";", "#")):
                self._read(line.strip(), f"{file}, line {n}")

    def _read(self, line: str, where: str) -> None:
        found = _LINE.fullmatch(line)
        try:
            parts = shlex.split(found["value"]) if found else []
        except ValueError:
            parts = []
        if found is None or not parts:
            raise InvalidInput(
                f'{where}: write a record as `dig` prints it: shop.example. TXT "v=spf1 mx ~all"'
            )
        name = found["name"].lower()
        if found["kind"].upper() == "CNAME":
            self._others[name] = parts[0].lower().rstrip(".")
        else:
            self._texts[name].append("".join(parts))

    def text(self, name: str) -> list[str]:
        """See `Records.text`."""
        name = name.lower().rstrip(".")
        for _ in range(_MOST_NAMES):
            if name in self._texts or name not in self._others:
                break
            name = self._others[name]
        return self._texts.get(name, [])
