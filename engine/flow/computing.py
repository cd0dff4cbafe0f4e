"""Computing traits and scores for everybody: after a change of a definition, after an import.

The dispatcher does it in the background, some customers in each transaction, under their locks. It
tells nobody what a score has reached in the past, and moves nobody between segments one by one:
the segments that ask for it are built anew when it is done.
"""

import time
from collections.abc import Collection
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, text

from engine.compile.mentions import of_traits
from engine.flow.intake import tell_scores
from engine.flow.memberships import lock_turns
from engine.flow.turn import Writes, finish
from engine.run.deriving import Computed, Derivation, compute
from engine.store import catalogue, customers, definitions, rollups, trait_builds
from engine.store.customers import Locked
from engine.store.memberships import build_mentioning
from engine.store.session import Database
from engine.store.thresholds import expire, place
from engine.store.trait_builds import Build

DUE_AT_ONCE: Final = 50
"""Customers in one transaction of those who have their turn."""

A_ROUND: Final = 1000
"""Customers who have their turn in one round of the dispatcher."""

AT_ONCE: Final = 500
"""Customers in one transaction: so long may one of them have to wait for her turn."""

LOOKED_AT: Final = 20_000
"""Customers in one transaction of whom is only looked whether they are in other parts now."""

MOVED_AT_ONCE: Final = 2000
"""Of these, so many at most are put into them: so long may one of them have to wait."""

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
        some = rollups.due(connection, A_ROUND)
    for first in range(0, len(some), DUE_AT_ONCE):
        database.transact(partial(_due, database, some[first : first + DUE_AT_ONCE]))
    return len(some)


def _due(database: Database, some: Collection[UUID], connection: Connection) -> None:
    writes = Writes()
    turns = lock_turns(database, connection, some, writes)
    for turn in turns:
        turn.stamp()
        tell_scores(turn)
    finish(turns, writes, connection)


def _keep_an_eye(connection: Connection) -> None:
    """Have due times computed anew of the scores that segments compare with other numbers now."""
    kept = definitions.watched(connection)
    if not kept:
        return
    wanted = definitions.now_watched(connection)
    for score in kept.keys() & wanted.keys():
        if kept[score] != wanted[score]:
            definitions.watch(connection, score, wanted[score])
            trait_builds.ask(connection, [score], anew=False)


def _stale(database: Database, connection: Connection) -> int:
    """Compute those anew whose history has grown in bulk."""
    ids = rollups.stale(connection, AT_ONCE)
    if not ids:
        return 0
    derivation = catalogue.current(database, connection).derivation
    _compute(database, connection, derivation, ids, None)
    rollups.mark_fresh(connection, ids)
    if connection.execute(_QUIET).scalar_one():
        names = [*derivation.traits, *derivation.scores]
        expire(connection, names)
        build_mentioning(connection, of_traits(names))
    return len(ids)


def _build(database: Database, connection: Connection) -> int:
    """Carry on the build that was asked for first."""
    build = trait_builds.take(connection)
    if build is None:
        return 0
    derivation = catalogue.current(database, connection).derivation
    last, done = (
        _compute_next(database, connection, derivation, build)
        if derivation.events_of(build.names)
        else place(
            connection,
            derivation,
            build.names,
            build.cursor,
            most=LOOKED_AT,
            moved=MOVED_AT_ONCE,
        )
    )
    if last is not None:
        trait_builds.reach(connection, build, last, done)
    else:
        trait_builds.finish(connection, build)
        if build.anew:
            expire(connection, build.names)
        build_mentioning(connection, of_traits(derivation.dependents(build.names)))
    return done or 1


def _compute_next(
    database: Database, connection: Connection, derivation: Derivation, build: Build
) -> tuple[UUID | None, int]:
    ids = trait_builds.following(connection, build, AT_ONCE)
    _compute(database, connection, derivation, ids, build.names if build.anew else ())
    return (ids[-1], len(ids)) if ids else (None, 0)


def _compute(
    database: Database,
    connection: Connection,
    derivation: Derivation,
    ids: Collection[UUID],
    only: Collection[str] | None,
) -> None:
    zone = catalogue.current(database, connection).workspace.time_zone
    locked = customers.lock(connection, ids)
    kept = rollups.of(connection, ids)
    before = {id: _before(one, kept[id]) for id, one in locked.items()}
    histories = rollups.facts(connection, ids, derivation.events_of(only))
    found = {}
    for id, one in locked.items():
        history = histories[id]
        found[id] = compute(
            derivation,
            lambda name, history=history: history.get(name, ()),  # type: ignore[misc]
            one.clock,
            one.customer.time_zone or zone,
            before=before[id] if only is not None else None,
            only=only,
        )
    rollups.keep(connection, {id: one for id, one in found.items() if one != before[id]})


def _before(one: Locked, states: dict[str, object]) -> Computed:
    return Computed(one.customer.derived, states, one.scored, one.derived_due_at)  # type: ignore[arg-type]
