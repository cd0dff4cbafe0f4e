"""The edits of drafts"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The edits of drafts."""
    for column, default in (("rev", "1"), ("edit", "0")):
        op.add_column(
            "journey", sa.Column(column, sa.BigInteger(), server_default=default, nullable=False)
        )
    op.create_table(
        "journey_edit",
        sa.Column("journey_id", sa.Text(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column(
            "label", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column("draft", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["journey_id"],
            ["journey.id"],
            name=op.f("fk_journey_edit_journey_id_journey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("journey_id", "n", name=op.f("pk_journey_edit")),
    )


def downgrade() -> None:
    """Without them."""
    op.drop_table("journey_edit")
    op.drop_column("journey", "edit")
    op.drop_column("journey", "rev")
