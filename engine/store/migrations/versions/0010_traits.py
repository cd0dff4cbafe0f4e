"""Traits that are computed of what customers do, and scores."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_NOW = sa.text("now()")
_JSON = postgresql.JSONB(astext_type=sa.Text())
_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Traits that are computed of what customers do, and scores."""
    op.add_column("customer", sa.Column("scored", _JSON, server_default="{}", nullable=False))
    op.add_column("customer", sa.Column("derived_due_at", _AT, nullable=True))
    op.create_index(
        "ix_customer_derived_due",
        "customer",
        ["derived_due_at"],
        postgresql_where=sa.text("derived_due_at IS NOT NULL"),
    )
    op.create_table(
        "trait",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("document", _JSON, nullable=False),
        sa.Column("updated_at", _AT, server_default=_NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trait")),
    )
    op.create_table(
        "score",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("document", _JSON, nullable=False),
        sa.Column("updated_at", _AT, server_default=_NOW, nullable=False),
        sa.Column("watched", _JSON, server_default="[]", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_score")),
    )
    op.create_table(
        "customer_rollup",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("states", _JSON, server_default="{}", nullable=False),
        _of_customer("customer_rollup"),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_customer_rollup")),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_table(
        "trait_stale",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("at", _AT, server_default=_NOW, nullable=False),
        _of_customer("trait_stale"),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_trait_stale")),
    )
    op.create_table(
        "trait_build",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("names", _JSON, nullable=False),
        sa.Column("anew", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("cursor", sa.Uuid(), nullable=True),
        sa.Column("done", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("total", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("asked_at", _AT, server_default=_NOW, nullable=False),
        sa.Column("finished_at", _AT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trait_build")),
    )
    op.create_index(
        "ix_trait_build_open",
        "trait_build",
        ["id"],
        postgresql_where=sa.text("finished_at IS NULL"),
    )


def _of_customer(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["customer_id"],
        ["customer.id"],
        name=op.f(f"fk_{table}_customer_id_customer"),
        ondelete="CASCADE",
    )


def downgrade() -> None:
    """Undo it."""
    for table in ("trait_build", "trait_stale", "customer_rollup", "score", "trait"):
        op.drop_table(table)
    op.drop_index("ix_customer_derived_due", "customer")
    op.drop_column("customer", "derived_due_at")
    op.drop_column("customer", "scored")
