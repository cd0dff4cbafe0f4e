"""The loop that carries out imports, a portion at a time, and deletes what need not be kept."""

import asyncio
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from engine.errors import Unavailable, without_words
from engine.flow import importing
from engine.flow.importing import Folder
from engine.store.session import Database

_log = logging.getLogger(__name__)

EVERY: Final = 1.0
"""Seconds between two looks for something to do."""
SWEEP_EVERY: Final = 3600.0


class Importing:
    """Carries out what is next; any number of them may run, each portion is one's alone."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = Folder(folder)

    async def run(self) -> None:
        """Carry out imports until cancelled; what fails is tried again later."""
        loop = asyncio.get_running_loop()
        sweep_at = loop.time()
        while True:
            more = await self.round()
            if loop.time() >= sweep_at:
                sweep_at = loop.time() + SWEEP_EVERY
                await self._sweep()
            if not more:
                await asyncio.sleep(EVERY)

    async def round(self) -> bool:
        """Carry out one portion; return whether there may be more to do at once."""
        try:
            return await asyncio.to_thread(importing.portion, self._database, self._folder)
        except Unavailable as error:
            _log.warning("An import was interrupted: %s", error)
        except Exception as error:  # noqa: BLE001 - the dispatcher has other things to do
            _log.error("An import was interrupted: %s", without_words(error))
        return False

    async def _sweep(self) -> None:
        now = datetime.now(UTC)
        try:
            await asyncio.to_thread(importing.sweep, self._database, self._folder, now)
        except (Unavailable, OSError) as error:
            _log.warning("Files of imports were not looked through: %s", without_words(error))
