"""Reading calls of Segment's HTTP API into events: pure, and quick.

Plain dictionaries and no model: this runs for every event that a shop sends.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast, get_args
from uuid import UUID

import orjson
from uuid_utils.compat import uuid7

from engine.errors import Malformed, TooLarge
from engine.flow.event_names import NAME_OF, Kind
from engine.flow.intake import Incoming
from engine.model.clock import time_zones
from engine.model.identity import LONGEST, LONGEST_NAMESPACE, RESERVED
from engine.model.storable import dump, find_nul

EVENT_LIMIT: Final = 32 * 1024
BATCH_LIMIT: Final = 500 * 1024
BATCH_COUNT: Final = 2500
"""Segment's limits: bytes of an event, bytes of a batch, events in a batch."""

NAME_LIMIT: Final = 200
TOKEN_LIMIT: Final = 4096

KINDS: Final[frozenset[str]] = frozenset(get_args(Kind))

_EXTERNAL_ID: Final = '{"type": "loyalty_card", "id": "7"}'

_LOCALE: Final = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What holds for every event of a request."""

    source: str
    received_at: datetime
    sent_at: datetime | None = None
    context: Mapping[str, Any] = field(default_factory=dict)


def parse(body: bytes) -> dict[str, Any]:
    """Read a request's JSON object."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"The body is not JSON: {error}.") from None
    if not isinstance(document, dict):
        raise Malformed("The body must be a JSON object.")
    return document


def events_of(
    kind: Kind | None, document: dict[str, Any], body: bytes, source: str, received_at: datetime
) -> list[Incoming]:
    """Return the events of a call: one of a kind, or of a batch when `kind` is None.

    All of them, or none: the first fault is raised, with its position.
    """
    suspicious = b"\\u0000" in body
    if kind is not None:
        if len(body) > EVENT_LIMIT:
            raise TooLarge(f"The event is larger than {EVENT_LIMIT:,} bytes.")
        _check(document, "", len(body), suspicious=suspicious)
        return [_event(kind, document, "", Envelope(source=source, received_at=received_at))]
    batch = document.get("batch")
    if not isinstance(batch, list):
        raise Malformed("batch: a list of events is needed.")
    if len(batch) > BATCH_COUNT:
        raise TooLarge(f"The batch holds {len(batch):,} events; {BATCH_COUNT:,} is the most.")
    envelope = Envelope(
        source=source,
        received_at=received_at,
        sent_at=_instant(document, "sentAt", ""),
        context=_mapping(document, "context", ""),
    )
    return list(_batch(batch, envelope, len(body), suspicious=suspicious))


def _batch(
    batch: list[Any], envelope: Envelope, size: int, *, suspicious: bool
) -> Iterator[Incoming]:
    for index, call in enumerate(batch):
        place = f"batch[{index}]"
        if not isinstance(call, dict):
            raise Malformed(f"{place}: an event is a JSON object.")
        kind = call.get("type")
        if kind not in KINDS:
            raise Malformed(f"{place}.type: one of {', '.join(sorted(KINDS))} is needed.")
        _check(call, place, size, suspicious=suspicious)
        yield _event(cast("Kind", kind), call, place + ".", envelope)


def _check(call: dict[str, Any], place: str, size: int, *, suspicious: bool) -> None:
    """Refuse what is too large or cannot be stored; `size` is that of the whole request."""
    try:
        written = dump(call)
    except TypeError:
        raise Malformed(f"{place or 'The event'}: it is nested too deeply.") from None
    if size > EVENT_LIMIT and len(written) > EVENT_LIMIT:
        raise TooLarge(f"{place or 'The event'} is larger than {EVENT_LIMIT:,} bytes.")
    if suspicious and b"\\u0000" in written and (where := find_nul(call, place)):
        raise Malformed(f"{where}: a text holds a NUL character, which cannot be stored.")


def _event(kind: Kind, call: dict[str, Any], place: str, envelope: Envelope) -> Incoming:
    context = _mapping(call, "context", place)
    user_id = _identity(call, "userId", place)
    anonymous_id = _identity(call, "anonymousId", place)
    previous_id = None
    if kind == "alias":
        previous_id = _identity(call, "previousId", place)
        if previous_id is None or user_id is None:
            raise Malformed(f"{place}previousId: an alias needs previousId and userId.")
    elif user_id is None and anonymous_id is None:
        raise Malformed(f"{place}userId: an event needs userId or anonymousId.")
    return Incoming(
        source=envelope.source,
        message_id=_identity(call, "messageId", place) or _new_id().hex,
        kind=kind,
        name=_name(call, place) if kind == "track" else NAME_OF[kind],
        user_id=user_id,
        anonymous_id=anonymous_id,
        previous_id=previous_id,
        properties=_properties(kind, call, place),
        traits=_traits(kind, call, context or envelope.context, place),
        occurred_at=_occurred_at(call, place, envelope),
        locale=_locale(context.get("locale") or envelope.context.get("locale")),
        time_zone=_time_zone(context.get("timezone") or envelope.context.get("timezone")),
        device_token=_device_token(context),
        identities=_external_ids(context, place),
    )


