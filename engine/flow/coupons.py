"""Unique coupon codes: one for each message, once and for all."""

import secrets
from collections.abc import Iterable
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from engine.errors import Conflict, NotFound, said
from engine.flow import materials
from engine.flow.audited import audited
from engine.model.actor import Actor
from engine.model.coupon import PLACES, CouponPool
from engine.store import audit, coupons, documents
from engine.store.session import Database

_SIGNS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Letters and digits that people don't take for one another; 32, so each is as likely."""

_ATTEMPTS: Final = 5


def put_pool(database: Database, pool: CouponPool, *, actor: Actor) -> bool:
    """Create or replace a coupon pool; return whether it is new."""

    def work(connection: Connection) -> bool:
        with audited(connection, actor, "save", "coupon_pool", pool.id):
            return coupons.put(connection, pool)

    return database.transact(work)


def delete_pool(database: Database, name: str, *, actor: Actor) -> None:
    """Delete a pool that no live journey's template uses, with the codes that nobody has."""
    materials.delete(database, "coupon_pool", name, actor=actor)
    database.transact(lambda connection: coupons.forget_free(connection, name))


def add_codes(database: Database, name: str, codes: Iterable[str], *, actor: Actor) -> int:
    """Add codes to a pool of given ones and return how many were new to it.

    The record of changes tells how many: a code is worth money.
    """
    wanted = list(codes)

    def work(connection: Connection) -> int:
        pool = CouponPool.model_validate(documents.get(connection, "coupon_pool", name))
        if pool.kind != "given":
            raise Conflict(
                said(
                    "The coupon pool %(name)s makes its codes itself: none can be added.", name=name
                )
            )
        documents.one_at_a_time(connection)
        added = coupons.add(connection, name, wanted)
        if added:
            told = {"codes_added": added}
            audit.add(connection, actor, "add codes", "coupon_pool", name, None, told)
        return added

    return database.transact(work)


def codes_for(
    database: Database, pools: Iterable[str], message: UUID, customer: UUID, *, today: date
) -> dict[str, str] | None:
    """Return the message's code of each pool; None, and none is taken, when a pool has none.

    A message that comes again gets the same codes. `today` is the shop's day.
    """

    def work(connection: Connection) -> dict[str, str]:
        known = coupons.every(connection)
        codes = {}
        for name in sorted(pools):
            code = None
            if name in known:
                code = code_for(connection, known[name], message, customer, today=today)
            if code is None:
                raise NotFound(name)  # undoes what was taken of the others
            codes[name] = code
        return codes

    try:
        return database.transact(work)
    except NotFound:
        return None


def code_for(
    connection: Connection, pool: CouponPool, message: UUID, customer: UUID, *, today: date
) -> str | None:
    """Return the code that this message has of a pool, taking one the first time.

    None when the pool is empty, or when it had expired before the message took a code. Of two
    transactions for one message the second fails on a unique key, and `transact` runs it again.
    """
    if (code := coupons.given_to(connection, pool.id, message)) is not None:
        return code
    if pool.has_expired(today):
        return None
    if pool.kind == "given":
        return coupons.take(connection, pool.id, message, customer)
    for _ in range(_ATTEMPTS):
        code = made(pool.pattern or "")
        if coupons.make(connection, pool.id, code, message, customer):
            return code
    return None  # nearly every code of the pattern is given out


def made(pattern: str) -> str:
    """Return a code by a pattern, every X of a run replaced by chance."""
    return PLACES.sub(
        lambda run: "".join(secrets.choice(_SIGNS) for _ in range(len(run[0]))), pattern
    )
