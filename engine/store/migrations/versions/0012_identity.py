"""Customers that are merged, and pairs of whom that is suggested."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_NOW = sa.text("now()")
_JSON = postgresql.JSONB(astext_type=sa.Text())
_ORIGIN = ("identity", "event", "consent", "run", "entry_refusal", "purchase", "gift_card")
_NAME = sa.text(
    "(lower(coalesce(traits ->> 'name', coalesce(traits ->> 'first_name', traits ->> 'firstName') "
    "|| ' ' || coalesce(traits ->> 'last_name', traits ->> 'lastName')))) text_pattern_ops"
)


def upgrade() -> None:
    """Customers that are merged, and pairs of whom that is suggested."""
    for table in _ORIGIN:
        op.add_column(table, sa.Column("origin_customer", sa.Uuid(), nullable=True))
    op.add_column(
        "run", sa.Column("mixed", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column(
        "customer", sa.Column("merges", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.create_index("ix_customer_name", "customer", [_NAME])
    op.create_index(
        "ix_customer_merged_into",
        "customer",
        ["merged_into"],
        postgresql_where=sa.text("merged_into IS NOT NULL"),
    )
    _merge()
    _suggestion()
    op.create_table(
        "duplicate_pass",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), server_default="", nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_duplicate_pass")),
    )
    op.execute("INSERT INTO duplicate_pass (kind) VALUES ('email'), ('phone'), ('name')")


def _merge() -> None:
    op.create_table(
        "merge",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kept", sa.Uuid(), nullable=False),
        sa.Column("merged", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("before", _JSON, nullable=False),
        sa.Column("after", _JSON, nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merge")),
    )
    op.create_index(op.f("ix_merge_at"), "merge", ["at", "id"])
    op.create_index(op.f("ix_merge_kept"), "merge", ["kept"])
    op.create_index(
        "ix_merge_merged",
        "merge",
        ["merged"],
        unique=True,
        postgresql_where=sa.text("undone_at IS NULL"),
    )


def _suggestion() -> None:
    op.create_table(
        "suggestion",
        sa.Column("first", sa.Uuid(), nullable=False),
        sa.Column("second", sa.Uuid(), nullable=False),
        sa.Column("reasons", _JSON, server_default="[]", nullable=False),
        sa.Column("strength", sa.Integer(), server_default="0", nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("through", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("first", "second", name=op.f("pk_suggestion")),
    )
    op.create_index(
        "ix_suggestion_state",
        "suggestion",
        ["state", sa.text("strength DESC"), "found_at", "first"],
    )
    op.create_index(op.f("ix_suggestion_second"), "suggestion", ["second"])
    op.create_index(
        "ix_suggestion_through",
        "suggestion",
        ["through"],
        postgresql_where=sa.text("through IS NOT NULL"),
    )


def downgrade() -> None:
    """Undo it."""
    for table in ("duplicate_pass", "suggestion", "merge"):
        op.drop_table(table)
    op.drop_index("ix_customer_merged_into", "customer")
    op.drop_index("ix_customer_name", "customer")
    op.drop_column("customer", "merges")
    op.drop_column("run", "mixed")
    for table in _ORIGIN:
        op.drop_column(table, "origin_customer")
