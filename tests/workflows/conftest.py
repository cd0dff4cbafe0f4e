"""A shop with its workers on real Temporal and PostgreSQL, in this process."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select
from temporalio.client import Client
from temporalio.worker import WorkflowRunner

from engine.flow import sweep
from engine.flow.intake import Incoming, receive
from engine.flow.publish import publish, save_journey
from engine.gateway import Gateway, connect, prepare_namespace
from engine.model.actor import COMMAND_LINE
from engine.model.document import parse_journey
from engine.model.template import Template
from engine.settings import Settings
from engine.store import documents, tables
from engine.store.session import Database
from workers.dispatcher import Dispatcher
from workers.main import workers


@dataclass
class Shop:
    """What a test does with the shop."""

    database: Database
    gateway: Gateway
    client: Client

    async def track(self, user: str, name: str, **properties: Any) -> None:
        """Take in an event of a customer, as the web's process does."""
        await self.receive([incoming(user, name, properties)])

    async def receive(self, some: list[Incoming]) -> None:
        """Take in events and tell Temporal."""
        self.gateway.tell_soon(await asyncio.to_thread(receive, self.database, some))

    def publish(self, text: str) -> None:
        """Make a journey live."""
        save_journey(self.database, parse_journey(text), actor=COMMAND_LINE)
        publish(self.database, parse_journey(text).id, actor=COMMAND_LINE)

    def rows(self, table: Any, *order: Any) -> list[Any]:
        """Return every row of a table."""
        with self.database.read() as connection:
            return list(connection.execute(select(table).order_by(*order)).all())

    async def until(self, done: Callable[[], bool], seconds: float = 30) -> None:
        """Wait until something holds."""
        give_up = time.monotonic() + seconds
        while not await asyncio.to_thread(done):
            assert time.monotonic() < give_up, "it never came to hold"
            await asyncio.sleep(0.05)

    def ended(self, n: int) -> Callable[[], bool]:
        """Return a question: have so many runs ended?"""
        return lambda: sum(row.ended_at is not None for row in self.rows(tables.run)) >= n


def incoming(
    user: str, name: str, properties: dict[str, Any] | None = None, **more: Any
) -> Incoming:
    """Return an event as the interface hands it on."""
    return Incoming(
        source="test",
        message_id=uuid4().hex,
        kind=more.pop("kind", "track"),
        name=name,
        user_id=user,
        properties=properties or {},
        **more,
    )


def put_template(database: Database, id: str = "hello", channel: str = "email") -> None:
    """Store a template."""
    document = {
        "id": id,
        "name": id,
        "channel": channel,
        "locales": {
            "en": {"subject": "Hello {{ customer.first_name }}", "body": "Hi {{ event.item }}"}
        },
    }
    template = Template.model_validate(document)
    database.transact(lambda connection: documents.put_template(connection, template))


@asynccontextmanager
async def open_shop(
    database_url: str, temporal_address: str, runner: WorkflowRunner | None = None, **more: Any
) -> AsyncIterator[Shop]:
    """Start workers and dispatcher for a database of its own; queues are the session's."""
    settings = Settings.load(
        database_url=database_url, temporal_address=temporal_address, _env_file=None, **more
    )
    client = await connect(settings, temporal_address)
    await prepare_namespace(client)
    database = Database(database_url, pool_size=20)
    gateway = Gateway(client, partial(sweep.told, database))
    # A thread outlives the task that waits for it, and must not outlive the database.
    with ThreadPoolExecutor(16) as threads, ThreadPoolExecutor(16) as others:
        asyncio.get_running_loop().set_default_executor(others)
        async with AsyncExitStack() as running:
            for worker in workers(client, database, gateway, settings, threads, runner=runner):
                await running.enter_async_context(worker)
            dispatching = asyncio.create_task(Dispatcher(database, gateway).run())
            try:
                yield Shop(database, gateway, client)
            finally:
                dispatching.cancel()
                await asyncio.wait([dispatching])
                await gateway.drain()
    database.close()


@pytest.fixture
def loop_runner() -> Iterator[asyncio.Runner]:
    """An event loop for one test."""
    with asyncio.Runner() as runner:
        yield runner
