"""A pause holds what is due, records what happens, and its end lets go in small groups."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from engine.errors import Conflict
from engine.flow import archive, holding, sweep
from engine.flow.advance import advance
from engine.flow.archive import restore
from engine.flow.call import Outgoing, prepare_call
from engine.flow.claim import Claimed, claim
from engine.flow.publish import pause, publish, resume, save_journey
from engine.flow.record import Outcome
from engine.model.actor import COMMAND_LINE
from engine.model.cap import Cap
from engine.model.journey import Journey
from engine.names import Answer
from engine.store import documents, tables
from engine.store.counters import counters
from engine.store.runs import HELD
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


def traced(story: Story, n: int = 1) -> list[str]:
    rows = story.rows(tables.run_trace, tables.run_trace.c.run_id == story.run_row(n).id)
    return [row.what for row in sorted(rows, key=lambda row: row.n)]


def held(answer: Answer) -> bool:
    return answer.command.at == HELD.timestamp()


def after_a_night(story: Story) -> None:
    """Make everything of the past so much older."""
    story.put(lambda c: c.execute(text("UPDATE run SET held_at = held_at - interval '10 hours'")))


def test_a_message_is_held_and_sent_after_the_pause(story: Story) -> None:
    run = story.go()
    pause(story.database, "j", actor=COMMAND_LINE)
    given = story.claim()
    assert isinstance(given, Answer)
    assert held(given)
    assert given.command.kind == "deliver"
    assert given.revision == story.revision() == 2
    assert story.states() == [("decided", None)], "being held is no deferral"
    assert story.run_row().check_at is None, "the reconciler leaves it alone"
    assert advance(story.database, run, 0, "look") == given, "a workflow that asks is told the same"
    resume(story.database, "j", actor=COMMAND_LINE)
    assert holding.let_go(story.database) == 1
    assert holding.let_go(story.database) == 0
    woken = advance(story.database, run, 0, "look")
    assert (woken.revision, woken.command.at) == (3, None)
    assert [wake.run for wake in _left(story)] == [str(run)]
    assert isinstance(story.claim(), Claimed)
    assert traced(story)[-2:] == ["held", "resumed"]


def _left(story: Story) -> list[Any]:
    story.put(lambda c: c.execute(text("UPDATE wake SET created_at = now() - interval '1 hour'")))
    return sweep.left(story.database)


def test_a_claim_of_a_command_that_is_held_changes_nothing(story: Story) -> None:
    story.go()
    pause(story.database, "j", actor=COMMAND_LINE)
    first = story.claim()
    assert story.claim() == first
    resume(story.database, "j", actor=COMMAND_LINE)
    assert story.claim() == first, "it waits for its turn"
    assert traced(story).count("held") == 1


def test_nobody_is_let_go_of_a_journey_that_stays_paused(story: Story) -> None:
    run = story.go()
    pause(story.database, "j", actor=COMMAND_LINE)
    story.claim()
    assert holding.let_go(story.database) == 0
    holding.release(story.database, run)
    assert story.run_row().held_at is not None
    resume(story.database, "j", actor=COMMAND_LINE)
    pause(story.database, "j", actor=COMMAND_LINE)
    holding.release(story.database, run)
    assert story.run_row().held_at is not None, "paused again before it had its turn"


def test_a_wait_that_comes_due_is_held_and_then_over(story: Story) -> None:
    run = story.go()
    story.record(story.claim())
    until = story.run_row().state["until"]
    pause(story.database, "j", actor=COMMAND_LINE)
    waiting = advance(story.database, run, 0, "look")
    assert not held(waiting), "nothing changes before it is due"
    given = advance(story.database, run, waiting.revision, "time_reached")
    assert held(given)
    assert story.run_row().state["until"] == until
    assert advance(story.database, run, given.revision, "time_reached") == given
    resume(story.database, "j", actor=COMMAND_LINE)
    holding.let_go(story.database)
    woken = advance(story.database, run, 0, "look")
    assert woken.command == waiting.command
    assert advance(story.database, run, woken.revision, "time_reached").command.kind == "exit"
    assert traced(story)[-3:] == ["held", "resumed", "ended"]


def test_a_wait_that_is_not_due_when_the_pause_ends_goes_on_as_if_nothing_was(story: Story) -> None:
    run = story.go()
    story.record(story.claim())
    before = advance(story.database, run, 0, "look")
    pause(story.database, "j", actor=COMMAND_LINE)
    resume(story.database, "j", actor=COMMAND_LINE)
    assert holding.let_go(story.database) == 0
    assert advance(story.database, run, 0, "look") == before


def test_exit_and_goal_count_while_held(story: Story) -> None:
    run = story.go()
    pause(story.database, "j", actor=COMMAND_LINE)
    story.claim()
    wakes = story.track("Order Completed", properties={"total": 90})
    row = story.run_row()
    assert (row.end_reason, row.goal_revenue, row.held_at) == ("purchased", 90, None)
    assert [wake.run for wake in wakes] == [str(run)]
    assert advance(story.database, run, 0, "look").command.kind == "exit"
    assert story.states()[-1] == ("skipped", "replaced")
    resume(story.database, "j", actor=COMMAND_LINE)
    assert holding.let_go(story.database) == 0


def test_an_event_that_changes_nothing_lets_nobody_go(story: Story) -> None:
    with story.database.read() as connection:
        document = dict(documents.journey(connection, "j").draft)
    where = {"property": "total", "gte": 50}
    document["exits"] = [{"on": {"event": "Order Completed", "where": where}}]
    save_journey(story.database, Journey.model_validate(document), actor=COMMAND_LINE)
    publish(story.database, "j", actor=COMMAND_LINE)
    story.go()
    pause(story.database, "j", actor=COMMAND_LINE)
    given = story.claim()
    story.track("Order Completed", properties={"total": 10})
    row = story.run_row()
    assert row.goal_at is not None, "the goal is another matter"
    assert (row.revision, row.held_at is not None) == (given.revision, True)


def test_what_is_with_the_provider_is_recorded_and_what_follows_is_held(story: Story) -> None:
    run = story.go()
    claimed = story.claim()
    pause(story.database, "j", actor=COMMAND_LINE)
    after = story.record(claimed)
    assert after.command.kind == "wait"
    assert story.states()[-1] == ("sent", None)
    assert held(advance(story.database, run, after.revision, "time_reached"))


def test_a_refusal_for_now_does_not_get_around_the_pause(story: Story) -> None:
    story.go()
    claimed = story.claim()
    pause(story.database, "j", actor=COMMAND_LINE)
    story.record(claimed, Outcome(what="released", provider="test", reason="busy"))
    given = story.claim()
    assert isinstance(given, Answer)
    assert held(given)


def test_a_lost_answer_is_settled_in_a_pause(story: Story) -> None:
    story.go()
    story.claim()
    pause(story.database, "j", actor=COMMAND_LINE)
    story.let_lease_end()
    sweep.overdue(story.database)
    assert story.states()[-1] == ("unknown", None)
    assert story.run_row().command["kind"] == "wait"


def test_a_claim_that_waits_for_its_turn_sees_the_pause(story: Story) -> None:
    run = story.go()
    revision, given = story.revision(), []
    claiming = threading.Thread(
        target=lambda: given.append(claim(story.database, run, revision, READY)[0])
    )

    def hold_her(connection: Any) -> None:
        connection.execute(text("SELECT 1 FROM customer FOR NO KEY UPDATE"))
        claiming.start()
        time.sleep(0.3)
        pause(story.database, "j", actor=COMMAND_LINE)

    story.database.transact(hold_her)
    claiming.join(20)
    assert held(given[0])


def test_who_is_held_by_a_claim_that_began_before_the_pause_ended_is_let_go(story: Story) -> None:
    """The claim saw the pause, its journey was resumed, and only then did it commit."""
    run = story.go()
    pause(story.database, "j", actor=COMMAND_LINE)
    story.claim()
    resume(story.database, "j", actor=COMMAND_LINE)
    assert story.run_row().held_at is not None, "held although its journey is live"
    holding.let_go(story.database)
    assert story.run_row().held_at is None
    assert isinstance(story.claim(), Claimed)
    assert story.run_row().id == run


def test_how_long_a_message_is_put_off_counts_from_the_end_of_the_pause(story: Story) -> None:
    rule = {"id": "one", "limit": 1, "per": "1h", "defer_at_most": "2h"}
    story.go(1)
    story.go(2)
    story.record(story.claim(1))
    pause(story.database, "j", actor=COMMAND_LINE)
    story.claim(2)
    for table in ("message SET decided_at = decided_at", "run SET held_at = held_at"):
        story.put(lambda c, t=table: c.execute(text(f"UPDATE {t} - interval '10 hours'")))
    story.put(lambda c: documents.put_cap(c, Cap.model_validate(rule)))
    resume(story.database, "j", actor=COMMAND_LINE)
    holding.let_go(story.database)
    story.claim(2)
    assert story.states(2)[-1] == ("deferred", "cap"), "it is not skipped as put off for too long"


def test_a_deferred_message_that_is_held_holds_up_no_other_journey(story: Story) -> None:
    """Its turn has come by the rules, but its journey is paused: another one may go first."""
    rule = {"id": "one", "limit": 1, "per": "1h"}
    story.put(lambda c: documents.put_cap(c, Cap.model_validate(rule)))
    other = {
        "id": "k", "name": "k", "topic": "offers", "priority": 10,
        "entry": {"on": {"event": "Other"}},
        "steps": [{"id": "mail", "type": "send", "channel": "email", "template": "t"}],
    }  # fmt: skip
    save_journey(story.database, Journey.model_validate(other), actor=COMMAND_LINE)
    publish(story.database, "k", actor=COMMAND_LINE)
    story.go(1)
    story.go(2)
    story.record(story.claim(1))
    story.claim(2)
    assert story.message(2).state == "deferred"
    pause(story.database, "j", actor=COMMAND_LINE)
    story.track("Other")
    low = next(row for row in story.rows(tables.run) if row.journey_id == "k")
    story.let_pass(story.message(1).claimed_at + timedelta(hours=2))
    assert isinstance(claim(story.database, low.id, low.revision, READY)[0], Claimed)
    assert isinstance(story.claim(2), Answer)
    assert story.run_row(2).held_at is not None
    assert story.message(2).state == "deferred", "it keeps its place in the line"


def test_without_the_pause_the_other_journey_yields(story: Story) -> None:
    """The counterpart of the test above: what it shows is the pause's doing."""
    rule = {"id": "one", "limit": 1, "per": "1h"}
    story.put(lambda c: documents.put_cap(c, Cap.model_validate(rule)))
    other = {
        "id": "k", "name": "k", "topic": "offers", "priority": 10,
        "entry": {"on": {"event": "Other"}},
        "steps": [{"id": "mail", "type": "send", "channel": "email", "template": "t"}],
    }  # fmt: skip
    save_journey(story.database, Journey.model_validate(other), actor=COMMAND_LINE)
    publish(story.database, "k", actor=COMMAND_LINE)
    story.go(1)
    story.go(2)
    story.record(story.claim(1))
    story.claim(2)
    story.track("Other")
    low = next(row for row in story.rows(tables.run) if row.journey_id == "k")
    story.let_pass(story.message(1).claimed_at + timedelta(hours=2))
    assert isinstance(claim(story.database, low.id, low.revision, READY)[0], Answer)


