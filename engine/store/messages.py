"""Messages as the claim sees them: one row a message, one row a change of its state."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select, text, update

from engine.run.caps import Slot
from engine.store import tables

_M = tables.message.c


@dataclass(slots=True, kw_only=True)
class Message:
    """What a decision about a message needs of its row."""

    id: UUID
    run: UUID
    step: str
    visit: int
    state: str
    channel: str
    class_: str
    topic: str | None
    decided_at: datetime
    token: UUID | None
    lease_until: datetime | None
    claim_seq: int | None
    unknowns: int


_ONE = select(
    _M.id, _M.run_id, _M.step, _M.visit, _M.state, _M.channel, _M["class"].label("class_"), _M.topic,
    _M.decided_at, _M.token, _M.lease_until, _M.claim_seq,
    _M.unknowns,
).where(_M.id == tables.bound("message"))  # fmt: skip


def one(connection: Connection, message: UUID) -> Message | None:
    """Return a message, or None."""
    row = connection.execute(_ONE, {"message": message}).one_or_none()
    if row is None:
        return None
    return Message(
        id=row.id,
        run=row.run_id,
        step=row.step,
        visit=row.visit,
        state=row.state,
        channel=row.channel,
        class_=row.class_,
        topic=row.topic,
        decided_at=row.decided_at,
        token=row.token,
        lease_until=row.lease_until,
        claim_seq=row.claim_seq,
        unknowns=row.unknowns,
    )


_SLOTS = select(_M.channel, _M.topic, _M.claimed_at).where(
    _M.customer_id == tables.bound("customer"),
    _M.claimed_at > tables.bound("since"),
    _M["class"] == "marketing",
    _M.state.in_(("claimed", "sent", "unknown")),
)


def slots(connection: Connection, customer: UUID, since: datetime) -> list[Slot]:
    """Return the messages that hold a slot of the customer's caps, claimed after `since`."""
    rows = connection.execute(_SLOTS, {"customer": customer, "since": since})
    return [Slot(channel=row.channel, topic=row.topic, at=row.claimed_at) for row in rows]


_CAPPED = (
    select(_M.id, _M.run_id)
    .where(_M.customer_id == tables.bound("customer"), _M.state == "deferred", _M.reason == "cap")
    .order_by(_M.priority.desc(), _M.decided_at)
    .limit(1)
)


def first_capped(connection: Connection, customer: UUID) -> Any:
    """Return the message (id, run_id) that waits in front for a slot, or None."""
    return connection.execute(_CAPPED, {"customer": customer}).one_or_none()


def change(connection: Connection, message: UUID, **values: Any) -> None:
    """Change columns of one message."""
    connection.execute(update(tables.message).where(_M.id == message).values(**values))


_REPLACE = text("""
WITH was AS (SELECT id, state FROM message WHERE id = :message AND state IN ('decided', 'deferred'))
UPDATE message SET state = 'skipped', reason = :reason, deferred_until = NULL
FROM was WHERE message.id = was.id RETURNING was.state
""")


def replace(connection: Connection, message: UUID, reason: str) -> str | None:
    """Skip a message that is not with a provider; return the state it had, or None."""
    state: str | None = connection.execute(
        _REPLACE, {"message": message, "reason": reason}
    ).scalar_one_or_none()
    return state
