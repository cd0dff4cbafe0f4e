"""The demonstration shop's computed traits, RFM among them, and its score."""

from contextlib import suppress

from engine.errors import Conflict
from engine.flow import definitions
from engine.model.actor import COMMAND_LINE
from engine.model.ready_traits import ready_score, ready_traits
from engine.store import definitions as stored
from engine.store.session import Database
from parcours.demo.shop import CURRENCY


def put(database: Database) -> None:
    """Bring them; what has the same id already is left alone."""
    with database.read() as connection:
        known = {*stored.traits(connection), *stored.scores(connection)}
    for trait in ready_traits(CURRENCY):
        if trait.id not in known:
            definitions.put_trait(database, trait, actor=COMMAND_LINE)
    if ready_score().id not in known:
        definitions.put_score(database, ready_score(), actor=COMMAND_LINE)


def remove(database: Database) -> None:
    """Remove those that are as they were brought and that nothing asks for."""
    with database.read() as connection:
        traits, scores = stored.traits(connection), stored.scores(connection)
    for trait in reversed(ready_traits(CURRENCY)):
        if traits.get(trait.id) == trait:
            with suppress(Conflict):
                definitions.delete_trait(database, trait.id, actor=COMMAND_LINE)
    if scores.get(ready_score().id) == ready_score():
        with suppress(Conflict):
            definitions.delete_score(database, ready_score().id, actor=COMMAND_LINE)
