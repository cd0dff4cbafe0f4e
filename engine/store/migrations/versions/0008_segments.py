"""Segments that customers enter and leave, and traits that are computed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_NOW = sa.text("now()")
_JSON = postgresql.JSONB(astext_type=sa.Text())


def upgrade() -> None:
    """Segments that customers enter and leave, and traits that are computed."""
    op.add_column("customer", sa.Column("derived", _JSON, server_default="{}", nullable=False))
    op.add_column(
        "segment", sa.Column("state", sa.Text(), server_default="building", nullable=False)
    )
    for name, default in (("build", "1"), ("staged", "0"), ("total", "0"), ("applied", "0")):
        op.add_column(
            "segment", sa.Column(name, sa.BigInteger(), server_default=default, nullable=False)
        )
    op.add_column("segment", sa.Column("built_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "membership",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("segment_id", sa.Text(), nullable=False),
        sa.Column("inside", sa.Boolean(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_change_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("customer_id", "segment_id", name=op.f("pk_membership")),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_index(
        "ix_membership_inside",
        "membership",
        ["segment_id", "customer_id"],
        postgresql_where=sa.text("inside"),
    )
    op.create_index(
        "ix_membership_due",
        "membership",
        ["next_change_at"],
        postgresql_where=sa.text("next_change_at IS NOT NULL"),
    )
    op.create_table(
        "membership_stage",
        sa.Column("segment_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("inside", sa.Boolean(), nullable=False),
        sa.Column("next_change_at", sa.DateTime(timezone=True), nullable=True),
        _of_segment("membership_stage"),
        sa.PrimaryKeyConstraint("segment_id", "customer_id", name=op.f("pk_membership_stage")),
    )
    op.create_table(
        "segment_size",
        sa.Column("segment_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        _of_segment("segment_size"),
        sa.PrimaryKeyConstraint("segment_id", "day", name=op.f("pk_segment_size")),
    )
    op.create_table(
        "threshold",
        sa.Column("trait", sa.Text(), nullable=False),
        sa.Column("top", sa.Numeric(), nullable=False),
        sa.Column("value", sa.Numeric(), nullable=True),
        sa.Column("customers", sa.Integer(), server_default="0", nullable=False),
        sa.Column("frozen_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.PrimaryKeyConstraint("trait", "top", name=op.f("pk_threshold")),
    )


def _of_segment(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["segment_id"],
        ["segment.id"],
        name=op.f(f"fk_{table}_segment_id_segment"),
        ondelete="CASCADE",
    )


def downgrade() -> None:
    """Undo it."""
    for table in ("threshold", "segment_size", "membership_stage", "membership"):
        op.drop_table(table)
    for column in ("built_at", "applied", "total", "staged", "build", "state"):
        op.drop_column("segment", column)
    op.drop_column("customer", "derived")
