"""Consent, caps and what providers tell"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Consent, caps and what providers tell."""
    op.create_table(
        "coupon_code",
        sa.Column("pool", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("pool", "code", name=op.f("pk_coupon_code")),
    )
    op.create_index(
        "ix_coupon_code_free",
        "coupon_code",
        ["pool", "code"],
        unique=False,
        postgresql_where=sa.text("message_id IS NULL"),
    )
    op.create_index(
        "ix_coupon_code_message",
        "coupon_code",
        ["pool", "message_id"],
        unique=True,
        postgresql_where=sa.text("message_id IS NOT NULL"),
    )
    op.create_table(
        "coupon_pool",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coupon_pool")),
    )
    op.create_table(
        "hook",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hook")),
    )
    op.create_table(
        "hook_delivery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("hook_id", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=True
        ),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hook_delivery")),
    )
    op.create_index(
        "ix_hook_delivery_due",
        "hook_delivery",
        ["hook_id", "due_at"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        op.f("ix_hook_delivery_hook_id_created_at"),
        "hook_delivery",
        ["hook_id", "created_at"],
        unique=False,
    )
    op.create_table(
        "snippet",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snippet")),
    )
    op.create_table(
        "suppression",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("channel", "address", name=op.f("pk_suppression")),
    )
    op.create_table(
        "topic",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_topic")),
    )
    op.create_table(
        "consent",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("text_version", sa.Text(), nullable=True),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column(
            "data", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_consent_customer_id_customer")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
    )
    op.create_index(
        op.f("ix_consent_customer_id_at"), "consent", ["customer_id", "at"], unique=False
    )
    op.add_column(
        "customer",
        sa.Column(
            "consent", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
    )
    op.add_column(
        "customer",
        sa.Column(
            "suppressed",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
    )
    op.add_column("message", sa.Column("offer", sa.Text(), nullable=True))
    op.add_column("message", sa.Column("on_full", sa.Text(), nullable=True))
    op.add_column("message", sa.Column("hours", sa.Text(), nullable=True))
    op.add_column(
        "message", sa.Column("first_deferred_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column("message", sa.Column("settling", sa.Text(), nullable=True))
    op.add_column("message", sa.Column("segments", sa.Integer(), nullable=True))
    op.add_column("message", sa.Column("cost", sa.Numeric(), nullable=True))
    op.add_column("message", sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("message", sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("message", sa.Column("clicked_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("message", sa.Column("replied_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("message", sa.Column("bounced_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("message", sa.Column("complained_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "message", sa.Column("unsubscribed_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.create_index(
        "ix_message_waiting",
        "message",
        ["customer_id"],
        unique=False,
        postgresql_where=sa.text("state = 'deferred'"),
    )
    op.create_index(
        "ix_message_opened",
        "message",
        ["opened_at"],
        unique=False,
        postgresql_where=sa.text("opened_at IS NOT NULL"),
    )
    op.create_index(
        "ix_message_provider_id",
        "message",
        ["provider_id"],
        unique=False,
        postgresql_where=sa.text("provider_id IS NOT NULL"),
    )
    op.create_index(
        "ix_message_claimed", "message", ["claimed_at"], unique=False, postgresql_using="brin"
    )
    op.add_column("message_transition", sa.Column("channel", sa.Text(), nullable=True))
    op.add_column("message_transition", sa.Column("zone", sa.Text(), nullable=True))
    op.create_index(
        "ix_message_transition_stopped",
        "message_transition",
        ["at"],
        unique=False,
        postgresql_where=sa.text("\"to\" IN ('deferred', 'skipped')"),
    )
    op.create_index(
        "ix_run_trace_moved",
        "run_trace",
        ["at"],
        unique=False,
        postgresql_where=sa.text("what = 'moved'"),
    )


def downgrade() -> None:
    """Undo it."""
    op.drop_index(
        "ix_run_trace_moved", table_name="run_trace", postgresql_where=sa.text("what = 'moved'")
    )
    op.drop_index(
        "ix_message_transition_stopped",
        table_name="message_transition",
        postgresql_where=sa.text("\"to\" IN ('deferred', 'skipped')"),
    )
    op.drop_index("ix_message_claimed", table_name="message", postgresql_using="brin")
    op.drop_column("message_transition", "zone")
    op.drop_column("message_transition", "channel")
    op.drop_index(
        "ix_message_waiting",
        table_name="message",
        postgresql_where=sa.text("state = 'deferred'"),
    )
    op.drop_index(
        "ix_message_opened",
        table_name="message",
        postgresql_where=sa.text("opened_at IS NOT NULL"),
    )
    op.drop_index(
        "ix_message_provider_id",
        table_name="message",
        postgresql_where=sa.text("provider_id IS NOT NULL"),
    )
    op.drop_column("message", "unsubscribed_at")
    op.drop_column("message", "complained_at")
    op.drop_column("message", "bounced_at")
    op.drop_column("message", "replied_at")
    op.drop_column("message", "clicked_at")
    op.drop_column("message", "opened_at")
    op.drop_column("message", "delivered_at")
    op.drop_column("message", "cost")
    op.drop_column("message", "segments")
    op.drop_column("message", "settling")
    op.drop_column("message", "first_deferred_at")
    op.drop_column("message", "hours")
    op.drop_column("message", "on_full")
    op.drop_column("message", "offer")
    op.drop_column("customer", "suppressed")
    op.drop_column("customer", "consent")
    op.drop_index(op.f("ix_consent_customer_id_at"), table_name="consent")
    op.drop_table("consent")
    op.drop_table("topic")
    op.drop_table("suppression")
    op.drop_table("snippet")
    op.drop_index(op.f("ix_hook_delivery_hook_id_created_at"), table_name="hook_delivery")
    op.drop_index(
        "ix_hook_delivery_due",
        table_name="hook_delivery",
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.drop_table("hook_delivery")
    op.drop_table("hook")
    op.drop_table("coupon_pool")
    op.drop_index(
        "ix_coupon_code_message",
        table_name="coupon_code",
        postgresql_where=sa.text("message_id IS NOT NULL"),
    )
    op.drop_index(
        "ix_coupon_code_free",
        table_name="coupon_code",
        postgresql_where=sa.text("message_id IS NULL"),
    )
    op.drop_table("coupon_code")
