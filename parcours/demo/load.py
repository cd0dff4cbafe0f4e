"""Loading the demonstration shop: once, and as quickly as the database takes it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, text
from sqlalchemy.dialects.postgresql import insert

import journeys
from engine.flow import materials, publish
from engine.flow.audited import WORKSPACE, audited
from engine.flow.history import add_customers, add_events
from engine.flow.intake import Incoming, receive
from engine.model.actor import COMMAND_LINE
from engine.model.document import parse_journey
from engine.model.template import Template
from engine.store import documents, memberships, tables
from engine.store.session import Database
from parcours.demo import computed, madeup, manners, segments, shelves
from parcours.demo.baskets import Purchases, folder
from parcours.demo.first import first_steps
from parcours.demo.marker import LOADED, SOURCE, VISITS
from parcours.demo.shop import SETTINGS, Basket, profiles, user_id
from parcours.imports.progress import Progress, progress

LIBRARY: Final = ("abandoned-cart", "second-purchase")
"""The journeys of the library that the demonstration shop has."""

OWN: Final = Path(__file__).with_name("demo-welcome-back.yaml")
"""The journey that it alone has."""

_AT_ONCE: Final = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What a load brought; `real` when the purchases are."""

    real: bool
    customers: int
    orders: int


def journey_texts() -> list[str]:
    """Return the shop's journeys as they are written."""
    return [OWN.read_text(encoding="utf-8"), *(journeys.text(name) for name in LIBRARY)]


def shop_templates() -> dict[str, Template]:
    """Return the templates of the shop's journeys, by id."""
    known = journeys.templates() | journeys.templates_beside(OWN)
    wanted = {name for text in journey_texts() for name in journeys.used(parse_journey(text).steps)}
    return {name: known[name] for name in sorted(wanted)}


def load(database: Database, *, made_up: bool = False) -> Loaded:
    """Load the shop; what is there already stays, so an interrupted load is simply repeated.

    Without the package that brings the real purchases, or when asked to, they are made up.
    """
    _set_up(database)
    data = None if made_up else folder()
    now = datetime.now(UTC)
    with progress("Purchases loaded") as shown:
        purchases = madeup if data is None else Purchases(data)
        shelves.put(database, purchases.shelves(), purchases.stores())
        households, baskets = purchases.households(), purchases.baskets(now)
        customers = add_customers(database, profiles(households))
        orders = _orders(database, baskets, shown)
    database.transact(_note)
    database.transact(memberships.build_every)
    return Loaded(real=data is not None, customers=customers, orders=orders)


def _orders(database: Database, baskets: Iterator[Basket], shown: Progress) -> int:
    """Store the purchases; after the first of them, let some customers in, to be seen at once."""
    orders, read = 0, 0
    while some := [_order(basket) for basket in islice(baskets, _AT_ONCE)]:
        orders += add_events(database, some)
        if read == 0:
            # What Temporal has to be told of them, the dispatcher finds in the outbox.
            receive(database, first_steps())
        read += len(some)
        shown.reach(read)
    return orders


def _order(basket: Basket) -> Incoming:
    return Incoming(
        source=SOURCE,
        message_id=f"order-{basket.properties['order_id']}",
        kind="track",
        name="Order Completed",
        user_id=user_id(basket.household),
        properties=basket.properties,
        occurred_at=basket.at,
    )


def _set_up(database: Database) -> None:
    """Bring settings, topics, caps, segments, templates and journeys.

    What has the same id already is left alone.
    """
    database.transact(_settings)
    manners.put(database)
    computed.put(database)
    segments.put(database)
    with database.read() as connection:
        known = publish.known(connection)
        present = {stored.id for stored in documents.journeys(connection)[0]}
    for name, template in shop_templates().items():
        if name not in known.templates:
            materials.put_template(database, template, actor=COMMAND_LINE)
    for source in journey_texts():
        journey = parse_journey(source)
        if journey.id not in present:
            publish.save_journey(database, journey, source, actor=COMMAND_LINE)
            publish.publish(database, journey.id, actor=COMMAND_LINE)


def _settings(connection: Connection) -> None:
    """Call the workspace the demonstration shop, unless somebody has set it up already."""
    before = connection.execute(text("SELECT settings FROM workspace FOR UPDATE")).scalar_one()
    settings = {VISITS: False, **(before or SETTINGS)}
    if settings != before:
        with audited(connection, COMMAND_LINE, "save", "workspace", WORKSPACE):
            connection.execute(tables.workspace.update().values(settings=settings))
            documents.touch(connection)


def _note(connection: Connection) -> None:
    row = {"source": SOURCE, "message_id": LOADED}
    connection.execute(insert(tables.event_key).values(row).on_conflict_do_nothing())
