"""A message's claim, record and settlement, and what arrives in between."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text, update

from engine.flow import claim as claims
from engine.flow import sweep, topics
from engine.flow.advance import advance
from engine.flow.claim import Busy, Claimed, Rendered, claim
from engine.flow.intake import Incoming, receive
from engine.flow.prepare import prepare
from engine.flow.publish import publish, save_journey
from engine.flow.record import Outcome, record, settle_expired
from engine.model.actor import COMMAND_LINE
from engine.model.cap import Cap
from engine.model.journey import Journey
from engine.model.template import Template
from engine.model.topic import Topic
from engine.model.workspace import Workspace
from engine.names import Answer, Command
from engine.store import documents, tables
from engine.store.session import Database

READY = Rendered(to="ada@example.com", subject="s", body="b")
SENT = Outcome(what="sent", provider="test", provider_id="p1")


class Story:
    """One customer, one journey: send, then a wait, with a purchase that ends it."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def set_up(self, **changes: Any) -> None:
        """Publish the journey; `changes` go to its send step."""
        channel = "email" if "email" in changes.get("channel", "email") else "push"
        template = {"id": "t", "name": "t", "channel": channel, "locales": {"en": {"body": "x"}}}
        self.put(lambda c: documents.put_template(c, Template.model_validate(template)))
        # What a test does at night is no SMS's business.
        self.put(lambda c: documents.put_workspace(c, Workspace(legal_hours=False)))
        step = {"id": "mail", "type": "send", "channel": "email", "template": "t", **changes}
        journey = {
            "id": "j", "name": "j", "topic": "offers", "entry": {"on": {"event": "Go"},
            "reentry": {"mode": "per_key", "key": "n"}},
            "goal": {"event": "Order Completed", "within": "7d", "revenue": "total"},
            "exits": [{"on": {"event": "Order Completed"}, "reason": "purchased"}],
            "steps": [step, {"id": "rest", "type": "wait", "for": "1d"}],
        }  # fmt: skip
        save_journey(self.database, Journey.model_validate(journey), actor=COMMAND_LINE)
        publish(self.database, "j", actor=COMMAND_LINE)
        self.track("Customer Identified", kind="identify",
                   traits={"email": "ada@example.com", "phone": "+41790000000"})  # fmt: skip

    def put(self, work: Any) -> None:
        """Write documents."""
        self.database.transact(work)

    def track(self, name: str, **more: Any) -> list[Any]:
        """Take in an event of the customer."""
        event: dict[str, Any] = {
            "source": "test", "message_id": uuid4().hex, "kind": "track", "name": name,
            "user_id": "ada", **more,
        }  # fmt: skip
        return receive(self.database, [Incoming(**event)])

    def go(self, n: int = 1) -> UUID:
        """Enter, and return the run."""
        self.track("Go", properties={"n": n})
        return self.run_row(n).id

    def run_row(self, n: int = 1) -> Any:
        """Return the run's row."""
        return self.rows(tables.run, tables.run.c.entry_key == str(n))[0]

    def message(self, n: int = 1) -> Any:
        """Return the run's message."""
        return self.rows(tables.message, tables.message.c.run_id == self.run_row(n).id)[0]

    def rows(self, table: Any, *where: Any) -> list[Any]:
        """Return rows."""
        with self.database.read() as connection:
            return list(connection.execute(select(table).where(*where)).all())

    def revision(self, n: int = 1) -> int:
        """Return the revision of the run's command."""
        return int(self.run_row(n).revision)

    def claim(self, n: int = 1, rendered: Rendered = READY) -> Any:
        """Claim as the activity does."""
        return claim(self.database, self.run_row(n).id, self.revision(n), rendered)[0]

    def record(self, claimed: Claimed, outcome: Outcome = SENT, n: int = 1) -> Answer:
        """Record as the activity does."""
        run = self.run_row(n).id
        return record(self.database, run, claimed.message, claimed.token, outcome)[0]

    def states(self, n: int = 1) -> list[tuple[str, str | None]]:
        """Return what the message went through: each state with its reason."""
        table = tables.message_transition
        where = table.c.message_id == self.message(n).id
        rows = sorted(self.rows(table, where), key=lambda row: row.seq)
        return [(row.to, row.reason) for row in rows]

    def let_pass(self, until: datetime) -> None:
        """Let the customer's clock reach an instant."""
        statement = text("UPDATE customer SET last_at = greatest(last_at, :at)")
        self.put(lambda c: c.execute(statement, {"at": until}))

    def let_lease_end(self) -> None:
        """Let the time of every claim pass."""
        for statement in (
            "UPDATE message SET lease_until = now() - interval '1 hour'",
            "UPDATE run SET check_at = now() - interval '1 hour' WHERE ended_at IS NULL",
        ):
            self.put(lambda c, statement=statement: c.execute(text(statement)))


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    """A shop without a journey yet."""
    database = Database(database_url)
    yield Story(database)
    database.close()


