"""Pauses that hold, and archived journeys"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Pauses that hold, and archived journeys."""
    op.add_column(
        "journey",
        sa.Column("ending", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column("run", sa.Column("held_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_run_held",
        "run",
        ["journey_id", "held_at"],
        unique=False,
        postgresql_where=sa.text("held_at IS NOT NULL"),
    )
    op.add_column("message", sa.Column("resumed_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Undo it."""
    op.drop_column("message", "resumed_at")
    op.drop_index("ix_run_held", table_name="run", postgresql_where=sa.text("held_at IS NOT NULL"))
    op.drop_column("run", "held_at")
    op.drop_column("journey", "ending")
