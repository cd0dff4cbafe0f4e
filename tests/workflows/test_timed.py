"""Dates, segments and starts through real Temporal: nobody sends an event, and mail goes out."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from uuid_utils.compat import uuid7

from engine.flow import materials, starting
from engine.model.actor import COMMAND_LINE
from engine.model.opening import Pace
from engine.model.segment import Segment
from engine.store import tables
from tests.workflows.conftest import Shop, incoming, open_shop, put_template

JOURNEY = """
id: {id}
name: {id}
topic: offers
entry: {{on: {on}}}
steps:
  - {{id: mail, type: send, channel: email, template: hello}}
"""
GOLD = Segment.model_validate(
    {"id": "gold", "name": "Gold", "rule": {"trait": "tier", "eq": "gold"}}
)


async def told(shop: Shop, user: str, **traits: Any) -> None:
    """Have a customer known, with an address."""
    known = {"email": f"{user}@example.com", "first_name": user, **traits}
    await shop.receive([incoming(user, "Told", kind="identify", traits=known)])


def sources(shop: Shop) -> list[tuple[str, str, str | None]]:
    return sorted(
        (row.journey_id, row.entry_source, row.end_reason) for row in shop.rows(tables.run)
    )


def test_a_date_a_segment_and_a_start_let_customers_in_by_themselves(
    database_url: str, temporal_address: str, loop_runner: asyncio.Runner
) -> None:
    async def scenario() -> None:
        async with open_shop(database_url, temporal_address) as shop:
            put_template(shop.database)
            materials.put_segment(shop.database, GOLD, actor=COMMAND_LINE)
            shop.publish(JOURNEY.format(id="due", on="{date: renewal}"))
            shop.publish(JOURNEY.format(id="news", on="{api: true}"))
            soon = datetime.now(UTC) + timedelta(seconds=3)
            await told(shop, "ada", renewal=soon.isoformat())
            await told(shop, "bob", renewal=(soon + timedelta(days=1)).isoformat())
            await shop.until(shop.ended(1))
            assert sources(shop) == [("due", "date", "completed")]
            (event,) = (row for row in shop.rows(tables.event) if row.kind == "entry")
            assert event.occurred_at == soon

            shop.publish(JOURNEY.format(id="welcome", on="{segment_entered: gold}"))
            await shop.until(lambda: shop.rows(tables.segment)[0].state == "ready")
            await told(shop, "cleo", tier="gold")
            await shop.until(shop.ended(2))
            assert ("welcome", "segment", "completed") in sources(shop)

            await told(shop, "dora", tier="gold")
            await shop.until(shop.ended(3))
            starting.begin(
                shop.database, uuid7(), "news", "gold", Pace("100/s"), actor=COMMAND_LINE
            )
            await shop.until(shop.ended(5))
            assert sources(shop)[1:3] == [("news", "start", "completed")] * 2
            await shop.until(lambda: shop.rows(tables.start)[0].state == "done")
            assert {row.state for row in shop.rows(tables.message)} == {"sent"}
            await shop.until(lambda: shop.rows(tables.wake) == [])

    loop_runner.run(scenario())
