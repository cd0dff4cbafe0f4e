"""One message's way through the activity: what the transport does, the ledger knows."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from activities import delivery
from activities.composing import Composer
from activities.content.links import Tracker
from activities.transport import (
    Found,
    Letter,
    OutcomeUnknownError,
    Settling,
    Sought,
    TransportError,
)
from engine.model.base import CHANNELS
from engine.names import LEASE, Answer
from engine.run.links import Links
from engine.store.session import Database
from tests.integration.test_claim import Story


class Playing:
    """A transport that does as it is told."""

    name = "playing"

    def __init__(self, deed: Callable[[Letter], str | None], settling: Settling = "class") -> None:
        self.deed = deed
        self.settling = settling
        self.has: Found | None = None
        self.letters: list[Letter] = []
        self.sought: list[Sought] = []

    def send(self, letter: Letter) -> str | None:
        """Play."""
        self.letters.append(letter)
        return self.deed(letter)

    def find(self, sought: Sought) -> Found | None:
        """Tell what it has."""
        self.sought.append(sought)
        return self.has


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    """A customer who is at a sending step."""
    database = Database(database_url)
    told = Story(database)
    told.set_up()
    told.go()
    yield told
    database.close()


def composer(database: Database) -> Composer:
    """Return what makes messages, for a shop at an address of its own."""
    links = Links(base="https://shop.example", keys=("key",))
    return Composer(database, links, Tracker(("key",), "https://shop.example"))


def send(story: Story, deed: Any) -> Answer:
    """Carry the message as the activity does."""
    playing = deed if isinstance(deed, Playing) else Playing(deed)
    activity = delivery.Delivery(
        story.database,
        composer(story.database),
        dict.fromkeys(CHANNELS, playing),
        lambda wakes: None,
    )
    return activity.send(story.run_row().id, story.revision())


def raising(error: Exception) -> Any:
    def deed(letter: Letter) -> str | None:
        raise error

    return deed


def test_what_the_provider_took_is_sent(story: Story) -> None:
    assert send(story, lambda letter: f"id-{letter.to}").command.kind == "wait"
    row = story.message()
    assert (row.state, row.provider, row.provider_id) == ("sent", "playing", "id-ada@example.com")


def test_a_mistake_in_a_transport_is_an_unknown_outcome_at_once(story: Story) -> None:
    answer = send(story, raising(KeyError("ada@example.com")))
    assert answer.command.kind == "wait", "nobody waits for the lease to end"
    row = story.message()
    assert row.state == "unknown"
    assert "ada@" not in str(story.states())


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (TransportError("no such person", permanent=True), "failed"),
        (OutcomeUnknownError("no answer"), "unknown"),
    ],
)
def test_what_the_provider_did_not_take(story: Story, error: Exception, state: str) -> None:
    assert send(story, raising(error)).command.kind == "wait"
    assert story.message().state == state


def test_a_refusal_for_now_is_tried_again(story: Story) -> None:
    busy = TransportError("the mail server answered 421", permanent=False, retry_after=7)
    answer = send(story, raising(busy))
    assert answer.command.kind == "deliver"
    row = story.message()
    assert (row.state, row.reason, row.claimed_at) == ("deferred", "throttled", None)
    assert 7 <= (row.deferred_until - row.first_deferred_at).total_seconds() <= 9
    story.let_pass(row.deferred_until)
    assert send(story, lambda letter: None).command.kind == "wait"


def test_a_refusal_without_a_time_is_tried_again_as_temporal_does(story: Story) -> None:
    busy = TransportError("the mail server does not answer", permanent=False)
    with pytest.raises(ApplicationError):
        send(story, raising(busy))
    assert story.message().state == "decided"
    assert send(story, lambda letter: None).command.kind == "wait"


def test_a_provider_that_can_be_asked_tells_that_it_has_the_message(story: Story) -> None:
    playing = Playing(raising(OutcomeUnknownError("cut")), settling="ask")
    answer = send(story, playing)
    assert (answer.command.kind, story.message().state) == ("deliver", "unknown")
    playing.has = Found(provider_id="SM1")
    story.let_pass(due(story))
    assert send(story, playing).command.kind == "wait"
    row = story.message()
    assert (row.state, row.provider_id, len(playing.letters)) == ("sent", "SM1", 1)
    assert playing.sought[0].to == "ada@example.com"
    assert playing.sought[0].id == row.id


def test_what_a_provider_does_not_have_after_a_while_is_settled_by_class(story: Story) -> None:
    playing = Playing(raising(OutcomeUnknownError("cut")), settling="ask")
    send(story, playing)
    for _ in range(3):
        story.let_pass(due(story))
        assert send(story, playing).command.kind == "deliver"
    story.let_pass(story.message().lease_until)
    assert send(story, playing).command.kind == "wait"
    assert (story.message().state, len(playing.letters)) == ("unknown", 1)


def test_a_provider_that_knows_our_key_gets_the_message_again(story: Story) -> None:
    playing = Playing(raising(OutcomeUnknownError("cut")), settling="repeat")
    send(story, playing)
    assert (story.message().state, story.message().reason) == ("unknown", "repeated_with_key")
    claimed_at = story.message().claimed_at
    playing.deed = lambda letter: str(letter.id)
    assert send(story, playing).command.kind == "wait"
    assert story.message().state == "sent"
    assert story.message().claimed_at == claimed_at, "it holds the slot that it took"
    assert len({letter.id for letter in playing.letters}) == 1 < len(playing.letters)


def due(story: Story) -> datetime:
    """Return when the run's command is due."""
    return datetime.fromisoformat(story.run_row().command["not_before"])


def test_an_attempt_that_was_held_up_does_not_send_any_more(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Held up in the claim, or because the machine slept: its lease may have ended."""
    instants = iter([100.0, 100.0 + LEASE.total_seconds() / 2 + 0.1, 120.0])
    monkeypatch.setattr(delivery, "clock", lambda: next(instants))
    with pytest.raises(ApplicationError, match="too late"):
        send(story, raising(AssertionError("it must not be called")))
    assert story.states()[-2:] == [("claimed", None), ("decided", "too late to hand it over")]
