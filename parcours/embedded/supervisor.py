"""Keeps children alive, and ends them all when it ends.

One thread that sleeps until a child dies, a signal comes or something is due: an idle
product has an idle supervisor.
"""

import select
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from engine.errors import Unavailable
from parcours.embedded.process import HOPELESS, Program, end

log = structlog.get_logger()

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0
SETTLED = 10.0
"""A child that has lived so many seconds starts again without a pause when it dies."""
ATTEMPTS = 5
"""So often may a child die before it was ready once; then `up` gives up."""
READY_EVERY = 0.05


class StopRequested(Exception):
    """Someone asked the supervisor to end."""


@dataclass(slots=True)
class Child:
    """One supervised program and how it fares."""

    program: Program
    process: subprocess.Popen[bytes]
    started: float
    ready: bool = False
    was_ready: bool = False
    failures: int = 0
    due: float | None = None
    """When to start it again, while it is dead."""


@dataclass(slots=True)
class Supervisor:
    """Starts children and stays with them; use inside `with supervisor.watching()`."""

    children: list[Child] = field(default_factory=list)
    _wake: socket.socket | None = None
    _stop: bool = False

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Take over the process's signals, and end every child at the end of the block."""
        receiver, sender = socket.socketpair()
        receiver.setblocking(False)
        sender.setblocking(False)
        self._wake = receiver
        before_fd = signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
        numbers = [signal.SIGCHLD, signal.SIGTERM, signal.SIGINT]
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup stays nohup
            numbers.append(signal.SIGHUP)
        before = {number: signal.signal(number, self._on_signal) for number in numbers}
        try:
            yield
        finally:
            self._end_all()
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(before_fd)
            receiver.close()
            sender.close()

    def add(self, program: Program) -> Child:
        """Start a program and keep it alive from now on."""
        child = Child(program, program.start(), time.monotonic())
        self.children.append(child)
        return child

    def stay(self, *, until_ready: Iterable[Child] | None = None, seconds: float = 1e9) -> None:
        """Look after the children until some are ready; without them, until asked to end.

        Raises:
            StopRequested: a signal asked to end.
            Unavailable: a child cannot be started, or is not ready in time.
        """
        wanted = None if until_ready is None else list(until_ready)
        deadline = time.monotonic() + seconds
        while True:
            pause = self._look_after()
            if wanted is not None:
                waiting = [child for child in wanted if not child.ready]
                if not waiting:
                    return
                if time.monotonic() > deadline:
                    raise Unavailable(
                        f"{waiting[0].program.name} is not ready after {seconds:.0f} s.\n"
                        f"{waiting[0].program.last_words()}".rstrip()
                    )
            self._sleep(pause)

    def run(self, program: Program) -> int:
        """Run a program to its end, looking after the children meanwhile; its exit code."""
        process = program.start()
        try:
            while (code := process.poll()) is None:
                self._sleep(self._look_after())
            return code
        finally:
            end(program, process)

    def _look_after(self) -> float | None:
        """Do what is due now; answers in how many seconds something is due again."""
        now = time.monotonic()
        pauses = []
        for child in self.children:
            if child.due is None and child.process.poll() is not None:
                self._bury(child, now)
            if child.due is not None and child.due <= now:
                child.process, child.started, child.due = child.program.start(), now, None
            if child.due is not None:
                pauses.append(child.due - now)
            elif not child.ready:
                child.ready = child.program.is_ready(child.process.pid)
                if not child.ready:
                    pauses.append(READY_EVERY)
                elif child.was_ready:
                    log.info("is back", child=child.program.name)
                child.was_ready |= child.ready
        return min(pauses, default=None)

    def _bury(self, child: Child, now: float) -> None:
        if child.process.returncode == HOPELESS:
            raise Unavailable("Parcours was not started.")
        settled = child.ready and now - child.started > SETTLED
        child.failures = 0 if settled else child.failures + 1
        if not child.was_ready and child.failures >= ATTEMPTS:
            raise Unavailable(
                f"{child.program.name} does not start.\n{child.program.last_words()}".rstrip()
            )
        pause = 0.0 if settled else min(FIRST_PAUSE * 2**child.failures, LONGEST_PAUSE)
        child.ready, child.due = False, now + pause
        log.warning(
            "ended and is started again",
            child=child.program.name,
            code=child.process.returncode,
            seconds=round(pause, 1),
        )

    def _sleep(self, seconds: float | None) -> None:
        assert self._wake is not None, "a supervisor sleeps only while it is watching"  # noqa: S101
        select.select([self._wake], [], [], seconds)
        try:
            while self._wake.recv(512):
                pass
        except BlockingIOError:
            pass
        if self._stop:
            raise StopRequested

    def _on_signal(self, number: int, _frame: object) -> None:
        if number != signal.SIGCHLD:
            self._stop = True

    def _end_all(self) -> None:
        """End the children in the reverse order of their start: servers last."""
        for child in reversed(self.children):
            if child.due is None:
                end(child.program, child.process)
        self.children.clear()
