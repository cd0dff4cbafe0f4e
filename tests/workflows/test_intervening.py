"""Moving on and ending through real Temporal: a wait of 30 days is over at once."""

import asyncio

from engine.flow import intervening
from engine.model.actor import COMMAND_LINE
from engine.store import tables
from engine.store.inside import Asked
from tests.workflows.conftest import Shop, incoming, open_shop, put_template

JOURNEY = """
id: j
name: J
topic: offers
entry: {on: {event: Go}}
steps:
  - {id: rest, type: wait, for: 30d}
  - {id: mail, type: send, channel: email, template: hello}
"""


def test_who_waits_for_30_days_is_moved_on_and_another_ended(
    database_url: str, temporal_address: str, loop_runner: asyncio.Runner
) -> None:
    async def scenario() -> None:
        async with open_shop(database_url, temporal_address) as shop:
            put_template(shop.database)
            shop.publish(JOURNEY)
            for user in ("ada", "bob", "eve"):
                who = {"email": f"{user}@example.com", "first_name": user}
                await shop.receive([incoming(user, "Told", kind="identify", traits=who)])
                await shop.track(user, "Go", item="shoes")
            await shop.until(lambda: waiting(shop) == 3)
            moved, ended, left = shop.rows(tables.run, tables.run.c.id)
            await asyncio.sleep(1)  # their workflows wait by now
            begin(shop, "move", moved.id)
            begin(shop, "end", ended.id)
            await shop.until(shop.ended(2))

            rows = {row.id: row for row in shop.rows(tables.run)}
            assert rows[moved.id].end_reason == "completed"
            assert rows[ended.id].end_reason == "enough"
            assert rows[left.id].ended_at is None
            (message,) = shop.rows(tables.message)
            assert (message.run_id, message.state) == (moved.id, "sent")
            for run in (moved, ended):
                await asyncio.wait_for(shop.gateway.handle(str(run.id)).result(), 20)
            await shop.until(lambda: shop.rows(tables.wake) == [])

    loop_runner.run(scenario())


def waiting(shop: Shop) -> int:
    return sum(row.step == "rest" for row in shop.rows(tables.run))


def begin(shop: Shop, action: str, run: object) -> None:
    """Ask and confirm; the dispatcher does the rest."""
    asked = Asked(journey="j", of="inside")
    id = intervening.ask(shop.database, action, asked, [run], actor=COMMAND_LINE)  # type: ignore[arg-type, list-item]
    assert intervening.confirm(shop.database, "j", id, "enough", actor=COMMAND_LINE)
