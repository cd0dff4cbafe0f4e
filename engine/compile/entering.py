"""Checks of the journeys that a journey starts."""

from collections.abc import Iterator

from engine.compile.known import Known, unwise, wrong
from engine.compile.pauses import entered_at_once
from engine.errors import Problem
from engine.model.journey import EnterStep, Journey


def check_enter(journey: Journey, step: EnterStep, known: Known) -> Iterator[Problem]:
    """Check one step that starts another journey."""
    other = step.journey
    if other == journey.id:
        return
    if other not in known.journeys:
        yield wrong(
            "there is no journey %(journey)s; create it or choose another", step.id, journey=other
        )
    elif other in known.unpublished:
        yield unwise(
            "the journey %(journey)s is a draft: nobody enters it until it is published",
            step.id,
            journey=other,
        )


def check_circles(journey: Journey, known: Known) -> Iterator[Problem]:
    """Tell where a journey would enter itself for ever: at once, by itself or by way of others."""
    told: set[str] = set()
    for step in entered_at_once(journey.steps):
        way = _back(journey, step.journey, known)
        if way is not None and step.id not in told:
            told.add(step.id)
            yield wrong(
                "the journey enters itself without a pause: %(way)s; put a wait before this step, or a `cooldown` into the entry",
                step.id,
                way=" → ".join((journey.id, *way)),
            )


def _back(journey: Journey, first: str, known: Known) -> tuple[str, ...] | None:
    """Return by way of which journeys the first leads back at once, None when it does not."""
    ahead: list[tuple[str, ...]] = [(first,)]
    seen: set[str] = set()
    while ahead:
        way = ahead.pop()
        name = way[-1]
        other = journey if name == journey.id else known.journeys.get(name)
        if other is None or name in seen or not _again_at_once(other):
            continue
        if name == journey.id:
            return way
        seen.add(name)
        ahead += [(*way, step.journey) for step in entered_at_once(other.steps)]
    return None


def _again_at_once(journey: Journey) -> bool:
    """Whether a customer may enter as soon as she has left."""
    reentry = journey.entry.reentry
    if reentry.cooldown is not None and reentry.cooldown.at_most:
        return False
    # An entry of a key without a cooldown is one for ever.
    return reentry.mode == "after_exit" or reentry.cooldown is not None