def test_the_line_does_not_wake_a_held_message(story: Story) -> None:
    rule = {"id": "one", "limit": 1, "per": "1h"}
    story.put(lambda c: documents.put_cap(c, Cap.model_validate(rule)))
    story.go(1)
    story.go(2)
    claimed = story.claim(1)
    story.claim(2)
    pause(story.database, "j", actor=COMMAND_LINE)
    before = story.revision(2)
    story.record(claimed, Outcome(what="refused", provider="test", reason="no such person"))
    assert story.revision(2) == before, "the slot is free, and nobody of a paused journey is woken"


def test_a_call_is_held_and_has_its_whole_time_afterwards(database_url: str) -> None:
    database = Database(database_url)
    story = Story(database)
    journey = {
        "id": "j", "name": "j", "entry": {"on": {"event": "Go"},
        "reentry": {"mode": "per_key", "key": "n"}},
        "steps": [{"id": "crm", "type": "webhook", "url": "https://crm.example.com",
                   "retry_for": "1h"}],
    }  # fmt: skip
    save_journey(database, Journey.model_validate(journey), actor=COMMAND_LINE)
    publish(database, "j", actor=COMMAND_LINE)
    run = story.go()
    until = story.run_row().state["until"]
    pause(database, "j", actor=COMMAND_LINE)
    given = prepare_call(database, run, story.revision())
    assert isinstance(given, Answer)
    assert held(given)
    assert prepare_call(database, run, given.revision) == given
    after_a_night(story)
    resume(database, "j", actor=COMMAND_LINE)
    holding.let_go(database)
    outgoing = prepare_call(database, run, story.revision())
    assert isinstance(outgoing, Outgoing)
    assert outgoing.until.isoformat() > until
    row = story.run_row()
    assert row.command["until"] == row.state["until"] != until
    database.close()


