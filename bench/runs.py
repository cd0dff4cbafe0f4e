"""What a run costs: this product, a hand-written workflow, an empty one, on one Temporal.

A run is: trigger, send, wait for an event, branch, send, exit; three events come in (who the
customer is, the trigger, the awaited one). CPU is that of all processes: PostgreSQL, Temporal,
worker and client. The three variants take turns in rounds, and the medians are shown.

    python bench/runs.py [--runs 300] [--rounds 3] [--quick] [--json]
"""

import argparse
import asyncio
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from _stack import cpu_by_process, machine, report, settle, spent, stack
from sqlalchemy import text
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.delivery import Delivery
from engine.flow import sweep
from engine.flow.advance import advance
from engine.flow.intake import Incoming, receive
from engine.flow.publish import publish, save_journey
from engine.gateway import Gateway, connect, prepare_namespace
from engine.model.actor import COMMAND_LINE
from engine.model.journey import Journey
from engine.model.template import Template
from engine.store import documents
from engine.store.session import Database
from workers.main import workers
from workers.registry import composer, transports

JOURNEY = {
    "id": "bench", "name": "Bench", "topic": "offers",
    "entry": {"on": {"event": "Product Added"}, "if": {"reachable": "email"}},
    "goal": {"event": "Order Completed", "within": "7d"},
    "steps": [
        {"id": "first", "type": "send", "channel": "email", "template": "t"},
        {"id": "wait", "type": "wait_for", "since": "first", "timeout": "1d",
         "events": [{"on": {"event": "Checkout Started"}, "then": []}]},
        {"id": "which", "type": "branch", "arms": [
            {"id": "gold", "if": {"trait": "tier", "eq": "gold"}, "then": [
                {"id": "second", "type": "send", "channel": "email", "template": "t"}]}]},
        {"id": "end", "type": "exit"},
    ],
}  # fmt: skip
TEMPLATE = {
    "id": "t", "name": "t", "channel": "email",
    "locales": {"en": {"subject": "Hi {{ customer.first_name }}",
                       "body": "<p>Hello {{ customer.first_name }}, {{ event.item }}.</p>"}},
}  # fmt: skip
AT_ONCE = 50


def incoming(user: str, name: str, **more: Any) -> Incoming:
    """Return an event of a customer."""
    kind = more.pop("kind", "track")
    return Incoming(
        source="bench", message_id=uuid4().hex, kind=kind, name=name, user_id=user, **more
    )


def identified(user: str) -> Incoming:
    """Return the event that tells who the customer is."""
    traits = {"email": f"{user}@example.com", "first_name": user, "tier": "gold"}
    return incoming(user, "Customer Identified", kind="identify", traits=traits)


def triggered(user: str) -> Incoming:
    """Return the event that opens the journey."""
    return incoming(user, "Product Added", properties={"item": "shoes", "cart_value": 50})


def awaited(user: str) -> Incoming:
    """Return the event that the journey waits for."""
    return incoming(user, "Checkout Started")


class ByHand:
    """One activity a step, with the same transactions on the same tables."""

    def __init__(self, database: Database, delivery: Delivery) -> None:
        self._database = database
        self._delivery = delivery

    @activity.defn
    def identify(self, user: str) -> None:
        """Store who the customer is."""
        receive(self._database, [identified(user)])

    @activity.defn
    def enter(self, user: str) -> str:
        """Store the trigger, which opens the run."""
        wake = receive(self._database, [triggered(user)])[0]
        return wake.run

    @activity.defn
    def send(self, run: str) -> None:
        """Render, claim, hand over, record."""
        revision = advance(self._database, UUID(run), 0, "look").revision
        self._delivery.send(UUID(run), revision)

    @activity.defn
    def store(self, user: str) -> None:
        """Store the awaited event."""
        receive(self._database, [awaited(user)])

    @activity.defn
    def branch(self, run: str) -> str:
        """Decide the branch."""
        return advance(self._database, UUID(run), 0, "look").command.step

    @activity.defn
    def finish(self, run: str) -> None:
        """Take the run out of the outbox."""
        self._database.transact(
            lambda connection: connection.execute(
                text("DELETE FROM wake WHERE run_id = :run"), {"run": run}
            )
        )


