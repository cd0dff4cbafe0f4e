"""Pairs of customers who may be one: looked for in the background, and decided by people."""

from typing import Final, Literal
from uuid import UUID

from sqlalchemy import Connection

from engine.errors import Conflict, said
from engine.model.actor import Actor
from engine.store import audit, documents, search, suggestions
from engine.store.session import Database

AT_ONCE: Final = 500
"""Customers that are compared in one round of the background's work."""

Decision = Literal["later", "different"]
"""What somebody says of a pair without merging it: not now, or that they are two people."""


def look_on(database: Database) -> bool:
    """Compare the next customers by email, phone and name; return whether there are more.

    Everybody has been compared about once a day. What an event shows at once is not waited for.
    """
    return database.transact(lambda connection: suggestions.walk(connection, AT_ONCE)) is not None


def decide(database: Database, one: UUID, other: UUID, decision: Decision, *, actor: Actor) -> None:
    """Keep that a pair is to be looked at later, or that it is two people for good."""

    def work(connection: Connection) -> None:
        documents.one_at_a_time(connection)
        first, second = (search.find(connection, str(id)) for id in (one, other))
        if first == second:
            raise Conflict(said("These two are one customer already."))
        suggestions.decide(connection, first, second, decision, actor.name)
        if decision == "different":
            told = {"other": str(second)}
            audit.add(connection, actor, "tell apart", "customer", str(first), None, told)

    database.transact(work)
