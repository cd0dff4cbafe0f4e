"""What is known of a customer: told, computed, and scored."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from designer.canvas.sentences import readable
from designer.words import Words
from engine.model.trait import AnyTrait, Score

_HIDDEN: Final = frozenset({"name", "first_name", "last_name", "firstName", "lastName"})


@dataclass(frozen=True, slots=True)
class Trait:
    """A value that is known of a customer; `at` is when it was last told, where that is known."""

    name: str
    value: str
    at: datetime | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a customer stands to a score; `level` is the threshold that she has reached."""

    name: str
    value: str
    level: str
    ahead: str
    fades: str


@dataclass(frozen=True, slots=True)
class Traits:
    """What was told of a customer, and what is computed of what she did."""

    told: list[Trait]
    computed: list[Trait]

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.told) + len(self.computed)


def traits(
    found: Mapping[str, Any],
    told: Mapping[str, tuple[datetime, str]],
    computed: Mapping[str, AnyTrait],
    words: Words,
) -> Traits:
    """Return the customer's traits by name; her own name, addresses and scores stand elsewhere."""
    shown = [
        (key, value)
        for key, value in sorted(found["traits"].items())
        if key not in _HIDDEN and value != found["addresses"].get(key)
    ]
    return Traits(
        told=[
            Trait(readable(key), _trait(value, words), *told.get(key, (None, "")))
            for key, value in shown
        ],
        computed=[
            Trait(computed[key].name if key in computed else readable(key), _trait(value, words))
            for key, value in sorted(found["derived"].items())
            if key not in found["scores"]
        ],
    )


def scores(
    found: Mapping[str, Any],
    known: Mapping[str, Score],
    duration: Callable[[str], str],
    words: Words,
) -> list[Standing]:
    """Return how the customer stands to each score, with the thresholds around her."""
    return [
        _standing(known[key], value, duration, words)
        for key, value in found["scores"].items()
        if key in known
    ]


def _standing(score: Score, value: float, duration: Callable[[str], str], words: Words) -> Standing:
    _, levels = words.gettext, sorted(score.thresholds, key=lambda one: one.at)
    reached = [one for one in levels if one.at <= value]
    following = next((one for one in levels if one.at > value), None)
    ahead = fades = ""
    if following is not None:
        ahead = _("%(level)s from %(n)s on", level=following.name, n=words.number(following.at))
    if score.half_life is not None:
        fades = _("fades by half every %(time)s", time=duration(score.half_life))
    return Standing(
        name=score.name,
        value=words.number(value),
        level=reached[-1].name if reached else "",
        ahead=ahead,
        fades=fades,
    )


def _trait(value: Any, words: Words) -> str:
    if isinstance(value, str) and len(value) >= len("2025-01-01"):
        try:
            if len(value) == len("2025-01-01"):
                return words.day(date.fromisoformat(value))
            return words.moment(datetime.fromisoformat(value))
        except ValueError:
            pass
    return words.value(value)
