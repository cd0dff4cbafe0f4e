"""The database: whether it answers, has this release's schema, and shows the same time."""

import time
from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from engine.errors import Conflict
from engine.store import audit, migrate
from parcours.doctor.finding import Finding, unwise, well, wrong

_NO_MATTER: Final = 1.0
_TOO_MUCH: Final = 5.0


def look(url: str) -> Iterator[Finding]:
    """Look at the database at this address."""
    engine = create_engine(url, connect_args={"connect_timeout": 5}, hide_parameters=True)
    try:
        with engine.connect() as connection:
            yield well("database", f"answers, PostgreSQL {_version(connection)}")
            schema = _schema(connection)
            yield schema
            if schema.state == "well":
                yield _record(connection)
            yield clock(_ahead(connection))
    except SQLAlchemyError as error:
        yield wrong(
            "database",
            f"does not answer ({type(error).__name__})",
            "Start it, and check PARCOURS_DATABASE_URL: host, port, user, password, name",
        )
    finally:
        engine.dispose()


def _version(connection: Connection) -> str:
    found = connection.execute(text("SHOW server_version")).scalar_one()
    return str(found).split(" ", maxsplit=1)[0]


def _schema(connection: Connection) -> Finding:
    try:
        current = migrate.check_known(connection)
    except Conflict as error:
        return wrong("schema", "is of a newer release", str(error).rstrip("."))
    if current == migrate.head():
        return well("schema", f"is this release's ({current})")
    said = f"is {current}, this release has {migrate.head()}" if current else "is not there"
    return wrong("schema", said, "Run `parcours db upgrade`")


def _record(connection: Connection) -> Finding:
    place = audit.broken(connection)
    if place is None:
        return well("record of changes", "each change follows from the one before")
    said = f"the change {place} is not as it was written"
    return wrong("record of changes", said, "Compare the table audit with your backups")


def _ahead(connection: Connection) -> float:
    """Return by how many seconds the database's clock is ahead of this machine's."""
    before = time.time()
    there = connection.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one()
    return float(there) - (before + time.time()) / 2


def clock(ahead: float) -> Finding:
    """Judge the seconds by which the database's clock is ahead of this machine's."""
    if abs(ahead) <= _NO_MATTER:
        return well("clock", "the database and this machine agree")
    said = (
        f"the database is {abs(ahead):.1f} s {'ahead of' if ahead > 0 else 'behind'} this machine"
    )
    mend = "Have both set their clocks over the network (chrony, systemd-timesyncd)"
    return (wrong if abs(ahead) > _TOO_MUCH else unwise)("clock", said, mend)
