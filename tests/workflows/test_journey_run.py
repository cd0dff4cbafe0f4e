"""Runs of journeys through real Temporal and PostgreSQL."""

import asyncio

from sqlalchemy import select

from engine.store import tables
from tests.workflows.conftest import Shop, incoming, open_shop, put_template

CART = """
id: cart
name: Cart
entry: {on: {event: Product Added}}
topic: offers
exits:
  - {on: {event: Order Completed}, reason: purchased}
steps:
  - {id: first, type: send, channel: email, template: hello}
  - id: bought
    type: wait_for
    since: first
    timeout: 10m
    events:
      - {on: {event: Checkout Started}, then: []}
  - id: which
    type: branch
    arms:
      - {id: gold, if: {trait: tier, eq: gold}, then: [{id: second, type: send, channel: email, template: hello}]}
  - {id: end, type: exit, reason: done}
"""


async def _shop_with_customers(shop: Shop) -> None:
    put_template(shop.database)
    shop.publish(CART)
    await shop.receive(
        [
            incoming("ada", "Customer Identified", kind="identify",
                     traits={"email": "ada@example.com", "first_name": "Ada", "tier": "gold"}),
            incoming("bob", "Customer Identified", kind="identify",
                     traits={"email": "bob@example.com", "first_name": "Bob"}),
        ]
    )  # fmt: skip


def test_an_event_travels_to_a_message(database_url: str, temporal_address: str) -> None:
    async def story() -> None:
        async with open_shop(database_url, temporal_address) as shop:
            await _shop_with_customers(shop)
            await shop.track("ada", "Product Added", item="shoes")
            await shop.track("bob", "Product Added", item="hat")
            await shop.until(lambda: len(_sent(shop)) == 2)
            await shop.track("ada", "Checkout Started")
            await shop.track("bob", "Order Completed")
            await shop.until(shop.ended(2))
            sent = sorted((row.to, row.subject, row.body) for row in _sent(shop))
            assert sent == [
                ("ada@example.com", "Hello Ada", "Hi shoes"),
                ("ada@example.com", "Hello Ada", "Hi shoes"),
                ("bob@example.com", "Hello Bob", "Hi hat"),
            ]
            runs = {str(row.end_reason) for row in shop.rows(tables.run)}
            assert runs == {"done", "purchased"}
            await shop.until(lambda: not shop.rows(tables.wake))
            for row in shop.rows(tables.run):
                handle = shop.gateway.handle(str(row.id))
                await asyncio.wait_for(handle.result(), 10)
                history = await handle.fetch_history()
                assert len(history.events) <= 25
                print([e.event_type for e in history.events])

    asyncio.run(story())


def _sent(shop: Shop) -> list:
    with shop.database.read() as connection:
        query = select(tables.message).where(tables.message.c.state == "sent")
        return list(connection.execute(query).all())
