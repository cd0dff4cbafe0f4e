"""The first schema"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The first schema."""
    op.create_table(
        "api_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
    )
    op.create_index(op.f("ix_api_key_hash"), "api_key", ["hash"], unique=True)
    op.create_table(
        "cap",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("rule", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cap")),
    )
    op.create_table(
        "customer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column(
            "last_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "traits", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column(
            "addresses",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        sa.Column("locale", sa.Text(), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=True),
        sa.Column("merged_into", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer")),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_index(
        op.f("ix_customer_created_at_id"), "customer", ["created_at", "id"], unique=False
    )
    op.create_index(
        "ix_customer_email",
        "customer",
        [sa.literal_column("lower(addresses ->> 'email') text_pattern_ops")],
        unique=False,
    )
    op.create_index(
        "ix_customer_phone",
        "customer",
        [sa.literal_column("(addresses ->> 'phone') text_pattern_ops")],
        unique=False,
    )
    op.create_table(
        "entry_refusal",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("journey_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "data", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.PrimaryKeyConstraint("customer_id", "seq", "journey_id", name=op.f("pk_entry_refusal")),
    )
    op.create_index(
        op.f("ix_entry_refusal_journey_id_at"), "entry_refusal", ["journey_id", "at"], unique=False
    )
    op.create_table(
        "event",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "properties",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), server_default="track", nullable=False),
        sa.Column("future", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", "seq", "received_at", name=op.f("pk_event")),
        postgresql_partition_by="RANGE (received_at)",
    )
    op.create_index(
        op.f("ix_event_customer_id_name_occurred_at"),
        "event",
        ["customer_id", "name", "occurred_at"],
        unique=False,
    )
    op.create_index(op.f("ix_event_received_at_id"), "event", ["received_at", "id"], unique=False)
    op.create_table(
        "event_key",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("source", "message_id", name=op.f("pk_event_key")),
    )
    op.create_table(
        "journey",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="draft", nullable=False),
        sa.Column("draft", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("live_version", sa.Integer(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journey")),
    )
    op.create_table(
        "message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("journey_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("visit", sa.Integer(), nullable=False),
        sa.Column("variant", sa.Text(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("class", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("rule", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deferred_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claim_seq", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("unknowns", sa.Integer(), server_default="0", nullable=False),
        sa.Column("token", sa.Uuid(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("provider", sa.Text(), nullable=True),
        sa.Column("provider_id", sa.Text(), nullable=True),
        sa.Column("to", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("body_text", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_index(
        op.f("ix_message_customer_id_claimed_at"),
        "message",
        ["customer_id", "claimed_at"],
        unique=False,
    )
    op.create_index(op.f("ix_message_decided_at_id"), "message", ["decided_at", "id"], unique=False)
    op.create_index(
        op.f("ix_message_journey_id_step_state"),
        "message",
        ["journey_id", "step", "state"],
        unique=False,
    )
    op.create_index(
        "ix_message_outbox",
        "message",
        ["sent_at", "id"],
        unique=False,
        postgresql_where=sa.text("provider = 'outbox'"),
    )
    op.create_index(op.f("ix_message_run_id"), "message", ["run_id"], unique=False)
    op.create_table(
        "message_transition",
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("from", sa.Text(), nullable=True),
        sa.Column("to", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("rule", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("message_id", "seq", name=op.f("pk_message_transition")),
    )
    op.create_index(
        op.f("ix_message_transition_customer_id_at"),
        "message_transition",
        ["customer_id", "at"],
        unique=False,
    )
    op.create_table(
        "run_input",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("decided_seq", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("run_id", "seq", name=op.f("pk_run_input")),
    )
    op.create_table(
        "run_trace",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("journey_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("step", sa.Text(), nullable=True),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column(
            "data", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.PrimaryKeyConstraint("run_id", "n", name=op.f("pk_run_trace")),
    )
    op.create_index(
        op.f("ix_run_trace_journey_id_step_what"),
        "run_trace",
        ["journey_id", "step", "what"],
        unique=False,
    )
    op.create_table(
        "segment",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("rule", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segment")),
    )
    op.create_table(
        "template",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_template")),
    )
    op.create_table(
        "wake",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_wake")),
    )
    op.create_index(op.f("ix_wake_created_at"), "wake", ["created_at"], unique=False)
    op.create_table(
        "workspace",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("settings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "revision", sa.BigInteger(), server_default="1", autoincrement=False, nullable=False
        ),
        sa.CheckConstraint("id = 1", name=op.f("ck_workspace_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workspace")),
    )
    op.create_table(
        "identity",
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_identity_customer_id_customer")
        ),
        sa.PrimaryKeyConstraint("namespace", "value", name=op.f("pk_identity")),
    )
    op.create_index(op.f("ix_identity_customer_id"), "identity", ["customer_id"], unique=False)
    op.create_index(
        "ix_identity_value",
        "identity",
        [sa.literal_column("lower(value) text_pattern_ops")],
        unique=False,
    )
    op.create_table(
        "journey_version",
        sa.Column("journey_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "published_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["journey_id"], ["journey.id"], name=op.f("fk_journey_version_journey_id_journey")
        ),
        sa.PrimaryKeyConstraint("journey_id", "version", name=op.f("pk_journey_version")),
    )
    op.create_index(op.f("ix_journey_version_hash"), "journey_version", ["hash"], unique=False)
    op.create_table(
        "run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("journey_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("plan_hash", sa.Text(), nullable=False),
        sa.Column("entry_source", sa.Text(), nullable=False),
        sa.Column("entry_key", sa.Text(), server_default="", nullable=False),
        sa.Column("held_out", sa.Boolean(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.Column("step", sa.Text(), nullable=True),
        sa.Column("revision", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("command", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("check_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("goal_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("goal_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("goal_revenue", sa.Numeric(), nullable=True),
        sa.Column("traced", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_run_customer_id_customer")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_index(
        "ix_run_check_at",
        "run",
        ["check_at"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        op.f("ix_run_customer_id_journey_id_entry_key"),
        "run",
        ["customer_id", "journey_id", "entry_key"],
        unique=False,
    )
    op.create_index(
        op.f("ix_run_journey_id_entered_at"), "run", ["journey_id", "entered_at"], unique=False
    )
    op.execute("CREATE TABLE event_default PARTITION OF event DEFAULT")
    op.execute("INSERT INTO workspace (id, settings) VALUES (1, '{}')")


def downgrade() -> None:
    """Undo it."""
    op.drop_index(op.f("ix_run_journey_id_entered_at"), table_name="run")
    op.drop_index(op.f("ix_run_customer_id_journey_id_entry_key"), table_name="run")
    op.drop_index("ix_run_check_at", table_name="run", postgresql_where=sa.text("ended_at IS NULL"))
    op.drop_table("run")
    op.drop_index(op.f("ix_journey_version_hash"), table_name="journey_version")
    op.drop_table("journey_version")
    op.drop_index("ix_identity_value", table_name="identity")
    op.drop_index(op.f("ix_identity_customer_id"), table_name="identity")
    op.drop_table("identity")
    op.drop_table("workspace")
    op.drop_index(op.f("ix_wake_created_at"), table_name="wake")
    op.drop_table("wake")
    op.drop_table("template")
    op.drop_table("segment")
    op.drop_index(op.f("ix_run_trace_journey_id_step_what"), table_name="run_trace")
    op.drop_table("run_trace")
    op.drop_table("run_input")
    op.drop_index(op.f("ix_message_transition_customer_id_at"), table_name="message_transition")
    op.drop_table("message_transition")
    op.drop_index(op.f("ix_message_run_id"), table_name="message")
    op.drop_index(
        "ix_message_outbox", table_name="message", postgresql_where=sa.text("provider = 'outbox'")
    )
    op.drop_index(op.f("ix_message_journey_id_step_state"), table_name="message")
    op.drop_index(op.f("ix_message_decided_at_id"), table_name="message")
    op.drop_index(op.f("ix_message_customer_id_claimed_at"), table_name="message")
    op.drop_table("message")
    op.drop_table("journey")
    op.drop_table("event_key")
    op.drop_index(op.f("ix_event_received_at_id"), table_name="event")
    op.drop_index(op.f("ix_event_customer_id_name_occurred_at"), table_name="event")
    op.drop_table("event")
    op.drop_index(op.f("ix_entry_refusal_journey_id_at"), table_name="entry_refusal")
    op.drop_table("entry_refusal")
    op.drop_index("ix_customer_phone", table_name="customer")
    op.drop_index("ix_customer_email", table_name="customer")
    op.drop_index(op.f("ix_customer_created_at_id"), table_name="customer")
    op.drop_table("customer")
    op.drop_table("cap")
    op.drop_index(op.f("ix_api_key_hash"), table_name="api_key")
    op.drop_table("api_key")
