"""The ledger: every message, whatever became of it, with each change of its state."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final, Literal, get_args
from uuid import UUID

from sqlalchemy import Connection, Row, Select, func, null, select, text, tuple_

from engine.errors import InvalidInput, NotFound
from engine.store import tables
from engine.store.manners import Stops, stopped_messages
from engine.store.paging import Page, limited, page, read_cursor

Result = Literal["sent", "deferred", "skipped", "failed", "unknown"]

RESULTS: Final[tuple[Result, ...]] = get_args(Result)
"""What can be said of a message; one that is only decided, or being sent, has no result yet."""

_LED_TO: Final = (
    "delivered_at", "opened_at", "clicked_at", "replied_at", "bounced_at", "complained_at",
    "unsubscribed_at",
)  # fmt: skip
"""When each first became of a message, by people's doing and not by machines'."""

_BEGINNING: Final = 200

_m = tables.message.c

_TRANSITIONS = text(
    'SELECT message_id, at, "from", "to", reason, rule FROM message_transition '
    "WHERE message_id = ANY(:ids) ORDER BY message_id, seq"
)


def messages(
    connection: Connection,
    *,
    customer: UUID | Collection[UUID] | None = None,
    journey: str | None = None,
    step: str | None = None,
    result: str | None = None,
    reason: str | None = None,
    rule: str | None = None,
    topic: str | None = None,
    channel: str | None = None,
    provider: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    stops: Stops | None = None,
    run: UUID | None = None,
    limit: int = 100,
    cursor: str | None = None,
    whole: bool = True,
) -> Page:
    """List messages, the last decided first; `since` and `until` are about that decision.

    `customer` may be several. `stops` leaves those that something held back in a time. Without
    `whole`, bodies are left out, and of texts all but the beginning.
    """
    if result is not None and result not in RESULTS:
        raise InvalidInput(f"{result!r} is no result; the results are {', '.join(RESULTS)}.")
    limit = limited(limit)
    wanted = {
        _m.journey_id: journey,
        _m.step: step,
        _m.state: result,
        _m.reason: reason,
        _m.rule: rule,
        _m.topic: topic,
        _m.channel: channel,
        _m.provider: provider,
        _m.run_id: run,
    }
    query = _chosen(whole=whole).order_by(_m.decided_at.desc(), _m.id.desc()).limit(limit + 1)
    query = query.where(*(column == value for column, value in wanted.items() if value is not None))
    if customer is not None:
        whose = [customer] if isinstance(customer, UUID) else list(customer)
        query = query.where(_m.customer_id.in_(whose))
    if since is not None:
        query = query.where(_m.decided_at >= since)
    if until is not None:
        query = query.where(_m.decided_at < until)
    if stops is not None:
        query = query.where(_m.id.in_(stopped_messages(stops)))
    if cursor is not None:
        query = query.where(
            tuple_(_m.decided_at, _m.id) < tuple_(*read_cursor(cursor, datetime, UUID))
        )
    rows = connection.execute(query).all()
    return page(rows, limit, _items(connection, rows[:limit]), "decided_at", "id")


def _chosen(*, whole: bool) -> Select[Any]:
    if whole:
        return select(tables.message)
    columns = [column for column in tables.message.c if column.name not in {"body", "body_text"}]
    beginning = func.left(_m.body_text, _BEGINNING).label("body_text")
    return select(*columns, null().label("body"), beginning)


def message(connection: Connection, message_id: UUID) -> dict[str, Any]:
    """Return one message."""
    rows = connection.execute(select(tables.message).where(_m.id == message_id)).all()
    if not rows:
        raise NotFound(f"There is no message {str(message_id)!r}.")
    return _items(connection, rows)[0]


_TRACED = text("""
    SELECT t.at, t.what, t.step, t.data FROM run_trace t JOIN message m ON m.id = :message
    WHERE t.run_id = m.run_id AND t.step = m.step AND t.what = ANY(:whats) AND t.at >= m.decided_at
      AND t.at < coalesce((
          SELECT min(l.decided_at) FROM message l
          WHERE l.run_id = m.run_id AND l.step = m.step AND l.visit > m.visit
      ), 'infinity')
    ORDER BY t.n
""")


def traced(connection: Connection, message_id: UUID, whats: Sequence[str]) -> list[dict[str, Any]]:
    """Return what was noted of these kinds while a message was on its way, in order."""
    rows = connection.execute(_TRACED, {"message": message_id, "whats": list(whats)}).mappings()
    return [dict(row) for row in rows]


_WHOSE = text("SELECT id, traits, addresses FROM customer WHERE id = ANY(:ids)")


def whose(connection: Connection, items: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the traits and addresses of the customers of messages, by the customer's id."""
    ids = sorted({UUID(item["customer"]) for item in items})
    rows = connection.execute(_WHOSE, {"ids": ids})
    return {str(row.id): {"traits": row.traits, "addresses": row.addresses} for row in rows}


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
        "offer": row["offer"],
        "priority": row["priority"],
        "template": row["template"],
        "to": row["to"],
        "state": row["state"],
        "result": row["state"] if row["state"] in RESULTS else None,
        "reason": row["reason"],
        "rule": row["rule"],
        "provider": row["provider"],
        "provider_id": row["provider_id"],
        "segments": row["segments"],
        "cost": row["cost"],
        "decided_at": row["decided_at"],
        "first_deferred_at": row["first_deferred_at"],
        "deferred_until": row["deferred_until"],
        "sent_at": row["sent_at"],
        **{name: row[name] for name in _LED_TO},
        "subject": row["subject"],
        "body": row["body"],
        "text": row["body_text"],
        "transitions": transitions,
    }
