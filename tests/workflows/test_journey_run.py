"""Runs of journeys through real Temporal and PostgreSQL."""

import asyncio
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import select, text
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from engine.flow.intake import receive
from engine.store import tables, wakes
from parcours.embedded.process import Program, end, wait_ready
from parcours.embedded.temporal import Temporal
from tests.workflows.conftest import Shop, incoming, open_shop, put_template

CART = """
id: cart
name: Cart
entry: {on: {event: Product Added}}
topic: offers
exits:
  - {on: {event: Order Completed}, reason: purchased}
steps:
  - {id: first, type: send, channel: email, template: hello}
  - id: bought
    type: wait_for
    since: first
    timeout: 10m
    events:
      - {on: {event: Checkout Started}, then: []}
  - id: which
    type: branch
    arms:
      - id: gold
        if: {trait: tier, eq: gold}
        then: [{id: second, type: send, channel: email, template: hello}]
  - {id: end, type: exit, reason: done}
"""
SHORT = """
id: short
name: Short
entry: {on: {event: Ping}, reentry: {mode: per_key, key: n}}
topic: offers
steps:
  - {id: pause, type: wait, for: 1s}
  - {id: mail, type: send, channel: email, template: hello}
  - id: answer
    type: wait_for
    timeout: 1s
    events: [{on: {event: Pong}}]
"""


async def _furnish(shop: Shop, *journeys: str) -> None:
    put_template(shop.database)
    for journey in journeys:
        shop.publish(journey)
    ada = {"email": "ada@example.com", "first_name": "Ada", "tier": "gold"}
    bob = {"email": "bob@example.com", "first_name": "Bob"}
    await shop.receive(
        [
            incoming("ada", "Customer Identified", kind="identify", traits=ada),
            incoming("bob", "Customer Identified", kind="identify", traits=bob),
        ]
    )


def _sent(shop: Shop) -> list[Any]:
    with shop.database.read() as connection:
        query = select(tables.message).where(tables.message.c.state == "sent")
        return list(connection.execute(query).all())


def _reasons(shop: Shop) -> set[str]:
    return {str(row.end_reason) for row in shop.rows(tables.run)}


def test_an_event_travels_to_a_message(database_url: str, temporal_address: str) -> None:
    async def story() -> None:
        async with open_shop(database_url, temporal_address) as shop:
            await _furnish(shop, CART)
            await shop.track("ada", "Product Added", item="shoes")
            await shop.track("bob", "Product Added", item="hat")
            await shop.until(lambda: len(_sent(shop)) == 2)
            await shop.track("ada", "Checkout Started")
            await shop.track("bob", "Order Completed")
            await shop.until(shop.ended(2))
            assert sorted((row.to, row.subject, row.body) for row in _sent(shop)) == [
                ("ada@example.com", "Hello Ada", "Hi shoes"),
                ("ada@example.com", "Hello Ada", "Hi shoes"),
                ("bob@example.com", "Hello Bob", "Hi hat"),
            ]
            assert _reasons(shop) == {"done", "purchased"}
            await shop.until(lambda: not shop.rows(tables.wake))
            for row in shop.rows(tables.run):
                handle = shop.gateway.handle(str(row.id))
                await asyncio.wait_for(handle.result(), 10)
                history = await handle.fetch_history()
                assert len(history.events) <= 25
                assert "example.com" not in history.to_json(), "nothing personal in a history"
                description = await handle.describe()
                assert description.workflow_type == "cart"
                assert description.search_attributes["Version"] == [1]

    asyncio.run(story())


def test_waits_end_by_themselves(database_url: str, temporal_address: str) -> None:
    async def story() -> None:
        async with open_shop(
            database_url, temporal_address, runner=SandboxedWorkflowRunner()
        ) as shop:
            await _furnish(shop, SHORT)
            await shop.track("ada", "Ping", n=1)
            await shop.until(shop.ended(1))
            traces = [row.what for row in shop.rows(tables.run_trace, tables.run_trace.c.n)]
            assert traces == [
                "entered", "reached", "waits", "reached", "missing", "sent", "reached", "waits", "timed_out",
                "ended",
            ]  # fmt: skip

    asyncio.run(story())


