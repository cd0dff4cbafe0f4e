"""Where things stand on the canvas, in whole numbers; the style sheet does the rest.

A step is one column wide; a branching step is as wide as its arms together. Offsets are counted
in half columns, so that the middle of every arm is a whole number.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.model.journey import AnyStep, arms, ends

__all__ = ["Rails", "columns", "ends", "rails", "width"]


@dataclass(frozen=True, slots=True)
class Rails:
    """The rail from which the arms hang, and the one where they join; None when none does."""

    left: int
    right: int
    join: tuple[int, int] | None


def columns(steps: Sequence[AnyStep]) -> int:
    """Return how many columns a list of steps takes."""
    return max((width(step) for step in steps), default=1)


def width(step: AnyStep) -> int:
    """Return how many columns a step takes with its arms."""
    return sum(columns(inner) for _, inner in arms(step)) or 1


def rails(widths: Sequence[int], rejoins: Sequence[bool]) -> Rails:
    """Return the rails of arms so wide; the joining one also reaches the step's own middle."""
    middles = [2 * sum(widths[:n]) + wide for n, wide in enumerate(widths)]
    joining = [at for at, rejoin in zip(middles, rejoins, strict=True) if rejoin]
    own = sum(widths)
    join = (min(*joining, own), max(*joining, own)) if joining else None
    return Rails(middles[0], middles[-1], join)
