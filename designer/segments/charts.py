"""Sizes over time as lines: points for a drawing, and what stands at its sides."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from designer.words import Words

Sizes = Sequence[tuple[date, int]]

WIDTH: Final = 640
HEIGHT: Final = 160
_ROOM: Final = 4
"""Above and below the line, so that its ends are not cut."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A line of sizes; `points` and `area` are for a drawing of `WIDTH` by `HEIGHT`.

    `rows` tell the same in numbers, the last day first; `said` in a sentence.
    """

    points: str
    area: str
    least: str
    most: str
    first: str
    last: str
    rows: list[tuple[str, str]]
    said: str


def spark(series: Sizes, width: int = 96, height: int = 24) -> str:
    """Return the points of a small line; nothing for fewer than two sizes."""
    if len(series) < 2:
        return ""
    return _points(series, series[0][0], series[-1][0], width, height, 2)


def chart(series: Sizes, since: date, today: date, words: Words) -> Chart | None:
    """Return the line from `since` until today; None while there are fewer than two sizes."""
    if len(series) < 2:
        return None
    sizes = [size for _, size in series]
    first, last = series[0], series[-1]
    start = max(since, first[0])
    points = _points(series, start, today, WIDTH, HEIGHT, _ROOM)
    begin, end = points.split(" ", 1)[0], points.rsplit(" ", 1)[-1]
    area = f"{begin.split(',')[0]},{HEIGHT} {points} {end.split(',')[0]},{HEIGHT}"
    return Chart(
        points=points,
        area=area,
        least=words.number(_bounds(sizes)[0]),
        most=words.number(_bounds(sizes)[1]),
        first=words.day(start),
        last=words.day(today),
        rows=[(words.day(day), words.number(size)) for day, size in reversed(series)],
        said=words.gettext(
            "From %(before)s on %(first)s to %(now)s on %(last)s; between %(least)s and %(most)s.",
            before=words.number(first[1]),
            first=words.day(first[0]),
            now=words.number(last[1]),
            last=words.day(last[0]),
            least=words.number(min(sizes)),
            most=words.number(max(sizes)),
        ),
    )


def _bounds(sizes: Sequence[int]) -> tuple[int, int]:
    """Return what the lower and the upper side stand for: from zero, where that shows enough."""
    least, most = min(sizes), max(sizes)
    if least * 2 <= most:
        least = 0
    return (least, most) if least < most else (max(0, least - 1), most + 1)


def _points(series: Sizes, start: date, end: date, width: int, height: int, room: int) -> str:
    least, most = _bounds([size for _, size in series])
    span = max((end - start) / timedelta(days=1), 1)
    return " ".join(
        f"{_short((day - start) / timedelta(days=1) / span * width)},"
        f"{_short(height - room - (size - least) / (most - least) * (height - 2 * room))}"
        for day, size in series
    )


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
