"""Server-sent events: one query feeds every browser that looks at the same thing."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from engine.errors import ParcoursError

HEARTBEAT: Final = 15.0
"""Seconds after which a silent stream says that it is alive."""

Fetch = Callable[[], Any]


@dataclass(slots=True)
class _Topic:
    """Something that is looked at: its newest value, and who is told of it."""

    fetch: Fetch
    every: float
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    value: Any = None
    watchers: int = 0
    task: asyncio.Task[None] | None = None


class Streams:
    """Polls while somebody looks, tells only what is new, and ends at once when asked to."""

    def __init__(self) -> None:
        self._topics: dict[Hashable, _Topic] = {}
        self._closed = asyncio.Event()

    def close(self) -> None:
        """End every stream: whoever stops the server calls this first."""
        self._closed.set()
        for topic in self._topics.values():
            topic.changed.set()

    async def watch(self, key: Hashable, fetch: Fetch, every: float) -> AsyncIterator[Any]:
        """Yield what `fetch` returns, now and whenever it is something else; None is silence.

        `fetch` runs on a thread, once for all who watch the same key.
        """
        topic = self._topics.setdefault(key, _Topic(fetch, every))
        topic.watchers += 1
        if topic.task is None:
            topic.task = asyncio.create_task(self._poll(topic))
        last: Any = None
        try:
            while not self._closed.is_set():
                changed = topic.changed
                if topic.value is not None and topic.value != last:
                    last = topic.value
                    yield last
                    continue
                try:
                    async with asyncio.timeout(HEARTBEAT):
                        await changed.wait()
                except TimeoutError:
                    yield None
        finally:
            topic.watchers -= 1
            if topic.watchers == 0:
                topic.task.cancel()
                if self._topics.get(key) is topic:
                    del self._topics[key]

    async def _poll(self, topic: _Topic) -> None:
        while not self._closed.is_set():
            with contextlib.suppress(ParcoursError):  # the database is away: look again later
                value = await run_in_threadpool(topic.fetch)
                if value != topic.value:
                    topic.value = value
                    told, topic.changed = topic.changed, asyncio.Event()
                    told.set()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(topic.every):
                    await self._closed.wait()


def event_stream(parts: AsyncIterator[str | None]) -> StreamingResponse:
    """Answer with server-sent events: each text is one, None is a heartbeat."""

    async def lines() -> AsyncIterator[str]:
        yield ": open\n\n"
        async for part in parts:
            if part is None:
                yield ": still here\n\n"
            else:
                yield "".join(f"data: {line}\n" for line in part.splitlines()) + "\n"

    return StreamingResponse(
        lines(),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
