"""Files that are brought in by the pages, and whose an order is."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_NOW = sa.text("now()")
_NO = sa.text("false")
_COUNTS = (
    "offset",
    "line",
    "accepted",
    "known",
    "rejected",
    "rejects_size",
    "customers_new",
    "customers_known",
)


def upgrade() -> None:
    """Files that are brought in by the pages, and whose an order is."""
    op.create_table(
        "import_job",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), server_default="new", nullable=False),
        sa.Column("columns", _json(), server_default="[]", nullable=False),
        sa.Column("print", sa.Text(), server_default="", nullable=False),
        sa.Column("mapping", _json(), nullable=True),
        sa.Column("start_journeys", sa.Boolean(), server_default=_NO, nullable=False),
        *(sa.Column(name, sa.BigInteger(), server_default="0", nullable=False) for name in _COUNTS),
        sa.Column("reasons", _json(), server_default="{}", nullable=False),
        sa.Column("mentions", _json(), server_default="[]", nullable=False),
        sa.Column("checked", _json(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("failed_in", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("kept", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_job")),
    )
    op.create_index(op.f("ix_import_job_created_at"), "import_job", ["created_at"])
    op.create_index(op.f("ix_import_job_kind_print"), "import_job", ["kind", "print"])
    op.create_index(
        "ix_import_job_open",
        "import_job",
        ["created_at"],
        postgresql_where=sa.text("state IN ('checking', 'running')"),
    )
    op.create_index(
        "ix_event_order",
        "event",
        [sa.text("(properties ->> 'order_id')")],
        postgresql_where=sa.text("name = 'Order Completed'"),
    )


def _json() -> postgresql.JSONB:
    return postgresql.JSONB(astext_type=sa.Text())


def downgrade() -> None:
    """Undo it."""
    op.drop_index("ix_event_order", table_name="event")
    op.drop_table("import_job")
