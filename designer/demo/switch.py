"""Whether made-up customers visit: one setting, that only the demonstration shop has."""

from typing import Final

from sqlalchemy import Connection, text

from engine.errors import NotFound
from engine.flow.audited import WORKSPACE
from engine.model.actor import Actor
from engine.store import audit, documents
from engine.store.session import Database

SETTING: Final = "demo_visits"

_BEFORE: Final = text("SELECT settings -> :setting FROM workspace WHERE settings ? :setting")
_SWITCH: Final = text("""
    UPDATE workspace SET settings = settings || jsonb_build_object(CAST(:setting AS text), CAST(:on AS boolean))
""")


def switch(database: Database, *, on: bool, actor: Actor) -> None:
    """Turn the visits on or off: whoever makes them reads the setting."""

    def work(connection: Connection) -> None:
        documents.one_at_a_time(connection)
        before = connection.execute(_BEFORE, {"setting": SETTING}).scalar()
        if before is None:
            raise NotFound("The demonstration shop is not loaded.")
        if before == on:
            return
        connection.execute(_SWITCH, {"setting": SETTING, "on": on})
        documents.touch(connection)
        told = {SETTING: before}, {SETTING: on}
        audit.add(connection, actor, "save", "workspace", WORKSPACE, *told)

    database.transact(work)
