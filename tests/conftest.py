"""What every test may ask for: a database of its own, and Temporal."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from hypothesis import settings as hypothesis_settings
from psycopg import sql
from sqlalchemy.engine import make_url
from temporalio.client import Client

from parcours.embedded.postgres import Postgres
from parcours.embedded.temporal import Temporal

TESTS = Path(__file__).parent
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
# A slow machine is no reason to fail.
hypothesis_settings.register_profile("parcours", deadline=None)
hypothesis_settings.load_profile("parcours")

# What a test wants from its server is speed: nobody mourns its data.
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def _find_chromium() -> str | None:
    given = os.environ.get("PARCOURS_TEST_CHROMIUM")
    return given or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


@pytest.hookimpl(tryfirst=True)  # before `-m` looks at the marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark tests by their folder, and leave out what needs a browser that is not there."""
    for name in ("browser", "faults"):
        for item in items:
            if item.path.is_relative_to(TESTS / name):
                item.add_marker(name)
    in_browser = [item for item in items if item.get_closest_marker("browser")]
    if not in_browser or _find_chromium():
        return
    if os.environ.get("PARCOURS_TEST_NOTHING_LEFT_OUT"):
        raise pytest.UsageError("Chromium is missing, and nothing may be left out.")
    config.hook.pytest_deselected(items=in_browser)
    items[:] = [item for item in items if item not in set(in_browser)]
    config.stash[_LEFT_OUT] = len(in_browser)


_LEFT_OUT = pytest.StashKey[int]()


@pytest.hookimpl
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the process that shares out the tests what this one has left out."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["left_out"] = session.config.stash.get(_LEFT_OUT, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take down what a process of several has left out: each has left out the same."""
    node.config.stash[_LEFT_OUT] = node.workeroutput.get("left_out", 0)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say in one line what was left out, and how to get what it needs."""
    if count := config.stash.get(_LEFT_OUT, 0):
        terminalreporter.write_line(
            f"{count} tests in tests/browser were left out: they need Chromium "
            "(apt-get install chromium, or name it in PARCOURS_TEST_CHROMIUM)."
        )


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the browser; tests that ask for it are not run without one."""
    found = _find_chromium()
    assert found is not None, "tests/browser alone may ask for it"
    return found


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
def _filled(postgres_url: str) -> Iterator[str]:
    from tests.browser import shop

    with shop.filled(postgres_url) as url:
        yield url


@pytest.fixture(scope="module")
def shop_url(_filled: str) -> Iterator[str]:
    """A database that holds a small shop, for one module: its tests may add to it."""
    from tests.browser import shop

    with shop.copied(_filled) as url:
        yield url


@pytest.fixture(scope="session")
def temporal_address() -> Iterator[str]:
    """A Temporal server for the session."""
    with (
        tempfile.TemporaryDirectory(prefix="parcours-test-") as directory,
        Temporal(Path(directory)).running() as address,
    ):
        _wait_healthy(address)
        yield address


def _wait_healthy(address: str) -> None:
    """Wait for the server, which listens before it is healthy.

    On a thread: the browser's driver keeps an event loop running in this one.
    """
    with ThreadPoolExecutor(1) as threads:
        threads.submit(asyncio.run, _connect(address)).result(timeout=60)


async def _connect(address: str) -> None:
    while True:
        try:
            await Client.connect(address)
        except RuntimeError:
            await asyncio.sleep(0.1)
        else:
            return
