"""The worker: serves the runs' queue and each channel's queue until it is cancelled."""

import asyncio
import logging
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from typing import Final

from temporalio.client import Client
from temporalio.worker import (
    PollerBehaviorSimpleMaximum,
    UnsandboxedWorkflowRunner,
    Worker,
    WorkflowRunner,
)

from activities.advance import Advance
from activities.custom.finding import find
from activities.delivery import Delivery
from activities.webhook import Webhook
from engine.errors import Unavailable
from engine.flow import sweep
from engine.gateway import Gateway, connect, prepare_namespace
from engine.names import CALL_QUEUE, CHANNEL_QUEUES, RUNS_QUEUE
from engine.settings import Settings, own_secrets
from engine.store.session import Database
from workers.custom import CUSTOM, Custom
from workers.discretion import Discreet
from workers.registry import composer, transports
from workers.workflows.journey_run import JourneyRun

_log = logging.getLogger(__name__)

THREADS: Final = 16
"""Activities under way at the same time on one queue."""

CALLS: Final = 6
"""Calls of web addresses under way at the same time."""

QUEUES: Final = (RUNS_QUEUE, *CHANNEL_QUEUES.values(), CALL_QUEUE)

ALL_THREADS: Final = THREADS * (1 + len(CHANNEL_QUEUES)) + CALLS + CUSTOM
"""Enough for every queue: those who wait for a provider that is down take nobody else's."""


async def patiently_connect(settings: Settings) -> Client:
    """Connect to Temporal, waiting for it as long as it does not answer."""
    told = False
    while True:
        try:
            client = await connect(settings, settings.temporal_address)
            await prepare_namespace(client)
        except Unavailable as error:
            if not told:
                _log.warning("%s Waiting for it.", error)
            told = True
            await asyncio.sleep(1)
        else:
            return client


async def work(settings: Settings, queues: Collection[str] | None = None) -> None:
    """Serve these queues (all when None) until cancelled."""
    client = await patiently_connect(settings)
    database = Database(settings.database_url, pool_size=THREADS, application="parcours-worker")
    database.links = settings.links()
    custom = Custom(database, find(settings.activities), queues)
    gateway = Gateway(client, partial(sweep.told, database))
    with ThreadPoolExecutor(ALL_THREADS, thread_name_prefix="activity") as threads:
        try:
            async with AsyncExitStack() as running:
                for worker in (
                    *workers(client, database, gateway, settings, threads, queues),
                    *custom.workers(client, threads),
                ):
                    await running.enter_async_context(worker)
                await custom.tell()
        finally:
            custom.close()
            database.close()


def workers(
    client: Client,
    database: Database,
    gateway: Gateway,
    settings: Settings,
    threads: ThreadPoolExecutor,
    queues: Collection[str] | None = None,
    runner: WorkflowRunner | None = None,
) -> list[Worker]:
    """Return a worker for each queue.

    The one workflow is small and holds to the rules, which tests check in the sandbox; outside
    of it, production spares more than half of a worker's CPU.
    """
    wanted = set(queues) if queues is not None else set(QUEUES)
    delivery = Delivery(
        database, composer(settings, database), transports(settings), gateway.tell_soon
    )
    poll = PollerBehaviorSimpleMaximum(2)
    served = []
    if RUNS_QUEUE in wanted:
        served.append(
            Worker(
                client,
                task_queue=RUNS_QUEUE,
                workflows=[JourneyRun],
                activities=[Advance(database).advance],
                activity_executor=threads,
                interceptors=[Discreet()],
                workflow_runner=runner or UnsandboxedWorkflowRunner(),
                max_cached_workflows=500,
                max_concurrent_local_activities=THREADS,
                workflow_task_poller_behavior=PollerBehaviorSimpleMaximum(4),
                activity_task_poller_behavior=poll,
                graceful_shutdown_timeout=timedelta(seconds=5),
            )
        )
    if CALL_QUEUE in wanted:
        webhook = Webhook(database, own_secrets(), allow_private=settings.allow_private_addresses)
        served.append(
            Worker(
                client,
                task_queue=CALL_QUEUE,
                activities=[webhook.call_webhook],
                activity_executor=threads,
                interceptors=[Discreet()],
                max_concurrent_activities=CALLS,
                activity_task_poller_behavior=poll,
                graceful_shutdown_timeout=timedelta(seconds=5),
            )
        )
    for channel, send in (
        ("email", delivery.send_email),
        ("sms", delivery.send_sms),
        ("whatsapp", delivery.send_whatsapp),
        ("push", delivery.send_push),
    ):
        if CHANNEL_QUEUES[channel] in wanted:
            served.append(
                Worker(
                    client,
                    task_queue=CHANNEL_QUEUES[channel],
                    activities=[send],
                    activity_executor=threads,
                    interceptors=[Discreet()],
                    max_concurrent_activities=THREADS,
                    max_task_queue_activities_per_second=settings.rate(channel),
                    activity_task_poller_behavior=poll,
                    graceful_shutdown_timeout=timedelta(seconds=5),
                )
            )
    return served
