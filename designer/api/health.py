"""Whether the process is alive, whether it can work, and what it counts."""

import logging

import anyio
import anyio.to_thread
from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import func, select, text

from designer.api.access import Needs
from designer.api.answers import json_response
from designer.api.metrics import WAKES
from designer.api.problems import ProblemRoute
from engine.errors import Unavailable
from engine.store import tables
from engine.store.session import Database

_log = logging.getLogger(__name__)

PATIENCE = 3.0
"""Seconds after which a part that has not answered counts as away."""

router = APIRouter(tags=["health"], route_class=ProblemRoute)


@router.get("/healthz", summary="Alive")
async def alive() -> Response:
    """Answer: that is all there is to it."""
    return json_response({"status": "alive"})


@router.get("/readyz", summary="Ready")
async def ready(request: Request) -> Response:
    """Say whether the database and Temporal answer."""
    answers = {"database": False, "temporal": False}

    async def ask_database() -> None:
        answers["database"] = await anyio.to_thread.run_sync(
            _database_answers, request.app.state.database, abandon_on_cancel=True
        )

    async def ask_temporal() -> None:
        gateway = request.app.state.gateway
        try:
            answers["temporal"] = gateway is not None and await gateway.healthy()
        except Exception:  # noqa: BLE001 - however it fails, it does not answer
            _log.warning("Temporal cannot be asked for its health.", exc_info=True)

    with anyio.move_on_after(PATIENCE):
        async with anyio.create_task_group() as group:
            group.start_soon(ask_database)
            group.start_soon(ask_temporal)
    is_ready = all(answers.values())
    words = {part: "answers" if up else "does not answer" for part, up in answers.items()}
    return json_response({"status": "ready" if is_ready else "not ready", **words},
                         200 if is_ready else 503)  # fmt: skip


def _database_answers(database: Database) -> bool:
    try:
        with database.read() as connection:
            return bool(connection.execute(text("SELECT 1")).scalar_one())
    except Unavailable:
        return False


@router.get("/metrics", summary="Metrics", dependencies=[Depends(Needs("read"))])
def metrics(request: Request) -> Response:
    """Return the counters for Prometheus."""
    database: Database = request.app.state.database
    with database.read() as connection:
        WAKES.set(connection.execute(select(func.count()).select_from(tables.wake)).scalar_one())
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
