"""A claim and its record, where something changes in between."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from engine.flow.claim import Busy, Claimed, claim
from engine.flow.prepare import Draft, prepare
from engine.flow.record import Outcome, record
from engine.model.cap import Cap
from engine.model.workspace import Workspace
from engine.names import Answer
from engine.store import documents
from engine.store.session import Database
from tests.integration.test_claim import READY, Story


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    """A shop with one journey."""
    database = Database(database_url)
    told = Story(database)
    told.set_up()
    yield told
    database.close()


def cap(**changes: Any) -> Cap:
    return Cap.model_validate({"id": "one", "limit": 1, "per": "1d", **changes})


def test_a_rule_that_changes_while_a_claim_waits_for_its_turn_holds(story: Story) -> None:
    """The rules in force at the instant of the claim decide: after the lock, not before it."""
    run = story.go()
    revision = story.revision()
    given: list[Any] = []
    claiming = threading.Thread(
        target=lambda: given.append(claim(story.database, run, revision, READY)[0])
    )

    def hold_her(connection: Any) -> None:
        connection.execute(text("SELECT 1 FROM customer FOR NO KEY UPDATE"))
        claiming.start()
        time.sleep(0.3)
        story.put(lambda c: documents.put_cap(c, cap(limit=0, on_full="skip")))

    story.database.transact(hold_her)
    claiming.join(20)
    assert isinstance(given[0], Answer)
    assert story.states()[-1] == ("skipped", "cap")


def test_a_deferred_message_is_not_claimed_before_its_time(story: Story) -> None:
    """Clocks differ: Temporal's timer may ring before the database's clock shows the time."""
    story.put(lambda c: documents.put_cap(c, cap()))
    story.go(1)
    story.go(2)
    story.record(story.claim(1))
    deferred = story.claim(2)
    assert isinstance(deferred, Answer)
    before = story.states(2)
    early = story.claim(2)
    assert isinstance(early, Busy)
    assert 0 < early.seconds < 61, "the workflow listens again before long"
    assert (story.revision(2), story.states(2)) == (deferred.revision, before)
    back = "UPDATE customer SET last_at = last_at + interval '2 days'"
    story.put(lambda c: c.execute(text(back)))
    assert isinstance(story.claim(2), Claimed)


def test_an_address_that_changed_since_the_message_was_rendered(story: Story) -> None:
    run = story.go()
    draft = prepare(story.database, run, story.revision())
    assert isinstance(draft, Draft)
    story.track("Customer Identified", kind="identify", traits={"email": "new@example.com"})
    given = story.claim()
    assert isinstance(given, Answer), "it is rendered again, for the new address"
    assert given.revision == story.revision()
    assert story.states() == [("decided", None)]
    draft = prepare(story.database, run, story.revision())
    assert isinstance(draft, Draft)
    assert draft.to == "new@example.com"


@pytest.mark.parametrize("what", ["refused", "released"])
def test_a_late_refusal_releases_its_slot(story: Story, what: Any) -> None:
    story.put(lambda c: documents.put_cap(c, cap()))
    story.go(1)
    story.go(2)
    first = story.claim(1)
    story.let_lease_end()
    story.claim(1)
    assert story.message(1).state == "unknown"
    story.claim(2)
    assert story.message(2).state == "deferred"
    outcome = Outcome(what=what, provider="test", reason="no such person")
    run = story.run_row(1)
    answer, others = record(story.database, run.id, first.message, first.token, outcome)
    assert answer.revision == run.revision, "the run has gone on"
    assert story.states(1)[-1] == ("failed", "late")
    assert [wake.run for wake in others] == [str(story.run_row(2).id)]
    assert isinstance(story.claim(2), Claimed)


def test_quiet_hours_that_begin_between_two_claims(story: Story) -> None:
    story.go()
    claimed = story.claim()
    released = Outcome(what="released", provider="test", reason="busy")
    story.record(claimed, released)
    quiet = {"time_zone": "UTC", "quiet_hours": {"email": {"from": "00:00", "to": "23:59"}}}
    story.put(lambda c: documents.put_workspace(c, Workspace.model_validate(quiet)))
    given = story.claim()
    if isinstance(given, Claimed):
        pytest.skip("it is the one minute of the day that is not quiet")
    assert story.states()[-1] == ("deferred", "quiet_hours")
    assert story.message().claimed_at is None, "no slot is held"


def test_the_lease_outlasts_a_claim_that_had_to_wait(story: Story) -> None:
    """It begins after the lock was taken: what is left of it is never less than promised."""
    run = story.go()
    revision = story.revision()
    given: list[Any] = []
    claiming = threading.Thread(
        target=lambda: given.append(claim(story.database, run, revision, READY)[0])
    )

    def hold_her(connection: Any) -> Any:
        connection.execute(text("SELECT 1 FROM customer FOR NO KEY UPDATE"))
        claiming.start()
        time.sleep(0.3)
        return connection.execute(text("SELECT clock_timestamp()")).scalar()

    let_go = story.database.transact(hold_her)
    claiming.join(20)
    row = story.message()
    assert row.lease_until - row.claimed_at == timedelta(seconds=20)
    assert row.claimed_at > let_go
