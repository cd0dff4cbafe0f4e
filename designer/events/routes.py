"""The live tail of events."""

from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from designer.events import views
from designer.login.permits import READ, READ_CUSTOMERS
from designer.pages import database, pages
from designer.streams import Streams, event_stream
from engine.store import tail
from engine.store.session import Database

router = APIRouter(dependencies=[READ, READ_CUSTOMERS])

_SHOWN = 50
EVERY = 1.0
"""Seconds between two looks for new events, while somebody watches."""


@router.get("/events")
def events(request: Request, name: str = "") -> Response:
    """Show the newest events; more appear on top by themselves."""
    with database(request).read() as connection:
        found = tail.newest(connection, name, _SHOWN)
        names = tail.names(connection)
    words = pages(request).words(request)
    return pages(request).render(
        request,
        "events/events.html",
        words=words,
        rows=views.rows(found, words),
        names=sorted({*names, name} - {""}),
        name=name,
    )


@router.get("/events/stream")
async def stream(request: Request, name: str = "") -> Response:
    """Send each event as a row, once; the first look sends those the page may have missed."""
    database_: Database = database(request)
    renderer = pages(request)
    words = await run_in_threadpool(renderer.words, request)
    streams: Streams = request.app.state.streams

    def fetch() -> list[dict[str, Any]]:
        with database_.read() as connection:
            return tail.newest(connection, name, _SHOWN)

    async def parts() -> AsyncIterator[str | None]:
        told: set[Any] | None = None
        async for found in streams.watch(("events", name), fetch, EVERY):
            if found is None:
                yield None
                continue
            is_first = told is None
            new = [event for event in found if told is None or event["id"] not in told]
            told = {event["id"] for event in found}
            if new:
                rows = views.rows(new, words)
                yield await run_in_threadpool(
                    renderer.text,
                    request,
                    "events/_new.html",
                    words=words,
                    rows=rows,
                    whole=is_first or len(new) == _SHOWN,
                )

    return event_stream(parts())
