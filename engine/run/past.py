"""A customer as she was at an earlier instant, out of her whole history."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import reduce
from operator import attrgetter
from typing import Any, Final

from engine.model.customer import Customer
from engine.model.event import Event
from engine.run.changes import learned
from engine.run.world import MemoryWorld

IDENTIFIED: Final = "Customer Identified"
"""The event that tells her traits, as its property `traits`."""


def world_at(now: MemoryWorld, at: datetime) -> MemoryWorld:
    """Return the world as it was at an instant, by what had occurred by then.

    In `now`, the history is all that is known of her, and the customer is who she was before any
    event told of her: traits are what events told until then, over what she had at first.
    Everything else that is known of her, and the shop's rules, are taken as they are.
    """
    history = [event for event in now.history if event.occurred_at <= at]
    return replace(
        now,
        now=at,
        seq=max((event.seq for event in history), default=0),
        customer=_told(now.customer, history),
        history=history,
    )


def _told(customer: Customer, history: Sequence[Event]) -> Customer:
    """Return the customer as events have told of her, in her order."""
    said = (_traits(event) for event in sorted(history, key=attrgetter("seq")))
    return reduce(learned, filter(None, said), customer)


def _traits(event: Event) -> Mapping[str, Any] | None:
    traits = event.properties.get("traits") if event.name == IDENTIFIED else None
    return traits if isinstance(traits, Mapping) else None
