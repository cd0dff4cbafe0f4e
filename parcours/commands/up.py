"""`parcours up`: everything on this machine, under one supervisor."""

import os
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from http import HTTPStatus
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
ROLES = ("web", "worker", "dispatcher")


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
    from designer.login.links import login_link

    _say(f"Open {login_link(settings)}")
    settings, servers = _start_servers(supervisor, settings, temporal_ui=temporal_ui)
    environment = _environment(settings)
    for number, roles in enumerate(layout):
        program = _python(["-m", "parcours.serve", *roles], environment)
        # Whether the product serves is asked where the pages are: in the first.
        supervisor.add(
            replace(program, is_ready=partial(_serves, settings)) if number == 0 else program
        )
    supervisor.stay(until_ready=servers, seconds=START_SECONDS)
    supervisor.stay(until_ready=supervisor.children)
    addresses.write(
        settings.data_dir,
        addresses.Addresses(
            pid=os.getpid(),
            url=settings.url,
            database_url=settings.database_url,
            temporal_address=settings.temporal_address,
        ),
    )
    _say(f"Parcours is ready: {settings.url}")
    if demo:
        _load_demo(supervisor, environment)
    supervisor.stay()


def _layout(processes: str) -> list[list[str]]:
    """The roles of each Python process; the first one has the pages."""
    if processes == "split":
        return [[role] for role in ROLES]
    if not processes.isdigit() or int(processes) < 1:
        raise InvalidInput("--processes takes a number from 1, or `split`.")
    return [list(ROLES), *[["worker"]] * (int(processes) - 1)]


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


def _python(arguments: list[str], environment: dict[str, str]) -> Program:
    return Program(
        name=" ".join(arguments[1:]), command=[sys.executable, *arguments], environment=environment
    )


def _serves(settings: Settings, _pid: int) -> bool:
    url = settings.model_copy(update={"public_url": ""}).url
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=2) as answer:  # noqa: S310 - our own
            return bool(answer.status == HTTPStatus.OK)
    except OSError:
        return False


def _load_demo(supervisor: Supervisor, environment: dict[str, str]) -> None:
    program = _python(["-m", "parcours.cli", "demo", "load"], environment)
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
