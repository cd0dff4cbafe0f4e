"""Messages as the claim sees them: one row a message, one row a change of its state."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import Connection, column, func, select, text, update

from engine.model.base import Channel
from engine.model.cap import OnFull
from engine.run.caps import Slot
from engine.store import tables

_M = tables.message.c


@dataclass(slots=True, kw_only=True)
class Message:
    """What a decision about a message needs of its row."""

    id: UUID
    run: UUID
    journey: str
    step: str
    visit: int
    state: str
    reason: str | None
    channel: Channel
    class_: str
    topic: str | None
    offer: str | None
    priority: int
    on_full: OnFull | None
    hours: str | None
    decided_at: datetime
    resumed_at: datetime | None
    first_deferred_at: datetime | None
    deferred_until: datetime | None
    claimed_at: datetime | None
    claim_seq: int | None
    token: UUID | None
    lease_until: datetime | None
    unknowns: int
    settling: str | None


_READ = (
    _M.id, _M.run_id.label("run"), _M.journey_id.label("journey"), _M.step, _M.visit, _M.state,
    _M.reason, _M.channel,
    _M["class"].label("class_"), _M.topic, _M.offer, _M.priority, _M.on_full, _M.hours,
    _M.decided_at, _M.resumed_at, _M.first_deferred_at, _M.deferred_until, _M.claimed_at,
    _M.claim_seq, _M.token, _M.lease_until, _M.unknowns, _M.settling,
)  # fmt: skip
_ONE = select(*_READ).where(_M.id == tables.bound("message"))
_MESSAGE: Final = TypeAdapter(Message)

_COLUMNS = ", ".join(f'"{getattr(one, "element", one).name}" AS {one.name}' for one in _READ)

COMMANDED = f"""
    (SELECT row_to_json(m) FROM (
        SELECT {_COLUMNS} FROM message
        WHERE run_id = r.id AND step = r.command ->> 'step'
            AND visit = CAST(r.command ->> 'visit' AS integer) AND r.command ->> 'kind' = 'deliver'
    ) AS m)
"""  # noqa: S608 - the columns are ours
"""The message that the command of a run `r` is about, in one column for `read`."""


def one(connection: Connection, message: UUID) -> Message | None:
    """Return a message, or None."""
    row = connection.execute(_ONE, {"message": message}).one_or_none()
    return Message(**row._mapping) if row is not None else None  # noqa: SLF001 - Row's public name


def read(value: Any) -> Message:
    """Return the message that a column made by `COMMANDED` holds."""
    return _MESSAGE.validate_python(value)


_HANDED_OVER = select(_M.to, _M.body).where(_M.id == tables.bound("message"))


def handed_over(connection: Connection, message: UUID) -> tuple[str, str]:
    """Return the address and the body with which a message was claimed."""
    row = connection.execute(_HANDED_OVER, {"message": message}).one()
    return row.to or "", row.body or ""


HOLDING = ("claimed", "sent", "unknown")
"""The states in which a message holds a slot."""

# One row of arrays: a customer has many messages, and each row of an answer costs.
_COUNTED = text("""
SELECT json_agg(json_build_array(channel, topic, offer,
           CAST(extract(epoch FROM claimed_at) * 1000000 AS bigint)))
           FILTER (WHERE state <> 'deferred') AS slots,
       array_agg(id) FILTER (WHERE state = 'deferred') AS waiting
FROM message
WHERE customer_id = :customer AND class = 'marketing'
  AND (state IN ('claimed', 'sent', 'unknown') AND claimed_at >= :since OR state = 'deferred')
""").columns(column("slots"), column("waiting"))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SEVERAL = select(*_READ).where(_M.id == func.any(tables.bound("messages")))


def counted(
    connection: Connection, customer: UUID, since: datetime
) -> tuple[list[Slot], list[Message]]:
    """Return the slots that a customer's messages hold since then, and who waits for one."""
    row = connection.execute(_COUNTED, {"customer": customer, "since": since}).one()
    slots = [
        Slot(channel=channel, topic=topic, offer=offer, at=_EPOCH + timedelta(microseconds=at))
        for channel, topic, offer, at in row.slots or ()
    ]
    if not row.waiting:
        return slots, []
    rows = connection.execute(_SEVERAL, {"messages": row.waiting})
    return slots, [Message(**row._mapping) for row in rows]  # noqa: SLF001 - Row's public name


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


_TOLD_OF = select(
    _M.id, _M.journey_id, _M.version, _M.step, _M.variant, _M.channel, _M["class"], _M.topic,
    _M.template,
).where(_M.id == func.any(tables.bound("messages")))  # fmt: skip


def told_of(connection: Connection, messages: Iterable[UUID]) -> dict[UUID, dict[str, Any]]:
    """Return what others are told about messages: what they are, not to whom they go."""
    rows = connection.execute(_TOLD_OF, {"messages": sorted(messages)})
    return {row.id: dict(row._mapping) for row in rows}  # noqa: SLF001 - Row's public name
