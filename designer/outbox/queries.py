"""The messages that the outbox took, newest first."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from engine.store.paging import Page, page, read_cursor

_LIST = """
    SELECT m.id, m.channel, m.subject, m."to", m.sent_at, m.journey_id,
           left(coalesce(m.body_text, ''), 300) AS preview,
           coalesce(j.draft ->> 'name', m.journey_id) AS journey_name,
           m.customer_id, c.traits, c.addresses
    FROM message m
    LEFT JOIN journey j ON j.id = m.journey_id
    LEFT JOIN customer c ON c.id = m.customer_id
    WHERE m.provider = 'outbox' AND m.state = 'sent' AND m.sent_at IS NOT NULL {wheres}
    ORDER BY m.sent_at DESC, m.id DESC LIMIT :most
"""

_CHANNELS = text("""
    SELECT channel, count(*) AS n FROM message
    WHERE provider = 'outbox' AND state = 'sent' GROUP BY channel
""")


def messages(
    connection: Connection, *, q: str, channel: str, cursor: str | None, limit: int
) -> Page:
    """List the outbox's messages; a search looks at addresses, names and subjects."""
    wheres, given = "", dict[str, Any](most=limit + 1)
    if channel:
        wheres += " AND m.channel = :channel"
        given["channel"] = channel
    if q := q.strip().replace("\0", ""):
        wheres += (
            ' AND (m."to" ILIKE :like OR m.subject ILIKE :like OR m.body_text ILIKE :like'
            " OR concat_ws(' ', c.traits ->> 'first_name', c.traits ->> 'last_name',"
            " c.traits ->> 'name') ILIKE :like)"
        )
        given["like"] = "%" + q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    if cursor:
        wheres += " AND (m.sent_at, m.id) < (:at, :after)"
        given["at"], given["after"] = read_cursor(cursor, datetime, UUID)
    rows = connection.execute(text(_LIST.format(wheres=wheres)), given).all()
    return page(rows, limit, [dict(row._mapping) for row in rows], "sent_at", "id")  # noqa: SLF001 - Row's public name


def channels(connection: Connection) -> dict[str, int]:
    """Return how many messages the outbox holds on each channel."""
    return {row.channel: row.n for row in connection.execute(_CHANNELS)}
