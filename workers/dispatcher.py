"""The dispatcher: tells Temporal what was left untold, and looks after overdue runs.

Beside that it posts to the shop's webhooks (`workers/outgoing.py`), carries out imports
(`workers/importing.py`) and does what is done in the background (`workers/chores.py`).
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from temporalio.service import RPCError

from engine.errors import Unavailable, without_words
from engine.flow import sweep
from engine.gateway import AT_ONCE, Gateway
from engine.names import Wake
from engine.settings import Settings
from engine.store.session import Database
from workers.chores import THREADS, do_chores
from workers.importing import Importing
from workers.main import patiently_connect
from workers.outgoing import Outgoing

_log = logging.getLogger(__name__)

OUTBOX_EVERY: Final = 1.0
OVERDUE_EVERY: Final = 5.0
PARTITIONS_EVERY: Final = 6 * 3600.0
AGAIN_AFTER: Final = 60.0
"""Seconds until partitions that could not be made are tried again."""


async def dispatch(settings: Settings) -> None:
    """Sweep at intervals until cancelled."""
    client = await patiently_connect(settings)
    database = Database(
        settings.database_url, pool_size=4 + THREADS, application="parcours-dispatcher"
    )
    sweeper = Dispatcher(database, Gateway(client, partial(sweep.told, database)))
    importing = Importing(database, settings.data_dir / "imports")
    outgoing = Outgoing(database, allow_private=settings.allow_private_addresses)
    try:
        await asyncio.gather(sweeper.run(), outgoing.run(), importing.run())
    finally:
        database.close()


class Dispatcher:
    """Sweeps one database; any number of them may run."""

    def __init__(self, database: Database, gateway: Gateway) -> None:
        self._database = database
        self._gateway = gateway
        self._due = {self._overdue: 0.0, self._partitions: 0.0}

    async def run(self) -> None:
        """Sweep until cancelled; what fails is tried again at the next round."""
        await asyncio.gather(self._sweep(), do_chores(self._database))

    async def _sweep(self) -> None:
        while True:
            if not await self.round(time.monotonic()):
                await asyncio.sleep(OUTBOX_EVERY)

    async def round(self, now: float) -> bool:
        """Do what is due at the monotonic instant `now`; return whether there is more to do.

        What fails holds up nothing else.
        """
        more = await self._carefully(self._outbox)
        if now >= self._due[self._overdue]:
            self._due[self._overdue] = now + OVERDUE_EVERY
            if await self._carefully(self._overdue):
                self._due[self._overdue] = now
        if now >= self._due[self._partitions]:
            self._due[self._partitions] = now + AGAIN_AFTER
            if await self._carefully(self._partitions):
                self._due[self._partitions] = now + PARTITIONS_EVERY
        return more

    async def _carefully(self, sweeping: Callable[[], Awaitable[bool]]) -> bool:
        try:
            return await sweeping()
        except (Unavailable, RPCError) as error:
            _log.warning("The sweep was interrupted: %s", error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the rest has to go on
            _log.error("The sweep was interrupted: %s", without_words(error))
        return False

    async def _outbox(self) -> bool:
        left = await asyncio.to_thread(sweep.left, self._database)
        told = [wake for wake in await self._tell(left) if wake is not None]
        if told:
            await asyncio.to_thread(sweep.told, self._database, told)
        return bool(told) and len(left) == sweep.AT_ONCE

    async def _overdue(self) -> bool:
        return await asyncio.to_thread(sweep.overdue, self._database) == sweep.AT_ONCE

    async def _partitions(self) -> bool:
        await asyncio.to_thread(sweep.partitions, self._database)
        return True

    async def _tell(self, left: list[Wake]) -> list[Wake | None]:
        places = asyncio.Semaphore(AT_ONCE)

        async def tell(wake: Wake) -> Wake | None:
            async with places:
                try:
                    await self._gateway.tell(wake)
                except RPCError as error:
                    _log.warning("Temporal was not told: %s", error.status.name)
                    return None
                return wake

        return await asyncio.gather(*(tell(wake) for wake in left))
