"""Brings a database to this release's schema, by Alembic."""

from datetime import UTC, date, datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import OperationalError

from engine.errors import Conflict, Unavailable

_LOCK = 0x9A2C0125
"""Key of the advisory lock that lets one process migrate at a time."""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def head() -> str:
    """Return the schema's revision of this release."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def check_known(connection: Connection) -> str | None:
    """Return the database's revision; refuse a database that a newer release has upgraded."""
    current = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if current is not None and current not in known:
        raise Conflict(
            f"The database was upgraded by a newer Parcours (its schema is {current}, this "
            f"release knows {head()}). Install the newer release, or restore a backup made "
            "before the upgrade."
        )
    return current


def upgrade(url: str) -> bool:
    """Bring the schema up to date; return whether anything had to be done.

    Raises `Conflict` for a database of a newer release, `Unavailable` when it does not answer.
    """
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
            connection.commit()
            try:
                before = check_known(connection)
                connection.commit()
                config = _config()
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
                connection.commit()
                ensure_partitions(connection, datetime.now(UTC).date())
                connection.commit()
            finally:
                connection.rollback()
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK})
                connection.commit()
    except OperationalError as error:
        raise Unavailable(f"The database does not answer: {error.orig}") from error
    finally:
        engine.dispose()
    return before != head()


def ensure_partitions(connection: Connection, today: date, months: int = 3) -> None:
    """Create the partitions of `event` for this month and the next ones."""
    year, month = today.year, today.month
    for _ in range(months):
        start = date(year, month, 1)
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
        connection.execute(
            text(
                f"CREATE TABLE IF NOT EXISTS event_y{start:%Ym%m} PARTITION OF event "
                f"FOR VALUES FROM ('{start:%Y-%m-%d} 00:00+00') "
                f"TO ('{date(year, month, 1):%Y-%m-%d} 00:00+00')"
            )
        )