def test_what_was_not_told_is_swept(database_url: str, temporal_address: str) -> None:
    """The process that committed dies before it tells Temporal: the dispatcher does, unhinted."""

    async def story() -> None:
        async with open_shop(database_url, temporal_address) as shop:
            await _furnish(shop, CART)
            receive(shop.database, [incoming("ada", "Product Added", {"item": "x"})])
            await shop.until(lambda: len(_sent(shop)) == 1)
            receive(shop.database, [incoming("ada", "Order Completed")])
            run = str(shop.rows(tables.run)[0].id)
            await asyncio.wait_for(shop.gateway.handle(run).result(), 20)

    asyncio.run(story())


def test_a_lost_workflow_comes_back(database_url: str, temporal_address: str) -> None:
    """A terminated workflow is started again by the next event, and by the recovery."""

    async def story() -> None:
        async with open_shop(database_url, temporal_address) as shop:
            await _furnish(shop, CART)
            for user in ("ada", "bob"):
                await shop.track(user, "Product Added", item="x")
            await shop.until(lambda: len(_sent(shop)) == 2)
            with shop.database.read() as connection:
                first = wakes.every(connection, after=_nil(), limit=10)
            for wake in first:
                await shop.gateway.handle(wake.run).terminate()
            await shop.track("ada", "Checkout Started")
            await shop.until(shop.ended(1))
            assert len(_sent(shop)) == 3
            with shop.database.read() as connection:
                (left,) = wakes.every(connection, after=_nil(), limit=10)
            await shop.gateway.rebuild(left)
            await shop.gateway.rebuild(left)  # ends the one it has just started
            await shop.track("bob", "Order Completed")
            await shop.until(shop.ended(2))
            await asyncio.wait_for(shop.gateway.handle(left.run).result(), 10)

    asyncio.run(story())


def test_the_reconciler_finds_an_overdue_run(database_url: str, temporal_address: str) -> None:
    async def story() -> None:
        async with open_shop(database_url, temporal_address) as shop:
            await _furnish(shop, SHORT)
            await shop.track("ada", "Ping", n=1)
            await shop.until(lambda: len(shop.rows(tables.run)) == 1)
            run = str(shop.rows(tables.run)[0].id)
            await shop.until(lambda: not shop.rows(tables.wake))
            await shop.gateway.handle(run).terminate()
            late = "UPDATE run SET check_at = now() - interval '1 minute'"
            shop.database.transact(lambda connection: connection.execute(text(late)))
            await shop.until(shop.ended(1))

    asyncio.run(story())


def test_a_long_run_continues_as_new(database_url: str) -> None:
    """Hints sent around the change-over are not lost."""

    async def story(address: str) -> None:
        async with open_shop(database_url, address) as shop:
            await _furnish(shop, CART)
            await shop.track("ada", "Product Added", item="x")
            await shop.until(lambda: len(_sent(shop)) == 1)
            run = str(shop.rows(tables.run)[0].id)
            handle = shop.gateway.handle(run)
            first = (await handle.describe()).run_id
            for _ in range(40):
                await handle.signal("wake", None)  # as the dispatcher does
            await shop.track("ada", "Checkout Started")
            await shop.until(shop.ended(1))
            await asyncio.wait_for(handle.result(), 10)
            assert (await handle.describe()).run_id != first
            assert len(_sent(shop)) == 2

    with tempfile.TemporaryDirectory(prefix="parcours-test-") as directory:
        program = _quick_to_continue(Temporal(Path(directory)))
        process = program.start()
        try:
            wait_ready(program, process, 60)
            port = program.command[program.command.index("--port") + 1]
            asyncio.run(story(f"127.0.0.1:{port}"))
        finally:
            end(program, process)


def _quick_to_continue(server: Temporal) -> Program:
    program = server.program()
    option = "limit.historyCount.suggestContinueAsNew=15"
    return replace(program, command=[*program.command, "--dynamic-config-value", option])


def _nil() -> Any:
    from uuid import UUID

    return UUID(int=0)


def test_the_workflow_needs_nothing_of_the_store() -> None:
    """Prepared in the sandbox, it has loaded neither tables nor drivers."""
    program = """
import asyncio, sys
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner
from temporalio.workflow import _Definition
from workers.workflows.journey_run import JourneyRun
async def prepare():
    SandboxedWorkflowRunner().prepare_workflow(_Definition.must_from_class(JourneyRun))
asyncio.run(prepare())
print(sorted({"sqlmodel", "sqlalchemy", "psycopg", "fastapi", "engine.store"} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
