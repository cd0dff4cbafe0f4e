"""The embedded servers for a measurement, and the CPU that all processes have used."""

import asyncio
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from engine.settings import Settings
from engine.store.migrate import upgrade
from parcours.embedded.postgres import Postgres
from parcours.embedded.temporal import Temporal


@dataclass(frozen=True)
class Stack:
    """Where the servers are."""

    settings: Settings
    directory: Path


@contextmanager
def stack(**given: Any) -> Iterator[Stack]:
    """Start PostgreSQL and Temporal as `parcours up` does, in a directory of their own."""
    with tempfile.TemporaryDirectory(prefix="parcours-bench-") as name:
        directory = Path(name)
        with Postgres(directory).running() as url, Temporal(directory).running() as address:
            upgrade(url)
            settings = Settings.load(
                database_url=url,
                temporal_address=address,
                data_dir=directory,
                _env_file=None,
                **given,
            )
            yield Stack(settings, directory)


def cpu_by_process() -> dict[str, float]:
    """Return CPU seconds (user and system) so far, by program: this one and all its children."""
    used: dict[str, float] = {}
    me = psutil.Process()
    for process in [me, *me.children(recursive=True)]:
        try:
            times = process.cpu_times()
            name = process.name()
        except psutil.NoSuchProcess:
            continue
        ended = times.children_user + times.children_system if process.pid != me.pid else 0
        used[name] = used.get(name, 0) + times.user + times.system + ended
    return used


def spent(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """Return the difference, by program."""
    return {name: round(after[name] - before.get(name, 0), 3) for name in after}


async def settle(seconds: float = 1.0) -> None:
    """Let what was started before come to rest."""
    await asyncio.sleep(seconds)


def machine() -> str:
    """Name the machine in a line."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        "unknown processor",
    )
    memory = psutil.virtual_memory().total / 2**30
    return f"{os.cpu_count()} processors ({model}), {memory:.0f} GiB"


def report(figures: dict[str, Any], *, as_json: bool) -> None:
    """Print the figures, as the last line when asked for JSON."""
    if as_json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name}: {value}")