def test_a_sent_message_lets_the_run_go_on(story: Story) -> None:
    story.set_up()
    story.go()
    answer = story.record(story.claim())
    assert answer.command.kind == "wait"
    assert story.states() == [("decided", None), ("claimed", None), ("sent", None)]


def test_an_exit_before_the_claim_keeps_the_message_back(story: Story) -> None:
    story.set_up()
    story.go()
    old = story.revision()
    story.track("Order Completed")
    given, _ = claim(story.database, story.run_row().id, old, READY)
    assert given == Answer(old + 1, Command("exit"))
    assert story.states() == [("decided", None), ("skipped", "replaced")]
    assert story.run_row().end_reason == "purchased"


def test_an_exit_in_the_same_batch_as_the_entry(story: Story) -> None:
    story.set_up()
    events = [
        Incoming(source="test", message_id=uuid4().hex, kind="track", name=name, user_id="ada",
                 properties={"n": 1})
        for name in ("Go", "Order Completed")
    ]  # fmt: skip
    receive(story.database, events)
    assert story.states() == [("decided", None), ("skipped", "replaced")]
    assert story.run_row().end_reason == "purchased"


def test_an_exit_between_claim_and_record_ends_the_run_after_the_record(story: Story) -> None:
    story.set_up()
    story.go()
    claimed = story.claim()
    assert story.track("Order Completed", properties={"total": 12}) == []
    assert story.run_row().ended_at is None
    answer = story.record(claimed)
    assert answer.command == Command("exit")
    row = story.run_row()
    assert (row.end_reason, row.goal_revenue) == ("purchased", 12)
    assert story.states()[-1] == ("sent", None)


@pytest.mark.parametrize("what", ["refused", "released", "unknown"])
def test_an_exit_between_claim_and_a_failure(story: Story, what: Any) -> None:
    story.set_up()
    story.go()
    claimed = story.claim()
    story.track("Order Completed")
    answer = story.record(claimed, Outcome(what=what, provider="test", reason="no"))
    assert answer.command == Command("exit")
    assert story.run_row().end_reason == "purchased"
    ends = {
        "refused": ("failed", "no"),
        "released": ("skipped", "replaced"),
        "unknown": ("unknown", None),
    }
    assert story.states()[-1] == ends[what]


def test_an_exit_while_deferred_by_quiet_hours_is_honoured(story: Story) -> None:
    story.set_up()
    quiet = {"time_zone": "UTC", "quiet_hours": {"email": {"from": "00:00", "to": "23:59"}}}
    story.put(lambda c: documents.put_workspace(c, Workspace.model_validate(quiet)))
    story.go()
    given = story.claim()
    assert isinstance(given, Answer)
    if given.command.kind == "wait":
        pytest.skip("it is the one minute of the day that is not quiet")
    assert given.command.at is not None
    assert story.message().reason == "quiet_hours"
    story.track("Order Completed")
    assert story.states() == [
        ("decided", None), ("deferred", "quiet_hours"), ("skipped", "replaced"),
    ]  # fmt: skip
    assert story.claim() == Answer(story.revision(), Command("exit"))


