"""One message's way through the activity: what the transport does, the ledger knows."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from activities import delivery
from activities.transport import Letter, OutcomeUnknownError, TransportError
from engine.names import LEASE, Answer
from engine.store.session import Database
from tests.integration.test_claim import Story


class Playing:
    """A transport that does as it is told."""

    name = "playing"

    def __init__(self, deed: Callable[[Letter], str | None]) -> None:
        self.deed = deed
        self.letters: list[Letter] = []

    def send(self, letter: Letter) -> str | None:
        """Play."""
        self.letters.append(letter)
        return self.deed(letter)


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    """A customer who is at a sending step."""
    database = Database(database_url)
    told = Story(database)
    told.set_up()
    told.go()
    yield told
    database.close()


def send(story: Story, deed: Any) -> Answer:
    """Carry the message as the activity does."""
    playing = Playing(deed)
    activity = delivery.Delivery(
        story.database, {"email": playing, "sms": playing, "push": playing}, lambda wakes: None
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
    with pytest.raises(ApplicationError) as told:
        send(story, raising(busy))
    assert told.value.next_retry_delay is not None
    assert told.value.next_retry_delay.total_seconds() == 7
    assert story.message().state == "decided"
    assert send(story, lambda letter: None).command.kind == "wait"


def test_an_attempt_that_was_held_up_does_not_send_any_more(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Held up in the claim, or because the machine slept: its lease may have ended."""
    instants = iter([100.0, 100.0 + LEASE.total_seconds() / 2 + 0.1, 120.0])
    monkeypatch.setattr(delivery, "clock", lambda: next(instants))
    with pytest.raises(ApplicationError, match="too late"):
        send(story, raising(AssertionError("it must not be called")))
    assert story.states()[-2:] == [("claimed", None), ("decided", "too late to hand it over")]
