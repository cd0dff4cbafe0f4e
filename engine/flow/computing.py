"""Computing traits and scores for everybody: after a change of a definition, after an import.

The dispatcher does it in the background, some customers in each transaction, under their locks. It
tells nobody what a score has reached in the past, and moves nobody between segments one by one:
the segments that ask for it are built anew when it is done.
"""

import logging
import time
from collections.abc import Collection
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, text

from engine.compile.mentions import of_traits
from engine.errors import Contended, Unavailable, without_words
from engine.flow.intake import tell_scores
from engine.flow.internal import in_turn_of_customer
from engine.run.deriving import Computed, Derivation, compute
from engine.store import catalogue, customers, definitions, rollups, trait_builds
from engine.store.customers import Locked
from engine.store.documents import touch
from engine.store.memberships import build_mentioning
from engine.store.session import Database

_log = logging.getLogger(__name__)

DUE_AT_ONCE: Final = 50
"""Customers who have their turn in one round of the dispatcher."""

AT_ONCE: Final = 500
"""Customers in one transaction: so long may one of them have to wait for her turn."""

FOR: Final = 0.5
"""Seconds that one round of the dispatcher may take of it."""

_QUIET: Final = text("SELECT NOT EXISTS (SELECT FROM trait_stale)")


def carry_on(database: Database, *, seconds: float = FOR) -> int:
    """Compute for some more customers, as many as there is time for; return how many."""
    until = time.monotonic() + seconds
    done = 0
    database.transact(_keep_an_eye)
    while more := database.transact(lambda c: _stale(database, c) or _build(database, c)):
        done += more
        if time.monotonic() > until:
            break
    return done


def due(database: Database) -> int:
    """Give those their turn of whom time has changed what is computed; return how many.

    Their memberships follow, and thresholds that a score has left are told.
    """
    with database.read() as connection:
        some = rollups.due(connection, DUE_AT_ONCE)
    for id in some:
        try:
            in_turn_of_customer(database, id, tell_scores)
        except Exception as error:
            if isinstance(error, Unavailable) and not isinstance(error, Contended):
                raise
            # One who cannot be computed must not hold up the others; she comes again in a while.
            _log.error("The customer %s was not computed: %s", id, without_words(error))
            database.transact(partial(rollups.put_off, customer=id))
    return len(some)


def _keep_an_eye(connection: Connection) -> None:
    """Have due times computed anew of the scores that segments compare with other numbers now."""
    kept = definitions.watched(connection)
    if not kept:
        return
    wanted = definitions.now_watched(connection)
    for score in kept.keys() & wanted.keys():
        if kept[score] != wanted[score]:
            definitions.watch(connection, score, wanted[score])
            trait_builds.ask(connection, [score])


def _stale(database: Database, connection: Connection) -> int:
    """Compute those anew whose history has grown in bulk."""
    ids = rollups.stale(connection, AT_ONCE)
    if not ids:
        return 0
    derivation = catalogue.current(database, connection).derivation
    _compute(database, connection, derivation, ids, None)
    rollups.mark_fresh(connection, ids)
    if connection.execute(_QUIET).scalar_one():
        build_mentioning(connection, of_traits([*derivation.traits, *derivation.scores]))
    return len(ids)


def _build(database: Database, connection: Connection) -> int:
    """Carry on the build that was asked for first."""
    build = trait_builds.take(connection)
    if build is None:
        return 0
    derivation = catalogue.current(database, connection).derivation
    ids = trait_builds.following(connection, build, AT_ONCE)
    if ids:
        _compute(database, connection, derivation, ids, build.names)
        trait_builds.reach(connection, build, ids[-1], len(ids))
    else:
        trait_builds.finish(connection, build)
        build_mentioning(connection, of_traits(derivation.dependents(build.names)))
        touch(connection)
    return len(ids) or 1


def _compute(
    database: Database,
    connection: Connection,
    derivation: Derivation,
    ids: Collection[UUID],
    only: Collection[str] | None,
) -> None:
    zone = catalogue.current(database, connection).workspace.time_zone
    locked = customers.lock(connection, ids)
    kept = rollups.of(connection, ids) if only is not None else {}
    histories = rollups.facts(connection, ids, derivation.events_of(only))
    found = {}
    for id, one in locked.items():
        history = histories[id]
        found[id] = compute(
            derivation,
            lambda name, history=history: history.get(name, ()),  # type: ignore[misc]
            one.clock,
            one.customer.time_zone or zone,
            before=_before(one, kept.get(id, {})),
            only=only,
        )
    rollups.keep(connection, found)


def _before(one: Locked, states: dict[str, object]) -> Computed:
    return Computed(one.customer.derived, states, one.scored, one.derived_due_at)  # type: ignore[arg-type]
