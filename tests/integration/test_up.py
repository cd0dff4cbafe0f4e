"""`parcours up` from outside: what it prints, what it survives, what it leaves behind."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import pytest

from parcours.embedded.postgres import Postgres
from parcours.embedded.process import free_port

PARCOURS = str(Path(sys.executable).with_name("parcours"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Up:
    """A running `parcours up`."""

    process: subprocess.Popen[str]
    data_dir: Path
    environment: dict[str, str]
    port: int

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def child(self, text: str) -> psutil.Process:
        """The child with this in its command line."""
        children = psutil.Process(self.process.pid).children()
        return next(child for child in children if text in " ".join(child.cmdline()))

    def parcours(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [PARCOURS, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}/readyz", timeout=5
            ) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


@contextmanager
def starting(*options: str) -> Iterator[Up]:
    with tempfile.TemporaryDirectory(prefix="parcours-test-") as name:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PARCOURS_")}
        environment = {**kept, "PARCOURS_DATA_DIR": name}
        port = free_port()
        with Path(name, "stderr").open("w", encoding="utf-8") as stderr:
            process = subprocess.Popen(
                [PARCOURS, "up", "--port", str(port), *options],
                env=environment,
                cwd=name,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        up = Up(process=process, data_dir=Path(name), environment=environment, port=port)
        family: list[psutil.Process] = []
        try:
            yield up
            family = up.family()
        finally:
            process.terminate()
            try:
                process.communicate(timeout=40)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
            sys.stderr.write(Path(name, "stderr").read_text(encoding="utf-8"))
        _, alive = psutil.wait_procs(family, timeout=5)
        assert alive == []


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    with starting() as running:
        assert re.match(rf"Open http://127\.0\.0\.1:{running.port}/login\?", running.line())
        assert running.line() == f"Parcours is ready: http://127.0.0.1:{running.port}\n"
        yield running


def test_other_commands_reach_its_database(up: Up) -> None:
    done = up.parcours("db", "upgrade")
    assert (done.returncode, done.stderr) == (0, "")
    addresses = json.loads((up.data_dir / "addresses.json").read_text(encoding="utf-8"))
    assert addresses["pid"] == up.process.pid
    with psycopg.connect(addresses["database_url"].replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)


def test_what_it_keeps_is_private(up: Up) -> None:
    for name in ("addresses.json", "secret_key", "postgres.password"):
        assert (up.data_dir / name).stat().st_mode & 0o077 == 0, name


def test_a_second_one_on_the_same_data_is_refused(up: Up) -> None:
    done = up.parcours("up", "--port", str(free_port()))
    assert done.returncode == 1
    assert done.stderr.startswith(f"Another parcours (process {up.process.pid}) runs its servers")


def test_a_taken_port_is_told_before_anything_starts(up: Up) -> None:
    with tempfile.TemporaryDirectory(prefix="parcours-test-") as name:
        environment = {**up.environment, "PARCOURS_DATA_DIR": name}
        done = subprocess.run(
            [PARCOURS, "up", "--port", str(up.port)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        assert done.returncode == 1
        assert done.stderr.startswith(f"Port {up.port} of 127.0.0.1 is taken")
        assert {entry.name for entry in Path(name).iterdir()} <= {"lock"}


def everything_answers(up: Up) -> bool:
    addresses = json.loads((up.data_dir / "addresses.json").read_text(encoding="utf-8"))
    host, port = addresses["temporal_address"].split(":")
    try:
        psycopg.connect(addresses["database_url"].replace("+psycopg", "")).close()
        socket.create_connection((host, int(port)), timeout=5).close()
    except (OSError, psycopg.OperationalError):
        return False
    return up.is_ready()


@pytest.mark.parametrize("part", ["temporal", "postgres", "parcours.serve"])
def test_what_is_killed_comes_back_where_it_was(up: Up, part: str) -> None:
    victim = up.child(part)
    victim.kill()
    victim.wait(10)
    deadline = time.monotonic() + 60
    while not everything_answers(up):
        assert time.monotonic() < deadline, f"{part} did not come back"
        time.sleep(0.1)
    assert up.child(part).pid != victim.pid


def test_killed_it_leaves_nobody_and_starts_again() -> None:
    with starting() as first:
        first.line()
        first.line()
        family = first.family()
        assert len(family) >= 3
        os.kill(first.process.pid, signal.SIGKILL)
        _, alive = psutil.wait_procs(family, timeout=10)
        assert alive == []
        again = subprocess.Popen(
            [PARCOURS, "up", "--port", str(first.port)],
            env=first.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert again.stdout is not None
        assert again.stdout.readline().startswith("Open http://")
        assert again.stdout.readline().startswith("Parcours is ready")
        again.send_signal(signal.SIGINT)
        again.communicate(timeout=40)
        assert again.returncode == 0
        assert not (first.data_dir / "addresses.json").exists()


def test_the_roles_may_have_a_process_each() -> None:
    with starting("--processes", "split") as running:
        running.line()
        assert running.line().startswith("Parcours is ready")
        for role in ("web", "worker", "dispatcher"):
            assert running.child(f"parcours.serve {role}").is_running()


def test_a_database_of_a_newer_release_ends_it_with_a_sentence() -> None:
    with tempfile.TemporaryDirectory(prefix="parcours-test-") as name:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PARCOURS_")}
        with Postgres(Path(name)).running() as url:
            plain = url.replace("+psycopg", "")
            with psycopg.connect(plain) as connection:
                connection.execute("CREATE TABLE alembic_version (version_num varchar(32))")
                connection.execute("INSERT INTO alembic_version VALUES ('from_the_future')")
        done = subprocess.run(
            [PARCOURS, "up", "--port", str(free_port())],
            env={**kept, "PARCOURS_DATA_DIR": name},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    assert done.returncode == 1
    assert "newer" in done.stderr
    assert done.stderr.endswith("Parcours was not started.\n")
    assert "Traceback" not in done.stderr
