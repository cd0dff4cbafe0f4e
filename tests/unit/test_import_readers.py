"""Records of files as events and customers; what cannot be one is refused with a reason."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from engine.errors import InvalidInput
from engine.flow.history import Profile
from engine.flow.imports import customers, events
from engine.flow.imports.lines import Record
from engine.flow.imports.portions import Rejected
from engine.flow.imports.values import value_of
from engine.flow.intake import Incoming

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def json_record(**data: Any) -> Record:
    text = orjson.dumps(data).decode()
    return Record(line=1, last=1, end=len(text), text=text, data=data)


def csv_record(**data: str) -> Record:
    text = ",".join(data.values())
    return Record(line=2, last=2, end=len(text), text=text, data=data)


def event(**data: Any) -> Incoming:
    return events.event_of(json_record(**data), "jsonl", NOW)


def profile(**data: Any) -> Profile:
    return customers.profile_of(json_record(**data), "jsonl")


WHEN = {"timestamp": "2025-01-02T03:04:05+01:00"}


def test_a_line_like_a_call_of_segments_api() -> None:
    read = event(
        type="track",
        messageId="m1",
        userId=42,
        anonymousId="a",
        event="Order Completed",
        properties={"total": 12.5},
        **WHEN,
    )
    assert (read.source, read.message_id, read.user_id, read.anonymous_id) == (
        "import",
        "m1",
        "42",
        "a",
    )
    assert read.occurred_at == datetime(2025, 1, 2, 2, 4, 5, tzinfo=UTC)
    assert read.properties == {"total": 12.5}


def test_who_a_customer_is_may_be_among_the_events() -> None:
    read = event(type="identify", userId="1", traits={"first_name": "Ann"}, **WHEN)
    assert (read.kind, read.name, read.traits) == (
        "identify",
        "Customer Identified",
        {"first_name": "Ann"},
    )


def test_history_happened_when_it_says_however_long_ago_it_was_sent() -> None:
    at, sent = "2024-05-06T07:08:09Z", "2024-05-06T07:09:00Z"
    for clocks in ({"timestamp": at, "sentAt": sent}, {"originalTimestamp": at, "sentAt": sent}):
        assert event(userId="1", event="X", **clocks).occurred_at == datetime(
            2024, 5, 6, 7, 8, 9, tzinfo=UTC
        )


def test_without_a_message_id_the_line_itself_is_the_id() -> None:
    one, again = event(userId="1", event="X", **WHEN), event(userId="1", event="X", **WHEN)
    other = event(userId="1", event="Y", **WHEN)
    assert one.message_id == again.message_id != other.message_id


def test_a_row_of_columns() -> None:
    row = csv_record(
        **{
            "userId": "007",
            "event": "Order Completed",
            "timestamp": "2025-01-02 03:04:05",
            "messageId": "",
            "properties.total": "12.50",
            "properties.sku": "0012",
            "properties.gift": "true",
            "properties.note": "",
        }
    )
    read = events.event_of(row, "csv", NOW)
    assert (read.user_id, read.anonymous_id) == ("007", None)
    assert read.properties == {"total": 12.5, "sku": "0012", "gift": True}
    assert read.message_id


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"event": "X", **WHEN}, "userId"),
        ({"userId": "1", **WHEN}, "event"),
        ({"userId": "1", "event": "X"}, "timestamp"),
        ({"userId": "1", "event": "X", "timestamp": "yesterday"}, "ISO 8601"),
        ({"userId": "1", "event": "X", "timestamp": 1741000000}, "ISO 8601"),
        ({"userId": "1", "event": "X", "timestamp": "0001-01-01T00:00:00+02:00"}, "timestamp"),
        ({"userId": "1", "event": "X", "timestamp": "1026-03-01"}, "1026 cannot be right"),
        ({"userId": "1", "event": "X", "timestamp": "9999-12-31T23:59:59-12:00"}, "timestamp"),
        ({"userId": "1", "event": "X", "timestamp": "2206-03-01"}, "2206"),
        ({"userId": "1", "event": "X", "properties": [1], **WHEN}, "properties"),
        ({"userId": {}, "event": "X", **WHEN}, "userId"),
        ({"userId": "1" * 501, "event": "X", **WHEN}, "500"),
        ({"userId": "1", "event": "X" * 201, **WHEN}, "200"),
        ({"userId": "1", "event": "X", "properties": {"a": "\0"}, **WHEN}, "NUL"),
        ({"userId": "1", "event": "X", "properties": {"a": "b" * 40_000}, **WHEN}, "larger"),
        ({"userId": "1", "event": "X", "messageId": {"a": 1}, **WHEN}, "messageId"),
        ({"type": "purchase", "userId": "1", **WHEN}, "type"),
        ({"type": ["track"], "userId": "1", **WHEN}, "type"),
    ],
)
def test_what_is_no_event(data: dict[str, Any], said: str) -> None:
    with pytest.raises(Rejected, match=said):
        event(**data)


def test_the_columns_of_a_table_of_events() -> None:
    events.check_columns(["anonymousId", "event", "timestamp", "properties.x"])
    for names, said in (
        (["userId", "event", "total"], "total"),
        (["userId", "timestamp"], "event"),
        (["event", "timestamp"], "userId"),
    ):
        with pytest.raises(InvalidInput, match=said):
            events.check_columns(names)


def test_a_customer() -> None:
    read = profile(
        external_id=7,
        traits={"email": "Ann@Example.com", "phone": "+33 6 39 98 00 01", "city": None},
        locale="fr-CH",
        time_zone="Europe/Zurich",
    )
    assert read.identities == (("external_id", "7"),)
    assert read.addresses == {"email": "Ann@example.com", "phone": "+33639980001"}
    assert read.traits["city"] is None
    assert (read.locale, read.time_zone) == ("fr-CH", "Europe/Zurich")


def test_a_row_of_a_customer() -> None:
    row = csv_record(
        **{
            "userId": "0042",
            "email": "ann@example.com",
            "points": "120",
            "traits.city": "Genève",
            "name": "1984",
            "locale": "fr",
            "timezone": "Europe/Paris",
            "empty": "",
        }
    )
    read = customers.profile_of(row, "csv")
    assert read.identities == (("external_id", "0042"),)
    assert read.traits == {
        "email": "ann@example.com",
        "points": 120,
        "city": "Genève",
        "name": "1984",
    }
    assert (read.locale, read.time_zone) == ("fr", "Europe/Paris")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"traits": {}}, "id is needed"),
        ({"userId": "", "traits": {}}, "id is needed"),
        ({"userId": [1]}, "a text is needed"),
        ({"userId": "1", "traits": ["a"]}, "JSON object"),
        ({"userId": "1", "email": "a@example.com"}, "email: this key is not known"),
        ({"userId": "1", "traits": {"email": "nonsense"}}, "email"),
        ({"userId": "1", "traits": {"phone": "12"}}, "phone"),
        ({"userId": "1", "traits": {"a": {"b": "\0"}}}, "traits.a.b"),
        ({"userId": "1", "time_zone": "Mars/Olympus"}, "no time zone"),
        ({"userId": "1", "locale": "french!"}, "no locale"),
        ({"userId": "1" * 501}, "500"),
    ],
)
def test_what_is_no_customer(data: dict[str, Any], said: str) -> None:
    with pytest.raises(Rejected, match=said):
        profile(**data)


def test_a_table_of_customers_names_them() -> None:
    customers.check_columns(["external_id", "anything"])
    with pytest.raises(InvalidInput, match="userId"):
        customers.check_columns(["email", "first_name"])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        ("-3.50", -3.5),
        ("0", 0),
        ("true", True),
        ("False", False),
        ("007", "007"),
        ("+41446681800", "+41446681800"),
        ("12345678901234567890", "12345678901234567890"),
        ("1e5", "1e5"),
        ("1,5", "1,5"),
        ("", ""),
    ],
)
def test_a_text_is_a_number_only_if_it_is_written_like_one(text: str, value: Any) -> None:
    assert value_of(text) == value
    assert type(value_of(text)) is type(value)
