"""What every test may ask for: a database of its own, and Temporal."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

from parcours.embedded.postgres import Postgres
from parcours.embedded.temporal import Temporal

# What a test wants from its server is speed: nobody mourns its data.
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def _administer(url: str, statement: sql.Composable) -> None:
    plain = make_url(url).set(drivername="postgresql", database="postgres")
    dsn = plain.render_as_string(hide_password=False)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(statement)


def _named(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


def _drop(url: str, database: str) -> None:
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
    _administer(url, drop.format(sql.Identifier(database)))


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL for the session; its role may create databases.

    `PARCOURS_TEST_DATABASE_URL` names another one than the embedded.
    """
    if given := os.environ.get("PARCOURS_TEST_DATABASE_URL"):
        yield given
        return
    with (
        tempfile.TemporaryDirectory(prefix="parcours-test-") as directory,
        Postgres(Path(directory), settings=FORGETFUL).running() as url,
    ):
        yield url


@pytest.fixture(scope="session")
def _template(postgres_url: str) -> Iterator[str]:
    """The name of a migrated, empty database that others are copied from."""
    from engine.store.migrate import upgrade

    name = f"template_{uuid4().hex}"
    _administer(postgres_url, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    upgrade(_named(postgres_url, name))
    yield name
    _drop(postgres_url, name)


@pytest.fixture
def empty_database_url(postgres_url: str) -> Iterator[str]:
    """A database without any table, for one test."""
    name = f"test_{uuid4().hex}"
    _administer(postgres_url, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield _named(postgres_url, name)
    _drop(postgres_url, name)


@pytest.fixture
def database_url(postgres_url: str, _template: str) -> Iterator[str]:
    """A migrated, empty database for one test."""
    name = f"test_{uuid4().hex}"
    copy = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
    _administer(postgres_url, copy.format(sql.Identifier(name), sql.Identifier(_template)))
    yield _named(postgres_url, name)
    _drop(postgres_url, name)


@pytest.fixture(scope="session")
def temporal_address() -> Iterator[str]:
    """A Temporal server for the session."""
    with (
        tempfile.TemporaryDirectory(prefix="parcours-test-") as directory,
        Temporal(Path(directory)).running() as address,
    ):
        yield address
