"""A former tool's unsubscribes hold here too."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from engine.flow.customers import CustomerRecord, put_customer
from engine.flow.topics import put_topic
from engine.model.actor import COMMAND_LINE
from engine.model.topic import Topic
from engine.store import consent
from engine.store.session import Database
from parcours.imports.job import import_unsubscribes

FILE = """\
email;phone;external_id;topic;channel;reason;at
ADA@example.com;;;;;bounced;2024-05-01T10:00:00Z
;+41 44 668 18 00;;;sms;stop;
;;ada;news;;;2024-05-02
;;eve;;;;
nobody@example.com;;;;;complained;
nobody@example.com;;;news;;;
;;ada;other;;;
;;;news;;;
not an address;;;;;;
;;ada;news;fax;;
;;ada;news;;;yesterday
"""


@pytest.fixture
def database(database_url: str) -> Any:
    opened = Database(database_url)
    put_topic(opened, Topic(id="news", name="News"), actor=COMMAND_LINE)
    yield opened
    opened.close()


def test_lines_are_obeyed_or_rejected_with_their_reason(database: Database, tmp_path: Path) -> None:
    addresses = {"email": "ada@example.com", "phone": "+41446681800"}
    ada = put_customer(database, "external_id:ada", CustomerRecord(addresses=addresses)).id
    eve = put_customer(database, "external_id:eve", CustomerRecord()).id
    file = tmp_path / "former.csv"
    file.write_text(FILE, encoding="utf-8")
    report = import_unsubscribes(database, file, "csv", resume=False)
    assert (report.accepted, report.rejected) == (5, 6)
    assert report.rejects is not None
    reasons = [orjson.loads(line)["reason"] for line in report.rejects.read_bytes().splitlines()]
    for reason, word in zip(
        reasons, ["no customer", "no topic", "is needed", "no email", "channel", "no instant"],
        strict=True,
    ):  # fmt: skip
        assert word in reason
    with database.read() as connection:
        found, other = consent.customer(connection, ada), consent.customer(connection, eve)
    assert found is not None
    assert other is not None
    assert {c: told["reason"] for c, told in found.suppressed.items()} == {
        "email": "bounced", "sms": "stop",
    }  # fmt: skip
    assert set(found.consent["news"].values()) == {"unsubscribed"}
    assert set(other.consent) == {"*", "news"}
    late = put_customer(
        database, "external_id:new", CustomerRecord(addresses={"email": "nobody@example.com"})
    )
    with database.read() as connection:
        new = consent.customer(connection, late.id)
    assert new is not None
    assert new.suppression("email") == "complained"
