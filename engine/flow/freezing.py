"""Borders among all customers, frozen once a day: they move when others buy.

At night by the shop's clock, when one is first asked for, and when much has changed at once. Then everybody is put into the parts
anew in the background (`engine.flow.computing`), and the segments that ask for a border are built.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, time, timedelta
from typing import Any, Final

from sqlalchemy import Connection, text

from engine.compile import mentions
from engine.model.clock import EARLIEST, instant_of
from engine.model.condition import RANKS, TraitIs
from engine.model.trait import QuantileTrait
from engine.run.calendar import local
from engine.run.deriving import Border, Derivation
from engine.store import catalogue, rollups, thresholds, trait_builds
from engine.store.catalogue import Catalogue
from engine.store.documents import touch
from engine.store.memberships import build_mentioning
from engine.store.session import Database

NIGHT: Final = time(3)
"""When borders are frozen anew, by the shop's clock."""

FEW: Final = 1000
OF_FEW_FOR: Final = timedelta(minutes=10)
"""For so long borders hold that were found of few customers: one more may move them a lot."""

_ALONE = text("SELECT pg_try_advisory_xact_lock(hashtext('freezing'))")
_CLOCK = text("SELECT clock_timestamp()")
_PATIENCE = text("SET LOCAL statement_timeout = 600000")


def freeze_due(database: Database) -> int:
    """Freeze the borders that are due, or asked for and not known; return how many."""
    with database.read() as connection:
        if not _due(database, connection) and not _gone(database, connection):
            return 0
    return database.transact(lambda connection: _freeze(database, connection))


def _freeze(database: Database, connection: Connection) -> int:
    if not connection.execute(_ALONE).scalar_one():
        return 0
    connection.execute(_PATIENCE)
    derivation = catalogue.current(database, connection).derivation
    thresholds.forget(connection, _gone(database, connection))
    due = _due(database, connection)
    wanted: dict[str, list[float]] = {}
    for trait, top in sorted(due):
        wanted.setdefault(trait, []).append(top)
    moved: set[str] = set()
    if wanted:
        for trait, (customers, values) in thresholds.find(connection, derivation, wanted).items():
            for top, value in zip(wanted[trait], values, strict=True):
                thresholds.freeze(connection, trait, top, value, customers)
                border = trait, top
                if border not in derivation.borders or derivation.borders[border] != value:
                    moved.add(trait)
    touch(connection)
    parts = [one.id for one in _quantiles(derivation) if one.quantile_of in moved]
    if parts:
        trait_builds.ask(connection, parts)
    if moved:
        build_mentioning(connection, mentions.of_traits(moved))
    return len(due)


def _due(database: Database, connection: Connection) -> set[Border]:
    shop = catalogue.current(database, connection)
    if rollups.stale(connection, 1):
        return set()
    frozen = thresholds.frozen(connection)
    building = trait_builds.unfinished(connection).keys()
    now = connection.execute(_CLOCK).scalar_one()
    night = last_night(now, shop.workspace.time_zone)

    def fresh(border: Border) -> bool:
        at, customers = frozen.get(border, (EARLIEST, 0))
        return at >= night and (customers >= FEW or at >= now - OF_FEW_FOR)

    return {border for border in asked(shop) if border[0] not in building and not fresh(border)}


def _gone(database: Database, connection: Connection) -> set[Border]:
    shop = catalogue.current(database, connection)
    return thresholds.frozen(connection).keys() - asked(shop)


def asked(shop: Catalogue) -> set[Border]:
    """Return the borders that traits, segments and published journeys ask for."""
    parts = {(one.quantile_of, top) for one in _quantiles(shop.derivation) for top in one.tops}
    journeys = [live.machine.plan.journey.document() for live in shop.live.values()]
    ranked = mentions.thresholds([*shop.segments.values(), *_ranks(journeys)])
    return parts | {(trait, float(top)) for trait, top in ranked}


def _ranks(node: Any) -> Iterator[TraitIs]:
    """Yield the conditions on the top or the bottom of all customers, wherever they are."""
    if isinstance(node, Mapping):
        if "trait" in node and not {*RANKS}.isdisjoint(node):
            yield TraitIs.model_validate(node)
        for value in node.values():
            yield from _ranks(value)
    elif isinstance(node, list):
        for value in node:
            yield from _ranks(value)


def _quantiles(derivation: Derivation) -> Collection[QuantileTrait]:
    return [one for one in derivation.placing if isinstance(one, QuantileTrait)]


def last_night(now: datetime, zone: str) -> datetime:
    """Return when it was last time to freeze."""
    today = local(now, zone).date()
    tonight = instant_of(today, NIGHT, zone)
    return tonight if tonight <= now else instant_of(today - timedelta(days=1), NIGHT, zone)
