"""A row of any file as a customer or an event, by what its columns were said to be."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from engine.errors import InvalidInput
from engine.flow.history import Profile
from engine.flow.imports.customers import profile
from engine.flow.imports.events import event_of_call
from engine.flow.imports.lines import Record
from engine.flow.imports.mapping import IGNORE, Assigned, Column
from engine.flow.imports.portions import Rejected
from engine.flow.imports.reading import instant, read
from engine.flow.intake import Incoming
from engine.model.addresses import phone_number
from engine.model.identity import LONGEST
from engine.store.customers import Identity

_DEEPEST = 3


@dataclass(frozen=True, slots=True)
class Place:
    """Where the shop is: the clock of times without a zone, the country of its phone numbers."""

    zone: ZoneInfo
    country: str | None = None


def flat(data: Mapping[str, Any], depth: int = _DEEPEST) -> dict[str, Any]:
    """Return a record's values by the path to them: `{"a": {"b": 1}}` has `a.b`."""
    found: dict[str, Any] = {}
    for name, value in data.items():
        if isinstance(value, dict) and depth > 1:
            found |= {f"{name}.{inner}": one for inner, one in flat(value, depth - 1).items()}
        else:
            found[name] = value
    return found


class Rows:
    """Reads records by a mapping."""

    def __init__(self, mapping: Assigned, place: Place) -> None:
        self._columns = [column for column in mapping.columns if column.target != IGNORE]
        self._event = mapping.event
        self._place = place

    def profile(self, record: Record) -> Profile:
        """Return what a row tells of a customer; raise `Rejected` when it names none."""
        document: dict[str, Any] = {}
        traits: dict[str, Any] = {}
        more: list[Identity] = []
        for column, value in self._given(record):
            match column.target:
                case "external_id":
                    document["userId"] = _text(column, value)
                case "anonymous_id":
                    document["anonymousId"] = _text(column, value)
                case "id":
                    more.append((column.called, _text(column, value)))
                case "locale" | "time_zone":
                    document[column.target] = _text(column, value)
                case "email":
                    traits["email"] = _text(column, value)
                case "phone":
                    traits["phone"] = self._phone(column, value)
                case _:
                    traits[column.called] = self._value(column, value)
        return profile({**document, "traits": traits}, more)

    def event(self, record: Record, now: datetime) -> Incoming:
        """Return the event that a row writes; raise `Rejected` when it writes none."""
        properties: dict[str, Any] = {}
        call: dict[str, Any] = {"type": "track", "event": self._event, "properties": properties}
        other: Identity | None = None
        for column, value in self._given(record):
            match column.target:
                case "property":
                    properties[column.called] = self._value(column, value)
                case "id":
                    other = (column.called, _text(column, value))
                case "timestamp":
                    text = _text(column, value)
                    zone = self._place.zone
                    call["timestamp"] = instant(text, column.reading, column.name, zone)
                case target:
                    call[_FIELDS[target]] = _text(column, value)
        if other is not None and not call.get("userId"):
            call["userId"] = other[1]
            event = event_of_call(call, record.text, _written(call), now)
            return replace(event, namespace=other[0])
        return event_of_call(call, record.text, _written(call), now)

    def _given(self, record: Record) -> list[tuple[Column, Any]]:
        if record.fault is not None:
            raise Rejected(record.fault)
        data = record.data
        if any(isinstance(value, dict) for value in data.values()):
            data = flat(data)
        return [
            (column, value)
            for column in self._columns
            if (value := data.get(column.name)) is not None and value != ""
        ]

    def _value(self, column: Column, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return read(value, column.reading, column.name, self._place.zone)

    def _phone(self, column: Column, value: Any) -> str:
        text = _text(column, value)
        try:
            return phone_number(text, self._place.country)
        except InvalidInput:
            raise Rejected(f"{column.name}: '{text[:50]}' is no phone number") from None


_FIELDS = {
    "external_id": "userId",
    "anonymous_id": "anonymousId",
    "event": "event",
    "message_id": "messageId",
}


def _text(column: Column, value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise Rejected(f"{column.name}: a text is needed")
    if len(value) > LONGEST:
        raise Rejected(f"{column.name}: it is longer than {LONGEST} characters")
    return value.strip()


def _written(call: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(call)
    except TypeError:
        raise Rejected("the line is nested too deeply") from None
