"""The dispatcher: tells Temporal what was left untold, and looks after overdue runs."""

import asyncio
import logging
import time
from functools import partial
from typing import Final

from temporalio.service import RPCError

from engine.errors import Unavailable
from engine.flow import sweep
from engine.gateway import AT_ONCE, Gateway
from engine.names import Wake
from engine.settings import Settings
from engine.store.session import Database
from workers.main import patiently_connect

_log = logging.getLogger(__name__)

OUTBOX_EVERY: Final = 1.0
OVERDUE_EVERY: Final = 5.0
PARTITIONS_EVERY: Final = 6 * 3600.0


async def dispatch(settings: Settings) -> None:
    """Sweep at intervals until cancelled."""
    client = await patiently_connect(settings)
    database = Database(settings.database_url, pool_size=2, application="parcours-dispatcher")
    try:
        await Dispatcher(database, Gateway(client, partial(sweep.told, database))).run()
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
        while True:
            try:
                busy = await self.round(time.monotonic())
            except (Unavailable, RPCError) as error:
                _log.warning("The sweep was interrupted: %s", error)
                busy = False
            if not busy:
                await asyncio.sleep(OUTBOX_EVERY)

    async def round(self, now: float) -> bool:
        """Do what is due at the monotonic instant `now`; return whether there is more to do."""
        if now >= self._due[self._partitions]:
            await self._partitions()
            self._due[self._partitions] = now + PARTITIONS_EVERY
        if now >= self._due[self._overdue] and not await self._overdue():
            self._due[self._overdue] = now + OVERDUE_EVERY
        left = await asyncio.to_thread(sweep.left, self._database)
        told = [wake for wake in await self._tell(left) if wake is not None]
        if told:
            await asyncio.to_thread(sweep.told, self._database, told)
        return len(left) == sweep.AT_ONCE

    async def _overdue(self) -> bool:
        return await asyncio.to_thread(sweep.overdue, self._database) == sweep.AT_ONCE

    async def _partitions(self) -> None:
        await asyncio.to_thread(sweep.partitions, self._database)

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