def test_an_exit_after_an_ended_lease(story: Story) -> None:
    story.set_up()
    story.go()
    story.claim()
    story.let_lease_end()
    story.track("Order Completed")
    assert story.run_row().ended_at is None, "the claim is settled first"
    sweep.overdue(story.database)
    assert story.run_row().end_reason == "purchased"
    assert story.states()[-1] == ("unknown", None)


def test_two_attempts_do_not_both_send(story: Story) -> None:
    story.set_up()
    story.go()
    first = story.claim()
    assert isinstance(first, Claimed)
    assert isinstance(story.claim(), Busy)


def test_a_marketing_message_of_unknown_outcome_is_not_sent_again(story: Story) -> None:
    story.set_up()
    story.go()
    first = story.claim()
    story.let_lease_end()
    given = story.claim()
    assert isinstance(given, Answer)
    assert given.command.kind == "wait"
    assert story.states()[-1] == ("unknown", None)
    story.record(first)
    assert story.states()[-1] == ("sent", "late"), "the ledger learns what became of it"
    assert story.revision() == given.revision


def test_a_transactional_message_of_unknown_outcome_is_sent_again(story: Story) -> None:
    story.set_up(**{"class": "transactional"})
    story.go()
    first = story.claim()
    story.let_lease_end()
    before = story.revision()
    given = story.claim()
    assert isinstance(given, Answer)
    assert (given.command.kind, given.revision) == ("deliver", before + 1)
    second = story.claim()
    assert isinstance(second, Claimed)
    story.record(first)
    assert story.states()[-1] == ("claimed", None), "the first one's record comes too late"
    story.record(second)
    reasons = [state for state in story.states() if state[0] in {"unknown", "decided"}]
    assert reasons == [("decided", None), ("unknown", None), ("decided", "unknown_sent_again")]
    assert story.states()[-1] == ("sent", None)


def test_a_transactional_message_is_sent_again_twice_at_most(story: Story) -> None:
    story.set_up(**{"class": "transactional"})
    story.go()
    unknown = Outcome(what="unknown", provider="test")
    answers = [story.record(story.claim(), unknown) for _ in range(3)]
    assert [answer.command.kind for answer in answers] == ["deliver", "deliver", "wait"]
    assert story.states()[-1] == ("unknown", None)


def test_a_transactional_unknown_is_not_repeated_after_an_exit(story: Story) -> None:
    story.set_up(**{"class": "transactional"})
    story.go()
    story.claim()
    story.track("Order Completed")
    story.let_lease_end()
    settle_expired(story.database, story.run_row().id)
    assert story.states()[-1] == ("unknown", None)
    assert story.run_row().end_reason == "purchased"


def test_the_list_moves_on_when_a_channel_refuses(story: Story) -> None:
    story.set_up(channel=["email", "sms"])
    story.go()
    answer = story.record(story.claim(), Outcome(what="refused", provider="test", reason="gone"))
    assert answer.command == Command("deliver", "mail", "sms")
    answer = story.record(story.claim(rendered=Rendered(to="+41790000000", body="b")))
    assert answer.command.kind == "wait"
    assert story.message().channel == "sms"


def test_a_customer_without_address_is_skipped(story: Story) -> None:
    story.set_up(channel="push")
    story.go()
    draft = prepare(story.database, story.run_row().id, story.revision())
    assert not isinstance(draft, Answer)
    answer = story.claim(rendered=Rendered(to=draft.to))
    assert answer.command.kind == "wait"
    assert story.states()[-1] == ("skipped", "no_address")


def test_a_full_cap_defers_and_a_refusal_makes_room(story: Story) -> None:
    story.set_up()
    cap = Cap.model_validate({"id": "one", "limit": 1, "per": "1d"})
    story.put(lambda c: documents.put_cap(c, cap))
    story.go(1)
    story.go(2)
    first = story.claim(1)
    second = story.claim(2)
    assert isinstance(second, Answer)
    assert second.command.kind == "deliver"
    row = story.message(2)
    assert (row.state, row.reason, row.rule) == ("deferred", "cap", "one")
    assert timedelta(hours=23) < row.deferred_until - row.decided_at < timedelta(hours=25)
    run = story.run_row(1).id
    refused = Outcome(what="refused", provider="test", reason="no")
    _, others = record(story.database, run, first.message, first.token, refused)
    assert [wake.run for wake in others] == [str(story.run_row(2).id)]
    assert isinstance(story.claim(2), Claimed)


