"""Starts for many customers, and journeys that open on schedules and dates."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_NOW = sa.text("now()")
_JSON = postgresql.JSONB(astext_type=sa.Text())

# The value of a trait as `look_up` in engine/run/conditions.py finds it: told or computed.
_TRAIT = """
CREATE FUNCTION trait_of(traits jsonb, derived jsonb, name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN coalesce(
    derived ->> name, derived #>> string_to_array(name, '.'),
    traits ->> name, traits #>> string_to_array(name, '.')
)
"""

# Whoever changes a customer, by whatever way: a journey that opens on a date of hers looks again.
_CHANGED = """
CREATE FUNCTION note_upcoming() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO upcoming AS u (customer_id, journey_id, due_at, after)
    SELECT NEW.id, j.journey_id, clock_timestamp(),
           CASE WHEN seen.was IS DISTINCT FROM seen.is_ THEN clock_timestamp() END
    FROM timed_journey j CROSS JOIN LATERAL (
        SELECT trait_of(OLD.traits, OLD.derived, j.trait) AS was,
               trait_of(NEW.traits, NEW.derived, j.trait) AS is_
    ) seen
    WHERE j.trait IS NOT NULL AND NEW.merged_into IS NULL
      AND (seen.was IS DISTINCT FROM seen.is_
           OR (seen.is_ IS NOT NULL AND OLD.time_zone IS DISTINCT FROM NEW.time_zone))
    ON CONFLICT (customer_id, journey_id) DO UPDATE
    SET due_at = excluded.due_at, after = coalesce(excluded.after, u.after),
        done = CASE WHEN excluded.after IS NULL THEN u.done END;
    RETURN NULL;
END $$
"""
_ADDED = """
CREATE FUNCTION note_upcoming_of_new() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO upcoming (customer_id, journey_id, due_at, after)
    SELECT c.id, j.journey_id, clock_timestamp(), clock_timestamp()
    FROM timed_journey j CROSS JOIN added c
    WHERE j.trait IS NOT NULL AND trait_of(c.traits, c.derived, j.trait) IS NOT NULL
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$
"""
_MERGED = """
CREATE FUNCTION forget_upcoming() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM upcoming WHERE customer_id = OLD.id;
    RETURN NULL;
END $$
"""
_TRIGGERS = (
    """
    CREATE TRIGGER customer_changed AFTER UPDATE OF traits, derived, time_zone ON customer
    FOR EACH ROW WHEN (
        OLD.traits IS DISTINCT FROM NEW.traits OR OLD.derived IS DISTINCT FROM NEW.derived
        OR OLD.time_zone IS DISTINCT FROM NEW.time_zone
    ) EXECUTE FUNCTION note_upcoming()
    """,
    """
    CREATE TRIGGER customer_added AFTER INSERT ON customer REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION note_upcoming_of_new()
    """,
    """
    CREATE TRIGGER customer_merged AFTER UPDATE OF merged_into ON customer
    FOR EACH ROW WHEN (NEW.merged_into IS NOT NULL) EXECUTE FUNCTION forget_upcoming()
    """,
)


def upgrade() -> None:
    """Starts for many customers, and journeys that open on schedules and dates."""
    op.create_table(
        "start",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journey_id", sa.Text(), nullable=False),
        sa.Column("segment_id", sa.Text(), nullable=True),
        *(sa.Column(name, sa.Text(), nullable=False)
          for name in ("pace", "source", "actor", "actor_name")),
        sa.Column("state", sa.Text(), server_default="running", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("cursor", sa.Uuid(), nullable=True),
        sa.Column("until", sa.Uuid(), nullable=True),
        sa.Column("total", sa.Integer(), nullable=True),
        *(sa.Column(name, sa.Integer(), server_default="0", nullable=False)
          for name in ("entered", "refused", "failed")),
        _at("paced_at"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        _at("due_at"),
        _at("begun_at"),
        _at("ended_at"),
        _of_journey("start"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_start")),
    )  # fmt: skip
    op.create_index(op.f("ix_start_journey_id_created_at"), "start", ["journey_id", "created_at"])
    op.create_index(
        "ix_start_running",
        "start",
        ["journey_id", "id"],
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_table(
        "timed_journey",
        sa.Column("journey_id", sa.Text(), nullable=False),
        sa.Column("rule", _JSON, nullable=False),
        _at("since", nullable=False),
        _at("next_at"),
        sa.Column("trait", sa.Text(), nullable=True),
        sa.Column("cursor", sa.Uuid(), nullable=True),
        _at("filled_at"),
        _at("paced_at"),
        sa.Column("known_from", sa.BigInteger(), nullable=True),
        _of_journey("timed_journey"),
        sa.PrimaryKeyConstraint("journey_id", name=op.f("pk_timed_journey")),
    )
    op.create_table(
        "upcoming",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("journey_id", sa.Text(), nullable=False),
        _at("due_at"),
        sa.Column("due_on", sa.Date(), nullable=True),
        _at("after"),
        sa.Column("done", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("customer_id", "journey_id", name=op.f("pk_upcoming")),
    )  # fmt: skip
    op.create_index("ix_upcoming_due", "upcoming", ["journey_id", "due_at"])
    op.create_index("ix_upcoming_day", "upcoming", ["journey_id", "due_on"])
    for statement in (_TRAIT, _CHANGED, _ADDED, _MERGED, *_TRIGGERS):
        op.execute(statement)


def _at(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _of_journey(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["journey_id"],
        ["journey.id"],
        name=op.f(f"fk_{table}_journey_id_journey"),
        ondelete="CASCADE",
    )


def downgrade() -> None:
    """Undo it."""
    for trigger in ("customer_changed", "customer_added", "customer_merged"):
        op.execute(f"DROP TRIGGER {trigger} ON customer")
    for function in ("note_upcoming", "note_upcoming_of_new", "forget_upcoming", "trait_of"):
        op.execute(f"DROP FUNCTION {function}")
    for table in ("upcoming", "timed_journey", "start"):
        op.drop_table(table)
