"""Developers' activities through real Temporal and PostgreSQL: in Python, and over HTTP."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from activities.custom.declaring import Activity
from activities.custom.finding import Found, find
from activities.custom.opening import document_of
from engine.flow.activity import prepare, register, settle
from engine.flow.call import Result
from engine.model.activity import ActivityType
from engine.run.calls import CallId
from engine.store import activities, tables
from tests.workflows.conftest import Shop, incoming, open_shop
from workers.custom import CUSTOM, Custom

FOLDER = Path(__file__).parents[1] / "shop_activities"

JOURNEY = """
id: loyal
name: Loyal
entry: {on: {event: Go}, reentry: {mode: per_key, key: way}}
exits: [{on: {event: Order Completed}, reason: purchased}]
steps:
  - id: points
    type: activity
    activity: add_points
    parameters: {points: "{{ event.n }}", note: "{{ event.way | replace: '_', ' ' }}"}
    %s
    on_error: [{id: sorry, type: exit, reason: without}]
  - id: rich
    type: branch
    arms:
      - {id: "yes", if: {result: {step: points, name: balance}, gte: 107},
         then: [{id: many, type: exit, reason: rich}]}
"""


@asynccontextmanager
async def serving(shop: Shop, found: Found) -> AsyncIterator[None]:
    custom = Custom(shop.database, found)
    register(shop.database, [one.declared for one in found.activities.values()])
    with ThreadPoolExecutor(CUSTOM) as threads:
        async with AsyncExitStack() as running:
            for worker in custom.workers(shop.client, threads):
                await running.enter_async_context(worker)
            yield
    custom.close()


def own_queue(found: Found) -> Found:
    """The server is the session's: a queue of one test's is no other's."""
    queue = f"test-{uuid4().hex}"
    return Found(
        activities={
            name: Activity(one._function, one.declared.model_copy(update={"queue": queue}))
            for name, one in found.activities.items()
        }
    )


async def _identify(shop: Shop) -> None:
    ada = {"email": "ada@example.com", "first_name": "Ada"}
    await shop.receive([incoming("ada", "Customer Identified", kind="identify", traits=ada)])


def _reasons(shop: Shop) -> dict[str, str]:
    return {str(row.entry_key): str(row.end_reason) for row in shop.rows(tables.run)}


def _failed(shop: Shop) -> dict[str, Any]:
    keys = {row.id: row.entry_key for row in shop.rows(tables.run)}
    rows = shop.rows(tables.run_trace)
    return {keys[row.run_id]: row.data for row in rows if row.what == "call_failed"}


async def _histories(shop: Shop) -> str:
    runs = [shop.gateway.handle(str(row.id)) for row in shop.rows(tables.run)]
    return "\n".join([(await run.fetch_history()).to_json() for run in runs])


def test_python_activities_go_well_again_or_wrong(database_url: str, temporal_address: str) -> None:
    async def story() -> None:
        async with open_shop(database_url, temporal_address) as shop:
            found = own_queue(find(FOLDER))
            done = sys.modules["parcours_activities.points"].DONE
            done.clear()
            async with serving(shop, found):
                shop.publish(JOURNEY % "retry_for: 3s")
                await _identify(shop)
                for way in ("fine", "flaky", "give_up", "never"):
                    await shop.track("ada", "Go", way=way, n=7)
                await shop.track("ada", "Go", way="wrong", n="many")
                await shop.track("ada", "Go", way="poor", n=1)
                await shop.until(shop.ended(6))
                assert _reasons(shop) == {
                    "fine": "rich", "flaky": "rich", "poor": "completed",
                    "give_up": "without", "never": "without", "wrong": "without",
                }  # fmt: skip
                failed = _failed(shop)
                assert failed["give_up"]["reason"] == "gave_up"
                assert failed["give_up"]["detail"] == "this customer has no account"
                assert (failed["never"]["reason"], failed["never"]["detail"]) == (
                    "raised", "ConnectionError",
                )  # fmt: skip
                assert failed["wrong"]["reason"] == "bad_parameters"
                assert "points: input should be a valid integer" in failed["wrong"]["detail"]
                states = {row.entry_key: row.state for row in shop.rows(tables.run)}
                assert states["fine"]["results"] == {"points": {"balance": 107, "tier": "silver"}}
                counted = [key for key, _, _ in done]
                # Each call has its own key, the same for every attempt.
                assert len(set(counted)) == 5
                assert max(map(counted.count, counted)) >= 2
                assert {who for _, who, _ in done} == {"ada"}
                said = await _histories(shop)
                assert '"add_points"' in said
                for personal in ("example.com", "Ada", "silver", "no account", "balance"):
                    assert personal not in said, personal

    asyncio.run(story())


