"""The embedded servers start, keep what they were given, and come back."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client

from parcours.embedded.postgres import Postgres
from parcours.embedded.process import end, wait_ready
from parcours.embedded.temporal import Temporal


def dsn(url: str) -> str:
    return url.replace("postgresql+psycopg", "postgresql")


@pytest.fixture
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="parcours-test-") as name:
        yield Path(name)


def test_a_database_keeps_its_rows_when_its_server_is_killed(directory: Path) -> None:
    postgres = Postgres(directory)
    postgres.prepare()
    program = postgres.program()
    process = program.start()
    wait_ready(program, process, 60)
    with psycopg.connect(dsn(postgres.url)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    process.kill()
    process.wait()
    with Postgres(directory).running() as url, psycopg.connect(dsn(url)) as connection:
        assert connection.execute("SELECT one FROM kept").fetchone() == (1,)


def test_a_wrong_password_is_refused(directory: Path) -> None:
    refused = pytest.raises(psycopg.OperationalError, match="password authentication failed")
    with Postgres(directory).running() as url, refused:
        psycopg.connect(dsn(url).replace("parcours:", "parcours:x"))


def test_a_long_path_gets_a_short_socket(directory: Path) -> None:
    deep = directory / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    with Postgres(deep).running() as url, psycopg.connect(dsn(url)) as connection:
        sockets = Path(connection.info.host)
    assert len(str(sockets)) < 88
    shutil.rmtree(sockets)


def test_a_cluster_that_was_half_made_is_made_anew(directory: Path) -> None:
    (directory / "postgres.new").mkdir()
    (directory / "postgres.new" / "PG_VERSION").write_text("18")
    with Postgres(directory).running() as url, psycopg.connect(dsn(url)) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_stale_pid_file_with_a_reused_number_does_not_stop_it(directory: Path) -> None:
    with Postgres(directory).running():
        pid_file = directory / "postgres" / "postmaster.pid"
        stale = pid_file.read_text()
    _, rest = stale.split("\n", 1)
    other = subprocess.Popen(["sleep", "60"])
    try:
        pid_file.write_text(f"{other.pid}\n{rest}")
        with Postgres(directory).running() as url:
            psycopg.connect(dsn(url)).close()
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


STARTER = """
import sys, time
from pathlib import Path
from parcours.embedded.postgres import Postgres
from parcours.embedded.process import wait_ready
from parcours.embedded.temporal import Temporal
directory = Path(sys.argv[1])
postgres = Postgres(directory)
postgres.prepare()
for server in (postgres, Temporal(directory)):
    program = server.program()
    process = program.start()
    wait_ready(program, process, 60)
    print(process.pid, flush=True)
time.sleep(600)
"""


def test_the_servers_end_when_their_parent_is_killed(directory: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(directory)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    children = [psutil.Process(int(parent.stdout.readline())) for _ in range(2)]
    offspring = [child for server in children for child in server.children(recursive=True)]
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    _, alive = psutil.wait_procs([*children, *offspring], timeout=10)
    assert alive == []
    with Postgres(directory).running() as url:
        psycopg.connect(dsn(url)).close()


async def _registered(address: str) -> set[str]:
    client = await Client.connect(address)
    answer = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace="default")
    )
    return set(answer.custom_attributes)


def test_temporal_comes_back_on_the_same_port_and_file(directory: Path) -> None:
    temporal = Temporal(directory)
    program = temporal.program()
    for _ in range(2):
        process = program.start()
        try:
            wait_ready(program, process, 60)
            assert _patiently_registered(temporal.address) >= {
                "JourneyId",
                "Version",
                "EntrySource",
            }
            process.kill()
        finally:
            end(program, process)


def _patiently_registered(address: str) -> set[str]:
    """Ask until the server, which listens before it is healthy, knows them."""
    give_up = time.monotonic() + 20
    while time.monotonic() < give_up:
        with contextlib.suppress(RuntimeError):
            if names := asyncio.run(_registered(address)):
                return names
        time.sleep(0.2)
    raise AssertionError("the server never became healthy")
