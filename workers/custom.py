"""Serves developers' activities, and tells the web's processes which there are."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Final

from temporalio.client import Client
from temporalio.worker import PollerBehaviorSimpleMaximum, Worker

from activities.custom.finding import Found
from activities.custom.running import Runner
from engine.errors import Unavailable
from engine.flow.activity import register
from engine.store.session import Database
from workers.discretion import Discreet

_log = logging.getLogger(__name__)

CUSTOM: Final = 16
"""Developers' activities under way at the same time."""

_TOLD_EVERY: Final = 60.0


class Custom:
    """The activities on this machine that this worker serves: those of `queues`, else all.

    What is broken is told once, in the log.
    """

    def __init__(
        self, database: Database, found: Found, queues: Collection[str] | None = None
    ) -> None:
        self._database = database
        self._served = [
            one
            for one in found.activities.values()
            if queues is None or one.declared.queue in queues
        ]
        self._runner = Runner(database)
        for sentence in found.broken:
            _log.error("An activity cannot be used. %s", sentence)

    def workers(self, client: Client, threads: ThreadPoolExecutor) -> list[Worker]:
        """Return a worker for each queue that an activity names."""
        by_queue: dict[str, list[Callable[[str], None]]] = defaultdict(list)
        for one in self._served:
            by_queue[one.declared.queue].append(self._runner.registered(one))
        return [
            Worker(
                client,
                task_queue=queue,
                activities=registered,
                activity_executor=threads,
                interceptors=[Discreet()],
                max_concurrent_activities=max(CUSTOM // len(by_queue), 1),
                activity_task_poller_behavior=PollerBehaviorSimpleMaximum(2),
                graceful_shutdown_timeout=timedelta(seconds=5),
            )
            for queue, registered in by_queue.items()
        ]

    async def tell(self) -> None:
        """Tell of the activities until cancelled, so that journeys may use them."""
        types = [one.declared for one in self._served]
        while True:
            try:
                if types:
                    await asyncio.to_thread(register, self._database, types)
            except Unavailable as error:
                _log.warning("Nobody could be told of the activities: %s", error)
            await asyncio.sleep(_TOLD_EVERY)

    def close(self) -> None:
        """End what async functions run in."""
        self._runner.close()
