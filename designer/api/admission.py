"""Events on their way into the database: few transactions at once, several requests in each.

While all transactions are busy, what arrives is gathered; the next one takes the events of
several requests together. A shop that sends one event a request then costs little more than
one that sends batches, and nobody waits for company: an idle server stores at once.
"""

import asyncio
import functools
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import anyio.to_thread
from anyio import CapacityLimiter
from starlette.datastructures import State

from designer.api.problems import Overloaded
from engine.errors import Unavailable
from engine.flow import intake
from engine.flow.intake import Incoming

AT_ONCE: Final = 2
"""Transactions at the same time; more of them gather fewer events each, and measured slower."""

TOGETHER: Final = 100
"""Events of different requests that are stored together, at most."""

WAITING: Final = 500
"""Requests that may wait for their turn; more are asked to come again."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    events: Sequence[Incoming]
    stored: asyncio.Future[None]


class Admission:
    """The events under way of one application; used from its event loop alone."""

    def __init__(self, state: State, *, at_once: int = AT_ONCE, waiting: int = WAITING) -> None:
        self._state = state
        self._most_working = at_once
        self._most_waiting = waiting
        self._limiter = CapacityLimiter(at_once)
        self._waiting: deque[_Waiting] = deque()
        self._workers: set[asyncio.Task[None]] = set()

    def check(self) -> None:
        """Refuse when too many requests are waiting; asked before a body is read."""
        if len(self._waiting) >= self._most_waiting:
            raise Overloaded("Too many requests are waiting. Send this one again in a moment.")

    async def store(self, events: Sequence[Incoming]) -> None:
        """Store a request's events; they are durable when this returns."""
        self.check()
        loop = asyncio.get_running_loop()
        mine = _Waiting(events, loop.create_future())
        self._waiting.append(mine)
        if len(self._workers) < self._most_working:
            worker = loop.create_task(self._work())
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)
        await mine.stored

    async def _work(self) -> None:
        while self._waiting:
            await self._store(self._gathered())

    def _gathered(self) -> list[_Waiting]:
        some = [self._waiting.popleft()]
        count = len(some[0].events)
        while self._waiting and count + len(self._waiting[0].events) <= TOGETHER:
            some.append(self._waiting.popleft())
            count += len(some[-1].events)
        return some

    async def _store(self, some: list[_Waiting]) -> None:
        events = [event for one in some for event in one.events]
        receive = functools.partial(intake.receive, self._state.database, events)
        try:
            wakes = await anyio.to_thread.run_sync(receive, limiter=self._limiter)
        except Exception as error:  # noqa: BLE001 - handed to those who wait
            if len(some) == 1 or isinstance(error, Unavailable):
                for one in some:
                    if not one.stored.done():
                        one.stored.set_exception(error)
                return
            for one in some:  # whose fault it is shows when each is stored alone
                await self._store([one])
            return
        if wakes and self._state.gateway is not None:
            self._state.gateway.tell_soon(wakes)
        for one in some:
            if not one.stored.done():
                one.stored.set_result(None)
