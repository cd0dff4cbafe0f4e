"""The loop that posts to the shop's web addresses what happened here (Standard Webhooks)."""

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import groupby
from typing import Final

from activities.outward import NotAllowed, NotAnswered, NotReached, call
from engine.errors import Unavailable, without_words
from engine.flow import outgoing
from engine.store.hooks import Due
from engine.store.session import Database

_log = logging.getLogger(__name__)

EVERY: Final = 1.0
TIMEOUT: Final = 10.0
"""Seconds for one post."""
AT_ONCE: Final = 4
"""Posts to one hook at the same time."""
THREADS: Final = 32
FORGET_EVERY: Final = 3600.0


class Outgoing:
    """Posts what is due; any number of them may run on one database.

    Each hook has a lane of its own, so that one which does not answer holds up no other.
    """

    def __init__(self, database: Database, *, allow_private: bool) -> None:
        self._database = database
        self._allow_private = allow_private
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="outgoing")
        self._more = asyncio.Event()

    async def run(self) -> None:
        """Post until cancelled; what fails is tried again later."""
        loop = asyncio.get_running_loop()
        forget_at = loop.time()
        try:
            while True:
                self._more.clear()
                await self._carefully(self.round())
                if loop.time() >= forget_at:
                    forget_at = loop.time() + FORGET_EVERY
                    await self._carefully(asyncio.to_thread(outgoing.forget, self._database))
                try:
                    await asyncio.wait_for(self._more.wait(), EVERY)
                except TimeoutError:
                    continue
        finally:
            self._threads.shutdown(wait=False, cancel_futures=True)

    async def round(self) -> None:
        """Take what is due, and begin to post it."""
        taken = await asyncio.to_thread(outgoing.take, self._database, list(self._lanes))
        taken.sort(key=lambda due: due.hook)
        for hook, some in groupby(taken, key=lambda due: due.hook):
            self._lanes[hook] = asyncio.create_task(self._lane(hook, list(some)))

    async def settled(self) -> None:
        """Wait until all that was begun is done."""
        await asyncio.gather(*self._lanes.values())

    async def _lane(self, hook: str, some: Sequence[Due]) -> None:
        loop = asyncio.get_running_loop()
        places = asyncio.Semaphore(AT_ONCE)

        async def post(due: Due) -> None:
            async with places:
                await self._carefully(loop.run_in_executor(self._threads, self._post, due))

        try:
            await asyncio.gather(*map(post, some))
        finally:
            del self._lanes[hook]
            if len(some) == outgoing.AT_MOST:
                self._more.set()

    def _post(self, due: Due) -> None:
        body, headers = outgoing.signed(due, datetime.now(UTC))
        try:
            answer = call(
                "POST", due.url, headers, body, TIMEOUT, allow_private=self._allow_private
            )
        except NotAllowed as error:
            outgoing.unanswered(self._database, due, str(error), for_good=True)
        except (NotReached, NotAnswered) as error:
            outgoing.unanswered(self._database, due, str(error))
        else:
            outgoing.answered(self._database, due, answer.status)

    async def _carefully(self, work: Awaitable[None]) -> None:
        try:
            await work
        except Unavailable as error:
            _log.warning("Webhooks have to wait: %s", error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the rest has to go on
            _log.error("A webhook was not told: %s", without_words(error))
