"""Events of our own making: what a customer did with a message, or told us on a page.

They are stored and given to her journeys as those that a shop sends.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Connection
from uuid_utils.compat import uuid7

from engine.errors import NotFound
from engine.flow import shopping
from engine.flow.event_names import ENTRY_REQUESTED
from engine.flow.intake import Kind, give, row
from engine.flow.turn import Turn, finish
from engine.model.event import Event
from engine.names import Wake
from engine.run.entry import Refused
from engine.store import customers, search
from engine.store.customers import Owner
from engine.store.session import Database

T = TypeVar("T")


def in_turn_of_customer(
    database: Database, customer: UUID, decide: Callable[[Turn], T]
) -> tuple[T, list[Wake]]:
    """Run `decide` in the turn of a customer, or of whom she was merged into.

    Returns its answer, and the runs of which Temporal has to be told. Raises `NotFound` when
    there is no such customer.
    """

    def work(connection: Connection) -> tuple[T, list[Wake]]:
        # Looked for again at each attempt: a merge makes the transaction start anew.
        found = search.find(connection, str(customer))
        locked = customers.lock(connection, [found]).get(found)
        if locked is None:
            raise NotFound(f"There is no customer {str(customer)!r}.")
        turn = Turn(database, connection, locked)
        turn.origin = customer if customer != found else None
        turn.stamp()
        answer = decide(turn)
        return answer, finish([turn], turn.writes, connection)

    return database.transact(work)


def happen(
    turn: Turn,
    name: str,
    properties: Mapping[str, Any],
    source: str,
    *,
    occurred_at: datetime | None = None,
) -> Event:
    """Store an event in a customer's turn, and give it to her runs and entries.

    `source` names who noticed: a page, a provider's webhook; `occurred_at` is now when None.
    Settle a message first and tell of it after that, because a run whose message is claimed
    keeps the event for later.
    """
    seq = turn.stamp()
    event = Event(
        id=uuid7(),
        seq=seq,
        name=name,
        properties=dict(properties),
        occurred_at=min(occurred_at or turn.now, turn.now),
        received_at=turn.now,
    )
    _store(turn, event, source=source, kind="track")
    give(turn, event)
    if name in shopping.ABOUT:
        told = shopping.Happened(
            turn.customer.id, name, event.properties, event.occurred_at, str(event.id), source
        )
        looked = turn.catalogue.workspace.looked
        shopping.keep(turn.connection, [told], now=turn.now, looked=looked)
    return event


def ask_to_enter(
    turn: Turn,
    journey: str,
    properties: Mapping[str, Any],
    *,
    source: str,
    occurred_at: datetime | None = None,
) -> Refused | None:
    """Have a customer enter a journey because `source` says so; return why she may not.

    `occurred_at` is when that was due, now when None.
    """
    seq = turn.stamp()
    event = Event(
        id=uuid7(),
        seq=seq,
        name=ENTRY_REQUESTED,
        properties=dict(properties),
        occurred_at=min(occurred_at or turn.now, turn.now),
        received_at=turn.now,
    )
    _store(turn, event, source="parcours", kind="entry")
    return give(turn, event, journey=journey, source=source)


def _store(turn: Turn, event: Event, *, source: str, kind: Kind) -> None:
    turn.fresh.append(event)
    whose = Owner(turn.customer.id, turn.origin)
    turn.writes.events.append(row(whose, event, source=source, kind=kind))
