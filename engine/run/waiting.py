"""Until when a wait lasts."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, assert_never

from engine.model.journey import UntilProperty, UntilTime, UntilTrait, WaitStep
from engine.run.calendar import next_time, shifted
from engine.run.conditions import look_up
from engine.run.world import World

_TICK = timedelta(microseconds=1)


def due(
    step: WaitStep, entry: Mapping[str, Any], world: World, *, again: bool = False
) -> datetime | None:
    """Return the instant until which a wait lasts, or None when its date is not known.

    Who comes `again`, in another round, waits for another moment of the clock than this one.
    """
    now, zone = world.now, world.zone
    if step.for_ is not None:
        return step.for_.after(now, zone)
    match step.until:
        case UntilTime(time=at, days=days):
            return next_time(now + _TICK if again else now, zone, at, days)
        case UntilTrait(trait=trait, offset=offset, time=at, yearly=yearly):
            value = look_up(world.customer.known, trait)
            start = now if yearly else None
            return shifted(value, zone, offset=offset, at=at, yearly_from=start)
        case UntilProperty(property=name, offset=offset, time=at):
            return shifted(look_up(entry, name), zone, offset=offset, at=at)
        case None:
            raise AssertionError("a wait has either `for` or `until`")
        case _:
            assert_never(step.until)
