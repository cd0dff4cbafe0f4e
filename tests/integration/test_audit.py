"""The record of changes: in the change's own transaction, chained, and only ever added to."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from engine.errors import Conflict
from engine.flow import coupons, keys, materials, outgoing, people, publish, topics
from engine.model.actor import COMMAND_LINE, PRODUCT, Actor
from engine.model.cap import Cap
from engine.model.coupon import CouponPool
from engine.model.document import parse_journey
from engine.model.hook import Hook
from engine.model.segment import Segment
from engine.model.snippet import Snippet
from engine.model.template import Template
from engine.model.topic import Topic
from engine.model.workspace import Workspace
from engine.store import audit
from engine.store.audit import Asked
from engine.store.session import Database

ADA = Actor("0190", "Ada")

JOURNEY = """
id: welcome
name: Welcome
topic: news
entry: {on: {event: Signed Up}}
steps:
  - {id: hello, type: send, channel: email, template: hello}
"""
TEMPLATE: dict[str, Any] = {
    "id": "hello",
    "name": "Hello",
    "channel": "email",
    "locales": {"en": {"subject": "Hello", "body": "Good day"}},
}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


def changes(database: Database, **asked: str) -> list[dict[str, Any]]:
    """The changes, the oldest first."""
    with database.read() as connection:
        return audit.listed(connection, Asked(**asked), limit=1000).items[::-1]


def broken(database: Database) -> int | None:
    with database.read() as connection:
        return audit.broken(connection)


def told(database: Database) -> list[tuple[str, str, str]]:
    return [(one["action"], one["kind"], one["thing_id"]) for one in changes(database)]


def test_each_kind_of_change_is_recorded_with_who_made_it(database: Database) -> None:
    template = Template.model_validate(TEMPLATE)
    materials.put_template(database, template, actor=ADA)
    publish.save_journey(database, parse_journey(JOURNEY), JOURNEY, actor=ADA)
    publish.publish(database, "welcome", actor=ADA)
    publish.pause(database, "welcome", actor=ADA)
    publish.resume(database, "welcome", actor=ADA)
    segment = {"id": "vip", "name": "VIP", "rule": {"trait": "vip", "eq": True}}
    materials.put_segment(database, Segment.model_validate(segment), actor=ADA)
    snippet = {"id": "foot", "name": "Foot", "locales": {"en": "Bye"}}
    materials.put_snippet(database, Snippet.model_validate(snippet), actor=ADA)
    cap = {"id": "week", "limit": 3, "per": "7d"}
    materials.put_cap(database, Cap.model_validate(cap), actor=ADA)
    materials.put_workspace(database, Workspace(name="Shop"), actor=ADA)
    materials.change_workspace(database, {"currency": "EUR"}, actor=ADA)
    topics.put_topic(database, Topic(id="news", name="News"), actor=ADA)
    coupons.put_pool(database, CouponPool(id="ten", name="Ten"), actor=ADA)
    coupons.add_codes(database, "ten", ["A1", "B2"], actor=ADA)
    hook = Hook.model_validate({"id": "crm", "url": "https://crm.example", "events": ["*"]})
    outgoing.put(database, hook, "whsec_secret", actor=ADA)
    outgoing.remove(database, "crm", actor=ADA)
    materials.delete(database, "cap", "week", actor=ADA)
    expected = [
        ("save", "template", "hello"),
        ("save", "journey", "welcome"),
        ("save", "topic", "news"),  # publishing makes the topics that nobody has defined
        ("publish", "journey", "welcome"),
        ("pause", "journey", "welcome"),
        ("resume", "journey", "welcome"),
        ("save", "segment", "vip"),
        ("save", "snippet", "foot"),
        ("save", "cap", "week"),
        ("save", "workspace", "workspace"),
        ("save", "workspace", "workspace"),
        ("save", "topic", "news"),
        ("save", "coupon_pool", "ten"),
        ("add codes", "coupon_pool", "ten"),
        ("save", "hook", "crm"),
        ("delete", "hook", "crm"),
        ("delete", "cap", "week"),
    ]
    assert told(database) == expected
    every = changes(database)
    assert {(one["actor"], one["actor_name"]) for one in every} == {("0190", "Ada")}
    paused = every[4]
    assert (paused["before"]["state"], paused["after"]["state"]) == ("live", "paused")
    assert every[-1]["before"]["limit"] == 3
    assert every[-1]["after"] is None
    assert "secret" not in str(every)
    assert "A1" not in str(every)
    assert broken(database) is None


def test_what_changes_nothing_is_not_recorded(database: Database) -> None:
    topic = Topic(id="news", name="News")
    topics.put_topic(database, topic, actor=ADA)
    topics.put_topic(database, topic, actor=ADA)
    assert len(changes(database)) == 1


def test_what_is_refused_is_not_recorded(database: Database) -> None:
    materials.put_template(database, Template.model_validate(TEMPLATE), actor=ADA)
    publish.save_journey(database, parse_journey(JOURNEY), actor=ADA)
    publish.publish(database, "welcome", actor=ADA)
    before = told(database)
    with pytest.raises(Conflict):
        materials.delete(database, "template", "hello", actor=ADA)
    with pytest.raises(Conflict):
        publish.delete_journey(database, "welcome", actor=ADA)
    assert told(database) == before


def test_people_and_keys_are_recorded_without_their_secrets(database: Database) -> None:
    ada = people.invite(database, "ada@shop.example", "Ada", "administrator", actor=COMMAND_LINE)
    people.invite(database, "bob@shop.example", "Bob", "administrator", actor=COMMAND_LINE)
    people.set_password(database, ada.id, "$argon2id$hash", lambda _: True)
    people.change_role(database, ada.id, "viewer", actor=COMMAND_LINE)
    made = keys.create(database, "viewer", "reports", actor=COMMAND_LINE)
    keys.revoke(database, made.id, actor=COMMAND_LINE)
    every = changes(database)
    assert [one["action"] for one in every] == [
        "invite",
        "invite",
        "set password",
        "change role",
        "make",
        "revoke",
    ]
    assert every[2]["actor"] == str(ada.id)
    assert (every[3]["before"]["role"], every[3]["after"]["role"]) == ("administrator", "viewer")
    assert "argon2" not in str(every)
    assert made.secret not in str(every)
    assert broken(database) is None


def test_a_hook_that_wants_no_more_is_stopped_by_the_product(database: Database) -> None:
    hook = Hook.model_validate({"id": "crm", "url": "https://crm.example", "events": ["*"]})
    outgoing.put(database, hook, "whsec_secret", actor=ADA)
    database.transact(
        lambda connection: connection.execute(
            text("INSERT INTO hook_delivery (id, hook_id, event, body, attempts, due_at) VALUES "
                 "(gen_random_uuid(), 'crm', 'Message Sent', '{}', 0, now())")
        )
    )  # fmt: skip
    [due] = outgoing.take(database, ())
    outgoing.answered(database, due, 410)
    newest = changes(database, kind="hook")[-1]
    assert (newest["actor"], newest["action"]) == (PRODUCT.id, "stop")
    assert newest["after"]["active"] is False


def test_changes_at_the_same_time_make_one_chain(database: Database) -> None:
    def put(n: int) -> None:
        topics.put_topic(database, Topic(id=f"t{n}", name=f"{n}"), actor=Actor(f"{n % 4}", "x"))
        keys.create(database, "viewer", f"{n}", actor=ADA)

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(put, range(24)))
    assert [one["id"] for one in changes(database)] == list(range(1, 49))
    assert broken(database) is None


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit SET actor = 'x' WHERE id = 2", "DELETE FROM audit", "TRUNCATE audit"],
)
def test_rows_can_neither_be_changed_nor_deleted(database: Database, statement: str) -> None:
    _some(database)
    with pytest.raises(DBAPIError, match="only ever added to"):
        database.transact(lambda connection: connection.execute(text(statement)))
    assert len(changes(database)) == 4


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        ("UPDATE audit SET actor_name = 'somebody else' WHERE id = 2", 2),
        ("UPDATE audit SET after = jsonb_set(after, '{name}', '\"x\"') WHERE id = 3", 3),
        ("UPDATE audit SET at = at - interval '1 microsecond' WHERE id = 4", 4),
        ("DELETE FROM audit WHERE id = 2", 3),
        ("DELETE FROM audit WHERE id = 1", 2),
        ("UPDATE audit SET hash = sha256('x') WHERE id = 1", 1),
    ],
)
def test_whoever_gets_around_that_breaks_the_chain(
    database: Database, database_url: str, statement: str, place: int
) -> None:
    _some(database)
    assert broken(database) is None
    with psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("ALTER TABLE audit DISABLE TRIGGER audit_stays")
        connection.execute(statement.encode())
    assert broken(database) == place


def _some(database: Database) -> None:
    for n in range(4):
        topics.put_topic(database, Topic(id=f"t{n}", name=f"Topic “{n}”"), actor=ADA)


def test_numbers_of_any_kind_keep_the_chain(database: Database) -> None:
    odd = {"a": 1.0, "b": 1e22, "c": 10**25, "d": -0.0, "e": 'é\n"', "f": [None, True]}

    def work(connection: Connection) -> None:
        audit.add(connection, ADA, "save", "cap", "x", {"f": 0.1 + 0.2}, {**odd, "c": 2**53 + 1})

    database.transact(work)
    assert broken(database) is None
