"""Products, shops, stock, orders and gift cards."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_NOW = sa.text("now()")
_JSON = postgresql.JSONB(astext_type=sa.Text())


def upgrade() -> None:
    """Products, shops, stock, orders and gift cards."""
    _sold()
    _bought()
    _told()


def _sold() -> None:
    op.create_table(
        "product",
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("categories", _JSON, server_default="[]", nullable=False),
        sa.Column("price", sa.Numeric(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("picture", sa.Text(), nullable=True),
        sa.Column("link", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("data", _JSON, server_default="{}", nullable=False),
        _at("created_at", now=True),
        _at("updated_at", now=True),
        sa.PrimaryKeyConstraint("sku", name=op.f("pk_product")),
    )
    op.create_table(
        "shop",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=True),
        sa.Column("link", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("data", _JSON, server_default="{}", nullable=False),
        _at("updated_at", now=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shop")),
    )
    op.create_table(
        "stock",
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("shop", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Numeric(), nullable=False),
        _at("updated_at", now=True),
        sa.PrimaryKeyConstraint("sku", "shop", name=op.f("pk_stock")),
    )
    op.create_index("ix_stock_shop_sku", "stock", ["shop", "sku"])


def _bought() -> None:
    op.create_table(
        "purchase",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("shop", sa.Text(), nullable=True),
        *(
            sa.Column(name, sa.Numeric(), nullable=True)
            for name in ("total", "discount", "shipping", "tax")
        ),
        sa.Column("lines", _JSON, server_default="[]", nullable=False),
        sa.Column("skus", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("payments", _JSON, server_default="[]", nullable=False),
        sa.Column("data", _JSON, server_default="{}", nullable=False),
        _at("placed_at"),
        _at("cancelled_at", null=True),
        sa.Column("told", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("by_api", sa.Boolean(), server_default="false", nullable=False),
        _at("updated_at", now=True),
        sa.PrimaryKeyConstraint("customer_id", "source", "id", name=op.f("pk_purchase")),
    )
    op.create_index("ix_purchase_source_id", "purchase", ["source", "id"], unique=True)
    op.create_index("ix_purchase_customer_id_placed_at", "purchase", ["customer_id", "placed_at"])
    op.create_index("ix_purchase_placed_at_source_id", "purchase", ["placed_at", "source", "id"])
    op.create_index("ix_purchase_skus", "purchase", ["skus"], postgresql_using="gin")
    op.create_table(
        "purchase_reversal",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        _at("at"),
        sa.Column("amount", sa.Numeric(), nullable=True),
        sa.Column("method", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("lines", _JSON, server_default="[]", nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id", "source", "order_id"],
            ["purchase.customer_id", "purchase.source", "purchase.id"],
            name=op.f("fk_purchase_reversal_customer_id_source_order_id_purchase"),
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "customer_id", "source", "order_id", "kind", "id", name=op.f("pk_purchase_reversal")
        ),
    )
    op.create_table(
        "gift_card",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=True),
        sa.Column("code_end", sa.Text(), nullable=True),
        sa.Column("balance", sa.Numeric(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        _at("expires_at", null=True),
        sa.Column("active", sa.Boolean(), server_default="true", nullable=False),
        _at("updated_at", now=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_gift_card_customer_id_customer")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gift_card")),
    )
    for name, column in (("code", "code_hash"), ("customer", "customer_id")):
        op.create_index(
            f"ix_gift_card_{name}",
            "gift_card",
            [column],
            postgresql_where=sa.text(f"{column} IS NOT NULL"),
        )


def _told() -> None:
    op.create_table(
        "product_interest",
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("shop", sa.Text(), server_default="", nullable=False),
        _at("at"),
        sa.PrimaryKeyConstraint(
            "sku", "customer_id", "kind", "shop", name=op.f("pk_product_interest")
        ),
    )
    op.create_index("ix_product_interest_customer_id", "product_interest", ["customer_id"])
    op.create_table(
        "product_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("shop", sa.Text(), nullable=True),
        sa.Column("old_price", sa.Numeric(), nullable=True),
        sa.Column("price", sa.Numeric(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        _at("at", now=True),
        _at("spread_at", null=True),
        _at("ended_at", null=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product_change")),
    )
    op.create_index(
        "ix_product_change_open",
        "product_change",
        ["at"],
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index("ix_product_change_sku_at", "product_change", ["sku", "at"])
    op.create_table(
        "product_telling",
        sa.Column("change_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        _at("since"),
        _at("due_at", now=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["change_id"],
            ["product_change.id"],
            name=op.f("fk_product_telling_change_id_product_change"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("change_id", "customer_id", name=op.f("pk_product_telling")),
    )
    op.create_index(
        "ix_product_telling_due",
        "product_telling",
        ["change_id", "due_at"],
        postgresql_where=sa.text("outcome IS NULL"),
    )


def _at(name: str, *, null: bool = False, now: bool = False) -> sa.Column[object]:
    default = _NOW if now else None
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=null)


def downgrade() -> None:
    """Undo it."""
    for table in (
        "product_telling",
        "product_change",
        "product_interest",
        "gift_card",
        "purchase_reversal",
        "purchase",
        "stock",
        "shop",
        "product",
    ):
        op.drop_table(table)