@workflow.defn
class HandWritten:
    """The same journey, as one would write it with an activity for each step."""

    def __init__(self) -> None:
        self._happened = False

    @workflow.signal
    def happened(self) -> None:
        """The awaited event."""
        self._happened = True

    @workflow.run
    async def run(self, user: str) -> None:
        """Carry out the journey."""
        soon = timedelta(seconds=30)

        async def do(method: Any, argument: str) -> Any:
            return await workflow.execute_activity_method(
                method, argument, start_to_close_timeout=soon
            )

        run = await do(ByHand.enter, user)
        await do(ByHand.send, run)
        await workflow.wait_condition(lambda: self._happened, timeout=timedelta(days=1))
        await do(ByHand.store, user)
        if await do(ByHand.branch, run) == "second":
            await do(ByHand.send, run)
        await do(ByHand.finish, run)


@workflow.defn
class Empty:
    """Nothing."""

    @workflow.run
    async def run(self) -> None:
        """Do nothing."""


class Bench:
    """The three variants on the same servers."""

    def __init__(self, client: Client, database: Database, gateway: Gateway) -> None:
        self.client = client
        self.database = database
        self.gateway = gateway
        self.sample: dict[str, str] = {}

    async def product(self, users: list[str]) -> None:
        """Run the journey with this product."""
        await self._receive([identified(user) for user in users])
        await self._receive([triggered(user) for user in users])
        await self._until_waiting(len(users))
        await self._receive([awaited(user) for user in users])
        await self._until_ended()

    async def by_hand(self, users: list[str]) -> None:
        """Run it with the hand-written workflow."""
        await self._receive([identified(user) for user in users], tell=False)

        async def one(user: str) -> None:
            handle = await self.client.start_workflow(
                HandWritten.run, user, id=f"hand-{user}", task_queue="bench"
            )
            await handle.signal(HandWritten.happened)
            await handle.result()

        await _all(one, users)
        self.sample["by_hand"] = f"hand-{users[0]}"

    async def empty(self, users: list[str]) -> None:
        """Run empty workflows."""

        async def one(user: str) -> None:
            await self.client.execute_workflow(Empty.run, id=f"empty-{user}", task_queue="bench")

        await _all(one, users)
        self.sample["empty"] = f"empty-{users[0]}"

    async def _receive(self, some: list[Incoming], *, tell: bool = True) -> None:
        async def one(event: Incoming) -> None:
            told = await asyncio.to_thread(receive, self.database, [event])
            if tell:
                self.gateway.tell_soon(told)

        await _all(one, some)

    async def _until_waiting(self, n: int) -> None:
        await self._until("SELECT count(*) >= :n FROM run WHERE command->>'kind' = 'wait'", n=n)

    async def _until_ended(self) -> None:
        await self._until("SELECT count(*) = 0 FROM run WHERE ended_at IS NULL")
        self.sample["product"] = str(self._ask("SELECT id FROM run ORDER BY id DESC LIMIT 1"))
        await self.client.get_workflow_handle(self.sample["product"]).result()

    async def _until(self, question: str, **values: Any) -> None:
        while True:
            if await asyncio.to_thread(self._ask, question, **values):
                return
            await asyncio.sleep(0.1)

    def _ask(self, question: str, **values: Any) -> Any:
        with self.database.read() as connection:
            return connection.execute(text(question), values).scalar_one()

    async def history_events(self, variant: str) -> int:
        """Return the length of a finished workflow's history."""
        handle = self.client.get_workflow_handle(self.sample[variant])
        return len((await handle.fetch_history()).events)


