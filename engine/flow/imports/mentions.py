"""What conditions may depend on of what a file has brought (see `engine.compile.mentions`)."""

from collections.abc import Iterable

from engine.compile.mentions import ADDRESSES, ZONE, of_event, of_traits
from engine.flow.history import Profile
from engine.flow.intake import Incoming


def of_events(some: Iterable[Incoming]) -> set[str]:
    """Return what events mention: their names, and what they tell of customers."""
    found: set[str] = set()
    traits: set[str] = set()
    for event in some:
        found.add(of_event(event.name))
        if event.kind == "identify":
            traits.update(event.traits)
        if event.device_token:
            found.add(ADDRESSES)
        if event.time_zone:
            found.add(ZONE)
    return found | _of_traits(traits)


def of_customers(some: Iterable[Profile]) -> set[str]:
    """Return what is told of customers."""
    found: set[str] = set()
    traits: set[str] = set()
    for profile in some:
        traits.update(profile.traits)
        if profile.addresses:
            found.add(ADDRESSES)
        if profile.time_zone:
            found.add(ZONE)
    return found | _of_traits(traits)


def _of_traits(names: set[str]) -> set[str]:
    addresses = {ADDRESSES} if names & {"email", "phone"} else set()
    return {*of_traits(names), *addresses}