def test_a_wait_ends_once(story: Story) -> None:
    story.set_up()
    run = story.go()
    answer = story.record(story.claim())
    ended = advance(story.database, run, answer.revision, "time_reached")
    assert ended.command == Command("exit")
    assert advance(story.database, run, answer.revision, "time_reached") == ended
    assert len(story.rows(tables.run_input, tables.run_input.c.kind == "timereached")) == 1


def test_an_event_is_stored_once(story: Story) -> None:
    story.set_up()
    for _ in range(2):
        story.track("Go", message_id="same", properties={"n": 1})
    assert len(story.rows(tables.event, tables.event.c.name == "Go")) == 1
    assert timedelta(seconds=20) == claims.LEASE


def consent(story: Story, **said: Any) -> None:
    """Let the customer have said something, or her addresses be suppressed."""
    table = tables.customer
    story.put(lambda c: c.execute(update(table).values(**said)))


def test_without_consent_nothing_is_claimed(story: Story) -> None:
    story.set_up()
    story.go()
    consent(story, consent={"offers": {"email": "unsubscribed"}})
    assert story.claim().command.kind == "wait"
    assert story.states() == [("decided", None), ("skipped", "not_subscribed")]


def test_a_topic_decides_for_those_who_have_said_nothing(story: Story) -> None:
    story.set_up()
    document = {"id": "offers", "name": "Offers", "default": "unsubscribed", "double_opt_in": True}
    topics.put_topic(story.database, Topic.model_validate(document), actor=COMMAND_LINE)
    story.go(1)
    assert story.claim(1).command.kind == "wait"
    assert story.states(1)[-1] == ("skipped", "not_subscribed")
    consent(story, consent={"offers": {"email": "pending"}})
    story.go(2)
    story.claim(2)
    assert story.states(2)[-1] == ("skipped", "not_subscribed")
    consent(story, consent={"offers": {"email": "subscribed"}})
    story.go(3)
    assert isinstance(story.claim(3), Claimed)


def test_a_transactional_message_needs_no_consent_but_no_suppressed_address_gets_it(
    story: Story,
) -> None:
    story.set_up(**{"class": "transactional"})
    consent(story, consent={"offers": {"email": "unsubscribed"}})
    story.go(1)
    assert isinstance(story.claim(1), Claimed)
    consent(story, suppressed={"email": {"address": "ada@example.com", "reason": "complaint"}})
    story.go(2)
    story.claim(2)
    assert story.states(2)[-1] == ("skipped", "suppressed")
    consent(story, suppressed={"email": {"address": "old@example.com", "reason": "complaint"}})
    story.go(3)
    assert isinstance(story.claim(3), Claimed), "it is about an address that she had before"


def test_the_list_moves_on_to_a_channel_that_she_has_agreed_to(story: Story) -> None:
    story.set_up(channel=["email", "sms"])
    consent(story, consent={"offers": {"email": "unsubscribed"}})
    story.go()
    assert story.claim().command.channel == "sms"
    assert isinstance(story.claim(rendered=replace(READY, to="+41790000000")), Claimed)


def test_a_full_cap_moves_the_message_to_the_next_channel_where_it_says_so(story: Story) -> None:
    story.set_up(channel=["email", "sms"])
    cap = {"id": "c", "channels": ["email"], "limit": 1, "per": "day", "on_full": "next_channel"}
    story.put(lambda c: documents.put_cap(c, Cap.model_validate(cap)))
    story.go(1)
    story.record(story.claim(1))
    story.go(2)
    answer = story.claim(2)
    assert (answer.command.kind, answer.command.channel) == ("deliver", "sms")
    assert isinstance(story.claim(2, replace(READY, to="+41790000000")), Claimed)
    assert story.message(2).channel == "sms"


