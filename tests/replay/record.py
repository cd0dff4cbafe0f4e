"""Records histories of runs, to be replayed: `python -m tests.replay.record DATABASE_URL ADDRESS`.

Record anew, beside the old ones, when the workflow's code changes: customers wait for months,
so what an older release has begun must go on under a newer one.
"""

import asyncio
import json
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

from engine.store import tables
from tests.workflows.conftest import open_shop
from tests.workflows.test_journey_run import CART, SHORT, _furnish, _sent

HISTORIES = Path(__file__).parent / "histories"


async def record(database_url: str, address: str) -> None:
    """Run two journeys and keep their histories."""
    async with open_shop(database_url, address) as shop:
        await _furnish(shop, CART, SHORT)
        await shop.track("ada", "Product Added", item="shoes")
        await shop.track("bob", "Product Added", item="hat")
        await shop.track("ada", "Ping", n=1)
        await shop.until(lambda: len(_sent(shop)) >= 2)
        await shop.gateway.handle(str(shop.rows(tables.run)[0].id)).signal("wake", None)
        await shop.track("ada", "Checkout Started")
        await shop.track("bob", "Order Completed")
        await shop.until(shop.ended(3))
        await asyncio.sleep(1)
        for n, row in enumerate(shop.rows(tables.run, tables.run.c.id)):
            history = await shop.gateway.handle(str(row.id)).fetch_history()
            text = _without_machine(history.to_json())
            name = f"{datetime.now(UTC):%Y-%m-%d}-{row.journey_id}-{n}.json"
            await asyncio.to_thread((HISTORIES / name).write_text, text, encoding="utf-8")


def _without_machine(history: str) -> str:
    """Leave out which machine and process did the work: a worker's identity is pid@host."""
    return re.sub(r"\d+@[\w.-]+", "worker", json.dumps(json.loads(history), indent=1)) + "\n"


if __name__ == "__main__":
    asyncio.run(record(sys.argv[1], sys.argv[2]))
