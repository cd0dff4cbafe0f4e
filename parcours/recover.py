"""Rebuilding workflows from the database, paced."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID

import typer
from sqlalchemy import text
from temporalio.service import RPCError

from engine.errors import InvalidInput, Unavailable
from engine.flow import sweep
from engine.gateway import Gateway, connect, prepare_namespace
from engine.names import Wake
from engine.settings import Settings
from engine.store import wakes
from engine.store.session import Database
from parcours.imports.progress import progress

PAGE: Final = 500
AT_ONCE: Final = 16
"""Calls to Temporal under way at the same time, at most."""

_FIRST: Final = UUID(int=0)

_COUNT = text("""
SELECT count(*) FILTER (WHERE NOT held_out AND id > :after) AS rebuilt,
       count(*) FILTER (WHERE held_out) AS held_out
FROM run WHERE ended_at IS NULL
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """How many workflows were rebuilt, and how many runs have none because they are held out."""

    rebuilt: int
    held_out: int


def parse_run(value: str) -> UUID:
    """Read the id of a run."""
    try:
        return UUID(value)
    except ValueError:
        raise InvalidInput(f"{value!r} is no run's id.") from None


async def recover(settings: Settings, *, rate: float, after: UUID | None = None) -> Recovered:
    """Rebuild the workflow of every run after `after`, `rate` of them a second.

    Raises `Unavailable` when Temporal or the database does not answer, naming where to go on.
    """
    client = await connect(settings, settings.temporal_address)
    database = Database(settings.database_url, pool_size=2)
    try:
        await prepare_namespace(client)
        gateway = Gateway(client, partial(sweep.told, database))
        with database.read() as connection:
            counted = connection.execute(_COUNT, {"after": after or _FIRST}).one()
        rebuilt = await _rebuild_all(database, gateway, rate, after or _FIRST, counted.rebuilt)
        return Recovered(rebuilt=rebuilt, held_out=counted.held_out)
    except RPCError as error:
        raise Unavailable(f"Temporal does not answer: {error.status.name}.") from error
    finally:
        database.close()


async def _rebuild_all(
    database: Database, gateway: Gateway, rate: float, after: UUID, total: int
) -> int:
    done, began = 0, time.monotonic()
    with progress("Workflows rebuilt", total) as shown:
        async for page in _pages(database, after):
            for start in range(0, len(page), AT_ONCE):
                some = page[start : start + AT_ONCE]
                await asyncio.sleep(max(0.0, began + done / rate - time.monotonic()))
                try:
                    async with asyncio.TaskGroup() as group:
                        for wake in some:
                            group.create_task(gateway.rebuild(wake))
                except* RPCError as errors:
                    typer.echo(
                        f"{done:,} workflows are rebuilt. To go on: parcours runs recover "
                        f"--after {after}",
                        err=True,
                    )
                    raise errors.exceptions[0] from None
                after, done = UUID(some[-1].run), done + len(some)
                shown.reach(done)
    return done


async def _pages(database: Database, after: UUID) -> AsyncIterator[list[Wake]]:
    """Yield the running runs, a page at a time; those that open meanwhile are told by themselves."""

    def read(start: UUID) -> list[Wake]:
        with database.read() as connection:
            return wakes.every(connection, after=start, limit=PAGE)

    while page := await asyncio.to_thread(read, after):
        yield page
        after = UUID(page[-1].run)
