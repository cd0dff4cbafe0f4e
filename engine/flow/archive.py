"""Putting journeys away that nobody needs any more, and taking them out again."""

from typing import Literal

from sqlalchemy import Connection, func, update

from engine.errors import Conflict, said
from engine.flow.audited import audited
from engine.model.actor import Actor
from engine.store import documents, held, tables
from engine.store.documents import State
from engine.store.session import Database

Inside = Literal["end", "finish"]
"""What becomes of customers who are inside: they end there, or come to their end by themselves."""


def archive(
    database: Database, journey_id: str, *, actor: Actor, inside: Inside | None = None
) -> int:
    """Put a journey away: nobody enters it any more. Archiving twice is as good as once.

    One that is archived may be told otherwise what becomes of those who are still inside.

    While customers are inside it has to be said what becomes of them, else `Conflict` is raised.
    Returns how many there are; those to be ended are, in a while, with the reason `archived`.
    """

    def work(connection: Connection) -> int:
        documents.one_at_a_time(connection)
        stored = documents.journey(connection, journey_id, lock=True)
        n = held.inside(connection, journey_id)
        if stored.state != "archived" and n and inside is None:
            raise Conflict(
                f"{n} customers are inside the journey {journey_id}: say whether they end "
                "there or finish."
                if n > 1
                else f"A customer is inside the journey {journey_id}: say whether she ends there "
                "or finishes."
            )
        if stored.state != "archived" or inside is not None:
            with audited(connection, actor, "archive", "journey", journey_id):
                _set(connection, journey_id, "archived", ending=inside == "end")
        return n

    return database.transact(work)


def restore(database: Database, journey_id: str, *, actor: Actor) -> State:
    """Take a journey out of the archive, paused, or as a draft when it never was published.

    Whoever has not been ended yet stays inside. Raises `Conflict` when it is not archived.
    """

    def work(connection: Connection) -> State:
        documents.one_at_a_time(connection)
        stored = documents.journey(connection, journey_id, lock=True)
        if stored.state != "archived":
            raise Conflict(
                said(
                    "The journey %(journey)s is %(state)s: only an archived one is restored.",
                    journey=journey_id,
                    state=stored.state,
                )
            )
        state: State = "draft" if stored.version is None else "paused"
        with audited(connection, actor, "restore", "journey", journey_id):
            _set(connection, journey_id, state, ending=False)
        return state

    return database.transact(work)


def _set(connection: Connection, journey_id: str, state: State, *, ending: bool) -> None:
    table = tables.journey
    connection.execute(
        update(table)
        .where(table.c.id == journey_id)
        .values(state=state, ending=ending, updated_at=func.now())
    )
    documents.touch(connection)
