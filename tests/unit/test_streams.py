"""One query feeds all who watch; only news is told; closing ends everything at once."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from designer import streams as module
from designer.streams import Streams
from engine.errors import Unavailable


class Source:
    """A value that changes, and counts how often it was looked at."""

    def __init__(self) -> None:
        self.value: Any = 1
        self.looks = 0

    def __call__(self) -> Any:
        self.looks += 1
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


async def _next(watching: AsyncIterator[Any]) -> Any:
    return await asyncio.wait_for(anext(watching), 2)


def test_watchers_share_one_query_and_hear_only_news() -> None:
    async def scene() -> None:
        source, streams = Source(), Streams()
        watching = [streams.watch("key", source, 0.01) for _ in range(5)]
        assert [await _next(one) for one in watching] == [1] * 5
        await asyncio.sleep(0.05)
        looks = source.looks
        assert looks < 10  # five watchers alone would have looked about five times as often
        source.value = 2
        assert [await _next(one) for one in watching] == [2] * 5
        for one in watching:
            await one.aclose()  # type: ignore[attr-defined]
        await asyncio.sleep(0.03)
        looks = source.looks
        await asyncio.sleep(0.05)
        assert source.looks == looks  # nobody watches: nobody looks

    asyncio.run(scene())


def test_silence_is_broken_by_a_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEARTBEAT", 0.02)

    async def scene() -> None:
        watching = Streams().watch("key", Source(), 0.01)
        assert await _next(watching) == 1
        assert await _next(watching) is None
        await watching.aclose()  # type: ignore[attr-defined]

    asyncio.run(scene())


def test_a_database_that_is_away_is_asked_again_later() -> None:
    async def scene() -> None:
        source = Source()
        source.value = Unavailable("away")
        watching = Streams().watch("key", source, 0.01)
        first = asyncio.create_task(_next(watching))
        await asyncio.sleep(0.05)
        source.value = "back"
        assert await first == "back"
        await watching.aclose()  # type: ignore[attr-defined]

    asyncio.run(scene())


def test_closing_ends_every_stream_at_once() -> None:
    async def scene() -> None:
        streams = Streams()

        async def watch() -> list[Any]:
            return [value async for value in streams.watch("key", Source(), 60)]

        watchers = [asyncio.create_task(watch()) for _ in range(3)]
        await asyncio.sleep(0.1)
        begun = time.monotonic()
        streams.close()
        assert await asyncio.gather(*watchers) == [[1]] * 3
        assert time.monotonic() - begun < 0.5

    asyncio.run(scene())
