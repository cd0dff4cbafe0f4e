"""Messages as those see them who tell what became of them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, select, text, update

from engine.model.base import Channel
from engine.store import tables

_M = tables.message.c


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """A message that somebody tells of: whose it is, and what its events carry."""

    id: UUID
    customer: UUID
    run: UUID
    journey: str
    step: str
    channel: Channel
    template: str
    topic: str | None
    state: str
    to: str | None
    claimed_at: datetime | None
    sent_at: datetime | None
    delivered_at: datetime | None


_READ = select(
    _M.id, _M.customer_id.label("customer"), _M.run_id.label("run"),
    _M.journey_id.label("journey"), _M.step, _M.channel, _M.template, _M.topic, _M.state, _M.to,
    _M.claimed_at, _M.sent_at, _M.delivered_at,
)  # fmt: skip
_BY_ID = _READ.where(_M.id == tables.bound("message"))
_BY_PROVIDER = _READ.where(_M.provider_id == tables.bound("provider_id")).limit(1)


def find(connection: Connection, message: UUID | None, provider_id: str | None) -> About | None:
    """Return the message of this id of ours, else of this id of a provider's."""
    row = None
    if message is not None:
        row = connection.execute(_BY_ID, {"message": message}).one_or_none()
    if row is None and provider_id:
        row = connection.execute(_BY_PROVIDER, {"provider_id": provider_id}).one_or_none()
    return About(**row._mapping) if row is not None else None  # noqa: SLF001 - Row's public name


_LAST_TO = text("""
SELECT m.id FROM customer c JOIN message m ON m.customer_id = c.id
WHERE c.addresses ->> 'phone' = :phone AND m.channel = :channel AND m."to" = :phone
  AND m.state IN ('claimed', 'sent', 'unknown')
ORDER BY m.claimed_at DESC LIMIT 1
""")


def last_to(connection: Connection, channel: Channel, phone: str) -> UUID | None:
    """Return the last message that went to a phone number on a channel."""
    found: UUID | None = connection.execute(
        _LAST_TO, {"channel": channel, "phone": phone}
    ).scalar_one_or_none()
    return found


_KNOWN = select(tables.event_key.c.source).where(
    tables.event_key.c.source == tables.bound("source"),
    tables.event_key.c.message_id == tables.bound("key"),
)


def known(connection: Connection, source: str, key: str) -> bool:
    """Whether this word of a provider's was taken in before."""
    return connection.execute(_KNOWN, {"source": source, "key": key}).first() is not None


def mark(connection: Connection, message: UUID, column: str, at: datetime) -> None:
    """Note when something became of a message; of several instants the first one stays."""
    first = func.least(tables.message.c[column], at)
    connection.execute(update(tables.message).where(_M.id == message).values({column: first}))


_LINKS = text("""
SELECT DISTINCT properties ->> 'url' AS url FROM event
WHERE customer_id = :customer AND name IN ('Message Clicked', 'Message Clicked By Machine')
  AND occurred_at BETWEEN :since AND :until AND properties ->> 'message' = :message
""")


def links_followed(
    connection: Connection, about: About, at: datetime, within: timedelta
) -> set[Any]:
    """Return the links of a message that were followed around an instant."""
    given = {
        "customer": about.customer,
        "message": str(about.id),
        "since": at - within,
        "until": at + within,
    }
    return set(connection.execute(_LINKS, given).scalars())