def test_few_are_let_go_at_a_time(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "AT_ONCE", 2)
    for n in range(5):
        story.go(n)
    pause(story.database, "j", actor=COMMAND_LINE)
    for n in range(5):
        story.claim(n)
    resume(story.database, "j", actor=COMMAND_LINE)
    assert [holding.let_go(story.database) for _ in range(4)] == [2, 2, 1, 0]


def test_the_counters_tell_how_many_are_held(story: Story) -> None:
    for n in range(3):
        story.go(n)
    story.record(story.claim(2), n=2)
    pause(story.database, "j", actor=COMMAND_LINE)
    story.claim(0)
    with story.database.read() as connection:
        counted = counters(connection, "j")
    assert (counted["held"], counted["active"]) == (1, 3)
    assert (counted["steps"]["mail"]["held"], counted["steps"]["mail"]["waiting"]) == (1, 2)


def test_an_empty_journey_is_archived_and_nobody_enters(story: Story) -> None:
    archive.archive(story.database, "j", actor=COMMAND_LINE)
    story.track("Go", properties={"n": 1})
    assert story.rows(tables.run) == []
    with pytest.raises(Conflict, match="restore it first"):
        publish(story.database, "j", actor=COMMAND_LINE)
    with pytest.raises(Conflict, match="is archived"):
        resume(story.database, "j", actor=COMMAND_LINE)
    assert restore(story.database, "j", actor=COMMAND_LINE) == "paused"
    with pytest.raises(Conflict, match="only an archived one"):
        restore(story.database, "j", actor=COMMAND_LINE)


