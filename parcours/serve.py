"""The product's own processes: web, worker and dispatcher, in one event loop or apart."""

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Callable, Collection, Coroutine, Iterator
from enum import StrEnum
from typing import Any

import structlog
import uvicorn
import uvloop

from engine.errors import ParcoursError, Unavailable
from engine.settings import Settings
from parcours import logs
from parcours.alive import beat
from parcours.embedded.process import HOPELESS

log = structlog.get_logger()

GRACE = 8.0
"""Seconds that what is under way has to come to its end."""
STREAMS_GRACE = 2
"""Seconds that open connections, such as live pages, have to close."""


class Role(StrEnum):
    """What a process does."""

    WEB = "web"
    WORKER = "worker"
    DISPATCHER = "dispatcher"


def run(
    settings: Settings, roles: Collection[Role], *, queues: Collection[str] | None = None
) -> None:
    """Play the roles until asked to end.

    Raises:
        ParcoursError: one of them could not go on.
    """
    uvloop.run(_play(settings, roles, queues))


async def _play(
    settings: Settings, roles: Collection[Role], queues: Collection[str] | None
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    starters: dict[Role, Callable[[], Coroutine[Any, Any, None]]] = {
        Role.WEB: lambda: _web(settings, stop),
        Role.WORKER: lambda: _worker(settings, queues),
        Role.DISPATCHER: lambda: _dispatcher(settings),
    }
    tasks = {asyncio.create_task(starters[role](), name=role.value) for role in roles}
    beating = [asyncio.create_task(beat(settings.data_dir, role.value)) for role in roles]
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({*tasks, stopping}, return_when=asyncio.FIRST_COMPLETED)
    asked = stop.is_set()
    ended = {task for task in tasks if task.done()}
    stop.set()
    for task in tasks:
        if task.get_name() != Role.WEB.value:  # it closes its connections by itself
            task.cancel()
    for task in beating:
        task.cancel()
    await asyncio.wait(tasks, timeout=GRACE)
    if asked:
        return
    for task in ended:
        if error := task.exception():
            raise error
        raise Unavailable(f"The {task.get_name()} ended by itself.")


class _Server(uvicorn.Server):
    """uvicorn, without its own handling of signals: several roles share them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _web(settings: Settings, stop: asyncio.Event) -> None:
    from designer.app import create_app
    from parcours.demo.visits import visits
    from workers.registry import transports

    with listen(settings.host, settings.port) as listener:
        app = create_app(settings, transports(settings))
        config = uvicorn.Config(
            app,
            http="httptools",
            ws="none",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=STREAMS_GRACE,
            timeout_keep_alive=65,  # longer than a balancer's, so that it is not us who hangs up
        )
        server = _Server(config)

        async def end() -> None:
            await stop.wait()
            app.state.streams.close()  # live pages never end by themselves
            server.should_exit = True

        beside = [asyncio.create_task(end()), asyncio.create_task(visits(settings))]
        try:
            await server.serve(sockets=[listener])
        finally:
            for task in beside:
                task.cancel()
        if not server.started:
            raise Unavailable("The web server could not start; its log says why.")


async def _worker(settings: Settings, queues: Collection[str] | None) -> None:
    from workers.main import work

    await _wait_for_servers(settings)
    await work(settings, queues)


async def _dispatcher(settings: Settings) -> None:
    from workers.dispatcher import dispatch

    await _wait_for_servers(settings)
    await dispatch(settings)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        Unavailable: the address is taken, or not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        raise Unavailable(
            f"Cannot listen on {host} port {port}: {error.strerror or error}. "
            "PARCOURS_HOST and PARCOURS_PORT (or up's --port) name another place."
        ) from None


async def _wait_for_servers(settings: Settings) -> None:
    """Wait for database and Temporal, instead of failing because they start later."""
    await asyncio.gather(
        wait_for_database(settings.database_url),
        _wait_for("temporal", lambda: _temporal_answers(settings.temporal_address)),
    )


async def wait_for_database(url: str) -> None:
    """Wait until a connection can be made."""
    await _wait_for("database", lambda: _database_answers(url))


async def _wait_for(name: str, answers: Callable[[], Coroutine[Any, Any, str]]) -> None:
    pause, told = 0.05, 0.0
    loop = asyncio.get_running_loop()
    while problem := await answers():
        if loop.time() - told > 10:
            told = loop.time()
            log.warning("waiting for what does not answer yet", part=name, problem=problem)
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 2.0)


async def _database_answers(url: str) -> str:
    """Why the database does not answer; empty when it does."""
    import psycopg

    def attempt() -> str:
        dsn = url.replace("postgresql+psycopg://", "postgresql://", 1)
        try:
            psycopg.connect(dsn, connect_timeout=5).close()
        except psycopg.OperationalError as error:
            return str(error).strip()
        return ""

    return await asyncio.to_thread(attempt)


async def _temporal_answers(address: str) -> str:
    """Why Temporal does not answer; empty when it does."""
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(5):
            _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    except (OSError, TimeoutError) as error:
        return str(error) or "no answer in time"
    writer.close()
    return ""


def main(roles: Collection[Role]) -> None:
    """Play the roles under `parcours up`, after bringing the database to this release."""
    settings = Settings.load()
    logs.configure(settings.log_format)
    try:
        _upgrade(settings.database_url)
        run(settings, roles)
    except ParcoursError as error:
        sys.stderr.write(f"{error}\n")
        # A database of a newer release, a wrong setting: starting again does not mend it.
        sys.exit(1 if isinstance(error, Unavailable) else HOPELESS)
    except Exception:
        log.exception("cannot go on")
        sys.exit(1)


def _upgrade(url: str) -> None:
    from engine.store.migrate import upgrade

    asyncio.run(wait_for_database(url))
    upgrade(url)


if __name__ == "__main__":
    main([Role(name) for name in sys.argv[1:]])
