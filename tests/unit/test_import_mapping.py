"""Columns of any file: what they seem to be, how their texts are read, what a row comes to."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from engine.flow.importing import general
from engine.flow.imports.lines import Record
from engine.flow.imports.mapped import Place, Rows, flat
from engine.flow.imports.mapping import Assigned, Column, assigned, faults, guessed
from engine.flow.imports.portions import Rejected
from engine.flow.imports.reading import guess, read

PARIS = Place(ZoneInfo("Europe/Paris"), "FR")
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def record(**data: Any) -> Record:
    text = ";".join(str(value) for value in data.values())
    return Record(line=2, last=2, end=len(text), text=text, data=data)


@pytest.mark.parametrize(
    ("name", "to"),
    [
        ("userId", "external_id"),
        ("N° de client", "external_id"),
        ("Identifiant", "external_id"),
        ("E-mail", "email"),
        ("Adresse e-mail", "email"),
        ("Téléphone portable", "phone"),
        ("Prénom", "trait:first_name"),
        ("NOM", "trait:last_name"),
        ("Date de naissance", "trait:birthday"),
        ("Carte fidélité", "id:loyalty_card"),
        ("Langue", "locale"),
        ("traits.email", "email"),
        ("traits.tier", "trait:tier"),
        ("favouriteColour", "trait:favouriteColour"),
        ("Points (2025)", "trait:points_2025"),
        ("???", "ignore"),
    ],
)
def test_columns_of_customers_by_their_names(name: str, to: str) -> None:
    assert guessed("customers", [name], []).columns[0].to == to


@pytest.mark.parametrize(
    ("name", "to"),
    [
        ("client", "external_id"),
        ("anonymousId", "anonymous_id"),
        ("Événement", "event"),
        ("Date de commande", "timestamp"),
        ("originalTimestamp", "timestamp"),
        ("messageId", "message_id"),
        ("Montant TTC", "property:total"),
        ("N° commande", "property:order_id"),
        ("Devise", "property:currency"),
        ("Quantité", "property:quantity"),
        ("properties.total", "property:total"),
        ("context.locale", "ignore"),
        ("Remise", "property:Remise"),
    ],
)
def test_columns_of_events_by_their_names(name: str, to: str) -> None:
    assert guessed("events", [name], []).columns[0].to == to


def test_of_two_columns_of_a_kind_the_second_is_something_of_its_own() -> None:
    found = guessed("customers", ["Client", "customer_id", "email", "E-mail"], [])
    assert [column.to for column in found.columns] == [
        "external_id",
        "trait:customer_id",
        "email",
        "trait:e_mail",
    ]
    assert faults("customers", found) == []


@pytest.mark.parametrize(
    ("samples", "reading"),
    [
        (["2026-01-31", "2026-02-01T10:00:00Z"], "iso"),
        (["31/01/2026", "01/02/2026"], "dmy"),
        (["01/31/2026", "02/01/2026"], "mdy"),
        (["01.02.2026 10:30", "03.04.2026 9h05"], "dmy"),
        (["1 234,50", "12,00", "7"], "comma"),
        (["1.234,50"], "comma"),
        (["12,5"] * 9 + ["M"], "comma"),
        (["12"] * 9 + ["3 pcs,2"], "auto"),
        (["12", "13"], "auto"),
        (["12.50"], "auto"),
        (["31.01.2026"] * 9 + ["unknown"], "dmy"),
        (["31.01.2026"] * 8 + ["unknown"], "auto"),
        (["oui", "Non"], "truth"),
        (["0", "1"], "auto"),
        (["0042", "12"], "text"),
        (["Lyon", "31/01/2026"], "auto"),
        (["", " "], "auto"),
        ([], "auto"),
    ],
)
def test_how_texts_are_written(samples: list[str], reading: str) -> None:
    assert guess(samples) == reading


@pytest.mark.parametrize(
    ("text", "reading", "value"),
    [
        ("1 234,50", "comma", 1234.5),
        ("1\u202f234", "comma", 1234),
        ("1'234,5", "comma", 1234.5),
        ("-12,5", "comma", -12.5),
        ("31.01.2026", "dmy", "2026-01-31"),
        ("31/1/2026 9h05", "dmy", "2026-01-31T09:05:00+01:00"),
        ("01/31/2026", "mdy", "2026-01-31"),
        ("2026-07-01 10:00", "iso", "2026-07-01T10:00:00+02:00"),
        ("1767225600", "seconds", "2026-01-01T00:00:00+00:00"),
        ("1767225600000", "seconds", "2026-01-01T00:00:00+00:00"),
        ("Oui", "truth", True),
        ("0", "truth", False),
        ("007", "text", "007"),
        ("12.5", "auto", 12.5),
    ],
)
def test_what_texts_mean(text: str, reading: Any, value: Any) -> None:
    assert read(text, reading, "c", PARIS.zone) == value


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("12.50.3", "comma"),
        ("12 34,5", "comma"),
        ("douze", "comma"),
        ("32.01.2026", "dmy"),
        ("01/31/2026", "dmy"),
        ("2026-13-01", "iso"),
        ("now", "seconds"),
        ("9" * 30, "seconds"),
        ("perhaps", "truth"),
    ],
)
def test_what_cannot_be_read_so_is_rejected(text: str, reading: Any) -> None:
    with pytest.raises(Rejected, match=r"^c: '"):
        read(text, reading, "c", PARIS.zone)


def test_a_row_becomes_a_customer_with_the_shops_country() -> None:
    mapping = Assigned(
        (
            Column("n", "external_id"),
            Column("card", "id:loyalty_card"),
            Column("tel", "phone"),
            Column("born", "trait:birthday", "dmy"),
            Column("note"),
        )
    )
    row = record(n="007", card="12", tel="06 12 34 56 78", born="10/12/1990", note="x")
    read_ = Rows(mapping, PARIS).profile(row)
    assert read_.identities == (("external_id", "007"), ("loyalty_card", "12"))
    assert read_.addresses == {"phone": "+33612345678"}
    assert read_.traits == {"phone": "+33612345678", "birthday": "1990-12-10"}
    with pytest.raises(Rejected, match="no phone number"):
        Rows(mapping, PARIS).profile(record(n="1", tel="12"))
    with pytest.raises(Rejected, match="id is needed"):
        Rows(mapping, PARIS).profile(record(n="", tel=""))


def test_a_row_becomes_an_event_of_another_kind_of_id() -> None:
    mapping = Assigned(
        (
            Column("card", "id:loyalty_card"),
            Column("on", "timestamp", "dmy"),
            Column("total", "property:total", "comma"),
        ),
        "Order Completed",
    )
    rows = Rows(mapping, PARIS)
    event = rows.event(record(card="12", on="31.01.2026", total="59,90"), NOW)
    assert (event.user_id, event.namespace, event.name) == ("12", "loyalty_card", "Order Completed")
    assert event.occurred_at == datetime(2026, 1, 30, 23, tzinfo=UTC)
    assert event.properties == {"total": 59.9}
    again = rows.event(record(card="12", on="31.01.2026", total="59,90"), NOW)
    assert again.message_id == event.message_id
    with pytest.raises(Rejected, match="when it happened"):
        rows.event(record(card="12", on="", total="1"), NOW)
    broken = Record(line=1, last=1, end=1, text="", data={}, fault="the row has 1 fields")
    with pytest.raises(Rejected, match="the row has"):
        rows.event(broken, NOW)


def test_values_of_json_stay_what_they_are() -> None:
    data = {"who": {"id": 7}, "at": "2026-01-31T10:00:00Z", "lines": [{"sku": "a"}], "gift": True}
    assert flat(data)["who.id"] == 7
    mapping = Assigned(
        (
            Column("who.id", "external_id"),
            Column("at", "timestamp"),
            Column("lines", "property:products"),
            Column("gift", "property:gift"),
        ),
        "X",
    )
    event = Rows(mapping, PARIS).event(record(**data), NOW)
    assert event.user_id == "7"
    assert event.properties == {"products": [{"sku": "a"}], "gift": True}


def test_a_mapping_comes_back_as_it_was_stored() -> None:
    mapping = Assigned((Column("a", "trait:x", "dmy"), Column("b")), "X")
    assert assigned(mapping.document()) == mapping


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("email: 'ada@example.com' is no email address: no", "email: … is no email address: no"),
        ("the row has 3 fields, the header 5", "the row has … fields, the header …"),
        ("Date: '31' is no date like 31.01.2026", "Date: … is no date like 31.01.2026"),
        ("Date: 'l'Oréal 7' is no date like 31.01.2026", "Date: … is no date like 31.01.2026"),
    ],
)
def test_reasons_are_told_without_what_is_a_customers(reason: str, told: str) -> None:
    assert general(reason) == told


def test_the_only_column_of_dates_says_when_it_happened() -> None:
    row = {"Client": "7", "Le": "31.01.2026", "Livré": "02.02.2026"}
    assert guessed("events", ["Client", "Le"], [row]).columns[1].to == "timestamp"
    assert guessed("events", ["Client", "Le", "Livré"], [row]).columns[1].to == "property:Le"
    assert guessed("events", ["Client", "Date", "Livré"], [row | {"Date": "x"}]).columns[2].to == (
        "property:livre"
    )
    assert guessed("customers", ["Client", "Le"], [row]).columns[1].to == "trait:Le"
