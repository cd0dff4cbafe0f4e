"""Coupon pools and their codes, as they are kept."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, func, select, text, true, update
from sqlalchemy.dialects.postgresql import insert

from engine.model.coupon import CouponPool
from engine.store import tables
from engine.store.documents import touch, upsert

_CODE = tables.coupon_code.c


@dataclass(frozen=True, slots=True)
class Counts:
    """How many codes of a pool were given to customers, and how many are left.

    `left` is None when the pool makes its codes itself.
    """

    given: int
    left: int | None


def put(connection: Connection, pool: CouponPool) -> bool:
    """Create or replace a pool; return whether it is new. Its codes stay."""
    values = {"document": pool.document(), "updated_at": func.now()}
    return upsert(connection, tables.coupon_pool, pool.id, values)


def every(connection: Connection) -> dict[str, CouponPool]:
    """Return every pool by its id."""
    rows = connection.execute(select(tables.coupon_pool.c.document)).scalars()
    return {pool.id: pool for pool in map(CouponPool.model_validate, rows)}


def left(connection: Connection) -> dict[str, int | None]:
    """Return how many codes each pool has left, None for one that makes them itself.

    Counts no further than some thousands: more is enough.
    """
    return {row.id: row.left if row.kind == "given" else None for row in connection.execute(_LEFT)}


_LEFT = text("""
    SELECT p.id, coalesce(p.document ->> 'kind', 'given') AS kind,
           (SELECT count(*) FROM (SELECT 1 FROM coupon_code c
                                  WHERE c.pool = p.id AND c.message_id IS NULL LIMIT 5000) AS free
           ) AS left
    FROM coupon_pool p
""")


def counts(connection: Connection, pool: CouponPool) -> Counts:
    """Return how many codes of a pool are given out and left."""
    row = connection.execute(
        select(
            func.count().filter(_CODE.message_id.is_not(None)).label("given"),
            func.count().filter(_CODE.message_id.is_(None)).label("left"),
        ).where(_CODE.pool == pool.id)
    ).one()
    return Counts(row.given, row.left if pool.kind == "given" else None)


def add(connection: Connection, pool: str, codes: Iterable[str]) -> int:
    """Add codes to a pool and return how many were new to it."""
    rows = [{"pool": pool, "code": code} for code in dict.fromkeys(codes)]
    if not rows:
        return 0
    before = insert(tables.coupon_code).on_conflict_do_nothing().returning(_CODE.code)
    added = len(connection.execute(before, rows).all())
    touch(connection)
    return added


def given_to(connection: Connection, pool: str, message: UUID) -> str | None:
    """Return the code that a message has already."""
    found: str | None = connection.execute(
        select(_CODE.code).where(_CODE.pool == pool, _CODE.message_id == message)
    ).scalar_one_or_none()
    return found


def take(connection: Connection, pool: str, message: UUID, customer: UUID) -> str | None:
    """Give a message a free code of a pool; None when there is none.

    Codes that others are about to take are passed over, so that nobody waits.
    """
    other = tables.coupon_code.alias("other").c
    free = (
        select(other.code)
        .where(other.pool == pool, other.message_id.is_(None))
        .order_by(other.code)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    taken: str | None = connection.execute(
        update(tables.coupon_code)
        .where(_CODE.pool == pool, _CODE.code == free)
        .values(message_id=message, customer_id=customer, given_at=func.now())
        .returning(_CODE.code)
    ).scalar_one_or_none()
    return taken


def make(connection: Connection, pool: str, code: str, message: UUID, customer: UUID) -> bool:
    """Give a message a code that was made up; return whether nobody has that code yet."""
    made = connection.execute(
        insert(tables.coupon_code)
        .values(pool=pool, code=code, message_id=message, customer_id=customer, given_at=func.now())
        .on_conflict_do_nothing(index_elements=[_CODE.pool, _CODE.code])
        .returning(true())
    ).scalar_one_or_none()
    return bool(made)


def forget_free(connection: Connection, pool: str) -> None:
    """Forget the codes of a pool that nobody has; those given out are kept as a record."""
    connection.execute(
        tables.coupon_code.delete().where(_CODE.pool == pool, _CODE.message_id.is_(None))
    )
