"""The ledger: every message, whatever became of it, with each change of its state."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal, get_args
from uuid import UUID

from sqlalchemy import Connection, Row, select, text, tuple_

from engine.errors import InvalidInput, NotFound
from engine.store import tables
from engine.store.paging import Page, limited, page, read_cursor

Result = Literal["sent", "deferred", "skipped", "failed", "unknown"]

RESULTS: Final[tuple[Result, ...]] = get_args(Result)
"""What can be said of a message; one that is only decided, or being sent, has no result yet."""

_LED_TO: Final = (
    "delivered_at", "opened_at", "clicked_at", "replied_at", "bounced_at", "complained_at",
    "unsubscribed_at",
)  # fmt: skip
"""When each first became of a message, by people's doing and not by machines'."""

_m = tables.message.c

_TRANSITIONS = text(
    'SELECT message_id, at, "from", "to", reason, rule FROM message_transition '
    "WHERE message_id = ANY(:ids) ORDER BY message_id, seq"
)


def messages(
    connection: Connection,
    *,
    customer: UUID | None = None,
    journey: str | None = None,
    step: str | None = None,
    result: str | None = None,
    channel: str | None = None,
    provider: str | None = None,
    since: datetime | None = None,
    run: UUID | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page:
    """List messages, the last decided first; `since` is about that decision's instant."""
    if result is not None and result not in RESULTS:
        raise InvalidInput(f"{result!r} is no result; the results are {', '.join(RESULTS)}.")
    limit = limited(limit)
    wanted = {
        _m.customer_id: customer,
        _m.journey_id: journey,
        _m.step: step,
        _m.state: result,
        _m.channel: channel,
        _m.provider: provider,
        _m.run_id: run,
    }
    query = select(tables.message).order_by(_m.decided_at.desc(), _m.id.desc()).limit(limit + 1)
    query = query.where(*(column == value for column, value in wanted.items() if value is not None))
    if since is not None:
        query = query.where(_m.decided_at >= since)
    if cursor is not None:
        query = query.where(
            tuple_(_m.decided_at, _m.id) < tuple_(*read_cursor(cursor, datetime, UUID))
        )
    rows = connection.execute(query).all()
    return page(rows, limit, _items(connection, rows[:limit]), "decided_at", "id")


def message(connection: Connection, message_id: UUID) -> dict[str, Any]:
    """Return one message."""
    rows = connection.execute(select(tables.message).where(_m.id == message_id)).all()
    if not rows:
        raise NotFound(f"There is no message {str(message_id)!r}.")
    return _items(connection, rows)[0]


def _items(connection: Connection, rows: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    if not rows:
        return []
    transitions: defaultdict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for row in connection.execute(_TRANSITIONS, {"ids": [row.id for row in rows]}).mappings():
        transitions[row["message_id"]].append(
            {key: row[key] for key in ("at", "from", "to", "reason", "rule")}
        )
    return [_item(row._mapping, transitions[row.id]) for row in rows]  # noqa: SLF001 - Row's public name


def _item(row: Any, transitions: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "customer": str(row["customer_id"]),
        "journey": row["journey_id"],
        "version": row["version"],
        "run": str(row["run_id"]),
        "step": row["step"],
        "visit": row["visit"],
        "variant": row["variant"],
        "channel": row["channel"],
        "class": row["class"],
        "topic": row["topic"],
        "priority": row["priority"],
        "template": row["template"],
        "to": row["to"],
        "state": row["state"],
        "result": row["state"] if row["state"] in RESULTS else None,
        "reason": row["reason"],
        "rule": row["rule"],
        "provider": row["provider"],
        "provider_id": row["provider_id"],
        "decided_at": row["decided_at"],
        "deferred_until": row["deferred_until"],
        "sent_at": row["sent_at"],
        **{name: row[name] for name in _LED_TO},
        "subject": row["subject"],
        "body": row["body"],
        "text": row["body_text"],
        "transitions": transitions,
    }