def test_an_async_activity_without_a_result(database_url: str, temporal_address: str) -> None:
    async def story() -> None:
        found = own_queue(find(FOLDER))
        async with open_shop(database_url, temporal_address) as shop, serving(shop, found):
            shop.publish(
                "{id: greet, name: g, entry: {on: {event: Go}},"
                " steps: [{id: hello, type: activity, activity: greet}]}"
            )
            await shop.track("ada", "Go")
            await shop.until(shop.ended(1))
            assert [row.state["outcomes"] for row in shop.rows(tables.run)] == [{"hello": "done"}]

    asyncio.run(story())


def elsewhere(name: str, queue: str) -> ActivityType:
    return ActivityType.model_validate(
        {"name": name, "title": name, "queue": queue, "timeout": "1s", "retry_for": "2s"}
    )


@asynccontextmanager
async def foreign(shop: Shop, work: Callable[[str], Any]) -> AsyncIterator[str]:
    """A worker as another language has it: it knows a call's id, and nothing of Parcours' code."""
    queue = f"test-{uuid4().hex}"
    register(shop.database, [elsewhere("add_points", queue)])

    @activity.defn(name="add_points")
    async def carry_out(call: str) -> Any:
        return await asyncio.to_thread(work, call)

    async with Worker(shop.client, task_queue=queue, activities=[carry_out]):
        yield queue


def test_other_languages_fetch_the_call_and_tell_its_result(
    database_url: str, temporal_address: str
) -> None:
    async def story() -> None:
        async with open_shop(database_url, temporal_address) as shop:

            def work(call: str) -> str:
                named = CallId.read(call)
                assert named is not None
                given = document_of(shop.database, prepare(shop.database, named))
                balance = 100 + given["parameters"]["points"]
                match given["parameters"]["note"]:
                    case "forgets":
                        return "nothing"
                    case "for good":
                        raise ApplicationError("no", non_retryable=True)
                    case "again":
                        raise ApplicationError("later")
                    case "gives up":
                        failed = Result(outcome="failed", reason="gave_up", detail="no account")
                        assert settle(shop.database, named, failed)
                        return "told"
                told = Result(outcome="done", kept={"balance": balance})
                assert settle(shop.database, named, told)
                assert not settle(shop.database, named, told)
                return "the result is not for Temporal"

            async with foreign(shop, work):
                shop.publish(JOURNEY % "")
                await _identify(shop)
                for way in ("fine", "forgets", "for_good", "gives_up"):
                    await shop.track("ada", "Go", way=way, n=7)
                await shop.until(shop.ended(4))
                assert _reasons(shop) == {
                    "fine": "rich", "forgets": "without", "for_good": "without",
                    "gives_up": "without",
                }  # fmt: skip
                assert {way: data["reason"] for way, data in _failed(shop).items()} == {
                    "forgets": "no_result", "for_good": "not_done", "gives_up": "gave_up",
                }  # fmt: skip
                late = [row for row in shop.rows(tables.run_trace) if row.what == "call_late"]
                assert len(late) == 1

    asyncio.run(story())


def test_an_exit_ends_a_run_whose_activity_is_under_way(
    database_url: str, temporal_address: str
) -> None:
    async def story() -> None:
        arrived, go_on = asyncio.Event(), asyncio.Event()
        async with open_shop(database_url, temporal_address) as shop:
            queue = f"test-{uuid4().hex}"
            register(shop.database, [elsewhere("add_points", queue)])

            @activity.defn(name="add_points")
            async def carry_out(call: str) -> None:
                arrived.set()
                await go_on.wait()
                named = CallId.read(call)
                assert named is not None
                told = Result(outcome="done", kept={"balance": 1})
                assert not await asyncio.to_thread(settle, shop.database, named, told)

            async with Worker(shop.client, task_queue=queue, activities=[carry_out]):
                shop.publish(JOURNEY % "timeout: 20s")
                await shop.track("ada", "Go", way="x", n=1)
                await asyncio.wait_for(arrived.wait(), 20)
                await shop.track("ada", "Order Completed")
                assert _reasons(shop) == {"x": "purchased"}
                go_on.set()
                run = str(shop.rows(tables.run)[0].id)
                await asyncio.wait_for(shop.gateway.handle(run).result(), 20)
            assert shop.rows(tables.run)[0].state["results"] == {}

    asyncio.run(story())


def test_what_workers_tell_of_is_known(database_url: str, temporal_address: str) -> None:
    async def story() -> None:
        async with open_shop(database_url, temporal_address) as shop:
            found = find(FOLDER)
            custom = Custom(shop.database, found)
            telling = asyncio.create_task(custom.tell())
            await shop.until(lambda: len(shop.rows(tables.activity_type)) == 2)
            telling.cancel()
            custom.close()
            with shop.database.read() as connection:
                known = activities.every(connection)
                assert activities.silent(connection) == set()
            assert known["add_points"] == found.activities["add_points"].declared
            assert known["greet"].queue == "parcours-greetings"

    asyncio.run(story())
