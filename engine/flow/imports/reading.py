"""What the texts of a column mean: numbers and dates as people and spreadsheets write them."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, Final, Literal, get_args
from zoneinfo import ZoneInfo

from engine.flow.imports.portions import Rejected
from engine.flow.imports.values import value_of

Reading = Literal["auto", "text", "comma", "truth", "iso", "dmy", "mdy", "seconds"]
"""`comma` is a number with a decimal comma; `dmy` a date that begins with its day."""

READINGS: Final[tuple[Reading, ...]] = get_args(Reading)
DATES: Final[frozenset[Reading]] = frozenset({"iso", "dmy", "mdy", "seconds"})

_APART: Final = r"[ .'\u2019\u00a0\u202f]"
# What parts thousands: a space of any width, a point, an apostrophe.
_COMMA: Final = re.compile(rf"-?(\d{{1,3}}({_APART}\d{{3}})+|\d+)(,\d+)?")
_ISO: Final = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?")
_PARTS: Final = re.compile(
    r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(?:[T ,]+(\d{1,2})[:h](\d\d)(?::(\d\d))?)?"
)
_SECONDS: Final = re.compile(r"\d{10}|\d{13}")
_TRUTHS: Final = {
    **dict.fromkeys(("true", "yes", "y", "1", "oui", "o", "vrai", "x"), True),
    **dict.fromkeys(("false", "no", "n", "0", "non", "faux", ""), False),
}
_WORDS: Final = _TRUTHS.keys() - {"", "0", "1", "x"}


def guess(samples: Sequence[str], *, day_first: bool = True) -> Reading:
    """Return how a column's texts are to be read, by some of them.

    Where a date could be either, `day_first` decides.
    """
    texts = [text.strip() for text in samples if text.strip()]
    if not texts:
        return "auto"
    if _most([_ISO.fullmatch(text) for text in texts]):
        return "iso"
    if _most(parts := [_PARTS.fullmatch(text) for text in texts]):
        if any(int(found[1]) > 12 for found in parts if found):
            return "dmy"
        if any(int(found[2]) > 12 for found in parts if found):
            return "mdy"
        return "dmy" if day_first else "mdy"
    if _most(numbers := [_COMMA.fullmatch(text) for text in texts]) and any(
        found[3] for found in numbers if found
    ):
        return "comma"
    if all(text.lower() in _WORDS for text in texts):
        return "truth"
    if any(re.fullmatch(r"0\d+|\+\d+", text) for text in texts):
        return "text"
    return "auto"


def _most(found: Sequence[re.Match[str] | None]) -> bool:
    """Whether nine of ten are what is looked for: the rest may be what the check finds wrong."""
    return 10 * sum(one is not None for one in found) >= 9 * len(found)


def looks_like_instants(samples: Sequence[str]) -> bool:
    """Whether texts may be seconds or milliseconds since 1970."""
    texts = [text.strip() for text in samples if text.strip()]
    return bool(texts) and all(_SECONDS.fullmatch(text) for text in texts)


def read(text: str, reading: Reading, column: str, zone: ZoneInfo) -> Any:
    """Return what a text means; raise `Rejected` when it cannot be read so."""
    match reading:
        case "auto":
            return value_of(text)
        case "text":
            return text
        case "comma":
            return _number(text, column)
        case "truth":
            found = _TRUTHS.get(text.strip().lower())
            if found is None:
                raise Rejected(f"{column}: '{text[:50]}' is neither yes nor no")
            return found
        case _:
            found_at = _date(text.strip(), reading, column, zone)
            return found_at.isoformat()


def instant(text: str, reading: Reading, column: str, zone: ZoneInfo) -> str:
    """Return an instant in ISO 8601; a day alone is its beginning on the shop's clock."""
    found = _date(text.strip(), reading if reading in DATES else "iso", column, zone)
    if not isinstance(found, datetime):
        found = datetime(found.year, found.month, found.day, tzinfo=zone)
    return found.isoformat()


def _number(text: str, column: str) -> float | int:
    if not _COMMA.fullmatch(text.strip()):
        raise Rejected(f"{column}: '{text[:50]}' is no number like {_NUMBER_LIKE}")
    plain = re.sub(_APART, "", text.strip()).replace(",", ".")
    return float(plain) if "." in plain else int(plain)


def _date(text: str, reading: Reading, column: str, zone: ZoneInfo) -> date | datetime:
    try:
        if reading == "seconds":
            seconds = int(text)
            return datetime.fromtimestamp(seconds / 1000 if seconds > 10**11 else seconds, UTC)
        if reading == "iso":
            if len(text) == 10:
                return date.fromisoformat(text)
            at = datetime.fromisoformat(text)
            return at if at.tzinfo else at.replace(tzinfo=zone)
        return _of_parts(_PARTS.fullmatch(text), reading, zone)
    except (ValueError, OverflowError, OSError):
        raise Rejected(f"{column}: '{text[:50]}' is no date like {_LIKE[reading]}") from None


def _of_parts(found: re.Match[str] | None, reading: Reading, zone: ZoneInfo) -> date | datetime:
    if found is None:
        raise ValueError
    day, month = (found[1], found[2]) if reading == "dmy" else (found[2], found[1])
    if found[4] is None:
        return date(int(found[3]), int(month), int(day))
    time = (int(found[4]), int(found[5]), int(found[6] or 0))
    return datetime(int(found[3]), int(month), int(day), *time, tzinfo=zone)


_NUMBER_LIKE: Final = "1234,50"
_LIKE: Final = {
    "seconds": "1767225600",
    "iso": "2026-01-31",
    "dmy": "31.01.2026",
    "mdy": "01/31/2026",
}
EXAMPLES: Final = frozenset({_NUMBER_LIKE, *_LIKE.values()})
"""What a refusal says a text should be like."""
