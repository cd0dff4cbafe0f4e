"""Temporal: whether it answers, knows our namespace and attributes, and has our workers."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    DescribeTaskQueueRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from engine.errors import Unavailable
from engine.gateway import connect
from engine.names import ENTRY_SOURCE, JOURNEY_ID, RUNS_QUEUE, VERSION
from engine.settings import Settings
from parcours.doctor.finding import Finding, unwise, well, wrong
from workers.main import QUEUES

_HERE: Final = timedelta(seconds=90)
"""A worker asks at least once in a minute."""


def look(settings: Settings) -> list[Finding]:
    """Look at Temporal at the settings' address."""
    return asyncio.run(_look(settings))


async def _look(settings: Settings) -> list[Finding]:
    address = settings.temporal_address
    try:
        client = await asyncio.wait_for(connect(settings, address), 10)
    except (Unavailable, TimeoutError):
        mend = "Start it, and check PARCOURS_TEMPORAL_ADDRESS and its key or certificates"
        return [wrong("temporal", f"does not answer at {address}", mend)]
    found = [well("temporal", f"answers at {address}")]
    try:
        found += [await _namespace(client)]
        if found[-1].state == "well":
            found += [await _attributes(client), *[await _workers(client, q) for q in QUEUES]]
    except RPCError as error:
        name = error.status.name.lower().replace("_", " ")
        mend = "Check that its key or certificate has the right to ask"
        found.append(unwise("temporal", f"did not tell everything ({name})", mend))
    return found


async def _namespace(client: Client) -> Finding:
    name = client.namespace
    try:
        await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=name))
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise
        mend = (
            f"Run `temporal operator namespace create {name}`, or set PARCOURS_TEMPORAL_NAMESPACE"
        )
        return wrong("namespace", f"there is no {name}", mend)
    return well("namespace", f"{name} is there")


async def _attributes(client: Client) -> Finding:
    known = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    wanted = (JOURNEY_ID, VERSION, ENTRY_SOURCE)
    missing = [name for name in wanted if name not in known.custom_attributes]
    if missing:
        mend = "Start a worker or the dispatcher, which add them"
        return wrong("search attributes", f"{', '.join(missing)} missing", mend)
    return well("search attributes", "are there")


async def _workers(client: Client, queue: str) -> Finding:
    kind = (
        TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW
        if queue == RUNS_QUEUE
        else TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
    )
    asked = DescribeTaskQueueRequest(
        namespace=client.namespace, task_queue=TaskQueue(name=queue), task_queue_type=kind
    )
    answer = await client.workflow_service.describe_task_queue(asked)
    since = datetime.now(UTC) - _HERE
    here = {
        poller.identity
        for poller in answer.pollers
        if poller.last_access_time.ToDatetime(tzinfo=UTC) >= since
    }
    about = f"worker of {queue}"
    if not here:
        mend = f"Start `parcours worker`, or `parcours worker --queues {queue}`"
        return wrong(about, "nobody serves it", mend)
    return well(about, f"{len(here)} of them" if len(here) > 1 else "is there")
