"""The supervisor restarts what dies, gives up on what never starts, and leaves nobody behind."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from engine.errors import Unavailable
from parcours.embedded.process import Program
from parcours.embedded.supervisor import Supervisor

SUPERVISE = textwrap.dedent("""
    import sys
    from parcours.embedded.process import Program
    from parcours.embedded.supervisor import StopRequested, Supervisor
    supervisor = Supervisor()
    sleeper = [sys.executable, "-c", sys.argv[1]]
    try:
        with supervisor.watching():
            for name in ("one", "two"):
                supervisor.add(Program(name=name, command=sleeper, stop_seconds=1))
            print("ready", flush=True)
            supervisor.stay()
    except StopRequested:
        print("stopped", flush=True)
""")
PATIENT = "import time; time.sleep(600)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"


@contextmanager
def supervising(code: str) -> Iterator[psutil.Process]:
    process = subprocess.Popen(
        [sys.executable, "-c", SUPERVISE, code],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield psutil.Process(process.pid)
    finally:
        process.kill()
        process.communicate()


def children(supervisor: psutil.Process, count: int = 2) -> list[psutil.Process]:
    """Its children, when there are so many that have become what they shall be."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        found = [
            child
            for child in supervisor.children()
            if child.status() != psutil.STATUS_ZOMBIE
            and "launch.py" not in " ".join(child.cmdline())
        ]
        if len(found) == count:
            return found
        time.sleep(0.02)
    raise AssertionError(f"not {count} children")


def test_a_killed_child_is_started_again() -> None:
    with supervising(PATIENT) as supervisor:
        first, second = children(supervisor)
        first.kill()
        first.wait(5)
        assert second in children(supervisor)


@pytest.mark.parametrize("code", [PATIENT, STUBBORN])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_all_end_when_it_is_asked_to_end(code: str, number: int) -> None:
    with supervising(code) as supervisor:
        family = children(supervisor)
        supervisor.send_signal(number)
        _, alive = psutil.wait_procs([supervisor, *family], timeout=10)
        assert alive == []


def test_all_end_when_it_is_killed() -> None:
    with supervising(STUBBORN) as supervisor:
        family = children(supervisor)
        supervisor.kill()
        _, alive = psutil.wait_procs(family, timeout=5)
        assert alive == []


def test_it_sleeps_while_nothing_happens() -> None:
    with supervising(PATIENT) as supervisor:
        children(supervisor)
        before = supervisor.num_ctx_switches().voluntary
        time.sleep(1)
        assert supervisor.num_ctx_switches().voluntary - before <= 2


def test_what_never_starts_ends_it_with_its_last_words(tmp_path: Path) -> None:
    broken = Program(
        name="Broken",
        command=[sys.executable, "-c", "raise SystemExit('no such luck')"],
        log=tmp_path / "log",
        is_ready=lambda _: False,
    )
    supervisor = Supervisor()
    with supervisor.watching():
        child = supervisor.add(broken)
        with pytest.raises(Unavailable, match=r"^Broken does not start\.\n(no such luck\n?)+$"):
            supervisor.stay(until_ready=[child])


def test_what_is_not_ready_in_time_is_told() -> None:
    slow = Program(name="Slow", command=[sys.executable, "-c", PATIENT], is_ready=lambda _: False)
    supervisor = Supervisor()
    with supervisor.watching(), pytest.raises(Unavailable, match="Slow is not ready after 1 s"):
        supervisor.stay(until_ready=[supervisor.add(slow)], seconds=1)


def test_a_program_is_run_to_its_end_while_children_are_looked_after() -> None:
    supervisor = Supervisor()
    with supervisor.watching():
        child = supervisor.add(Program(name="child", command=[sys.executable, "-c", PATIENT]))
        killer = (
            f"import os; os.kill({child.process.pid}, {int(signal.SIGKILL)}); raise SystemExit(3)"
        )
        first = child.process.pid
        assert supervisor.run(Program(name="k", command=[sys.executable, "-c", killer])) == 3
        supervisor.stay(until_ready=[child], seconds=10)
        assert child.process.pid != first
        assert os.getpgid(child.process.pid) != os.getpgrp()
