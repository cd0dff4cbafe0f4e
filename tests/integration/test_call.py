"""A call between its start and its result: who looks after it, and what may come in between."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text

from engine.flow import sweep
from engine.flow.advance import CALL_GRACE
from engine.flow.call import Outgoing, Result, prepare_call, put_off, returned
from engine.flow.intake import Incoming, receive
from engine.flow.publish import publish, save_journey
from engine.model.actor import COMMAND_LINE
from engine.model.journey import Journey
from engine.names import Answer, Command
from engine.store import tables
from engine.store.session import Database

JOURNEY = {
    "id": "j", "name": "j", "entry": {"on": {"event": "Go"}},
    "exits": [{"on": {"event": "Order Completed"}, "reason": "purchased"}],
    "steps": [
        {"id": "crm", "type": "webhook", "url": "https://crm.example.com/{{ customer.id }}",
         "keep": {"points": "points"}, "on_error": [{"id": "sorry", "type": "wait", "for": "1h"}]},
        {"id": "rest", "type": "wait", "for": "1d"},
    ],
}  # fmt: skip


class Story:
    """One customer whose run is at its call."""

    def __init__(self, database: Database) -> None:
        self.database = database
        save_journey(database, Journey.model_validate(JOURNEY), actor=COMMAND_LINE)
        publish(database, "j", actor=COMMAND_LINE)
        self.track("Go", n=7)
        self.run: UUID = self.row().id

    def track(self, name: str, **properties: Any) -> None:
        """Take in an event."""
        some = Incoming(
            source="test", message_id=uuid4().hex, kind="track", name=name, user_id="ada",
            properties=properties,
        )  # fmt: skip
        receive(self.database, [some])

    def row(self) -> Any:
        """The run as it is stored."""
        with self.database.read() as connection:
            return connection.execute(select(tables.run)).one()

    def outgoing(self) -> Outgoing:
        """The call that it is at."""
        found = prepare_call(self.database, self.run, self.row().revision)
        assert isinstance(found, Outgoing)
        return found

    def traced(self) -> list[tuple[str, Any]]:
        """What was noted of the run."""
        with self.database.read() as connection:
            rows = connection.execute(select(tables.run_trace).order_by(tables.run_trace.c.n))
            return [(row.what, row.data) for row in rows]


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    database = Database(database_url)
    yield Story(database)
    database.close()


def test_the_result_moves_the_run_and_is_kept(story: Story) -> None:
    outgoing = story.outgoing()
    assert outgoing.step.id == "crm"
    assert outgoing.variables["event"] == {"n": 7}
    assert outgoing.until - datetime.now(UTC) > timedelta(hours=23)
    answer = returned(
        story.database, story.run, outgoing,
        Result(outcome="done", status=200, kept={"points": 7}),
    )  # fmt: skip
    assert (answer.command.kind, answer.command.step) == ("wait", "rest")
    assert story.row().state["results"] == {"crm": {"points": 7}}
    # A second attempt that was under way too.
    again = returned(story.database, story.run, outgoing, Result(outcome="failed", status=404))
    assert again == answer
    assert story.traced()[-1] == ("call_late", {"outcome": "failed", "status": 404})


def test_an_old_revision_is_told_what_is_new(story: Story) -> None:
    outgoing, revision = story.outgoing(), story.row().revision
    answer = returned(
        story.database, story.run, outgoing, Result(outcome="failed", reason="not_reached")
    )
    assert answer.command.step == "sorry"
    assert prepare_call(story.database, story.run, revision) == answer


def test_an_exit_does_not_wait_for_the_answer(story: Story) -> None:
    outgoing = story.outgoing()
    story.track("Order Completed")
    assert story.row().end_reason == "purchased"
    answer = returned(story.database, story.run, outgoing, Result(outcome="done", status=200))
    assert answer == Answer(story.row().revision, Command("exit"))
    assert story.row().state["results"] == {}
    assert [what for what, _ in story.traced()][-1] == "call_late"


def test_a_call_that_nobody_carries_out_is_looked_after(story: Story) -> None:
    assert story.row().check_at - datetime.now(UTC) > CALL_GRACE - timedelta(seconds=30)
    _clear(story)
    assert sweep.overdue(story.database) == 0
    _pass(story, CALL_GRACE)
    assert sweep.overdue(story.database) == 1
    assert [wake.run for wake in sweep.left(story.database)] == [str(story.run)]


def test_one_that_is_tried_again_later_is_left_alone(story: Story) -> None:
    revision = story.row().revision
    put_off(story.database, story.run, revision, 600)
    _pass(story, CALL_GRACE)
    assert sweep.overdue(story.database) == 0
    put_off(story.database, story.run, revision - 1, 6000)  # of a command that is no more
    _pass(story, timedelta(seconds=600))
    assert sweep.overdue(story.database) == 1


def _clear(story: Story) -> None:
    story.database.transact(lambda connection: connection.execute(text("DELETE FROM wake")))


def _pass(story: Story, time: timedelta) -> None:
    query = text("UPDATE run SET check_at = check_at - CAST(:time AS interval)")
    story.database.transact(lambda connection: connection.execute(query, {"time": time}))
