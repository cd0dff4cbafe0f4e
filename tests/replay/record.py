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
from typing import Any

from activities.custom.finding import find
from engine.store import tables
from tests.workflows.conftest import Shop, open_shop, put_template
from tests.workflows.test_activities import FOLDER, own_queue
from tests.workflows.test_activities import JOURNEY as LOYAL
from tests.workflows.test_activities import serving as having_done
from tests.workflows.test_journey_run import CART, SHORT, _furnish, _sent
from tests.workflows.test_webhook import JOURNEY as CALLING
from tests.workflows.test_webhook import Crm, serving

HISTORIES = Path(__file__).parent / "histories"


async def record(database_url: str, address: str) -> None:
    """Run four journeys and keep their histories."""
    crm = Crm()
    with serving(crm) as port:
        async with (
            open_shop(database_url, address, allow_private_addresses=True) as shop,
            having_done(shop, own_queue(find(FOLDER))),
        ):
            await _live(
                shop, CALLING.format(port=port, retry_for="1d").replace("{{ secret.CRM }}", "")
            )


async def _live(shop: Shop, calling: str) -> None:
    put_template(shop.database, "kept")
    await _furnish(shop, CART, SHORT, calling)
    shop.publish(LOYAL.replace("{event: Go}", "{event: Visit}") % "retry_for: 3s")
    for way in ("flaky", "never"):
        await shop.track("bob", "Visit", way=way, n=7)
    await shop.track("bob", "Go", way="flaky", n=1)
    await shop.track("ada", "Product Added", item="shoes")
    await shop.track("bob", "Product Added", item="hat")
    await shop.track("ada", "Ping", n=1)
    await shop.until(lambda: len(_sent(shop)) >= 2)
    await shop.gateway.handle(str(shop.rows(tables.run)[0].id)).signal("wake", None)
    await shop.track("ada", "Checkout Started")
    await shop.track("bob", "Order Completed")
    await shop.until(shop.ended(6))
    await asyncio.sleep(1)
    for n, row in enumerate(shop.rows(tables.run, tables.run.c.id)):
        history = await shop.gateway.handle(str(row.id)).fetch_history()
        text = _without_machine(history.to_json())
        name = f"{datetime.now(UTC):%Y-%m-%d}-{row.journey_id}-{n}.json"
        await asyncio.to_thread((HISTORIES / name).write_text, text, encoding="utf-8")


def _without_machine(history: str) -> str:
    """Leave out which machine and process did the work: a worker's identity is pid@host."""

    def without_folders(found: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in found.items() if name != "stackTrace"}

    document = json.loads(history, object_hook=without_folders)
    return re.sub(r"\d+@[\w.-]+", "worker", json.dumps(document, indent=1)) + "\n"


if __name__ == "__main__":
    asyncio.run(record(sys.argv[1], sys.argv[2]))
