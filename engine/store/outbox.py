"""The messages that the outbox took, newest first."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from engine.store.paging import Page, page, read_cursor

# The newest are found first, by their few narrow columns; only those are then read in full.
_LIST = """
    WITH newest AS MATERIALIZED (
        SELECT m.id, m.sent_at FROM message m {customers}
        WHERE m.provider = 'outbox' AND m.state = 'sent' AND m.sent_at IS NOT NULL {wheres}
        ORDER BY m.sent_at DESC, m.id DESC LIMIT :most
    )
    SELECT m.id, m.channel, m.subject, m."to", m.sent_at, m.journey_id,
           left(coalesce(m.body_text, ''), 300) AS preview,
           coalesce(j.draft ->> 'name', m.journey_id) AS journey_name,
           m.customer_id, c.traits, c.addresses
    FROM newest JOIN message m ON m.id = newest.id
    LEFT JOIN journey j ON j.id = m.journey_id
    LEFT JOIN customer c ON c.id = m.customer_id
    ORDER BY m.sent_at DESC, m.id DESC
"""

_SEARCHED = """
    AND (m."to" ILIKE :like OR m.subject ILIKE :like
         OR concat_ws(' ', c.traits ->> 'first_name', c.traits ->> 'last_name',
                      c.traits ->> 'name') ILIKE :like)
"""


def messages(
    connection: Connection, *, q: str, channel: str, cursor: str | None, limit: int
) -> Page:
    """List the outbox's messages; a search looks at addresses, names and subjects."""
    customers, wheres, given = "", "", dict[str, Any](most=limit + 1)
    if channel:
        wheres += " AND m.channel = :channel"
        given["channel"] = channel
    if q := q.strip().replace("\0", ""):
        customers, wheres = "LEFT JOIN customer c ON c.id = m.customer_id", wheres + _SEARCHED
        given["like"] = "%" + q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    if cursor:
        wheres += " AND (m.sent_at, m.id) < (:at, :after)"
        given["at"], given["after"] = read_cursor(cursor, datetime, UUID)
    query = text(_LIST.format(customers=customers, wheres=wheres))
    rows = connection.execute(query, given).all()
    return page(rows, limit, [dict(row._mapping) for row in rows], "sent_at", "id")  # noqa: SLF001 - Row's public name
