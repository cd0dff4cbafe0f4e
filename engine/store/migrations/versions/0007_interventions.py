"""Customers who are ended or moved on by hand, and counters of a period."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_NOW = sa.text("now()")
_OPEN = sa.text("confirmed_at IS NOT NULL AND ended_at IS NULL")


def upgrade() -> None:
    """Customers who are ended or moved on by hand, and counters of a period."""
    op.create_table(
        "intervention",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journey_id", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column(
            "asked",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        sa.Column("total", sa.Integer(), server_default="0", nullable=False),
        sa.Column("chosen", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intervention")),
    )
    op.create_index(
        "ix_intervention_open", "intervention", ["confirmed_at"], postgresql_where=_OPEN
    )
    op.create_table(
        "intervention_run",
        sa.Column("intervention_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.Text(), nullable=True),
        sa.Column("visit", sa.Integer(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["intervention_id"],
            ["intervention.id"],
            name=op.f("fk_intervention_run_intervention_id_intervention"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("intervention_id", "run_id", name=op.f("pk_intervention_run")),
    )
    op.create_index(
        "ix_intervention_run_due",
        "intervention_run",
        ["intervention_id", "due_at"],
        postgresql_where=sa.text("outcome IS NULL"),
    )
    op.create_index(
        "ix_run_inside",
        "run",
        ["journey_id", "step"],
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    # Each of these takes the place of one that could not tell times apart.
    op.drop_index("ix_run_trace_journey_id_step_what", table_name="run_trace")
    op.create_index(
        "ix_run_trace_journey_id_step_what_at", "run_trace", ["journey_id", "step", "what", "at"]
    )
    op.drop_index("ix_message_journey_id_step_state", table_name="message")
    op.create_index(
        "ix_message_counted",
        "message",
        ["journey_id", "step", "decided_at"],
        postgresql_include=["state", "opened_at", "clicked_at"],
    )


def downgrade() -> None:
    """Undo it."""
    op.drop_index("ix_message_counted", table_name="message")
    op.create_index("ix_message_journey_id_step_state", "message", ["journey_id", "step", "state"])
    op.drop_index("ix_run_trace_journey_id_step_what_at", table_name="run_trace")
    op.create_index(
        "ix_run_trace_journey_id_step_what", "run_trace", ["journey_id", "step", "what"]
    )
    op.drop_index("ix_run_inside", table_name="run")
    op.drop_table("intervention_run")
    op.drop_table("intervention")
