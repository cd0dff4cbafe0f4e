"""Telling customers that a product is back, or costs less: an event for each whom it concerns.

Who that is is written down once, then they are told some at a time, each by an event whose
message id is made from the change and the customer: so an interruption tells nobody twice.
"""

import logging
from collections.abc import Sequence
from typing import Any, Final, assert_never
from uuid import UUID

from sqlalchemy import Connection

from engine.errors import Contended, Unavailable, without_words
from engine.flow import intake
from engine.flow.intake import Incoming
from engine.names import Wake
from engine.store import documents, interests, product_changes
from engine.store.product_changes import Left, Outcome
from engine.store.session import Database

_log = logging.getLogger(__name__)

BACK_IN_STOCK: Final = "Product Back In Stock"
PRICE_DROPPED: Final = "Price Dropped"

SOURCE: Final = "catalogue"
"""The source of these events."""

AT_ONCE: Final = 100
"""How many customers are told in one transaction."""

ROUND: Final = 500
"""How many customers are told in one round of the dispatcher, at most."""

SPREAD_AT_ONCE: Final = 50
"""Of how many changes it is written down in one round whom they concern."""

Due = Sequence[tuple[UUID, UUID]]


def carry_out(database: Database, *, limit: int = ROUND) -> list[Wake]:
    """Tell some customers of what they wait for; return which workflows have to be told."""
    for _ in range(SPREAD_AT_ONCE):
        if not database.transact(_spread):
            break
    told: list[Wake] = []
    for _ in range(0, limit, AT_ONCE):
        some = database.transact(
            lambda connection: product_changes.take(connection, min(limit, AT_ONCE))
        )
        if not some:
            break
        told += _tell_carefully(database, some)
    database.transact(product_changes.finish)
    return told


def _spread(connection: Connection) -> bool:
    return product_changes.spread(connection, documents.workspace(connection).looked)


def _tell_carefully(database: Database, some: Due) -> list[Wake]:
    """Tell all of them at once; if that fails, each alone, so that one does not hold up all."""
    try:
        return _tell(database, some)
    except Exception as error:
        if isinstance(error, Unavailable) and not isinstance(error, Contended):
            raise
        if len(some) == 1:
            _log.error("The customer %s was not told: %s", some[0][1], without_words(error))
            return []
    return [wake for one in some for wake in _tell_carefully(database, [one])]


def _tell(database: Database, some: Due) -> list[Wake]:
    def work(connection: Connection) -> list[Wake]:
        left = product_changes.left(connection, some)
        decided = [(one, _outcome(one)) for one in left]
        events = [_event(one) for one, outcome in decided if outcome == "told"]
        product_changes.decided(connection, decided)
        return intake.store(database, events, connection)

    return database.transact(work)


def _outcome(one: Left) -> Outcome:
    if one.customer is None:
        return "gone"
    if one.bought:
        return "bought"
    return "told" if one.holds else "over"


def _event(one: Left) -> Incoming:
    match one.kind:
        case "stock":
            name = BACK_IN_STOCK
        case "price":
            name = PRICE_DROPPED
        case _:
            assert_never(one.kind)
    properties: dict[str, Any] = {
        "sku": one.sku,
        "name": one.name or one.sku,
        "price": _float(one.price),
        "old_price": _float(one.old_price),
        "currency": one.currency,
        "link": one.link,
        "picture": one.picture,
        "shop": one.shop,
        "why": one.why,
    }
    return Incoming(
        source=SOURCE,
        message_id=f"{one.change}/{one.customer}",
        kind="track",
        name=name,
        customer=one.customer,
        properties={key: value for key, value in properties.items() if value is not None},
    )


def _float(value: Any) -> float | None:
    return None if value is None else float(value)


def forget(database: Database) -> None:
    """Forget interests that are too long ago, and changes of which everybody was told."""

    def work(connection: Connection) -> bool:
        return interests.forget(connection, documents.workspace(connection).looked)

    while database.transact(work):
        pass
    database.transact(product_changes.forget)
