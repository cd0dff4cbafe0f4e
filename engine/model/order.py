"""Orders, what came back of them, and gift cards."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from engine.model.base import Frozen, Json
from engine.model.money import Currency, Money
from engine.model.product import Code, Label, Quantity

State = Literal["pending", "placed", "cancelled"]

SHOP = "shop"
"""The source of orders that name none."""

WEB = "web"
"""How the shop without walls is called."""


def _in_utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


Instant = Annotated[datetime, AfterValidator(_in_utc)]
"""An instant; one without a zone is UTC."""

Reference = Annotated[str, StringConstraints(min_length=1, max_length=600)]
"""Names a customer: `external_id:42`, `email:…`, or her internal id."""


class Line(Frozen):
    """So much of a product, at its price for one."""

    sku: Code | None = None
    name: Label | None = None
    category: Label | None = None
    quantity: Annotated[Quantity, Field(gt=0)] = Field(default=Decimal(1))
    price: Money | None = None


class Payment(Frozen):
    """A way in which an order, or a part of it, was paid."""

    method: Label = Field(description="card, cash, gift_card, credit_note, …")
    amount: Money | None = None
    gift_card: Code | None = Field(default=None, description="the gift card's id")


class Order(Frozen):
    """Something that a customer bought. Its id is unique within its source."""

    id: Code
    source: Code = SHOP
    customer: Reference
    state: State = "placed"
    currency: Currency | None = Field(default=None, description="the workspace's when left out")
    shop: Code | None = Field(default=None, description="the web when left out")
    total: Money
    discount: Money | None = None
    shipping: Money | None = None
    tax: Money | None = None
    lines: tuple[Line, ...] = Field(default=(), max_length=1000)
    payments: tuple[Payment, ...] = Field(default=(), max_length=50)
    placed_at: Instant
    cancelled_at: Instant | None = None
    data: dict[str, Json] = Field(default_factory=dict, description="whatever else is known")


class Refund(Frozen):
    """Money given back for an order: all that is left of it, when no amount is named."""

    id: Code | None = None
    amount: Money | None = None
    method: Label | None = Field(default=None, description="card, gift_card, credit_note, …")
    reason: Label | None = None
    at: Instant | None = None
    lines: tuple[Line, ...] = Field(default=(), max_length=1000)


class Return(Frozen):
    """What a customer brought back of an order: all of it, when no lines are named."""

    id: Code | None = None
    reason: Label | None = None
    at: Instant | None = None
    lines: tuple[Line, ...] = Field(default=(), max_length=1000)


class GiftCard(Frozen):
    """A card with money on it. Its code is kept as a hash, and shown by its end alone."""

    id: Code
    code: Annotated[str, StringConstraints(min_length=6, max_length=64)] | None = None
    balance: Money
    currency: Currency | None = Field(default=None, description="the workspace's when left out")
    customer: Reference | None = None
    expires_at: Instant | None = None
    active: bool = True
