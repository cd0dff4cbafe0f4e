"""A provider's failures, from its own answer to the ledger."""

from collections.abc import Iterator
from typing import Any

import pytest

from activities.delivery import Delivery
from activities.email.sendgrid import SendGridTransport
from activities.pace import Paced
from engine.model.base import CHANNELS
from engine.model.template import Template
from engine.names import Answer
from engine.store import documents
from engine.store.session import Database
from tests.doubles.sendgrid import SendGrid
from tests.doubles.server import cut, cut_unread, throttled
from tests.integration.test_claim import Story
from tests.integration.test_delivery import composer, due

TEMPLATE = Template.model_validate(
    {"id": "t", "name": "t", "channel": "email",
     "locales": {"en": {"subject": "Hello", "body": "<p>Hi</p>"}}}
)  # fmt: skip


@pytest.fixture
def double() -> Iterator[SendGrid]:
    with SendGrid() as running:
        yield running


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    database = Database(database_url)
    told = Story(database)
    told.set_up()
    told.put(lambda connection: documents.put_template(connection, TEMPLATE))
    told.go()
    told.go(2)
    yield told
    database.close()


def sender(story: Story, double: SendGrid, *, activity: bool = True) -> Any:
    transport = Paced(
        SendGridTransport(double.key, "shop@example.com", base_url=double.url, activity=activity)
    )
    delivery = Delivery(
        story.database, composer(story.database), dict.fromkeys(CHANNELS, transport), lambda _: None
    )

    def send(n: int = 1) -> Answer:
        return delivery.send(story.run_row(n).id, story.revision(n))

    return send


def test_what_was_cut_off_after_accepting_is_found(story: Story, double: SendGrid) -> None:
    double.order(cut())
    send = sender(story, double)
    assert send().command.kind == "deliver"
    assert story.message().state == "unknown"
    story.let_pass(due(story))
    assert send().command.kind == "wait"
    row = story.message()
    assert (row.state, row.provider_id) == ("sent", double.messages[0].id)
    assert double.counted() == {str(row.id): 1}


def test_what_was_never_accepted_is_not_found_and_marketing_not_repeated(
    story: Story, double: SendGrid
) -> None:
    double.order(cut_unread())
    send = sender(story, double)
    send()
    story.let_pass(story.message().lease_until)
    assert send().command.kind == "wait"
    assert (story.message().state, double.messages) == ("unknown", [])


def test_without_the_search_marketing_is_not_repeated(story: Story, double: SendGrid) -> None:
    double.order(cut())
    assert sender(story, double, activity=False)().command.kind == "wait"
    assert (story.message().state, len(double.messages)) == ("unknown", 1)


def test_a_throttled_provider_is_called_once_for_all_who_wait(
    story: Story, double: SendGrid
) -> None:
    double.order(throttled(30))
    send = sender(story, double)
    for n in (1, 2):
        assert send(n).command.kind == "deliver"
        assert story.message(n).state == "deferred"
    assert len(double.requests) == 1
