"""What the shop sells, where, and what was bought."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Numeric,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from engine.store.tables.columns import at_, json_, text_, uuid_


def _numeric(*, null: bool = True) -> Any:
    return Field(sa_column=Column(Numeric, nullable=null))


def _yes() -> Any:
    return Field(sa_column=Column(Boolean, nullable=False, server_default="true"))


class ProductRow(SQLModel, table=True):
    """Something that the shop sells."""

    __tablename__ = "product"
    sku: str = text_(primary_key=True)
    name: str = text_()
    categories: list[str] = json_(default="[]")
    price: Decimal | None = _numeric()
    currency: str | None = text_(null=True)
    picture: str | None = text_(null=True)
    link: str | None = text_(null=True)
    active: bool = _yes()
    data: dict[str, Any] = json_(default="{}")
    created_at: datetime = at_(now=True)
    updated_at: datetime = at_(now=True)


class ShopRow(SQLModel, table=True):
    """A place where the shop sells."""

    __tablename__ = "shop"
    id: str = text_(primary_key=True)
    name: str = text_()
    address: str | None = text_(null=True)
    time_zone: str | None = text_(null=True)
    link: str | None = text_(null=True)
    active: bool = _yes()
    data: dict[str, Any] = json_(default="{}")
    updated_at: datetime = at_(now=True)


class StockRow(SQLModel, table=True):
    """How much of a product is in a shop. Neither has to be known: feeds come in any order."""

    __tablename__ = "stock"
    __table_args__ = (Index(None, "shop", "sku"),)
    sku: str = text_(primary_key=True)
    shop: str = text_(primary_key=True)
    quantity: Decimal = _numeric(null=False)
    updated_at: datetime = at_(now=True)


class PurchaseRow(SQLModel, table=True):
    """An order; `order` is a word of SQL's. State: pending, placed, cancelled.

    `told` says that an `Order Completed` was stored for it, `by_api` that the interface wrote it:
    what events say then only fills in. `skus` are those of its lines. Without a shop it is the
    web's.
    """

    __tablename__ = "purchase"
    __table_args__ = (
        Index(None, "source", "id", unique=True),
        Index(None, "customer_id", "placed_at"),
        Index(None, "placed_at", "source", "id"),
        Index(None, "skus", postgresql_using="gin"),
    )
    customer_id: UUID = uuid_(primary_key=True)
    source: str = text_(primary_key=True)
    id: str = text_(primary_key=True)
    state: str = text_()
    currency: str | None = text_(null=True)
    shop: str | None = text_(null=True)
    total: Decimal | None = _numeric()
    discount: Decimal | None = _numeric()
    shipping: Decimal | None = _numeric()
    tax: Decimal | None = _numeric()
    lines: list[dict[str, Any]] = json_(default="[]")
    skus: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False, server_default="{}"))
    payments: list[dict[str, Any]] = json_(default="[]")
    data: dict[str, Any] = json_(default="{}")
    placed_at: datetime = at_()
    cancelled_at: datetime | None = at_(null=True)
    told: bool = Field(sa_column=Column(Boolean, nullable=False, server_default="false"))
    by_api: bool = Field(sa_column=Column(Boolean, nullable=False, server_default="false"))
    updated_at: datetime = at_(now=True)
    origin_customer: UUID | None = uuid_(null=True)


class ReversalRow(SQLModel, table=True):
    """A refund or a return (`kind`) of an order."""

    __tablename__ = "purchase_reversal"
    __table_args__ = (
        ForeignKeyConstraint(
            ["customer_id", "source", "order_id"],
            ["purchase.customer_id", "purchase.source", "purchase.id"],
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
    )
    customer_id: UUID = uuid_(primary_key=True)
    source: str = text_(primary_key=True)
    order_id: str = text_(primary_key=True)
    kind: str = text_(primary_key=True)
    id: str = text_(primary_key=True)
    at: datetime = at_()
    amount: Decimal | None = _numeric()
    method: str | None = text_(null=True)
    reason: str | None = text_(null=True)
    lines: list[dict[str, Any]] = json_(default="[]")


class GiftCardRow(SQLModel, table=True):
    """A card with money on it; of its code only the SHA-256 and the last four signs are kept."""

    __tablename__ = "gift_card"
    __table_args__ = (
        Index("ix_gift_card_code", "code_hash", postgresql_where=text("code_hash IS NOT NULL")),
        Index("ix_gift_card_customer", "customer_id",
              postgresql_where=text("customer_id IS NOT NULL")),
    )  # fmt: skip
    id: str = text_(primary_key=True)
    code_hash: bytes | None = Field(sa_column=Column(LargeBinary, nullable=True))
    code_end: str | None = text_(null=True)
    balance: Decimal = _numeric(null=False)
    currency: str = text_()
    customer_id: UUID | None = Field(
        sa_column=Column(Uuid, ForeignKey("customer.id"), nullable=True)
    )
    expires_at: datetime | None = at_(null=True)
    active: bool = _yes()
    updated_at: datetime = at_(now=True)
    origin_customer: UUID | None = uuid_(null=True)


class ProductInterestRow(SQLModel, table=True):
    """Who looked at a product (`viewed`), or asked to be told of its `stock` or its `price`.

    It leads with the product: this is how those who care for it are found. A shop other than the
    empty one was asked for by name. `at` is the last time.
    """

    __tablename__ = "product_interest"
    __table_args__ = (Index(None, "customer_id"),)
    sku: str = text_(primary_key=True)
    customer_id: UUID = uuid_(primary_key=True)
    kind: str = text_(primary_key=True)
    shop: str = text_(primary_key=True, default="")
    at: datetime = at_()


class ProductChangeRow(SQLModel, table=True):
    """A product that is back in stock (`stock`), everywhere or in one shop, or costs less (`price`).

    Customers are told a few at a time, once `spread_at` says that it is written down who they are.
    """

    __tablename__ = "product_change"
    __table_args__ = (
        Index("ix_product_change_open", "at", postgresql_where=text("ended_at IS NULL")),
        Index(None, "sku", "at"),
    )
    id: UUID = uuid_(primary_key=True)
    kind: str = text_()
    sku: str = text_()
    shop: str | None = text_(null=True)
    old_price: Decimal | None = _numeric()
    price: Decimal | None = _numeric()
    currency: str | None = text_(null=True)
    at: datetime = at_(now=True)
    spread_at: datetime | None = at_(null=True)
    ended_at: datetime | None = at_(null=True)


class ProductTellingRow(SQLModel, table=True):
    """One customer whom a product's change concerns, and what became of it.

    `outcome` is told, or why she was not: bought, over, gone.
    """

    __tablename__ = "product_telling"
    __table_args__ = (
        Index("ix_product_telling_due", "change_id", "due_at",
              postgresql_where=text("outcome IS NULL")),
    )  # fmt: skip
    change_id: UUID = Field(
        sa_column=Column(
            Uuid, ForeignKey("product_change.id", ondelete="CASCADE"), primary_key=True
        )
    )
    customer_id: UUID = uuid_(primary_key=True)
    why: str = text_()
    since: datetime = at_()
    due_at: datetime = at_(now=True)
    outcome: str | None = text_(null=True)
