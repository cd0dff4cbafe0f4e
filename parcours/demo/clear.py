"""Taking the demonstration shop away again, and nothing else."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import Connection, text

import journeys
from engine.errors import Conflict, NotFound
from engine.flow import materials
from engine.flow.audited import WORKSPACE, audited
from engine.model.actor import COMMAND_LINE
from engine.model.document import journey_of, parse_journey
from engine.store import documents
from engine.store.session import Database
from parcours.demo import computed, manners, segments, shelves
from parcours.demo.load import journey_texts, shop_templates
from parcours.demo.marker import LOADED, SOURCE, VISITS
from parcours.demo.shop import PREFIX, SETTINGS
from parcours.imports.progress import progress

_AT_ONCE: Final = 100

# Both marks: a real customer may have either, but hardly both.
_WHOSE = text("""
SELECT c.id FROM customer c JOIN identity i ON i.customer_id = c.id
WHERE i.namespace = 'external_id' AND i.value LIKE :prefix AND c.traits ->> 'demo' = 'true'
ORDER BY c.id
""")
_LOCK = text("SELECT id FROM customer WHERE id = ANY(:ids) ORDER BY id FOR UPDATE")
_RUNS = "(SELECT id FROM run WHERE customer_id = ANY(:ids))"
_THEIRS = tuple(
    text(statement)
    for statement in (
        f"DELETE FROM run_input WHERE run_id IN {_RUNS}",  # noqa: S608 - constants
        f"DELETE FROM run_trace WHERE run_id IN {_RUNS}",  # noqa: S608
        f"DELETE FROM wake WHERE run_id IN {_RUNS}",  # noqa: S608
        "DELETE FROM message_transition WHERE customer_id = ANY(:ids)",
        "DELETE FROM message WHERE customer_id = ANY(:ids)",
        "DELETE FROM entry_refusal WHERE customer_id = ANY(:ids)",
        "DELETE FROM consent WHERE customer_id = ANY(:ids)",
        "DELETE FROM gift_card WHERE customer_id = ANY(:ids)",
        "DELETE FROM purchase WHERE customer_id = ANY(:ids)",
        "DELETE FROM product_interest WHERE customer_id = ANY(:ids)",
        "DELETE FROM product_telling WHERE customer_id = ANY(:ids)",
        "DELETE FROM run WHERE customer_id = ANY(:ids)",
        "DELETE FROM event WHERE customer_id = ANY(:ids)",
        "DELETE FROM identity WHERE customer_id = ANY(:ids)",
        "DELETE FROM suggestion WHERE first = ANY(:ids) OR second = ANY(:ids)",
        "DELETE FROM merge WHERE kept = ANY(:ids) OR merged = ANY(:ids)",
        "DELETE FROM customer WHERE merged_into = ANY(:ids)",
        "DELETE FROM customer WHERE id = ANY(:ids)",
    )
)
_FORGET_LOADED = text("DELETE FROM event_key WHERE source = :source AND message_id = :id")
_FORGET_KEYS = text("DELETE FROM event_key WHERE source = :source")
_LIVED = text("SELECT EXISTS (SELECT FROM run WHERE journey_id = :id)")
_VERSIONS = text("SELECT document FROM journey_version WHERE journey_id = :id")
_FORGET_VERSIONS = text("DELETE FROM journey_version WHERE journey_id = :id")
_FORGET_REFUSALS = text("DELETE FROM entry_refusal WHERE journey_id = :id")
_SETTINGS = text("SELECT settings FROM workspace FOR UPDATE")
_SET = text("UPDATE workspace SET settings = CAST(:settings AS jsonb)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared:
    """What went, and which of the shop's journeys stayed because they are in use or changed."""

    customers: int
    journeys: int
    kept: list[str]


def clear(database: Database) -> Cleared:
    """Remove the shop's customers with all they did, and its journeys if nobody changed them."""
    database.transact(
        lambda connection: connection.execute(_FORGET_LOADED, {"source": SOURCE, "id": LOADED})
    )
    with database.read() as connection:
        ids = list(connection.execute(_WHOSE, {"prefix": f"{PREFIX}%"}).scalars())
    with progress("Customers removed", len(ids) or None) as shown:
        for start in range(0, len(ids), _AT_ONCE):
            _remove(database, ids[start : start + _AT_ONCE])
            shown.reach(start)
    database.transact(_restore)
    shelves.remove(database)
    texts = {parse_journey(text).id: text for text in journey_texts()}
    kept = [name for name, text in texts.items() if not _remove_journey(database, name, text)]
    _remove_templates(database)
    segments.remove(database)  # they stand on what is computed
    computed.remove(database)
    manners.remove(database)
    # Last, so that a load after a clear that was interrupted finds what is left.
    database.transact(lambda connection: connection.execute(_FORGET_KEYS, {"source": SOURCE}))
    return Cleared(customers=len(ids), journeys=len(texts) - len(kept), kept=kept)


def _remove(database: Database, ids: list[UUID]) -> None:
    def work(connection: Connection) -> None:
        connection.execute(_LOCK, {"ids": ids})
        for statement in _THEIRS:
            connection.execute(statement, {"ids": ids})

    database.transact(work)


def _restore(connection: Connection) -> None:
    """Take the shop's marks off the settings; what somebody else has set stays."""
    before: dict[str, Any] = connection.execute(_SETTINGS).scalar_one()
    after = {key: value for key, value in before.items() if key != VISITS}
    if after == SETTINGS:
        after = {}
    if after != before:
        with audited(connection, COMMAND_LINE, "save", "workspace", WORKSPACE):
            connection.execute(_SET, {"settings": orjson.dumps(after).decode()})
            documents.touch(connection)


def _remove_journey(database: Database, name: str, source: str) -> bool:
    """Remove a journey that is as it was loaded and that nobody is or was in; say if it is gone."""
    original = parse_journey(source).document()

    def work(connection: Connection) -> bool:
        try:
            stored = documents.journey(connection, name, lock=True)
        except NotFound:
            return True
        versions = connection.execute(_VERSIONS, {"id": name}).scalars().all()
        lived = connection.execute(_LIVED, {"id": name}).scalar_one()
        if lived or any(document != original for document in (stored.draft, *versions)):
            return False
        for statement in (_FORGET_REFUSALS, _FORGET_VERSIONS):
            connection.execute(statement, {"id": name})
        with audited(connection, COMMAND_LINE, "delete", "journey", name):
            documents.delete_draft(connection, name)
        return True

    return database.transact(work)


def _remove_templates(database: Database) -> None:
    """Remove the templates that are as they were loaded and that no journey uses."""
    with database.read() as connection:
        present = documents.templates(connection)
        drafts = [stored.draft for stored in documents.journeys(connection)[0]]
    in_use = {name for draft in drafts for name in journeys.used(journey_of(draft).steps)}
    for name, template in shop_templates().items():
        if present.get(name) == template and name not in in_use:
            with suppress(Conflict):  # taken into use just now
                materials.delete(database, "template", name, actor=COMMAND_LINE)
