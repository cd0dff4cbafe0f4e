"""What a shop sells, where, and how much of it is there."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field, PlainSerializer, StringConstraints

from engine.model.base import Frozen, Json, Zone
from engine.model.money import Currency, Money

Code = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
"""The shop's own name of a thing: an article's number, a shop's, an order's."""

Link = Annotated[str, StringConstraints(pattern=r"^https?://\S+$", max_length=2000)]
"""An address on the web."""

Label = Annotated[str, StringConstraints(min_length=1, max_length=500)]

Quantity = Annotated[
    Decimal,
    Field(max_digits=14, decimal_places=3),
    PlainSerializer(float, return_type=float, when_used="json"),
]
"""How many, or how much of what is sold by weight."""


class Product(Frozen):
    """Something that the shop sells; `active` while it does."""

    sku: Code
    name: Label
    categories: tuple[Label, ...] = Field(default=(), max_length=50)
    price: Money | None = None
    currency: Currency | None = Field(default=None, description="the workspace's when left out")
    picture: Link | None = None
    link: Link | None = None
    active: bool = True
    data: dict[str, Json] = Field(default_factory=dict, description="whatever else is known")


class Shop(Frozen):
    """A place where the shop sells."""

    id: Code
    name: Label
    address: Annotated[str, StringConstraints(max_length=500)] | None = None
    time_zone: Zone | None = None
    link: Link | None = None
    active: bool = True
    data: dict[str, Json] = Field(default_factory=dict, description="whatever else is known")


class Stock(Frozen):
    """How much of a product is in a shop; nothing, when it is less than nothing."""

    sku: Code
    shop: Code
    quantity: Quantity
