"""A record of a file as an event: like a call of Segment's API, or a row of columns."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, cast

import orjson

from engine.errors import InvalidInput, Malformed, TooLarge
from engine.flow.event_names import Kind
from engine.flow.imports.lines import Format, Record
from engine.flow.imports.portions import Rejected
from engine.flow.imports.values import value_of
from engine.flow.intake import Incoming
from engine.flow.segment_events import KINDS, events_of

SOURCE: Final = "import"
"""The source of what files bring; a message id is stored once."""

EARLIEST: Final = 1970
COLUMNS: Final = ("userId", "anonymousId", "event", "timestamp", "messageId", "type")
"""The columns of a table of events, besides those that begin with `properties.`."""

PROPERTIES: Final = "properties."

_CLOCKS: Final = ("timestamp", "originalTimestamp", "sentAt", "receivedAt")
"""Where the instant is written, best first."""


def check_columns(names: list[str]) -> None:
    """Refuse a table whose first line cannot be one of events."""
    unknown = [name for name in names if name not in COLUMNS and not name.startswith(PROPERTIES)]
    if unknown:
        raise InvalidInput(
            f"The first line names columns that events have not: {', '.join(unknown)}. They have "
            f"{', '.join(COLUMNS)}, and {PROPERTIES}NAME for each property."
        )
    if "event" not in names or not {"userId", "anonymousId"} & set(names):
        raise InvalidInput("The first line must name the columns event, and userId or anonymousId.")


def is_native(data: Mapping[str, Any]) -> bool:
    """Whether a record of JSON is written like a call of Segment's API."""
    named = bool({"userId", "anonymousId"} & data.keys())
    return named and bool({"event", "type"} & data.keys()) and bool({*_CLOCKS} & data.keys())


def event_of(record: Record, kind: Format, now: datetime) -> Incoming:
    """Return the event that a record writes; raise `Rejected` when it writes none."""
    if record.fault is not None:
        raise Rejected(record.fault)
    call = dict(record.data) if kind == "jsonl" else _call(record.data)
    body = record.text.encode() if kind == "jsonl" else orjson.dumps(call)
    return event_of_call(call, record.text, body, now)


def event_of_call(call: dict[str, Any], text: str, body: bytes, now: datetime) -> Incoming:
    """Return the event of a call; `text` is the record by which it is known without a message id.

    `body` is the call as it is written.
    """
    type_ = call.get("type", "track")
    if not isinstance(type_, str) or type_ not in KINDS:
        raise Rejected(f"type: one of {', '.join(sorted(KINDS))} is needed")
    if not call.get("messageId"):
        call["messageId"] = hashlib.sha256(text.strip().encode()).hexdigest()[:32]
    # What was sent long ago was not received just now: the sender's clock is all there is.
    written = next((call[clock] for clock in _CLOCKS if call.get(clock)), None)
    for clock in _CLOCKS:
        call.pop(clock, None)
    if written is None:
        raise Rejected("timestamp: when it happened is needed")
    call["timestamp"] = written
    try:
        event = events_of(cast("Kind", type_), call, body, SOURCE, now)[0]
    except (Malformed, TooLarge) as error:
        raise Rejected(str(error).removesuffix(".")) from None
    _check_date(event.occurred_at, now)
    return event


def _check_date(at: datetime | None, now: datetime) -> None:
    if at is not None and not EARLIEST <= at.astimezone(UTC).year <= now.year + 1:
        raise Rejected(f"timestamp: the year {at.year} cannot be right")


def _call(row: Mapping[str, str]) -> dict[str, Any]:
    call: dict[str, Any] = {name: text for name, text in row.items() if name in COLUMNS and text}
    call["properties"] = {
        name.removeprefix(PROPERTIES): value_of(text)
        for name, text in row.items()
        if text and name.startswith(PROPERTIES)
    }
    return call
