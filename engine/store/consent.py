"""What customers agreed to, and the addresses that must not be written to: their records."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, TextClause, insert, text

from engine.model.base import CHANNELS, Channel
from engine.model.customer import Customer
from engine.store import tables

Marks = dict[str, dict[str, str]]
"""By channel, the address that must not be written to, and the reason."""


def keep(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append to the record of what customers said."""
    if rows:
        connection.execute(insert(tables.consent), list(rows))


_LAST_STATED = text("""
SELECT DISTINCT ON (topic) topic, state, at, source FROM consent
WHERE customer_id = :customer AND channel = :channel ORDER BY topic, at DESC, id DESC
""")


@dataclass(frozen=True, slots=True)
class Stated:
    """What a customer said last of a topic on a channel, when, and by which source."""

    state: str
    at: datetime
    source: str | None


def last_stated(connection: Connection, customer: UUID, channel: Channel) -> dict[str, Stated]:
    """Return what a customer said last of each topic on a channel."""
    rows = connection.execute(_LAST_STATED, {"customer": customer, "channel": channel}).all()
    return {row.topic: Stated(row.state, row.at, row.source) for row in rows}


_CUSTOMER = text("""
SELECT id, traits, derived, addresses, locale, time_zone, consent, suppressed FROM customer
WHERE id = (SELECT coalesce(merged_into, id) FROM customer WHERE id = :id)
""")


def customer(connection: Connection, customer_id: UUID) -> Customer | None:
    """Return a customer, or whom she was merged into, as she is; for her own pages."""
    row = connection.execute(_CUSTOMER, {"id": customer_id}).mappings().one_or_none()
    return Customer(**row) if row is not None else None


_UNDER_WAY = text("""
SELECT id, topic, channel FROM message
WHERE customer_id = :customer AND state = 'claimed' AND class = 'marketing'
""")


def under_way(connection: Connection, customer: UUID) -> list[Any]:
    """Return her marketing messages (id, topic, channel) that are in a provider's hands."""
    return list(connection.execute(_UNDER_WAY, {"customer": customer}).all())


_MARK_MESSAGE = text("""
UPDATE message SET unsubscribed_at = :at
WHERE id = :message AND customer_id = :customer AND unsubscribed_at IS NULL
""")


def mark_message(connection: Connection, message: UUID, customer: UUID, at: datetime) -> None:
    """Note that a message of hers made the customer unsubscribe."""
    connection.execute(_MARK_MESSAGE, {"message": message, "customer": customer, "at": at})


# A customer may get an address at the moment when it is suppressed. Both therefore take a lock
# by the address: she to read what is suppressed, the other to change it. It is one for each 256th
# part of all addresses, since an import reads thousands and the server's table of locks is small.
_READING = text("""
SELECT pg_advisory_xact_lock_shared(21333, part) FROM (
    SELECT DISTINCT hashtext(address) & 255 AS part
    FROM unnest(CAST(:addresses AS text[])) AS given (address) ORDER BY 1
) AS parts
""")
_CHANGING = text("SELECT pg_advisory_xact_lock(21333, hashtext(:address) & 255)")
_FOUND = text("""
SELECT s.channel, s.address, s.reason FROM suppression s
JOIN unnest(CAST(:channels AS text[]), CAST(:addresses AS text[])) AS given (channel, address)
ON s.channel = given.channel AND s.address = given.address
""")


def key(channel: Channel, address: str) -> str:
    """Return an address as it is compared: that of a mailbox without regard to case."""
    return address.lower() if channel == "email" else address


def marks(connection: Connection, some: Iterable[Customer]) -> dict[UUID, Marks]:
    """Return, for each customer, which of her addresses must not be written to.

    To be asked under their locks, in the transaction that gives them these addresses.
    """
    given = [
        (customer.id, channel, address)
        for customer in some
        for channel in CHANNELS
        if (address := customer.address(channel)) is not None
    ]
    if not given:
        return {}
    keys = sorted({(channel, key(channel, address)) for _, channel, address in given})
    asked = {"channels": [channel for channel, _ in keys], "addresses": [k for _, k in keys]}
    connection.execute(_READING, {"addresses": asked["addresses"]})
    found = {(row.channel, row.address): row.reason for row in connection.execute(_FOUND, asked)}
    marked: dict[UUID, Marks] = {}
    for customer, channel, address in given:
        reason = found.get((channel, key(channel, address)))
        if reason is not None:
            told = {"address": address, "reason": reason}
            marked.setdefault(customer, {})[channel] = told
    return marked


_PUT = text("""
INSERT INTO suppression (channel, address, reason, at, source, message_id)
VALUES (:channel, :address, :reason, coalesce(:at, now()), :source, :message)
ON CONFLICT (channel, address) DO UPDATE
SET reason = excluded.reason, at = excluded.at, source = excluded.source,
    message_id = excluded.message_id
RETURNING xmax = 0 AS new
""")
_DELETE = text("DELETE FROM suppression WHERE channel = :channel AND address = :address")


def put_suppression(
    connection: Connection,
    channel: Channel,
    address: str,
    *,
    reason: str,
    source: str | None,
    message: UUID | None = None,
    at: datetime | None = None,
) -> bool:
    """Let an address not be written to any more; return whether it could be until now."""
    address = key(channel, address)
    connection.execute(_CHANGING, {"address": address})
    row = {"channel": channel, "address": address, "reason": reason, "at": at}
    return bool(connection.execute(_PUT, {**row, "source": source, "message": message}).scalar())


def delete_suppression(connection: Connection, channel: Channel, address: str) -> bool:
    """Let an address be written to again; return whether it could not be until now."""
    address = key(channel, address)
    connection.execute(_CHANGING, {"address": address})
    found = connection.execute(_DELETE, {"channel": channel, "address": address})
    return bool(found.rowcount)


_BY_PHONE: Final = text(
    "SELECT id FROM customer WHERE merged_into IS NULL AND addresses ->> 'phone' = :address"
)
_HAVING: Final[Mapping[Channel, TextClause]] = {
    "email": text(
        "SELECT id FROM customer WHERE merged_into IS NULL "
        "AND lower(addresses ->> 'email') = :address"
    ),
    "sms": _BY_PHONE,
    "whatsapp": _BY_PHONE,
    # Tokens are in no index: a device's is found by the message that could not reach it.
    "push": text("SELECT customer_id FROM message WHERE id = :message"),
}


def having(
    connection: Connection, channel: Channel, address: str, message: UUID | None = None
) -> list[UUID]:
    """Return the customers who have an address; of a device's token, the message's customer."""
    asked: dict[str, Any] = {"address": key(channel, address)}
    if channel == "push":
        asked = {"message": message}
    return sorted(connection.execute(_HAVING[channel], asked).scalars().all())


_COUNTS = text("""
SELECT said.key AS topic, channel.value AS state, count(DISTINCT customer.id) AS n
FROM customer, jsonb_each(customer.consent) AS said, jsonb_each_text(said.value) AS channel
WHERE customer.merged_into IS NULL AND customer.consent <> '{}'
GROUP BY 1, 2
""")


def counts(connection: Connection) -> dict[str, dict[str, int]]:
    """Return by topic how many customers have said what (a state) about it, on any channel."""
    found: dict[str, dict[str, int]] = {}
    for row in connection.execute(_COUNTS):
        found.setdefault(row.topic, {})[row.state] = row.n
    return found