def test_a_draft_is_archived_and_restored_as_one(story: Story) -> None:
    draft = {"id": "d", "name": "d", "entry": {"on": {"api": True}}}
    save_journey(story.database, Journey.model_validate(draft), actor=COMMAND_LINE)
    archive.archive(story.database, "d", actor=COMMAND_LINE)
    assert restore(story.database, "d", actor=COMMAND_LINE) == "draft"


def test_with_customers_inside_it_has_to_be_said_what_becomes_of_them(story: Story) -> None:
    story.go()
    with pytest.raises(Conflict, match="A customer is inside"):
        archive.archive(story.database, "j", actor=COMMAND_LINE)
    assert archive.archive(story.database, "j", inside="finish", actor=COMMAND_LINE) == 1
    assert holding.end_inside(story.database) == 0
    assert isinstance(story.claim(), Claimed), "she goes on as if nothing was"


def test_those_inside_end_except_where_a_message_is_under_way(story: Story) -> None:
    story.go(1)
    story.go(2)
    claimed = story.claim(2)
    archive.archive(story.database, "j", inside="end", actor=COMMAND_LINE)
    archive.archive(story.database, "j", actor=COMMAND_LINE)  # once more changes nothing
    holding.end_inside(story.database)
    assert story.run_row(1).end_reason == "archived"
    assert story.states(1)[-1] == ("skipped", "replaced")
    assert traced(story)[-1] == "ended"
    assert story.run_row(2).ended_at is None, "the provider's answer is awaited"
    story.record(claimed, n=2)
    holding.end_inside(story.database)
    assert (story.states(2)[-1], story.run_row(2).end_reason) == (("sent", None), "archived")
    back = "UPDATE journey SET updated_at = now() - interval '5 minutes'"
    story.put(lambda c: c.execute(text(back)))
    assert holding.end_inside(story.database) == 0
    assert story.rows(tables.journey)[0].ending is False


def test_nothing_is_sent_to_those_who_are_being_ended(story: Story) -> None:
    story.go()
    archive.archive(story.database, "j", inside="end", actor=COMMAND_LINE)
    assert held(story.claim())
    assert holding.let_go(story.database) == 0
    assert holding.end_inside(story.database) == 1
    row = story.run_row()
    assert (row.end_reason, row.held_at) == ("archived", None)
    assert traced(story)[-2:] == ["held", "ended"]


def test_a_restored_journey_keeps_whoever_is_not_ended_yet(story: Story) -> None:
    story.go()
    archive.archive(story.database, "j", inside="end", actor=COMMAND_LINE)
    story.claim()
    restore(story.database, "j", actor=COMMAND_LINE)
    assert holding.end_inside(story.database) == 0
    resume(story.database, "j", actor=COMMAND_LINE)
    holding.let_go(story.database)
    assert isinstance(story.claim(), Claimed)


def test_who_is_held_finishes_when_the_journey_is_archived(story: Story) -> None:
    story.go()
    pause(story.database, "j", actor=COMMAND_LINE)
    story.claim()
    archive.archive(story.database, "j", inside="finish", actor=COMMAND_LINE)
    assert holding.let_go(story.database) == 1
    assert isinstance(story.claim(), Claimed)
