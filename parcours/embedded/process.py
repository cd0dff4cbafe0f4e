"""Starting and ending the programs of the embedded set."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import SystemRandom

import psutil

from engine.errors import Unavailable

HOPELESS = 78
"""The exit code (EX_CONFIG) of a child that would fail again however often it is started."""

LAUNCHER = Path(__file__).with_name("launch.py")
# Below what Linux, the BSDs and macOS give to outgoing connections: a port that is free
# for a moment, while its server restarts, is not taken by a client meanwhile.
PORTS = range(21_000, 29_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """How a child is started, how it is asked to end, and how one knows that it is ready."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    log: Path | None = None
    """Where its output goes; nowhere else means the parent's standard error."""
    user: tuple[int, int] | None = None
    is_ready: Callable[[int], bool] = lambda _: True
    """Asked with the number of the process."""
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10
    """How long it may take to end when asked."""
    orphan_signal: signal.Signals = signal.SIGKILL

    def start(self) -> subprocess.Popen[bytes]:
        """Start it as a child that ends when this process does."""
        output = self.log.open("ab") if self.log else None
        try:
            return subprocess.Popen(
                self._arguments(),
                stdin=subprocess.DEVNULL,
                stdout=output or sys.stderr.fileno(),
                stderr=output,
                env={**os.environ, **self.environment},
                process_group=0,  # Ctrl-C in a terminal reaches the supervisor alone
            )
        finally:
            if output:
                output.close()

    def run(self, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run it to its end, with `given` as its input, and keep what it says."""
        return subprocess.run(
            self._arguments(), input=given, capture_output=True, text=True, check=False
        )

    def _arguments(self) -> list[str]:
        user = ["--user", *map(str, self.user)] if self.user else []
        launch = [sys.executable, "-I", "-S", str(LAUNCHER), self.orphan_signal.name, *user]
        return [*launch, "--", *self.command]

    def last_words(self) -> str:
        """The end of its log, for the sentence that says why it did not start."""
        if self.log is None or not self.log.exists():
            return ""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-5:])


def wait_ready(program: Program, process: subprocess.Popen[bytes], seconds: float) -> None:
    """Wait until the program answers.

    Raises:
        Unavailable: it ended, or did not answer in time.
    """
    deadline = time.monotonic() + seconds
    while not program.is_ready(process.pid):
        if process.poll() is not None:
            raise Unavailable(
                f"{program.name} ended while starting (code {process.returncode}).\n"
                f"{program.last_words()}".rstrip()
            )
        if time.monotonic() > deadline:
            raise Unavailable(f"{program.name} does not answer; see {program.log}.")
        time.sleep(0.02)


def end(program: Program, process: subprocess.Popen[bytes]) -> None:
    """Ask a child to end, and make it end."""
    if process.poll() is None:
        process.send_signal(program.stop_signal)
        try:
            process.wait(program.stop_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


def end_leftover(pid: int, name: str, seconds: float = 5) -> bool:
    """Wait for what an earlier, killed parent has left behind, then end it.

    Answers whether it is gone; a process of another name, which has only been given the
    same number since, is left alone.
    """
    try:
        process = psutil.Process(pid)
        if name not in process.name():
            return False
        try:
            process.wait(seconds)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(seconds)
    except psutil.NoSuchProcess:
        pass
    return True


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(host: str = "127.0.0.1") -> int:
    """A port nobody listens on, outside the range of outgoing connections."""
    candidates = SystemRandom().sample(PORTS, 200)
    for port in candidates:
        if is_free(host, port):
            return port
    raise Unavailable(f"No free port on {host} between {PORTS.start} and {PORTS.stop}.")


def listens(host: str, port: int) -> bool:
    """Whether something accepts connections there."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False
