"""A pause through real Temporal: nothing is sent, nothing spins, and its end lets all go on."""

import asyncio
from typing import Any

from engine.flow.publish import pause, resume
from engine.model.actor import COMMAND_LINE
from engine.store import tables
from tests.workflows.conftest import Shop, incoming, open_shop, put_template

JOURNEY = """
id: j
name: J
topic: offers
entry: {on: {event: Go}}
exits: [{on: {event: Stop}, reason: stopped}]
steps:
  - {id: first, type: wait, for: 2s}
  - {id: mail, type: send, channel: email, template: hello}
"""
CUSTOMERS = 6


def test_a_pause_holds_and_its_end_lets_go(
    database_url: str, temporal_address: str, loop_runner: asyncio.Runner
) -> None:
    async def scenario() -> None:
        async with open_shop(database_url, temporal_address) as shop:
            put_template(shop.database)
            shop.publish(JOURNEY)
            for n in range(CUSTOMERS):
                who = {"email": f"u{n}@example.com", "first_name": "Ann"}
                await shop.receive([incoming(f"u{n}", "Told", kind="identify", traits=who)])
                await shop.track(f"u{n}", "Go", item="shoes")
            pause(shop.database, "j", actor=COMMAND_LINE)
            await shop.until(lambda: held(shop) == CUSTOMERS)
            before = await events(shop)
            await shop.track("u0", "Stop")
            await shop.until(shop.ended(1))
            await asyncio.sleep(2)
            after = await events(shop)
            assert after[1:] == before[1:], "nobody asks again while the journey is paused"
            assert shop.rows(tables.message) == []
            resume(shop.database, "j", actor=COMMAND_LINE)
            await shop.until(shop.ended(CUSTOMERS))

            states = [row.state for row in shop.rows(tables.message)]
            assert states == ["sent"] * (CUSTOMERS - 1)
            reasons = sorted(row.end_reason for row in shop.rows(tables.run))
            assert reasons == ["completed"] * (CUSTOMERS - 1) + ["stopped"]

    loop_runner.run(scenario())


def held(shop: Shop) -> int:
    return sum(row.held_at is not None for row in shop.rows(tables.run))


async def events(shop: Shop) -> list[Any]:
    """Return how long the history of each run's workflow is, in the order they were opened."""
    runs = shop.rows(tables.run, tables.run.c.id)
    described = [await shop.gateway.handle(str(row.id)).describe() for row in runs]
    return [one.history_length for one in described]
