"""The product as operators run it, seen from outside: its address, its processes."""

import os
import pwd
import random
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGINT, SIGQUIT, SIGTERM
from typing import Protocol

import psutil

from parcours.embedded import addresses
from parcours.embedded.postgres import Postgres
from parcours.embedded.process import Program, end, free_port, wait_ready
from parcours.embedded.temporal import Temporal

PARCOURS = str(Path(sys.executable).with_name("parcours"))
DEBIANS_POSTGRESQL = Path("/usr/lib/postgresql/15/bin")

PARTS = ("web", "dispatcher", "worker", "PostgreSQL", "Temporal")


class Product(Protocol):
    """A running product."""

    url: str
    database_url: str
    temporal_address: str
    environment: dict[str, str]
    parts: tuple[str, ...]

    @property
    def is_ready(self) -> bool:
        """Whether web, database and Temporal answer."""
        ...

    def processes(self, part: str) -> list[psutil.Process]:
        """The living processes of a part."""
        ...

    def lose_temporal(self) -> None:
        """End Temporal, delete all it knows, and start it again."""
        ...

    def log(self) -> str:
        """What the processes have said."""
        ...


def parcours(product: Product, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command against the product's database and Temporal."""
    return subprocess.run(
        [PARCOURS, *arguments],
        env=product.environment,
        cwd=product.environment["PARCOURS_DATA_DIR"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=5) as answer:  # noqa: S310 - our own
            return bool(answer.status == 200)
    except OSError:
        return False


def wait_until(holds: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds:.0f} s"
        time.sleep(0.1)


def _environment(data_dir: Path, port: int, smtp_url: str, **more: str) -> dict[str, str]:
    data_dir.mkdir(exist_ok=True)
    return {
        **os.environ,
        **dict.fromkeys((key for key in os.environ if key.startswith("PARCOURS_")), ""),
        "PARCOURS_DATA_DIR": str(data_dir),
        "PARCOURS_PORT": str(port),
        "PARCOURS_EMAIL": "smtp",
        "PARCOURS_SMTP_URL": smtp_url,
        "PARCOURS_EMAIL_FROM": "The shop <shop@shop.example>",
        **more,
    }


@dataclass
class EmbeddedSet:
    """`parcours up`; its own supervisor restarts what dies."""

    data_dir: Path
    smtp_url: str
    layout: str = "split"
    parts: tuple[str, ...] = PARTS
    url: str = ""
    database_url: str = ""
    temporal_address: str = ""

    def __post_init__(self) -> None:
        self._port = free_port()
        self._log = self.data_dir / "up.log"
        self._up: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{self._port}"
        self.environment = _environment(self.data_dir, self._port, self.smtp_url)
        if self.layout != "split":
            self.parts = ("all three", "PostgreSQL", "Temporal")

    @contextmanager
    def running(self) -> Iterator["EmbeddedSet"]:
        try:
            self.start()
            yield self
        finally:
            self.stop()

    @property
    def _program(self) -> Program:
        return Program(
            name="up",
            command=[PARCOURS, "up", "--processes", self.layout],
            environment=self.environment,
            log=self._log,
            is_ready=lambda _: addresses.read(self.data_dir) is not None,
            stop_seconds=40,
            orphan_signal=SIGTERM,
        )

    def start(self) -> None:
        self._up = self._program.start()
        wait_ready(self._program, self._up, 240)
        found = addresses.read(self.data_dir)
        assert found is not None
        self.database_url = found.database_url
        self.temporal_address = found.temporal_address

    def stop(self) -> None:
        if self._up is not None:
            end(self._program, self._up)

    @property
    def is_ready(self) -> bool:
        return _answers(self.url)

    def processes(self, part: str) -> list[psutil.Process]:
        assert self._up is not None
        told = {
            "all three": "parcours.serve",
            "PostgreSQL": "/postgres",
            "Temporal": "start-dev",
        }.get(part, f"parcours.serve {part}")
        found = []
        for child in psutil.Process(self._up.pid).children():
            with suppress(psutil.Error):
                if told in " ".join(child.cmdline()) and "launch.py" not in child.cmdline()[-1]:
                    found.append(child)
        return found

    def lose_temporal(self) -> None:
        self.stop()
        _delete_temporal(self.data_dir)
        self.start()

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")


@dataclass
class Unit:
    """A program that is started again whenever it dies, as systemd would."""

    part: str
    program: Program
    process: subprocess.Popen[bytes]
    wanted: bool = True
    due: float | None = None


@dataclass
class ThreeRoles:
    """web, dispatcher and two workers by hand, on PostgreSQL by URL and Temporal by address."""

    directory: Path
    smtp_url: str
    seed: int = 0
    workers: int = 2
    parts: tuple[str, ...] = PARTS
    url: str = ""
    database_url: str = ""
    temporal_address: str = ""
    units: list[Unit] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self.environment = _environment(self.directory / "data", self._port, self.smtp_url)
        self._temporal = Temporal(self.directory)

    @contextmanager
    def running(self) -> Iterator["ThreeRoles"]:
        postgres, self.database_url = _own_postgresql(self.directory)
        self.temporal_address = self._temporal.address
        self.environment["PARCOURS_DATABASE_URL"] = self.database_url
        self.environment["PARCOURS_TEMPORAL_ADDRESS"] = self.temporal_address
        stop = threading.Event()
        with ExitStack() as stack:
            stack.callback(self._end_all)
            for part, program in (
                ("PostgreSQL", postgres),
                ("Temporal", self._temporal.program()),
            ):
                unit = self._start(part, program)
                wait_ready(program, unit.process, 60)
            done = parcours(self, "db", "upgrade")
            assert done.returncode == 0, done.stderr
            for role in ("web", "dispatcher", *["worker"] * self.workers):
                self._start(role, self._role(role))
            wait_until(lambda: self.is_ready, 120, "readiness")
            keeping = threading.Thread(target=self._keep, args=(stop,))
            keeping.start()
            stack.callback(keeping.join)
            stack.callback(stop.set)
            yield self

    def _role(self, role: str) -> Program:
        return Program(
            name=role,
            command=[PARCOURS, role],
            environment=self.environment,
            log=self.directory / "roles.log",
        )

    def _start(self, part: str, program: Program) -> Unit:
        unit = Unit(part, program, program.start())
        self.units.append(unit)
        return unit

    def _keep(self, stop: threading.Event) -> None:
        while not stop.wait(0.05):
            now = time.monotonic()
            for unit in self.units:
                if unit.process.poll() is None or not unit.wanted:
                    unit.due = None
                elif unit.due is None:
                    unit.due = now + self._rng.uniform(0.1, 1.0)
                elif unit.due <= now:
                    unit.process, unit.due = unit.program.start(), None

    def _end_all(self) -> None:
        for unit in reversed(self.units):
            end(unit.program, unit.process)

    def of(self, part: str) -> list[Unit]:
        """The units of a part."""
        return [unit for unit in self.units if unit.part == part]

    @property
    def is_ready(self) -> bool:
        return _answers(self.url)

    def processes(self, part: str) -> list[psutil.Process]:
        found = []
        for unit in self.of(part):
            with suppress(psutil.NoSuchProcess):
                if unit.process.poll() is None:
                    found.append(psutil.Process(unit.process.pid))
        return found

    def lose_temporal(self) -> None:
        (unit,) = self.of("Temporal")
        unit.wanted = False
        unit.process.kill()
        unit.process.wait()
        _delete_temporal(self.directory)
        unit.wanted = True
        wait_until(lambda: self.is_ready, 60, "Temporal's return")

    def log(self) -> str:
        return (self.directory / "roles.log").read_text(encoding="utf-8")


def _delete_temporal(directory: Path) -> None:
    found = list(directory.glob("temporal.db*"))
    assert found
    for file in found:
        file.unlink()


def _own_postgresql(directory: Path) -> tuple[Program, str]:
    """A PostgreSQL that listens on a port: Debian's where it is installed, else the wheel's."""
    port = free_port()
    listening = {"listen_addresses": "127.0.0.1", "port": str(port)}
    if not (DEBIANS_POSTGRESQL / "postgres").exists():
        own = Postgres(directory, settings=listening)
        own.prepare()
        url = f"postgresql://parcours:{own.password}@127.0.0.1:{port}/parcours"
        return own.program(), url
    user = None
    cluster = directory / "cluster"
    cluster.mkdir(mode=0o700)
    if os.geteuid() == 0:
        entry = pwd.getpwnam("postgres")
        user = (entry.pw_uid, entry.pw_gid)
        os.chown(cluster, *user)
    initdb = [
        *(str(DEBIANS_POSTGRESQL / "initdb"), "--auth=trust", "--username=parcours"),
        *("--encoding=UTF8", "--locale=C.UTF-8", "--pgdata", str(cluster)),
    ]
    made = Program(name="initdb", command=initdb, user=user).run()
    assert made.returncode == 0, made.stderr
    settings = {**listening, "unix_socket_directories": "", "max_connections": "120"}
    program = Program(
        name="PostgreSQL",
        command=[
            str(DEBIANS_POSTGRESQL / "postgres"),
            f"-D{cluster}",
            *(f"--{name}={value}" for name, value in settings.items()),
        ],
        log=directory / "postgres.log",
        user=user,
        is_ready=lambda _: "ready" in _last_line(cluster / "postmaster.pid"),
        stop_signal=SIGINT,
        orphan_signal=SIGQUIT,
    )
    return program, f"postgresql://parcours@127.0.0.1:{port}/postgres"


def _last_line(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").splitlines()[-1]
    except (FileNotFoundError, IndexError):
        return ""
