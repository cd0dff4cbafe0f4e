"""Customers are ended and moved on by hand: once, whatever else happens at the same moment."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from engine.errors import InvalidInput, NotFound
from engine.flow import holding, intervening
from engine.flow.advance import advance
from engine.flow.claim import Claimed
from engine.flow.publish import pause, publish, resume, save_journey
from engine.flow.record import record
from engine.model.actor import COMMAND_LINE, Actor
from engine.model.journey import Journey
from engine.store import audit, inside, interventions, tables
from engine.store.inside import Asked
from engine.store.session import Database
from tests.integration.test_claim import SENT, Story

WHO = Actor("u1", "Vera")


class Crowd(Story):
    """Customers who wait for 30 days, and then get a message."""

    def set_up(self, **changes: Any) -> None:
        super().set_up(**changes)
        self.write([
            {"id": "rest", "type": "wait", "for": "30d"},
            {"id": "mail", "type": "send", "channel": "email", "template": "t"},
            {"id": "back", "type": "wait_for", "timeout": "9d",
             "events": [{"on": {"event": "Came"}, "then": []}],
             "else": [{"id": "gone", "type": "exit", "reason": "silent"}]},
        ])  # fmt: skip

    def write(self, steps: list[dict[str, Any]]) -> None:
        """Publish the journey with these steps."""
        journey = {
            "id": "j", "name": "j", "topic": "offers", "entry": {"on": {"event": "Go"},
            "reentry": {"mode": "per_key", "key": "n"}},
            "exits": [{"on": {"event": "Order Completed"}, "reason": "purchased"}],
            "steps": steps,
        }  # fmt: skip
        save_journey(self.database, Journey.model_validate(journey), actor=COMMAND_LINE)
        publish(self.database, "j", actor=COMMAND_LINE)

    def enter(self, n: int) -> list[UUID]:
        return [self.go(k) for k in range(1, n + 1)]

    def ask(self, action: Any, only: list[UUID] | None = None, **asked: Any) -> UUID:
        what = Asked(journey="j", **{"of": "inside", **asked})
        return intervening.ask(self.database, action, what, only, actor=WHO)

    def confirm(self, id: UUID, reason: str = "over") -> bool:
        return intervening.confirm(self.database, "j", id, reason, actor=WHO)

    def carry_out(self, id: UUID | None = None) -> list[Any]:
        return intervening.carry_out(self.database, only=id)

    def told(self, id: UUID) -> interventions.Intervention:
        with self.database.read() as connection:
            return interventions.one(connection, "j", id)

    def traced(self, n: int = 1) -> list[str]:
        rows = self.rows(tables.run_trace, tables.run_trace.c.run_id == self.run_row(n).id)
        return [row.what for row in sorted(rows, key=lambda row: row.n)]


@pytest.fixture
def crowd(database_url: str) -> Iterator[Crowd]:
    database = Database(database_url)
    made = Crowd(database)
    made.set_up()
    yield made
    database.close()


def test_those_who_wait_are_moved_on_and_their_workflows_told(crowd: Crowd) -> None:
    runs = crowd.enter(3)
    id = crowd.ask("move", of="waiting", step="rest")
    assert crowd.carry_out() == [], "nothing happens before it is confirmed"
    assert crowd.confirm(id)
    wakes = crowd.carry_out()
    assert {wake.run for wake in wakes} == {str(run) for run in runs}
    assert {row.command["kind"] for row in crowd.rows(tables.run)} == {"deliver"}
    told = crowd.told(id)
    assert (told.total, told.done, told.left) == (3, 3, 0)
    assert told.ended_at is not None
    assert crowd.traced() == ["entered", "reached", "waits", "hurried", "reached"]
    assert len(crowd.rows(tables.wake)) == 3


def test_who_awaits_an_event_goes_the_way_that_time_would_take(crowd: Crowd) -> None:
    crowd.go()
    for step in ("rest", "back"):
        if step == "back":
            crowd.record(crowd.claim())
        id = crowd.ask("move", of="waiting", step=step)
        crowd.confirm(id)
        crowd.carry_out()
    assert crowd.run_row().end_reason == "silent"
    kinds = {row.kind: row.data for row in crowd.rows(tables.run_input)}
    assert kinds["hurried"] in ({"step": "rest", "visit": 1}, {"step": "back", "visit": 1})


def test_the_chosen_are_ended_with_a_reason_and_the_others_stay(crowd: Crowd) -> None:
    first, second, third = crowd.enter(3)
    id = crowd.ask("end", [first, third])
    crowd.confirm(id, "entered by mistake")
    crowd.carry_out()
    ended = {row.id: row.end_reason for row in crowd.rows(tables.run)}
    assert ended == {first: "entered by mistake", second: None, third: "entered by mistake"}
    assert crowd.told(id).done == 2
    assert advance(crowd.database, first, 0, "look").command.kind == "exit"


def test_what_is_confirmed_twice_is_done_and_recorded_once(crowd: Crowd) -> None:
    crowd.enter(2)
    id = crowd.ask("end", q="ada@", address={"of": "inside", "q": "ada@", "step": "rest"})
    assert crowd.confirm(id)
    assert not crowd.confirm(id, "another")
    crowd.carry_out()
    assert crowd.carry_out() == []
    with crowd.database.read() as connection:
        (entry,) = audit.listed(connection, audit.Asked(actor="u1")).items
    assert (entry["action"], entry["thing_id"]) == ("end customers", "j")
    assert entry["after"] == {
        "of": "inside", "step": "rest", "customers": 2, "reason": "over", "number": str(id),
    }  # fmt: skip
    assert {row.end_reason for row in crowd.rows(tables.run)} == {"over"}


def test_only_who_was_there_when_it_was_asked_is_meant(crowd: Crowd) -> None:
    crowd.enter(2)
    id = crowd.ask("end")
    late = crowd.go(3)
    crowd.confirm(id)
    crowd.carry_out()
    assert crowd.run_row(3).id == late
    assert crowd.run_row(3).ended_at is None


def test_who_has_gone_on_by_herself_is_left_alone(crowd: Crowd) -> None:
    runs = crowd.enter(3)
    id = crowd.ask("move", of="waiting", step="rest")
    until = crowd.run_row(1).state["until"]
    crowd.let_pass(crowd.run_row(1).entered_at + timedelta(days=31))
    advance(crowd.database, runs[0], crowd.revision(1), "time_reached")
    crowd.confirm(id)
    crowd.carry_out()
    assert until
    assert crowd.traced(1).count("hurried") == 0
    told = crowd.told(id)
    assert (told.done, told.passed) == (2, {"elsewhere": 1})
    again = crowd.ask("end", of="entered")
    crowd.track("Order Completed")
    crowd.confirm(again)
    crowd.carry_out()
    assert crowd.told(again).passed == {"ended": 3}
    assert {row.end_reason for row in crowd.rows(tables.run)} == {"purchased"}


def test_who_is_held_by_a_pause_stays_held_and_may_still_be_ended(crowd: Crowd) -> None:
    run, _ = crowd.enter(2)
    pause(crowd.database, "j", actor=COMMAND_LINE)
    advance(crowd.database, run, crowd.revision(1), "time_reached")
    id = crowd.ask("move", of="waiting", step="rest")
    assert crowd.told(id).waits_held == 1
    crowd.confirm(id)
    crowd.carry_out()
    assert crowd.told(id).passed == {"held": 2}, "the pause is for those too who are not due"
    assert crowd.run_row(1).held_at is not None
    resume(crowd.database, "j", actor=COMMAND_LINE)
    holding.let_go(crowd.database)
    id = crowd.ask("end", of="waiting", step="rest")
    crowd.confirm(id)
    crowd.carry_out()
    assert crowd.told(id).done == 2


def test_who_has_a_message_with_the_provider_comes_again(crowd: Crowd) -> None:
    run = crowd.go()
    move = crowd.ask("move")
    crowd.confirm(move)
    crowd.carry_out()
    claimed = crowd.claim()
    assert isinstance(claimed, Claimed)
    id = crowd.ask("end")
    crowd.confirm(id)
    crowd.carry_out()
    assert (crowd.told(id).left, crowd.run_row().ended_at) == (1, None)
    record(crowd.database, run, claimed.message, claimed.token, SENT)
    crowd.put(lambda c: c.execute(text("UPDATE intervention_run SET due_at = now()")))
    crowd.carry_out()
    assert crowd.told(id).done == 1
    assert crowd.message().state == "sent"
    assert crowd.run_row().end_reason == "over"


def test_who_has_not_had_her_turn_can_be_spared(crowd: Crowd) -> None:
    crowd.enter(3)
    id = crowd.ask("end")
    crowd.confirm(id)
    intervening.carry_out(crowd.database, limit=1)
    assert intervening.cancel(crowd.database, "j", id, actor=WHO) == 2
    assert intervening.cancel(crowd.database, "j", id, actor=WHO) == 0
    crowd.carry_out()
    assert (crowd.told(id).done, crowd.told(id).passed) == (1, {"cancelled": 2})
    assert sum(row.ended_at is not None for row in crowd.rows(tables.run)) == 1


def test_who_is_moved_on_to_the_same_hour_has_been_moved_on(crowd: Crowd) -> None:
    hour = f"{datetime.now(UTC) + timedelta(hours=12):%H}:30"  # by no means just now
    rest = {"id": "rest", "type": "wait", "until": {"time": hour}}
    steps = [{"id": "again", "type": "repeat", "times": 3, "steps": [rest]}]
    crowd.write(steps)
    crowd.go()
    revision = crowd.revision()
    for visit in (2, 3):
        id = crowd.ask("move", of="waiting", step="rest")
        crowd.confirm(id)
        crowd.carry_out()
        assert crowd.told(id).done == 1
        assert crowd.run_row().state["visits"]["rest"] == visit
    assert crowd.revision() == revision, "its timer is still the right one"


def test_who_has_to_come_again_lets_the_others_pass(crowd: Crowd) -> None:
    crowd.enter(3)
    move = crowd.ask("move", [crowd.run_row(1).id])
    crowd.confirm(move)
    crowd.carry_out()
    assert isinstance(crowd.claim(), Claimed)
    crowd.put(lambda c: c.execute(text("UPDATE run SET lease_until = now() - interval '1 hour'"
                                       " WHERE lease_until IS NOT NULL")))  # fmt: skip
    id = crowd.ask("end")
    crowd.confirm(id)
    for _ in range(3):
        intervening.carry_out(crowd.database, limit=1)
    assert (crowd.told(id).done, crowd.told(id).left) == (2, 1)


def test_a_large_group_does_not_hold_up_a_small_one(crowd: Crowd) -> None:
    runs = crowd.enter(6)
    large, small = crowd.ask("move", runs[:4]), crowd.ask("end", runs[4:])
    crowd.confirm(large)
    crowd.confirm(small)
    intervening.carry_out(crowd.database, limit=4)
    assert (crowd.told(large).done, crowd.told(small).done) == (2, 2)


def test_whom_a_killed_dispatcher_had_taken_comes_again(crowd: Crowd) -> None:
    crowd.enter(2)
    id = crowd.ask("end")
    crowd.confirm(id)
    assert len(crowd.database.transact(lambda c: interventions.take(c, 50))) == 2
    assert crowd.carry_out() == [], "somebody else has them just now"
    assert (crowd.told(id).left, crowd.told(id).ended_at) == (2, None)
    crowd.put(lambda c: c.execute(text("UPDATE intervention_run SET due_at = now()")))
    assert len(crowd.carry_out()) == 2
    assert crowd.told(id).done == 2


def test_who_is_held_may_be_ended_at_once(crowd: Crowd) -> None:
    run = crowd.go()
    pause(crowd.database, "j", actor=COMMAND_LINE)
    advance(crowd.database, run, crowd.revision(), "time_reached")
    assert crowd.run_row().held_at is not None
    id = crowd.ask("end")
    crowd.confirm(id)
    assert [wake.run for wake in crowd.carry_out()] == [str(run)]
    row = crowd.run_row()
    assert (row.end_reason, row.held_at) == ("over", None)
    assert advance(crowd.database, run, 0, "look").command.kind == "exit"


def test_nobody_and_nonsense_are_refused(crowd: Crowd) -> None:
    with pytest.raises(InvalidInput, match="Nobody is chosen"):
        crowd.ask("end")
    with pytest.raises(InvalidInput, match="no figure 'loved'"):
        crowd.ask("end", of="loved")
    with pytest.raises(NotFound):
        crowd.confirm(uuid4())


def test_a_run_that_is_gone_holds_up_nobody(crowd: Crowd) -> None:
    first, _ = crowd.enter(2)
    id = crowd.ask("end")
    crowd.confirm(id)
    crowd.put(lambda c: c.execute(text("DELETE FROM run WHERE id = :r"), {"r": first}))
    crowd.carry_out()
    assert (crowd.told(id).done, crowd.told(id).passed) == (1, {"gone": 1})


@pytest.mark.parametrize("action", ["end", "move"])
def test_it_happens_once_beside_events_and_time(crowd: Crowd, action: Any) -> None:
    runs = crowd.enter(8)
    id = crowd.ask(action)
    crowd.confirm(id)
    done: list[Any] = []
    start = threading.Barrier(4)

    def beside(work: Any) -> threading.Thread:
        def all_() -> None:
            start.wait()
            work()
            done.append(work)

        return threading.Thread(target=all_)

    def time_comes() -> None:
        for n, run in enumerate(runs[:4], 1):
            advance(crowd.database, run, crowd.revision(n), "time_reached")

    threads = [beside(work) for work in (
        crowd.carry_out, crowd.carry_out, time_comes, lambda: crowd.track("Came"),
    )]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    crowd.put(lambda c: c.execute(text("UPDATE intervention_run SET due_at = now()")))
    crowd.carry_out()
    assert len(done) == 4
    told = crowd.told(id)
    assert told.left == 0
    assert told.done + sum(told.passed.values()) == 8
    for n in range(1, 9):
        traced = crowd.traced(n)
        assert traced.count("hurried") + traced.count("ended") <= 1
        row = crowd.run_row(n)
        assert row.traced == len(traced)
        if action == "end":
            assert row.end_reason == "over"
        else:
            assert row.command["kind"] == "deliver"


def test_the_list_finds_who_is_behind_a_figure(crowd: Crowd) -> None:
    crowd.enter(5)
    id = crowd.ask("move", [crowd.run_row(1).id, crowd.run_row(2).id])
    crowd.confirm(id)
    crowd.carry_out()
    crowd.record(crowd.claim(1), n=1)

    def found(**asked: Any) -> set[str]:
        with crowd.database.read() as connection:
            rows = inside.customers(connection, Asked(journey="j", **asked)).items
            assert inside.count(connection, Asked(journey="j", **asked)) == len(rows)
        keys = {crowd.run_row(n).id: str(n) for n in range(1, 6)}
        return {keys[row["id"]] for row in rows}

    assert found(of="inside") == set("12345")
    assert found(of="waiting", step="rest") == set("345")
    assert found(of="entered", step="mail") == set("12")
    assert found(of="sent", step="mail") == {"1"}
    assert found(of="waiting", step="back") == {"1"}
    assert found(of="opened", step="mail") == set()
    assert found(of="inside", q="ada@") == set("12345")
    assert found(of="inside", q="bob") == set()
    crowd.track("Came")
    assert found(of="went", step="back", arm="event-0") == {"1"}
    assert found(of="left") == {"1"}
    assert found(of="entered", now="inside") == set("2345")
    now = crowd.run_row(5).entered_at
    assert found(of="entered", since=now) == {"5"}
    assert found(of="entered", until=now) == set("1234")


def test_the_list_is_read_page_by_page_in_every_order(crowd: Crowd) -> None:
    runs = crowd.enter(5)
    for sort, order in (("newest", runs[::-1]), ("oldest", runs), ("due", runs)):
        asked = Asked(journey="j", of="waiting", step="rest", sort=sort)  # type: ignore[arg-type]
        seen, cursor = [], None
        with crowd.database.read() as connection:
            while True:
                page = inside.customers(connection, asked, limit=2, cursor=cursor)
                seen += [row["id"] for row in page.items]
                cursor = page.next
                if cursor is None:
                    break
        assert seen == order
