"""The Temporal client: tells a run's workflow of its newest command. By names only."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.client import Client, WorkflowHandle
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
)
from temporalio.service import RPCError, TLSConfig

from engine.errors import Unavailable
from engine.names import ENTRY_SOURCE, JOURNEY_ID, RUNS_QUEUE, VERSION, WAKE, RunStart, Wake
from engine.settings import Settings

_log = logging.getLogger(__name__)

AT_ONCE: Final = 64
"""Calls to Temporal under way at the same time, at most."""

_WAITING_AT_MOST: Final = 20_000
"""Beyond this many, the dispatcher tells what is left."""

_JOURNEY: Final = SearchAttributeKey.for_keyword(JOURNEY_ID)
_VERSION: Final = SearchAttributeKey.for_int(VERSION)
_SOURCE: Final = SearchAttributeKey.for_keyword(ENTRY_SOURCE)


async def connect(settings: Settings, address: str) -> Client:
    """Connect to Temporal; raise `Unavailable` with a sentence when it does not answer."""
    tls: TLSConfig | bool = False
    if settings.temporal_tls_cert or settings.temporal_tls_ca:
        tls = TLSConfig(
            server_root_ca_cert=_bytes(settings.temporal_tls_ca),
            client_cert=_bytes(settings.temporal_tls_cert),
            client_private_key=_bytes(settings.temporal_tls_key),
        )
    api_key = settings.temporal_api_key.get_secret_value() or None
    try:
        return await Client.connect(
            address,
            namespace=settings.temporal_namespace,
            api_key=api_key,
            tls=tls or api_key is not None,
        )
    except (RuntimeError, RPCError, OSError) as error:
        raise Unavailable(f"Temporal does not answer at {address}.") from error


def _bytes(path: Path | None) -> bytes | None:
    return path.read_bytes() if path else None


async def prepare_namespace(client: Client) -> None:
    """Add the search attributes of runs where they are missing."""
    operator = client.operator_service
    known = await operator.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    wanted = {
        JOURNEY_ID: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
        VERSION: IndexedValueType.INDEXED_VALUE_TYPE_INT,
        ENTRY_SOURCE: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    }
    missing = {name: kind for name, kind in wanted.items() if name not in known.custom_attributes}
    if missing:
        await operator.add_search_attributes(
            AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
        )


Forget = Callable[[list[Wake]], None]
"""Takes wakes out of the outbox that Temporal has been told of; may block."""


class Gateway:
    """Tells Temporal what a process has committed, without making its callers wait."""

    def __init__(self, client: Client, forget: Forget) -> None:
        self.client = client
        self._forget_told = forget
        self._loop = asyncio.get_running_loop()
        self._queue: deque[Wake] = deque()
        self._told: list[Wake] = []
        self._tellers: set[asyncio.Task[None]] = set()
        self._forgetting: asyncio.Task[None] | None = None

    async def healthy(self) -> bool:
        """Whether Temporal answers."""
        try:
            return await self.client.service_client.check_health()
        except RPCError:
            return False

    def tell_soon(self, told: Iterable[Wake]) -> None:
        """Tell these workflows as soon as possible; from any thread, without waiting."""
        wakes = list(told)
        if wakes:
            self._loop.call_soon_threadsafe(self._enqueue, wakes)

    def _enqueue(self, wakes: list[Wake]) -> None:
        if len(self._queue) > _WAITING_AT_MOST:
            return
        self._queue.extend(wakes)
        for _ in range(min(len(wakes), AT_ONCE - len(self._tellers))):
            teller = asyncio.create_task(self._work())
            self._tellers.add(teller)
            teller.add_done_callback(self._tellers.discard)

    async def _work(self) -> None:
        while self._queue:
            wake = self._queue.popleft()
            try:
                await self.tell(wake)
            except RPCError as error:
                # The wake stays in the outbox; the dispatcher tells it again.
                _log.warning("Temporal was not told: %s", error.status.name)
                self._queue.clear()
                return
            self._forget_soon(wake)

    async def tell(self, wake: Wake) -> None:
        """Signal the run's workflow, starting it if it is not there."""
        await self.client.start_workflow(
            wake.journey,
            RunStart(wake.run),
            id=wake.run,
            task_queue=RUNS_QUEUE,
            start_signal=WAKE,
            start_signal_args=[wake.answer],
            search_attributes=_attributes(wake),
        )

    async def rebuild(self, wake: Wake) -> None:
        """Start the run's workflow anew from the database, ending the one that exists."""
        await self.client.start_workflow(
            wake.journey,
            RunStart(wake.run),
            id=wake.run,
            task_queue=RUNS_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.TERMINATE_EXISTING,
            search_attributes=_attributes(wake),
        )

    def handle(self, run: str) -> WorkflowHandle[object, object]:
        """Return the handle of a run's workflow."""
        return self.client.get_workflow_handle(run)

    def _forget_soon(self, wake: Wake) -> None:
        self._told.append(wake)
        if self._forgetting is None or self._forgetting.done():
            self._forgetting = asyncio.create_task(self._forget())

    async def _forget(self) -> None:
        """Take told wakes out of the outbox, many at a time."""
        while self._told:
            await asyncio.sleep(0.2)
            some, self._told = self._told, []
            await asyncio.to_thread(self._forget_now, some)

    def _forget_now(self, some: list[Wake]) -> None:
        newest = {wake.run: wake for wake in sorted(some, key=lambda wake: wake.revision)}
        try:
            self._forget_told(list(newest.values()))
        except Unavailable as error:
            _log.warning("The outbox was not cleared: %s", error)

    async def drain(self) -> None:
        """Wait until everything given so far has been told."""
        while self._tellers or self._told:
            await asyncio.gather(*self._tellers)
            if self._forgetting is not None:
                await self._forgetting


def _attributes(wake: Wake) -> TypedSearchAttributes:
    return TypedSearchAttributes(
        [
            SearchAttributePair(_JOURNEY, wake.journey),
            SearchAttributePair(_VERSION, wake.version),
            SearchAttributePair(_SOURCE, wake.source),
        ]
    )
