"""What some customers do at the very moment the shop is loaded, so that there is something to see."""

from collections.abc import Mapping
from typing import Any, Final

from engine.flow.event_names import NAME_OF
from engine.flow.intake import Incoming, Kind
from parcours.demo.marker import SOURCE
from parcours.demo.shop import (
    CURRENCY,
    PREFIX,
    Household,
    Thing,
    profiles,
    things,
    user_id,
)

RETURNING: Final = (1, 3, 4, 5, 6, 7, 8, 9)
"""Households that sign in, and meet the journey that sends at once."""

LEAVING: Final = (10, 11, 12, 13, 14, 15)
"""Households that leave a basket."""

NEW: Final = ("ida", "jonas", "lise", "marc")
"""Customers who were never there before, and buy."""


def first_steps() -> list[Incoming]:
    """Return the events; the same each time, so that they are taken in once."""
    steps = [
        _track(user_id(household), "Signed In", f"first-signed-in-{household}")
        for household in RETURNING
    ]
    steps += [
        _track(user_id(household), "Product Added", f"first-added-{household}", added(thing))
        for household, thing in zip(LEAVING, things(), strict=False)
    ]
    for number, name in enumerate(NEW):
        user = f"{PREFIX}new-{name}"
        order = order_of(f"first-{name}", things()[number : number + 2])
        steps.append(identify(user, f"first-identified-{name}", 9_000 + number))
        steps.append(_track(user, "Order Completed", f"first-order-{name}", order))
    return steps


def identify(user: str, message_id: str, number: int) -> Incoming:
    """Return what tells who a made-up newcomer is."""
    profile = profiles([Household(number)])[0]
    phone = f"+3363998{number % 10_000:04d}"
    return Incoming(
        source=SOURCE,
        message_id=message_id,
        kind="identify",
        name=NAME_OF["identify"],
        user_id=user,
        traits={**profile.traits, "phone": phone},
        locale=profile.locale,
        time_zone=profile.time_zone,
    )


def added(thing: Thing) -> dict[str, Any]:
    """Return the properties of a thing put into the basket, as Segment names them."""
    return {
        "sku": thing.sku,
        "name": thing.name,
        "category": thing.category,
        "price": thing.price,
        "currency": CURRENCY,
        "quantity": 1,
        "url": f"https://shop.example.com/products/{thing.sku}",
        "cart_url": "https://shop.example.com/cart",
    }


def order_of(order_id: str, bought: list[Thing]) -> dict[str, Any]:
    """Return the properties of an order of one of each."""
    return {
        "order_id": order_id,
        "total": round(sum(thing.price for thing in bought), 2),
        "currency": CURRENCY,
        "store": "web",
        "products": [
            {
                "sku": thing.sku,
                "name": thing.name,
                "category": thing.category,
                "quantity": 1,
                "price": thing.price,
            }
            for thing in bought
        ],
    }


def _track(
    user: str, name: str, message_id: str, properties: Mapping[str, Any] | None = None
) -> Incoming:
    kind: Kind = "track"
    return Incoming(
        source=SOURCE,
        message_id=message_id,
        kind=kind,
        name=name,
        user_id=user,
        properties=properties or {},
    )
