"""Events of our own making reach a customer's journeys like any other."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from engine.errors import NotFound
from engine.flow.intake import Incoming, receive
from engine.flow.internal import happen, in_turn_of_customer
from engine.flow.publish import publish, save_journey
from engine.model.actor import COMMAND_LINE
from engine.model.journey import Journey
from engine.store import tables
from engine.store.session import Database
from tests.integration.test_claim import Story

JOURNEY = {
    "id": "j", "name": "j",
    "entry": {"on": {"event": "Replied"}, "reentry": {"mode": "per_key", "key": "n"}},
    "exits": [{"on": {"event": "Unsubscribed"}, "reason": "left"}],
    "steps": [{"id": "rest", "type": "wait", "for": "1d"}],
}  # fmt: skip


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    """A shop with one journey, and a customer."""
    database = Database(database_url)
    save_journey(database, Journey.model_validate(JOURNEY), actor=COMMAND_LINE)
    publish(database, "j", actor=COMMAND_LINE)
    known = Incoming(
        source="t", message_id="1", kind="identify", name="Customer Identified", user_id="ada"
    )
    receive(database, [known])
    yield Story(database)
    database.close()


def ada(story: Story) -> UUID:
    """Return the customer's id."""
    found: UUID = story.rows(tables.customer)[0].id
    return found


def test_it_opens_journeys_and_ends_runs_in_one_turn(story: Story) -> None:
    def decide(turn: Any) -> int:
        happen(turn, "Replied", {"n": 1}, "hooks")
        happen(turn, "Replied", {"n": 2}, "hooks")
        return happen(turn, "Unsubscribed", {"topic": "news"}, "page").seq

    seq, wakes = in_turn_of_customer(story.database, ada(story), decide)
    runs = story.rows(tables.run)
    assert [(run.entry_key, run.end_reason) for run in runs] == [("1", "left"), ("2", "left")]
    assert {wake.run for wake in wakes} == {str(run.id) for run in runs}
    last = story.rows(tables.event, tables.event.c.seq == seq)[0]
    assert (last.name, last.properties, last.source) == (
        "Unsubscribed", {"topic": "news"}, "page",
    )  # fmt: skip


def test_it_reaches_a_run_of_an_earlier_turn(story: Story) -> None:
    for name in ("Replied", "Unsubscribed"):
        in_turn_of_customer(
            story.database, ada(story), lambda turn, name=name: happen(turn, name, {"n": 1}, "t")
        )
    assert [run.end_reason for run in story.rows(tables.run)] == ["left"]


def test_nobody_has_no_turn(story: Story) -> None:
    with pytest.raises(NotFound):
        in_turn_of_customer(story.database, uuid4(), lambda turn: None)
