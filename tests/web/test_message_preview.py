"""A message's preview in its panel: who gets it, in which language, and each of its versions."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest

from engine.flow import drafting, materials
from engine.model.actor import COMMAND_LINE
from engine.model.template import Template
from engine.store import documents, search
from engine.store.session import Database
from tests.web.test_condition_builder import Builder

HTML = "<style>p { color: red }</style><p>Hello {{ customer.first_name }}, {{ colour }}</p>"


@pytest.fixture
def database(shop_url: str) -> Iterator[Database]:
    opened = Database(shop_url)
    yield opened
    opened.close()


@pytest.fixture
def journey(database: Database) -> Iterator[str]:
    contents = {
        "en": {"subject": "Hi {{ customer.first_name }}", "body": HTML},
        "fr": {"subject": "Bonjour", "body": "<p>Bonjour {{ customer.first_name }}</p>"},
    }
    for id_, channel, locales in (
        ("greeting", "email", contents),
        ("short-greeting", "sms", {"en": {"body": "Come to us, {{ customer.first_name }}"}}),
    ):
        document = {"id": id_, "name": id_, "channel": channel, "locales": locales}
        materials.put_template(database, Template.model_validate(document), actor=COMMAND_LINE)
    steps = [
        {"id": "mail", "type": "send", "channel": "email", "template": "greeting"},
        {"id": "text", "type": "send", "channel": "sms", "template": "short-greeting"},
        {"id": "pause", "type": "wait", "for": "1d"},
    ]
    entry = {"on": {"event": "Order Completed"}}
    document = {"id": "shown", "name": "Shown", "entry": entry, "topic": "offers", "steps": steps}
    drafting.create(database, document, actor=COMMAND_LINE)
    yield "shown"
    database.transact(lambda connection: documents.delete_draft(connection, "shown"))


@pytest.fixture
def anna(database: Database) -> dict[str, Any]:
    with database.read() as connection:
        found: dict[str, Any] = search.customers(connection, "anna", limit=1).items[0]
    return found


def message(**fields: Any) -> dict[str, Any]:
    return {
        "channel": ["email"],
        "template": "greeting",
        "at": "now",
        "class": "marketing",
        **fields,
    }


def test_a_message_is_shown_as_she_would_get_it(
    visitor: Any, journey: str, anna: dict[str, Any]
) -> None:
    builder = Builder(visitor, journey, "mail")
    raw = message(customer=anna["id"], locale="en", nonce="abc")
    answer = builder.send("preview", raw)
    name = anna["traits"]["first_name"]
    assert answer.status_code == 200
    page = unescape(answer.text)
    assert f"<b>Hi {name}</b>" in page
    assert f"Hello {name}," in page
    assert '<style nonce="abc">' in page
    assert 'sandbox=""' in page
    assert "<code>colour</code>" in page, "what nothing fills is said"
    fr = unescape(builder.send("preview", raw | {"locale": "fr"}).text)
    assert f"<p>Bonjour {name}</p>" in fr


def test_what_is_typed_and_what_variants_set_comes_before_the_template(
    visitor: Any, journey: str, anna: dict[str, Any]
) -> None:
    variants = [
        {"id": "a", "weight": "50", "variables": "colour = green"},
        {"id": "b", "weight": "50", "subject": "Only for {{ customer.first_name }}",
         "preheader": "Look {{ colour }}", "variables": "colour = blue"},
    ]  # fmt: skip
    raw = message(subject="Typed", customer=anna["id"], locale="en", variants=variants, turned="b")
    page = unescape(Builder(visitor, journey, "mail").send("preview", raw).text)
    first, second = re.split(r'<div class="version"[^>]*>', page)[1:]
    assert "<b>Typed</b>" in first
    assert ", green</p>" in first
    assert f"<b>Only for {anna['traits']['first_name']}</b>" in second
    assert "Look blue" in second
    assert ", blue</p>" in second
    assert re.search(r'data-version="b"[^>]*aria-selected="true"', page)


def test_a_mistake_is_said_in_a_sentence(visitor: Any, journey: str) -> None:
    builder = Builder(visitor, journey, "mail")
    page = unescape(builder.send("preview", message(subject="{{ customer.name | shout }}")).text)
    assert "There is a mistake in the subject, line 1: " in page
    assert "shout" in page
    assert (
        "Choose a template to see the message here."
        in builder.send("preview", message(template="")).text
    )
    gone = unescape(builder.send("preview", message(template="gone")).text)
    assert "There is no template gone." in gone


def test_a_text_message_tells_how_to_stop(visitor: Any, journey: str) -> None:
    builder = Builder(visitor, journey, "text")
    raw = message(channel=["sms"], template="short-greeting")
    assert "STOP" in builder.send("preview", raw).text
    needed = builder.send("preview", raw | {"class": "transactional"}).text
    assert "STOP" not in needed
    assert "Come to us" in needed


def test_only_messages_and_customers_there_are_can_be_shown(visitor: Any, journey: str) -> None:
    assert Builder(visitor, journey, "pause").send("preview", {"mode": "for"}).status_code == 422
    builder = Builder(visitor, journey, "mail")
    assert builder.send("preview", message(customer="anna")).status_code == 422
    nobody = "00000000-0000-0000-0000-000000000000"
    assert builder.send("preview", message(customer=nobody)).status_code == 404


def test_the_page_lets_frames_have_styles_only_where_a_draft_is_edited(
    visitor: Any, journey: str
) -> None:
    editing = visitor.get(f"/journeys/{journey}?show=draft&step=mail")
    found = re.search(r'name="nonce" value="([^"]+)"', editing.text)
    assert found is not None
    assert f"'nonce-{found[1]}'" in editing.headers["Content-Security-Policy"]
    looking = visitor.get("/journeys/welcome").headers["Content-Security-Policy"]
    assert "nonce-" not in looking
