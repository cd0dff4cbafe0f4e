"""Twelve journeys write to the same customers, through real Temporal and a provider that fails.

`PARCOURS_TEST_CUSTOMERS=500` plays it with that many customers.
"""

import asyncio
import os
import sys
from contextlib import closing
from random import Random
from typing import Any

from sqlalchemy import text

from engine.model.cap import Cap
from engine.store import documents, tables
from engine.store.session import Database
from tests.caps_checker import check
from tests.doubles.sendgrid import SendGrid
from tests.doubles.server import broken, cut, throttled
from tests.workflows.conftest import Shop, incoming, open_shop, put_template

CUSTOMERS = int(os.environ.get("PARCOURS_TEST_CUSTOMERS", "10"))
SEED = int(os.environ.get("PARCOURS_TEST_SEED", "3"))
JOURNEYS = 12
RULES: list[dict[str, Any]] = [
    {"id": "all", "limit": 4, "per": "10s", "keep": {"slots": 1, "above_priority": 60},
     "defer_at_most": "40s"},
    {"id": "offers", "topics": ["offers"], "limit": 2, "per": "15s", "on_full": "skip"},
    {"id": "spring", "offers": ["spring"], "limit": 1, "per": "day", "defer_at_most": "5s"},
    {"id": "today", "limit": 9, "per": "day", "on_full": "skip"},
]  # fmt: skip


def journey(n: int, chance: Random) -> str:
    """Return a journey of one message."""
    offer = "offer: spring" if n % 4 == 0 else "note: x"
    return f"""
id: j{n}
name: J{n}
priority: {chance.choice([20, 50, 80])}
topic: {chance.choice(["offers", "news", "tips"])}
entry: {{on: {{event: Go {n}}}}}
exits: [{{on: {{event: Stop {n}}}}}]
steps: [{{id: mail, type: send, channel: email, template: hello, {offer}}}]
"""


def test_caps_hold_from_the_event_to_the_provider(
    database_url: str, temporal_address: str, loop_runner: asyncio.Runner, capsys: Any
) -> None:
    chance = Random(SEED)
    with SendGrid() as double:
        orders = [broken(), throttled(1), cut()]
        double.order(*(chance.choice(orders) for _ in range(CUSTOMERS)))

        async def scenario() -> None:
            async with open_shop(
                database_url, temporal_address, email="sendgrid", sendgrid_api_key=double.key,
                sendgrid_base_url=double.url, email_from="Shop <shop@example.com>",
            ) as shop:  # fmt: skip
                furnish(shop, chance)
                await play(shop, chance)
                entered = CUSTOMERS * JOURNEYS
                await shop.until(shop.ended(entered), 120 + entered / 5)

        loop_runner.run(scenario())
        counted = double.counted()
    with closing(Database(database_url)) as database:
        told = check(database, [Cap.model_validate(rule).document() for rule in RULES])
        with database.read() as connection:
            waiting = connection.execute(
                text(
                    "SELECT count(*) FROM message WHERE state IN ('decided', 'deferred', 'claimed')"
                )
            ).scalar_one()
    with capsys.disabled():
        sys.stdout.write(
            f"\n{CUSTOMERS} customers: {told.claims} claims, {told.deferrals} put off, "
            f"{told.yields} of them yielded, {told.skips} skipped, {sum(counted.values())} mails\n"
        )
    assert not told.problems, "\n".join(told.problems[:5])
    assert min(told.deferrals, told.skips) > 0
    assert waiting == 0
    assert max(counted.values()) == 1


def furnish(shop: Shop, chance: Random) -> None:
    """Publish journeys and rules."""
    put_template(shop.database)
    for n in range(JOURNEYS):
        shop.publish(journey(n, chance))
    for rule in RULES:
        cap = Cap.model_validate(rule)
        shop.database.transact(lambda c, cap=cap: documents.put_cap(c, cap))


async def play(shop: Shop, chance: Random) -> None:
    """Let every customer enter every journey, and leave some of them soon."""
    for n in range(CUSTOMERS):
        who = {"email": f"u{n}@example.com", "first_name": "Ann"}
        await shop.receive([incoming(f"u{n}", "Told", kind="identify", traits=who)])
    deeds: list[tuple[int, int]] = []
    # Ten at a time: however many there are, each customer's entries come close together.
    for first in range(0, CUSTOMERS, 10):
        some = range(first, min(first + 10, CUSTOMERS))
        block = [(n, j) for n in some for j in range(JOURNEYS)]
        chance.shuffle(block)
        deeds += block
    for n, j in deeds:
        await shop.track(f"u{n}", f"Go {j}", item="shoes")
        if chance.random() < 0.1:
            await shop.track(f"u{n}", f"Stop {chance.randrange(JOURNEYS)}")
    assert len(shop.rows(tables.run)) == len(deeds)