async def _all(one: Any, some: list[Any]) -> None:
    places = asyncio.Semaphore(AT_ONCE)

    async def placed(item: Any) -> None:
        async with places:
            await one(item)

    await asyncio.gather(*(placed(item) for item in some))


async def measure(runs: int, rounds: int) -> dict[str, Any]:
    """Measure the variants in turn."""
    with stack() as servers, ThreadPoolExecutor(16) as threads:
        settings = servers.settings
        client = await connect(settings, settings.temporal_address)
        await prepare_namespace(client)
        database = Database(settings.database_url, pool_size=24)
        template = Template.model_validate(TEMPLATE)
        database.transact(lambda connection: documents.put_template(connection, template))
        save_journey(database, Journey.model_validate(JOURNEY), actor=COMMAND_LINE)
        publish(database, "bench", actor=COMMAND_LINE)
        gateway = Gateway(client, partial(sweep.told, database))
        delivery = Delivery(
            database, composer(settings, database), transports(settings), lambda wakes: None
        )
        hand = ByHand(database, delivery)
        bench_worker = Worker(
            client,
            task_queue="bench",
            workflows=[HandWritten, Empty],
            activities=[hand.enter, hand.send, hand.store, hand.branch, hand.finish],
            activity_executor=threads,
            workflow_runner=UnsandboxedWorkflowRunner(),
        )
        async with AsyncExitStack() as running:
            for worker in workers(client, database, gateway, settings, threads):
                await running.enter_async_context(worker)
            await running.enter_async_context(bench_worker)
            bench = Bench(client, database, gateway)
            figures = await _rounds(bench, gateway, runs, rounds)
        database.close()
        return figures


async def _rounds(bench: Bench, gateway: Gateway, runs: int, rounds: int) -> dict[str, Any]:
    variants = {"product": bench.product, "by_hand": bench.by_hand, "empty": bench.empty}
    cpu: dict[str, list[float]] = {name: [] for name in variants}
    wall: dict[str, list[float]] = {name: [] for name in variants}
    shares: dict[str, dict[str, float]] = {}
    for turn in range(-1, rounds):  # the first is a warm-up
        for name, variant in variants.items():
            users = [f"{name}{turn}-{n}" for n in range(runs if turn >= 0 else min(runs, 60))]
            await settle()
            before, started = cpu_by_process(), time.perf_counter()
            await variant(users)
            took = time.perf_counter() - started
            await gateway.drain()
            used = spent(before, cpu_by_process())
            if turn < 0:
                continue
            wall[name].append(took)
            cpu[name].append(sum(used.values()) / runs * 1000)
            shares[name] = {k: round(v / runs * 1000, 1) for k, v in used.items() if v > 0}
            print(f"round {turn}: {name}: {cpu[name][-1]:.1f} ms CPU a run", file=sys.stderr)
    figures: dict[str, Any] = {"machine": machine(), "runs": runs, "rounds": rounds}
    for name in variants:
        figures[name] = {
            "cpu_ms_per_run": round(statistics.median(cpu[name]), 1),
            "runs_per_second": round(runs / statistics.median(wall[name]), 1),
            "history_events": await bench.history_events(name),
            "cpu_ms_by_program": shares[name],
        }
    median = statistics.median
    ratios = [p / e for p, e in zip(cpu["product"], cpu["empty"], strict=True)]
    figures["product_to_empty"] = round(median(ratios), 2)
    ratios = [p / h for p, h in zip(cpu["product"], cpu["by_hand"], strict=True)]
    figures["product_to_by_hand"] = round(median(ratios), 2)
    return figures


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="under a minute")
    parser.add_argument("--json", action="store_true", help="the figures as the last line")
    given = parser.parse_args()
    runs, rounds = (100, 1) if given.quick else (given.runs, given.rounds)
    report(asyncio.run(measure(runs, rounds)), as_json=given.json)


if __name__ == "__main__":
    main()