def _new_id() -> UUID:
    return uuid7()


def _name(call: dict[str, Any], place: str) -> str:
    name = call.get("event")
    if not isinstance(name, str) or not name:
        raise Malformed(f"{place}event: the event's name is needed.")
    if len(name) > NAME_LIMIT:
        raise Malformed(f"{place}event: the name is longer than {NAME_LIMIT} characters.")
    return name


def _identity(call: dict[str, Any], field: str, place: str) -> str | None:
    value = call.get(field)
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)  # some shops' ids are numbers
    if not isinstance(value, str):
        raise Malformed(f"{place}{field}: a text is needed.")
    if len(value) > LONGEST:
        raise Malformed(f"{place}{field}: it is longer than {LONGEST} characters.")
    return value


def _mapping(call: Mapping[str, Any], field: str, place: str) -> dict[str, Any]:
    value = call.get(field)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Malformed(f"{place}{field}: a JSON object is needed.")
    return value


def _properties(kind: Kind, call: dict[str, Any], place: str) -> dict[str, Any]:
    match kind:
        case "track":
            return _mapping(call, "properties", place)
        case "page" | "screen":
            properties = _mapping(call, "properties", place)
            named = {key: _text(call, key, place) for key in ("name", "category")}
            return {key: value for key, value in named.items() if value} | properties
        case "group":
            group_id = _identity(call, "groupId", place)
            if group_id is None:
                raise Malformed(f"{place}groupId: the group's id is needed.")
            return {"groupId": group_id}
        case "alias":
            return {"previousId": _identity(call, "previousId", place)}
        case "identify":
            return {}


def _traits(
    kind: Kind, call: dict[str, Any], context: Mapping[str, Any], place: str
) -> dict[str, Any]:
    """Return what is said of the customer, or of her group; else what is said beside the call."""
    beside = _mapping(context, "traits", f"{place}context.")
    match kind:
        case "identify":
            return {**beside, **_mapping(call, "traits", place)}
        case "group":
            return _mapping(call, "traits", place)
        case _:
            return beside


def _text(call: dict[str, Any], field: str, place: str) -> str | None:
    value = call.get(field)
    if value is not None and not isinstance(value, str):
        raise Malformed(f"{place}{field}: a text is needed.")
    return value


def _instant(call: Mapping[str, Any], field: str, place: str) -> datetime | None:
    value = call.get(field)
    if value is None or value == "":
        return None
    try:
        instant = datetime.fromisoformat(value)
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        raise Malformed(
            f"{place}{field}: an instant is written in ISO 8601, like 2026-03-01T09:30:00Z."
        ) from None


def _occurred_at(call: dict[str, Any], place: str, envelope: Envelope) -> datetime | None:
    """Return when it happened, free of the sender's clock's error.

    The sender's clock stamped both the event and the sending, so their difference is right
    whatever that clock shows: the event happened that long before it was received.
    """
    claimed = _instant(call, "timestamp", place)
    original = _instant(call, "originalTimestamp", place) or claimed
    sent_at = _instant(call, "sentAt", place) or envelope.sent_at
    if original is None or sent_at is None:
        return original
    try:
        return envelope.received_at - max(sent_at - original, timedelta(0))
    except OverflowError:
        raise Malformed(f"{place}timestamp: it is too far from now.") from None


def _locale(value: Any) -> str | None:
    """Return the locale; what browsers send as one is not worth refusing an event for."""
    return value if isinstance(value, str) and _LOCALE.fullmatch(value) else None


def _device_token(context: Mapping[str, Any]) -> str | None:
    device = context.get("device")
    token = device.get("token") if isinstance(device, dict) else None
    return token if isinstance(token, str) and 0 < len(token) <= TOKEN_LIMIT else None


def _external_ids(context: Mapping[str, Any], place: str) -> tuple[tuple[str, str], ...]:
    """Return further names of the customer, told by Segment's convention; hashes name nobody."""
    given = context.get("externalIds")
    if given is None:
        return ()
    place = f"{place}context.externalIds"
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise Malformed(f"{place}: a list is needed, each like {_EXTERNAL_ID}.")
    found: dict[tuple[str, str], None] = {}
    for n, one in enumerate(given):
        namespace, value = one.get("type"), _identity(one, "id", f"{place}[{n}].")
        if not isinstance(namespace, str) or not 0 < len(namespace) <= LONGEST_NAMESPACE:
            raise Malformed(
                f"{place}[{n}].type: what kind of id it is, like loyalty_card, is needed."
            )
        if ":" in namespace:
            raise Malformed(f"{place}[{n}].type: it must not hold a colon.")
        plain = one.get("encoding", "none") in {"none", "", None}
        of_person = one.get("collection", "users") in {"users", "", None}
        if value and plain and of_person and namespace not in RESERVED:
            found[namespace, value] = None
    return tuple(found)


def _time_zone(value: Any) -> str | None:
    return value if isinstance(value, str) and value in time_zones() else None
