"""`parcours up`: everything on this machine, under one supervisor."""

import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Annotated

import structlog
import typer

from engine.errors import InvalidInput, Unavailable
from engine.settings import Settings
from parcours import logs
from parcours.embedded import addresses
from parcours.embedded.postgres import Postgres
from parcours.embedded.process import Program, is_free
from parcours.embedded.supervisor import Child, StopRequested, Supervisor
from parcours.embedded.temporal import Temporal

log = structlog.get_logger()

START_SECONDS = 120
DEMO_ATTEMPTS = 3
SPLIT = ("web", "worker", "dispatcher")


def up(
    *,
    demo: Annotated[bool, typer.Option(help="Load the demonstration shop.")] = False,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Where the pages are; else as set.")
    ] = None,
    temporal_ui: Annotated[bool, typer.Option(help="Serve Temporal's own pages too.")] = False,
    processes: Annotated[
        str, typer.Option(help="How many; `split` gives each role its own.")
    ] = "1",
) -> None:
    """Start PostgreSQL, Temporal and Parcours on this machine."""
    settings = Settings.load(**({} if port is None else {"port": port}))
    logs.configure(settings.log_format)
    layout = _layout(processes)
    with addresses.hold(settings.data_dir):
        if not is_free(settings.host, settings.port):
            raise Unavailable(
                f"Port {settings.port} of {settings.host} is taken: stop what listens there, "
                "or name another one with --port."
            )
        if not settings.is_loopback and not settings.url.startswith("https:"):
            log.warning(
                "other machines can reach this without TLS: put a proxy that has it in front "
                "and set PARCOURS_PUBLIC_URL",
                host=settings.host,
            )
        supervisor = Supervisor()
        with suppress(StopRequested), _forgetting(settings), supervisor.watching():
            _run(supervisor, settings, layout=layout, demo=demo, temporal_ui=temporal_ui)


def _run(
    supervisor: Supervisor,
    settings: Settings,
    *,
    layout: list[list[str]],
    demo: bool,
    temporal_ui: bool,
) -> None:
    settings, servers = _start_servers(supervisor, settings, temporal_ui=temporal_ui)
    environment = _environment(settings)
    prepared = supervisor.run(
        _python("preparation", ["-m", "parcours.prepare"], environment, stdout=True)
    )
    if prepared != 0:
        raise Unavailable("Parcours was not started.")
    supervisor.stay(until_ready=servers, seconds=START_SECONDS)
    addresses.write(
        settings.data_dir,
        addresses.Addresses(
            pid=os.getpid(),
            url=settings.url,
            database_url=settings.database_url,
            temporal_address=settings.temporal_address,
        ),
    )
    serving = [supervisor.add(program) for program in _programs(settings, layout, environment)]
    supervisor.stay(until_ready=serving)
    _say(f"Parcours is ready: {settings.url}")
    if demo:
        _load_demo(supervisor, environment)
    supervisor.stay()


def _layout(processes: str) -> list[list[str]]:
    """The arguments of each Python process; the first one has the pages."""
    if processes == "split":
        return [["-m", "parcours.cli", role] for role in SPLIT]
    if not processes.isdigit() or int(processes) < 1:
        raise InvalidInput("--processes takes a number from 1, or `split`.")
    more = [["-m", "parcours.cli", "worker"]] * (int(processes) - 1)
    return [["-m", "parcours.serve"], *more]


def _programs(
    settings: Settings, layout: list[list[str]], environment: dict[str, str]
) -> Iterator[Program]:
    ready = f"{settings.model_copy(update={'public_url': ''}).url}/readyz"
    for number, arguments in enumerate(layout):
        program = _python(arguments[-1], arguments, environment)
        yield replace(program, is_ready=lambda _: _answers(ready)) if number == 0 else program


def _start_servers(
    supervisor: Supervisor, settings: Settings, *, temporal_ui: bool
) -> tuple[Settings, list[Child]]:
    """Start those of the two servers that the settings do not name."""
    found: dict[str, str] = {}
    servers = []
    if not settings.database_url:
        postgres = Postgres(settings.data_dir)
        postgres.prepare()
        servers.append(supervisor.add(postgres.program()))
        found["database_url"] = postgres.url
    if not settings.temporal_address:
        temporal = Temporal(settings.data_dir, interface=temporal_ui)
        temporal.prepare()
        servers.append(supervisor.add(temporal.program()))
        found["temporal_address"] = temporal.address
        if temporal.interface_url:
            log.info("Temporal's own pages", url=temporal.interface_url)
    return settings.model_copy(update=found), servers


def _environment(settings: Settings) -> dict[str, str]:
    """What the children have to know and cannot read where this process did."""
    return {
        "PARCOURS_DATA_DIR": str(settings.data_dir),
        "PARCOURS_DATABASE_URL": settings.database_url,
        "PARCOURS_TEMPORAL_ADDRESS": settings.temporal_address,
        "PARCOURS_HOST": settings.host,
        "PARCOURS_PORT": str(settings.port),
    }


def _python(
    name: str, arguments: list[str], environment: dict[str, str], *, stdout: bool = False
) -> Program:
    return Program(
        name=name, command=[sys.executable, *arguments], environment=environment, stdout=stdout
    )


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _load_demo(supervisor: Supervisor, environment: dict[str, str]) -> None:
    program = _python("demonstration shop", ["-m", "parcours.cli", "demo", "load"], environment)
    for _ in range(DEMO_ATTEMPTS):
        if supervisor.run(program) == 0:
            return
    log.error("the demonstration shop was not loaded; try `parcours demo load`")


def _say(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


@contextmanager
def _forgetting(settings: Settings) -> Iterator[None]:
    try:
        yield
    finally:
        addresses.forget(settings.data_dir)
