"""When time alone may change whether a condition holds."""

from datetime import datetime, timedelta

from engine.model.condition import AnyCondition
from engine.run.world import World


def next_change(condition: AnyCondition, world: World) -> datetime | None:
    """Return the first instant after now at which time alone may change the answer, or None."""
    return world.now + timedelta(hours=1)
