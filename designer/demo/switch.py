"""Whether made-up customers visit: one setting, that only the demonstration shop has."""

from typing import Final

from sqlalchemy import Connection, text

from engine.errors import NotFound
from engine.store import documents
from engine.store.session import Database

SETTING: Final = "demo_visits"

_SWITCH = text("""
    UPDATE workspace SET settings = settings || jsonb_build_object(:setting, CAST(:on AS boolean))
    WHERE settings ? :setting
""")


def switch(database: Database, *, on: bool) -> None:
    """Turn the visits on or off: whoever makes them reads the setting."""

    def work(connection: Connection) -> None:
        if not connection.execute(_SWITCH, {"setting": SETTING, "on": on}).rowcount:
            raise NotFound("The demonstration shop is not loaded.")
        documents.touch(connection)

    database.transact(work)
