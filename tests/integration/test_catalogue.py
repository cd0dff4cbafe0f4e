"""What marketers set up: changed by several people at once, remembered by many processes."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, text

from engine.errors import Conflict, InvalidDocument
from engine.flow import materials, publish
from engine.model.actor import COMMAND_LINE
from engine.model.document import parse_journey
from engine.model.segment import Segment
from engine.model.template import Template
from engine.store import catalogue, documents
from engine.store.documents import touch
from engine.store.session import Database

JOURNEY = """
id: welcome
name: Welcome
topic: news
entry: {on: {event: Signed Up}, if: {segment: vip}}
steps:
  - {id: mail, type: send, channel: email, template: hello}
"""


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    template = {"id": "hello", "name": "H", "channel": "email", "locales": {"en": {"body": "Hi"}}}
    materials.put_template(opened, Template.model_validate(template), actor=COMMAND_LINE)
    rule = {"id": "vip", "name": "V", "rule": {"trait": "tier", "eq": "gold"}}
    materials.put_segment(opened, Segment.model_validate(rule), actor=COMMAND_LINE)
    publish.save_journey(opened, parse_journey(JOURNEY), actor=COMMAND_LINE)
    yield opened
    opened.close()


@pytest.mark.parametrize("kind", ["template", "segment"])
def test_nothing_is_deleted_under_a_journey_being_published(
    database: Database, kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked, deleted = threading.Event(), threading.Event()
    look = publish.known

    def look_and_wait(connection: Any) -> Any:
        found = look(connection)
        if threading.current_thread() is publishing:
            checked.set()
            deleted.wait(1)
        return found

    monkeypatch.setattr(publish, "known", look_and_wait)
    results: dict[str, Any] = {}

    def keep(name: str, work: Callable[[], Any]) -> None:
        try:
            results[name] = work()
        except (Conflict, InvalidDocument) as error:
            results[name] = error

    publishing = threading.Thread(
        target=lambda: keep(
            "publish", lambda: publish.publish(database, "welcome", actor=COMMAND_LINE)
        )
    )
    publishing.start()
    checked.wait(10)
    name = {"template": "hello", "segment": "vip"}[kind]
    keep("delete", lambda: materials.delete(database, kind, name, actor=COMMAND_LINE))
    deleted.set()
    publishing.join(20)
    refused = [result for result in results.values() if isinstance(result, Exception)]
    assert len(refused) == 1, "one of the two comes first"


def test_what_is_remembered_is_of_one_revision(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody publishes while the rules are being read."""
    live, read = catalogue._live, []

    def publish_meanwhile(*arguments: Any) -> Any:
        if not read:
            read.append(True)
            publish.publish(database, "welcome", actor=COMMAND_LINE)
        return live(*arguments)

    monkeypatch.setattr(catalogue, "_live", publish_meanwhile)
    with database.read() as connection:
        known = catalogue.current(database, connection)
        assert known.revision == documents.revision(connection)
    assert set(known.live) == {"welcome"}


def test_what_was_rolled_back_is_not_remembered(database: Database) -> None:
    def change(connection: Any) -> None:
        documents.touch(connection)
        connection.execute(text("DELETE FROM segment"))
        raise Conflict("no")

    with pytest.raises(Conflict):
        database.transact(change)
    with database.read() as connection:
        assert set(catalogue.current(database, connection).segments) == {"vip"}


def test_thresholds_are_known_once_the_revision_rises(database: Database) -> None:
    with database.read() as connection:
        assert catalogue.current(database, connection).thresholds == {}

    def freeze(connection: Connection) -> None:
        connection.execute(
            text(
                "INSERT INTO threshold (trait, top, value) VALUES ('spend', 5, 120.5), ('new', 5, NULL)"
            )
        )
        touch(connection)

    database.transact(freeze)
    with database.read() as connection:
        assert catalogue.current(database, connection).thresholds == {("spend", 5): 120.5}
