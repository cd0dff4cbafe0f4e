"""Segments of the small shop, with who is in them: as they are after some weeks."""

from datetime import datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import Connection, Row, insert, select, text, update
from uuid_utils.compat import uuid7

from engine.store import tables

DAY = timedelta(days=1)
ORDER = {"event": "Order Completed"}
SEGMENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "gold": ("Gold members", {"trait": "tier", "eq": "gold"}),
    "baskets": (
        "Left a basket behind",
        {"all": [{"event": "Product Added", "within": "3d"}, {"not": {**ORDER, "within": "3d"}}]},
    ),
    "by-phone": ("Can be reached by SMS", {"reachable": "sms"}),
    "gold-baskets": (
        "Gold members who left a basket",
        {"all": [{"segment": "gold"}, {"segment": "baskets"}]},
    ),
}


def fill(connection: Connection, now: datetime) -> None:
    """Put the segments in, and customers into them; `vip` is there, and nobody is in it."""
    connection.execute(update(tables.segment).values(state="ready", built_at=now - 9 * DAY))
    for name, (title, rule) in SEGMENTS.items():
        row = {"id": name, "name": title, "rule": rule, "state": "ready", "built_at": now - 9 * DAY}
        connection.execute(insert(tables.segment).values(row))
    people = connection.execute(
        select(tables.customer.c.id, tables.customer.c.traits, tables.customer.c.addresses)
        .where(tables.customer.c.traits != {})
        .order_by(tables.customer.c.id)
    ).all()
    inside = {
        "gold": [one for one in people if one.traits.get("tier") == "gold"],
        "baskets": people[-14:],
        "by-phone": [one for one in people if one.addresses.get("phone")],
    }
    golden = {one.id for one in inside["gold"]}
    inside["gold-baskets"] = [one for one in inside["baskets"] if one.id in golden]
    for n, (segment, members) in enumerate(inside.items()):
        _belong(connection, segment, members, now)
        _sizes(connection, segment, len(members), now, Random(n))
    _told(connection, inside["baskets"][:3], now)


def _belong(connection: Connection, segment: str, members: list[Row[Any]], now: datetime) -> None:
    timed = segment.endswith("baskets")
    rows = [
        {
            "customer_id": one.id,
            "segment_id": segment,
            "inside": True,
            "since": now - timedelta(hours=5 * n + 1),
            "next_change_at": now + timedelta(hours=4 * n + 2) if timed else None,
        }
        for n, one in enumerate(members)
    ]
    if rows:
        connection.execute(insert(tables.membership), rows)


def _sizes(connection: Connection, segment: str, size: int, now: datetime, chance: Random) -> None:
    rows = []
    for age in range(120):
        rows.append({"segment_id": segment, "day": (now - age * DAY).date(), "size": size})
        size = max(0, size + chance.randint(-2, 1))
    connection.execute(insert(tables.segment_size), rows)


def _told(connection: Connection, members: list[Row[Any]], now: datetime) -> None:
    """Two enter and one leaves, as events."""
    for n, one in enumerate(members):
        at, name = now - timedelta(hours=30 + n), "Segment Left" if n == 2 else "Segment Entered"
        seq = connection.execute(
            text("UPDATE customer SET seq = seq + 1 WHERE id = :id RETURNING seq"), {"id": one.id}
        ).scalar_one()
        told = {"segment": "baskets", "name": "Left a basket behind"}
        connection.execute(
            insert(tables.event).values(
                customer_id=one.id, seq=seq, received_at=at, id=uuid7(), occurred_at=at, name=name,
                properties=told, source="parcours", kind="track",
            )
        )  # fmt: skip