def test_when_every_channel_is_full_the_message_waits_for_the_first(story: Story) -> None:
    story.set_up(channel=["email", "sms"])
    cap = {"id": "c", "limit": 1, "per": "1d", "on_full": "next_channel"}
    story.put(lambda c: documents.put_cap(c, Cap.model_validate(cap)))
    story.go(1)
    story.record(story.claim(1))
    story.go(2)
    answer = story.claim(2)
    assert (answer.command.kind, answer.command.channel) == ("deliver", "email")
    assert story.states(2)[-1] == ("deferred", "cap")


def test_who_waits_in_front_goes_first_and_is_woken(story: Story) -> None:
    story.set_up()
    story.put(lambda c: documents.put_cap(c, Cap.model_validate(
        {"id": "c", "limit": 1, "per": "1h", "on_full": "defer"})))  # fmt: skip
    story.go(1)
    story.record(story.claim(1))
    story.go(2)
    story.claim(2)
    until = story.message(2).deferred_until
    story.let_pass(until)
    story.go(3)
    before = story.revision(2)
    answer, told = claim(story.database, story.run_row(3).id, story.revision(3), READY)
    assert answer.command.kind == "deliver"
    assert story.states(3)[-1] == ("deferred", "cap")
    assert [wake.run for wake in told] == [str(story.run_row(2).id)]
    assert story.revision(2) == before + 1
    assert isinstance(story.claim(2), Claimed)


def test_when_who_waits_in_front_leaves_the_next_is_woken(story: Story) -> None:
    story.set_up()
    story.put(lambda c: documents.put_cap(c, Cap.model_validate(
        {"id": "c", "limit": 1, "per": "1h", "on_full": "defer"})))  # fmt: skip
    story.go(1)
    claimed = story.claim(1)
    story.go(2)
    story.claim(2)
    story.go(3)
    story.claim(3)
    story.record(claimed, Outcome(what="refused", provider="p", reason="no"), 1)
    assert story.run_row(2).command["not_before"] is None, "woken"
    assert story.run_row(3).command["not_before"] is not None
    consent(story, consent={"offers": {"email": "unsubscribed"}})
    story.claim(2)
    assert story.states(2)[-1] == ("skipped", "not_subscribed")
    consent(story, consent={})
    story.track("Customer Identified", kind="identify", traits={"first_name": "Ada"})
    assert story.states(3)[-1] == ("deferred", "cap")


def test_an_exit_of_who_waits_in_front_wakes_the_next(story: Story) -> None:
    story.set_up()
    other = {
        "id": "k", "name": "k", "topic": "offers", "priority": 10,
        "entry": {"on": {"event": "Went"}},
        "steps": [{"id": "mail", "type": "send", "channel": "email", "template": "t"}],
    }  # fmt: skip
    save_journey(story.database, Journey.model_validate(other), actor=COMMAND_LINE)
    publish(story.database, "k", actor=COMMAND_LINE)
    rule = Cap.model_validate({"id": "c", "limit": 1, "per": "1h", "on_full": "defer"})
    story.put(lambda c: documents.put_cap(c, rule))
    story.go(1)
    story.record(story.claim(1))
    story.go(2)
    story.claim(2)
    story.track("Went")
    run = story.rows(tables.run, tables.run.c.journey_id == "k")[0]
    story.let_pass(story.message(2).deferred_until)
    # The slot is free; the waiting one is ahead, so the other yields to it, and waits.
    given, _ = claim(story.database, run.id, run.revision, READY)
    assert given.command.kind == "deliver"
    told = story.track("Order Completed")
    assert story.states(2)[-1] == ("skipped", "replaced")
    assert str(run.id) in {wake.run for wake in told}
    run = story.rows(tables.run, tables.run.c.journey_id == "k")[0]
    given, _ = claim(story.database, run.id, run.revision, READY)
    assert isinstance(given, Claimed)
