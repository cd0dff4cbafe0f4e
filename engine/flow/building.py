"""Building a segment: everybody is looked at, because its rule is new or much has changed.

One statement finds who is inside and stages it; then it is applied a few hundred customers at a time,
under their locks. Whoever has changed meanwhile is asked again. Nobody's entering or leaving is told.
A build that is interrupted goes on where it stood, and one whose rule changes meanwhile begins anew.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Final

from sqlalchemy import Connection

from engine.flow.memberships import look_again
from engine.store import builds, catalogue, conditions_sql, documents
from engine.store.builds import Build
from engine.store.session import Database

AT_ONCE: Final = 500
"""Customers to whom a build is applied in one transaction."""

A_ROUND: Final = 2.0
"""Seconds that one round of the dispatcher builds, at most about."""

_PATIENCE: Final = 5.0
"""Seconds to wait for transactions that may still go by the rules as they were."""


def carry_on(database: Database, clock: Callable[[], float] = time.monotonic) -> bool:
    """Build for a while; return whether there is more to build."""
    until = clock() + A_ROUND
    while True:
        with database.read() as connection:
            open_builds = builds.under_way(connection)
        if not open_builds:
            return False
        done = [_step(database, build) for build in open_builds]
        if not any(done) or clock() > until:
            return True


def _step(database: Database, build: Build) -> bool:
    """Take a build one step further; return whether that was possible."""
    if not build.staged:
        if not _settled(database):
            return False
        return database.transact(partial(_stage, database, build))
    return database.transact(partial(_apply, database, build))


def _settled(database: Database) -> bool:
    """Wait until nobody goes by older rules any more: what they decided would not be staged."""
    mark = database.transact(builds.mark)
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        if database.transact(partial(builds.all_later, mark=mark)):
            return True
        time.sleep(0.02)
    return False


def _stage(database: Database, build: Build, connection: Connection) -> bool:
    if not builds.take(connection, build):
        return False
    shop = catalogue.current(database, connection)
    rule = shop.segments[build.segment]
    builds.stage(
        connection, build, conditions_sql.everybody(rule, now=builds.now(connection), shop=shop)
    )
    return True


def _apply(database: Database, build: Build, connection: Connection) -> bool:
    if not builds.take(connection, build):
        return False
    applied, changed = builds.apply(connection, build, AT_ONCE)
    if changed:
        # No run is told: while a segment is building, entering and leaving are no events.
        look_again(database, connection, changed, [build.segment])
    if applied < AT_ONCE:
        builds.ready(connection, build)
        documents.touch(connection)
    return True
