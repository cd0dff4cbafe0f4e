"""Made-up visits: while the switch is on, customers of the demonstration shop look, choose and buy.

It costs next to nothing while it is off: one small question to the database every few seconds.
"""

import asyncio
import heapq
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from uuid import uuid4

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from engine.errors import ParcoursError
from engine.flow import sweep
from engine.flow.intake import Incoming, receive
from engine.gateway import Gateway, connect
from engine.settings import Settings
from engine.store.session import Database
from parcours.demo.first import added, identify, order_of
from parcours.demo.marker import SOURCE, VISITS
from parcours.demo.shop import NUMBERS, PREFIX, things

log = structlog.get_logger()

ASK_EVERY: Final = 3.0
"""Seconds between two looks at the switch."""

TICK: Final = 1.0
VISIT_EVERY: Final = 9.0
"""Seconds between two visits, on average; a visit is three or four events."""

BASKET: Final = 80.0
"""What the rest of a visitor's basket is worth at most."""

_SWITCH = text("SELECT settings -> CAST(:visits AS text) FROM workspace")
_WHO = text("""
SELECT value FROM identity WHERE namespace = 'external_id' AND value LIKE :prefix LIMIT 5000
""")


async def visits(settings: Settings) -> None:
    """Let made-up customers visit while the switch is on; runs until cancelled.

    Whatever fails is tried again later: it must never take the serving process with it.
    """
    database = Database(settings.database_url, pool_size=1, application="parcours-visits")
    database.links = settings.links()
    gateway: Gateway | None = None
    told = False
    try:
        while True:
            await asyncio.sleep(ASK_EVERY)
            try:
                if not await asyncio.to_thread(_is_on, database):
                    continue
                if gateway is None:
                    client = await connect(settings, settings.temporal_address)
                    gateway = Gateway(client, partial(sweep.told, database))
                await _while_on(database, gateway)
                told = False
            except (ParcoursError, DBAPIError) as error:
                if not told:
                    log.warning("no visits now", reason=type(error).__name__)
                told = True
    finally:
        database.close()


async def _while_on(database: Database, gateway: Gateway) -> None:
    known = await asyncio.to_thread(_customers, database)
    if not known:
        return
    town = Town(known)
    asked = time.monotonic()
    while True:
        await asyncio.sleep(TICK)
        now = time.monotonic()
        if now - asked > ASK_EVERY:
            asked = now
            if not await asyncio.to_thread(_is_on, database):
                return
        some = list(town.due(now))
        if some:
            gateway.tell_soon(await asyncio.to_thread(partial(receive, database, some)))


def _is_on(database: Database) -> bool:
    with database.read() as connection:
        return connection.execute(_SWITCH, {"visits": VISITS}).scalar() is True


def _customers(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.execute(_WHO, {"prefix": f"{PREFIX}%"}).scalars())


@dataclass(slots=True)
class Town:
    """Who is about, and what they will do next."""

    customers: list[str]
    chance: random.Random = field(default_factory=random.Random)
    _plan: list[tuple[float, int, Incoming]] = field(default_factory=list)
    _next_visit: float = 0.0
    _planned: int = 0

    def due(self, now: float) -> Iterator[Incoming]:
        """Yield what happens by now, after planning the visits that begin by now."""
        while self._next_visit <= now:
            self._visit(now)
            self._next_visit = now + self.chance.expovariate(1 / VISIT_EVERY)
        while self._plan and self._plan[0][0] <= now:
            yield heapq.heappop(self._plan)[2]

    def _visit(self, now: float) -> None:
        """Plan one visit: most only look, some leave a basket, some buy."""
        chance, at = self.chance, now
        user = chance.choice(self.customers)
        looked_at = chance.sample(things(), chance.randint(1, 3))
        if chance.random() < 0.1:
            user = f"{PREFIX}new-{uuid4().hex[:8]}"
            self._add(at, identify(user, uuid4().hex, chance.randrange(3_000, NUMBERS)))
            self._add(at, _track(user, "Signed Up", {}))
        elif chance.random() < 0.2:
            self._add(at, _track(user, "Signed In", {}))
        for thing in looked_at:
            at += chance.uniform(2, 8)
            self._add(at, _track(user, "Product Viewed", added(thing)))
        if chance.random() < 0.5:
            return
        at += chance.uniform(2, 6)
        put_in = added(looked_at[-1])
        worth = round(put_in["price"] + chance.uniform(0, BASKET), 2)
        self._add(at, _track(user, "Product Added", put_in | {"cart_value": worth}))
        if chance.random() < 0.5:
            return
        at += chance.uniform(4, 12)
        order = order_of(uuid4().hex[:12], looked_at[-1:])
        self._add(at, _track(user, "Checkout Started", order))
        if chance.random() < 0.75:
            at += chance.uniform(6, 20)
            self._add(at, _track(user, "Order Completed", order))

    def _add(self, at: float, event: Incoming) -> None:
        self._planned += 1  # keeps what is due at the same time in its order
        heapq.heappush(self._plan, (at, self._planned, event))


def _track(user: str, name: str, properties: dict[str, Any]) -> Incoming:
    return Incoming(
        source=SOURCE,
        message_id=uuid4().hex,
        kind="track",
        name=name,
        user_id=user,
        properties=properties,
    )
