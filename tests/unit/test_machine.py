"""The machine, step by step: sends, waits, awaited events, ways, exits, goal and holdout."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from pydantic import TypeAdapter

from engine.compile.compiler import compile as compile_journey
from engine.model.activity import ActivityType
from engine.model.condition import AnyCondition, Condition
from engine.model.customer import Customer
from engine.model.event import Event
from engine.model.journey import Journey, SendStep
from engine.run.assignment import message_id
from engine.run.machine import Machine, channels_of
from engine.run.state import (
    Call,
    Command,
    Deliver,
    Entered,
    Errand,
    Exit,
    Happened,
    Hurried,
    Input,
    Returned,
    Settled,
    State,
    Stopped,
    TimeReached,
    Trace,
    Wait,
)
from engine.run.world import MemoryWorld

NOW = datetime(2026, 5, 4, 10, tzinfo=UTC)  # a Monday, noon in Zurich
HOUR, DAY, TICK = timedelta(hours=1), timedelta(days=1), timedelta(microseconds=1)
RUN, ADA = UUID(int=7), UUID(int=9)
READER: TypeAdapter[AnyCondition] = TypeAdapter(Condition)


class Walk:
    """One customer's way through a journey, with a clock that the test moves."""

    def __init__(
        self,
        *steps: dict[str, Any],
        entry: Mapping[str, Any] | None = None,
        traits: dict[str, Any] | None = None,
        held_out: bool = False,
        customer: UUID = ADA,
        activities: Mapping[str, ActivityType] | None = None,
        **more: Any,
    ) -> None:
        document = {
            "id": "j", "name": "j", "topic": "offers", "entry": {"on": {"event": "Go"}},
            "steps": [*steps, {"id": "last", "type": "wait", "for": "30d"}], **more,
        }  # fmt: skip
        self.machine = Machine(compile_journey(Journey.model_validate(document)))
        self.now, self.seq = NOW, 1
        self.activities = activities or {}
        self.customer = Customer(
            id=customer, traits=traits or {}, addresses={"email": "ada@example.com"}
        )
        self.history: list[Event] = [self._event("Go", **(entry or {}))]
        self.trace: list[Trace] = []
        self.state = State(
            run=RUN, customer=customer, entered_at=NOW, entry=entry or {}, held_out=held_out
        )
        self.command: Command = Exit(reason="not begun")
        self.give(Entered(seq=1, at=NOW))

    def _event(self, name: str, **told: Any) -> Event:
        return Event(
            id=UUID(int=1000 + self.seq), seq=self.seq, name=name, properties=told,
            occurred_at=self.now, received_at=self.now,
        )  # fmt: skip

    def world(self) -> MemoryWorld:
        return MemoryWorld(
            now=self.now, seq=self.seq, zone="Europe/Zurich", customer=self.customer,
            history=self.history, segments={"gold": READER.validate_python({"trait": "tier", "eq": "gold"})},
            activities=self.activities,
        )  # fmt: skip

    def give(self, given: Input) -> list[Trace]:
        advanced = self.machine.advance(self.state, given, self.world())
        self.state, self.command = advanced.state, advanced.command
        self.trace += advanced.effects
        return list(advanced.effects)

    def pass_(self, time: timedelta) -> None:
        self.now += time

    def happens(self, name: str, **told: Any) -> Event:
        """Record an event, and give it to the run."""
        self.seq += 1
        event = self._event(name, **told)
        self.history.append(event)
        self.give(Happened(seq=self.seq, at=self.now, event=event))
        return event

    def settle(self, outcome: str = "sent", *, since: int | None = None) -> None:
        assert isinstance(self.command, Deliver)
        self.seq += 1
        self.give(Settled(seq=self.seq, at=self.now, step=self.command.step,
                          visit=self.command.visit, outcome=outcome, since=since))  # fmt: skip

    def wait(self) -> None:
        """Let the awaited time come."""
        assert isinstance(self.command, Wait)
        self.now = max(self.now, self.command.until)
        self.seq += 1
        self.give(TimeReached(seq=self.seq, at=self.now))

    @property
    def at(self) -> str | None:
        return None if isinstance(self.command, Exit) else self.command.step

    @property
    def told(self) -> list[tuple[str, str | None]]:
        return [(trace.what, trace.step) for trace in self.trace]


def send(id: str = "mail", **more: Any) -> dict[str, Any]:
    return {"id": id, "type": "send", "channel": "email", "template": "t", **more}


def wait(id: str = "rest", **more: Any) -> dict[str, Any]:
    return {"id": id, "type": "wait", **(more or {"for": "1h"})}


def await_(*ons: str | dict[str, Any], id: str = "back", **more: Any) -> dict[str, Any]:
    events = [
        {"on": {"event": on} if isinstance(on, str) else on, "then": [wait(f"{id}-{n}")]}
        for n, on in enumerate(ons)
    ]
    return {"id": id, "type": "wait_for", "timeout": "1d", "events": events,
            "else": [wait(f"{id}-else")], **more}  # fmt: skip


def test_a_journey_ends_at_its_end() -> None:
    walk = Walk()
    assert walk.command == Wait(step="last", until=NOW + 30 * DAY)
    walk.wait()
    assert walk.command == Exit(reason="completed")
    assert walk.told == [("entered", None), ("reached", "last"), ("waits", "last"), ("ended", None)]


def test_an_exit_step_ends_with_its_reason() -> None:
    walk = Walk({"id": "bye", "type": "exit", "reason": "enough"})
    assert walk.command == Exit(reason="enough")
    assert walk.trace[-1] == Trace(what="ended", step="bye", data={"reason": "enough"})


def test_a_send_waits_for_what_becomes_of_it() -> None:
    walk = Walk(send())
    assert walk.command == Deliver(step="mail", visit=1, channel="email")
    walk.happens("Other")
    assert walk.command == Deliver(step="mail", visit=1, channel="email")
    walk.settle("skipped")
    assert walk.at == "last"
    assert walk.state.outcomes == {"mail": "skipped"}


@pytest.mark.parametrize("outcome", ["sent", "skipped", "failed", "unknown"])
def test_the_outcome_can_be_branched_on(outcome: str) -> None:
    arms = [{"id": "is", "if": {"step": "mail", "is": outcome}, "then": [wait("then")]}]
    walk = Walk(send(), {"id": "b", "type": "branch", "arms": arms})
    walk.settle(outcome)
    assert walk.at == "then"
    assert walk.state.outcomes["b"] == "is"


def test_a_result_of_another_message_is_recorded_and_changes_nothing() -> None:
    walk = Walk(send("one"), send("two"))
    walk.settle()
    for step, visit in (("one", 1), ("two", 2), ("gone", 1)):
        walk.give(Settled(seq=walk.seq, at=NOW, step=step, visit=visit, outcome="failed"))
        assert walk.command == Deliver(step="two", visit=1, channel="email")
    assert walk.state.outcomes == {"one": "failed"}


def test_a_message_goes_by_the_first_channel_on_which_she_is_reached() -> None:
    assert Walk(send(channel=["push", "email"])).command == Deliver(
        step="mail", visit=1, channel="email"
    )
    assert Walk(send(channel=["push", "sms"])).command == Deliver(
        step="mail", visit=1, channel="push"
    )


def test_a_variant_is_drawn_once_and_may_choose_the_channel() -> None:
    variants = [{"id": "a", "weight": 0}, {"id": "b", "weight": 100, "set": {"channel": "sms"}}]
    walk = Walk(send(variants=variants))
    assert walk.state.arms == {"mail": "b"}
    assert walk.command == Deliver(step="mail", visit=1, channel="sms")
    step = walk.machine.plan.journey.steps[0]
    assert isinstance(step, SendStep)
    variant = walk.machine.variant(walk.state, step)
    assert variant is not None
    assert variant.id == "b"
    assert channels_of(step, variant) == ("sms",)
    assert channels_of(step, None) == ("email",)


def test_a_wait_lasts_a_length_of_time() -> None:
    walk = Walk(wait(**{"for": "90m"}))
    assert walk.command == Wait(step="rest", until=NOW + 1.5 * HOUR)
    walk.wait()
    assert walk.at == "last"
    assert walk.state.outcomes == {"rest": "waited"}


def test_a_wait_of_nothing_is_passed() -> None:
    assert Walk(wait(**{"for": "0s"})).at == "last"


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        ({"time": "10:00"}, "2026-05-05T08:00"),
        ({"time": "12:30"}, "2026-05-04T10:30"),
        ({"time": "10:00", "days": ["thu", "wed"]}, "2026-05-06T08:00"),
        (
            {"trait": "birth_date", "offset": "-7d", "time": "09:00", "yearly": True},
            "2026-05-25T07:00",
        ),
        ({"trait": "renewal"}, "2026-06-30T22:00"),
        ({"trait": "renewal", "offset": "-1mo", "time": "18:00"}, "2026-06-01T16:00"),
        ({"property": "delivery.date", "offset": "2d"}, "2026-05-11T22:00"),
    ],
)
def test_a_wait_lasts_until_a_moment(until: dict[str, Any], expected: str) -> None:
    traits = {"birth_date": "1990-06-01", "renewal": "2026-07-01"}
    walk = Walk(
        wait(until=until), traits=traits, entry={"delivery": {"date": "2026-05-10"}}
    )  # fmt: skip
    assert walk.command == Wait(
        step="rest", until=datetime.fromisoformat(expected).replace(tzinfo=UTC)
    )


@pytest.mark.parametrize(
    ("until", "reason"),
    [
        ({"trait": "gone"}, "no_date"),
        ({"property": "text"}, "no_date"),
        ({"trait": "past"}, "already_past"),
        ({"trait": "past", "offset": "999999999w"}, None),
        ({"trait": "past", "offset": "-999999999y"}, "already_past"),
        ({"trait": "ancient"}, "already_past"),
        ({"trait": "never"}, None),
    ],
)
def test_a_moment_that_is_past_or_unknown_is_passed(
    until: dict[str, Any], reason: str | None
) -> None:
    traits = {"past": "2026-05-04T09:59", "ancient": "0001-01-01", "never": "9999-12-31"}
    walk = Walk(wait(until=until), traits=traits, entry={"text": "soon"})
    if reason is None:
        assert walk.at == "rest"
        return
    assert walk.at == "last"
    passed = next(trace for trace in walk.trace if trace.what == "passed")
    assert (passed.step, passed.data["reason"]) == ("rest", reason)
    assert walk.state.outcomes == {"rest": "passed"}


def test_time_that_has_not_come_changes_nothing() -> None:
    walk = Walk(wait())
    before = walk.state
    assert walk.give(TimeReached(seq=2, at=NOW + HOUR - TICK)) == []
    assert walk.state == before
    walk.wait()
    assert walk.at == "last"


def test_time_means_nothing_to_a_send() -> None:
    walk = Walk(send())
    before = walk.state
    assert walk.give(TimeReached(seq=2, at=NOW + DAY)) == []
    assert walk.state == before


def test_the_first_of_several_events_is_awaited() -> None:
    walk = Walk(await_("Seen", "Bought"))
    assert walk.command == Wait(step="back", until=NOW + DAY)
    assert not walk.machine.interested(walk.state, "Other")
    assert walk.machine.interested(walk.state, "Bought")
    walk.happens("Other")
    assert walk.at == "back"
    walk.happens("Bought")
    assert walk.at == "back-1"
    assert walk.state.outcomes == {"back": "received"}
    assert not walk.machine.interested(walk.state, "Seen")


def test_without_the_event_it_goes_on_after_the_timeout() -> None:
    walk = Walk(await_("Seen"))
    walk.wait()
    assert (walk.at, walk.state.outcomes) == ("back-else", {"back": "timed_out"})
    walk.wait()
    assert walk.at == "last"


def test_the_first_that_matches_decides_among_equal_events() -> None:
    big = {"event": "Bought", "where": {"property": "total", "gte": 100}}
    walk = Walk(await_(big, "Bought"))
    walk.happens("Bought", total=5)
    assert walk.at == "back-1"
    walk = Walk(await_(big, "Bought"))
    walk.happens("Bought", total=100)
    assert walk.at == "back-0"


def test_the_event_that_opened_the_run_is_not_awaited() -> None:
    assert Walk(await_("Go")).at == "back"


def test_what_happened_before_is_not_awaited_unless_asked() -> None:
    walk = Walk(send(), await_("Seen"))
    walk.happens("Seen")
    walk.settle()
    assert walk.at == "back"


def test_what_happened_since_the_claim_counts() -> None:
    for before, after, at in ((True, False, "back"), (False, True, "back-0")):
        walk = Walk(send(), await_("Seen", since="mail"))
        if before:
            walk.happens("Seen")
        claimed = walk.seq
        walk.happens("Seen") if after else walk.happens("Other")
        walk.settle(since=claimed)
        assert walk.at == at


def test_without_a_claim_it_counts_from_the_settling() -> None:
    walk = Walk(send(), await_("Seen", since="mail"))
    walk.happens("Seen")
    walk.settle("skipped")
    assert walk.at == "back"


def test_since_a_wait_means_since_its_end() -> None:
    walk = Walk(wait(), send(), await_("Seen", since="rest"))
    walk.happens("Seen")
    walk.wait()
    walk.settle()
    assert walk.at == "back"
    walk = Walk(wait(), send(), await_("Seen", since="rest"))
    walk.wait()
    walk.happens("Seen")
    walk.settle()
    assert walk.at == "back-0"


def test_an_event_is_awaited_once_by_steps_that_follow_each_other() -> None:
    walk = Walk(await_("Seen", id="one", events=[{"on": {"event": "Seen"}}]),
                await_("Seen", id="two", since="one"))  # fmt: skip
    walk.happens("Seen")
    assert walk.at == "two"
    walk.happens("Seen")
    assert walk.at == "two-0"


def test_of_what_happened_since_the_earliest_counts_and_the_rest_after_it() -> None:
    one = await_(id="one", events=[{"on": {"event": "Seen"}}], since="mail")
    walk = Walk(send(), one, await_("Bought", "Seen", id="two", since="one"))
    claimed = walk.seq
    walk.happens("Seen")
    walk.happens("Bought")
    walk.happens("Seen")
    walk.settle(since=claimed)
    assert walk.at == "two-0"


def test_since_a_step_never_reached_looks_nowhere_back() -> None:
    arms = [{"id": "never", "if": {"trait": "x", "eq": 1}, "then": [send()]}]
    walk = Walk({"id": "b", "type": "branch", "arms": arms}, wait(), await_("Seen", since="mail"))
    walk.happens("Seen")
    walk.wait()
    assert walk.at == "back"


def test_an_event_about_a_message_is_that_of_this_run() -> None:
    walk = Walk(send(), await_({"event": "Message Opened", "message": "mail"}))
    walk.settle()
    walk.happens("Message Opened", message=str(UUID(int=5)))
    assert walk.at == "back"
    walk.happens("Message Opened", message=str(message_id(RUN, "mail", 1)))
    assert walk.at == "back-0"


def test_a_branch_takes_the_first_way_that_holds_and_tells_why() -> None:
    arms = [{"id": "gold", "if": {"segment": "gold"}, "then": [wait("g")]},
            {"id": "some", "if": {"trait": "tier", "exists": True}, "then": [wait("s")]}]  # fmt: skip
    branch = {"id": "b", "type": "branch", "arms": arms, "else": [wait("e")]}
    assert Walk(branch, traits={"tier": "gold"}).at == "g"
    assert Walk(branch).at == "e"
    walk = Walk(branch, traits={"tier": "tin"})
    assert walk.at == "s"
    chose = next(trace for trace in walk.trace if trace.what == "chose")
    assert chose.data == {"arm": "some", "seen": {"trait tier": "tin", "segment gold": False}}
    walk.wait()
    assert walk.at == "last"


def test_a_branch_asks_the_event_of_the_entry() -> None:
    arms = [{"id": "big", "if": {"property": "total", "gte": 10}, "then": [wait("big")]}]
    branch = {"id": "b", "type": "branch", "arms": arms}
    assert Walk(branch, entry={"total": 10}).at == "big"
    assert Walk(branch, entry={"total": 9}).at == "last"


def test_a_split_draws_by_weight_and_for_good() -> None:
    arms = [{"id": "x", "weight": 30, "then": [wait("x")]}, {"id": "y", "weight": 70}]
    split = {"id": "s", "type": "split", "arms": arms}
    drawn = []
    for n in range(300):
        walk = Walk(split, customer=UUID(int=n * 0x9E3779B97F4A7C15))
        assert walk.state.outcomes["s"] == walk.state.arms["s"]
        assert (walk.at == "x") == (walk.state.arms["s"] == "x")
        drawn.append(walk.at)
    assert 0.2 < drawn.count("x") / 300 < 0.4


def test_an_arm_drawn_before_is_kept_whatever_its_weight_is_now() -> None:
    arms = [{"id": "x", "weight": 100}, {"id": "y", "weight": 0, "then": [wait("y")]}]
    walk = Walk(wait(), {"id": "s", "type": "split", "arms": arms})
    walk.state = replace(walk.state, arms={"s": "y"})
    walk.wait()
    assert walk.at == "y"
    walk = Walk(wait(), {"id": "s", "type": "split", "arms": arms})
    walk.state = replace(walk.state, arms={"s": "gone"})
    walk.wait()
    assert (walk.at, walk.state.arms) == ("last", {"s": "x"})


EXITS = [{"on": {"event": "Bought", "where": {"property": "total", "gte": 10}}, "reason": "bought"},
         {"on": {"event": "Bought"}, "reason": "something"}, {"on": {"event": "Left"}}]  # fmt: skip


@pytest.mark.parametrize("step", [send(), wait(), await_("Bought")], ids=lambda step: step["type"])
def test_an_exit_holds_wherever_she_stands(step: dict[str, Any]) -> None:
    walk = Walk(step, exits=EXITS)
    assert walk.machine.interested(walk.state, "Bought")
    walk.happens("Bought", total=10)
    assert walk.command == Exit(reason="bought")
    assert walk.trace[-1].data == {"reason": "bought", "event": "Bought"}
    walk = Walk(step, exits=EXITS)
    walk.happens("Bought", total=5)
    assert walk.command == Exit(reason="something")


def test_what_comes_after_the_end_changes_nothing() -> None:
    walk = Walk(send(), exits=EXITS)
    walk.happens("Left")
    ended = walk.state
    walk.happens("Bought", total=10)
    walk.give(TimeReached(seq=9, at=NOW + 99 * DAY))
    assert walk.state == ended
    walk.give(Settled(seq=9, at=NOW, step="mail", visit=1, outcome="sent", since=3))
    assert walk.command == Exit(reason="exit")
    assert walk.state == replace(ended, outcomes={"mail": "sent"}, since={**ended.since, "mail": 3})


GOAL = {
    "event": "Bought",
    "within": "7d",
    "revenue": "order.total",
    "where": {"property": "ok", "ne": False},
}


def test_the_goal_is_counted_once_and_ends_nothing() -> None:
    walk = Walk(wait(), goal=GOAL)
    walk.happens("Bought", ok=False)
    assert walk.state.goal_at is None
    walk.pass_(HOUR / 2)
    walk.happens("Bought", order={"total": 12.5})
    assert (walk.state.goal_at, walk.state.goal_revenue) == (NOW + HOUR / 2, Decimal("12.5"))
    walk.happens("Bought", order={"total": 99})
    assert walk.state.goal_revenue == Decimal("12.5")
    assert walk.at == "rest"
    assert walk.told.count(("goal", "rest")) == 1


def test_the_goal_counts_within_its_time_from_entry() -> None:
    for late, counts in ((timedelta(), True), (TICK, False)):
        walk = Walk(goal=GOAL)
        walk.pass_(7 * DAY + late)
        walk.happens("Bought")
        assert (walk.state.goal_at is not None) is counts


def test_the_goal_counts_after_the_end_too() -> None:
    walk = Walk({"id": "bye", "type": "exit"}, goal=GOAL)
    assert walk.machine.interested(walk.state, "Bought")
    walk.happens("Bought")
    assert walk.state.goal_at == NOW
    assert walk.command == Exit(reason="exit")
    assert not walk.machine.interested(walk.state, "Bought")


def test_goal_exit_and_awaited_step_are_decided_in_this_order() -> None:
    walk = Walk(await_("Bought"), goal=GOAL, exits=[{"on": {"event": "Bought"}, "reason": "done"}])
    walk.happens("Bought")
    assert [what for what, _ in walk.told[-2:]] == ["goal", "ended"]
    assert walk.state.goal_at == NOW
    assert walk.command == Exit(reason="done")


@pytest.mark.parametrize(
    ("told", "revenue"),
    [
        (12, "12"), ("12.50", "12.50"), (-3, "-3"), (0.1, "0.1"), ("12,50", None), ("free", None),
        (True, None), (None, None), ([5], None), ("NaN", None), ("Infinity", None), (1e300, None),
        ("1e999999", None), ("9" * 5000, None),
    ],
)  # fmt: skip
def test_a_revenue_is_an_amount_of_money(told: Any, revenue: str | None) -> None:
    walk = Walk(goal=GOAL)
    walk.happens("Bought", order={"total": told})
    assert walk.state.goal_at == NOW
    assert walk.state.goal_revenue == (Decimal(revenue) if revenue is not None else None)


def test_who_is_held_out_does_nothing_until_the_goals_window_closes() -> None:
    walk = Walk(send(), goal=GOAL, exits=EXITS, held_out=True)
    assert walk.command == Wait(step=None, until=NOW + 7 * DAY)
    assert walk.told == [("held_out", None)]
    assert walk.machine.interested(walk.state, "Bought")
    assert not walk.machine.interested(walk.state, "Seen")
    walk.give(Settled(seq=2, at=NOW, step="mail", visit=1, outcome="sent"))
    assert walk.command == Wait(step=None, until=NOW + 7 * DAY)
    walk.wait()
    assert walk.command == Exit(reason="window_over")


def test_who_is_held_out_reaches_the_goal_and_leaves_by_exits() -> None:
    walk = Walk(await_("Bought"), goal=GOAL, held_out=True)
    walk.happens("Bought")
    assert walk.state.goal_at == NOW
    assert isinstance(walk.command, Wait)
    walk = Walk(await_("Bought"), goal=GOAL, exits=EXITS, held_out=True)
    walk.happens("Bought", total=10)
    assert walk.command == Exit(reason="bought")


def test_the_command_can_be_told_from_the_state_alone() -> None:
    for walk in (Walk(send()), Walk(wait()), Walk(await_("X")), Walk(goal=GOAL, held_out=True)):
        assert walk.machine.command(walk.state) == walk.command


@pytest.mark.parametrize("walk", [Walk(send()), Walk(wait()), Walk(goal=GOAL, held_out=True)])
def test_a_run_can_be_ended_from_outside_once(walk: Walk) -> None:
    stopped = Stopped(seq=walk.seq + 1, at=walk.now, reason="archived")
    (told,) = walk.give(stopped)
    assert (told.what, told.data["reason"]) == ("ended", "archived")
    assert walk.command == Exit(reason="archived")
    assert walk.give(stopped) == []


def hurry(walk: Walk, step: str, visit: int = 1) -> list[Trace]:
    walk.seq += 1
    return walk.give(Hurried(seq=walk.seq, at=walk.now, step=step, visit=visit))


def test_a_wait_that_is_hurried_ends_now() -> None:
    walk = Walk(wait(), send())
    (told, reached) = hurry(walk, "rest")
    assert (told.what, told.step, reached.what) == ("hurried", "rest", "reached")
    assert isinstance(walk.command, Deliver)
    assert (walk.state.until, walk.state.outcomes["rest"]) == (None, "waited")
    assert hurry(walk, "rest") == [], "the message is not hurried by that"


def test_who_is_hurried_past_an_event_goes_the_way_that_time_would_take() -> None:
    step = await_("Bought")
    hurried, late = Walk(step), Walk(step)
    (told, *_) = hurry(hurried, step["id"])
    assert (told.what, told.data) == ("hurried", {"arm": "else"})
    late.wait()
    assert hurried.state.place == late.state.place
    assert hurried.state.outcomes == late.state.outcomes
    hurried.happens("Bought")
    assert "received" not in [one.what for one in hurried.trace]


@pytest.mark.parametrize(
    ("walk", "step", "visit"),
    [
        (Walk(wait()), "rest", 2),
        (Walk(wait()), "other", 1),
        (Walk(send()), "mail", 1),
        (Walk(wait(), goal=GOAL, held_out=True), "rest", 1),
    ],
)
def test_what_does_not_wait_there_is_not_hurried(walk: Walk, step: str, visit: int) -> None:
    before = walk.state
    assert hurry(walk, step, visit) == []
    assert walk.state == before


def test_nobody_is_hurried_out_of_the_end() -> None:
    walk = Walk(wait())
    walk.give(Stopped(seq=2, at=walk.now, reason="enough"))
    assert hurry(walk, "rest") == []
    assert walk.command == Exit(reason="enough")


def call(id: str = "crm", **more: Any) -> dict[str, Any]:
    return {"id": id, "type": "webhook", "url": "https://crm.example.com/", **more}


def returned(
    walk: Walk, outcome: Any = "done", *, step: str = "crm", visit: int = 1, **more: Any
) -> list[Trace]:
    walk.seq += 1
    return walk.give(
        Returned(seq=walk.seq, at=walk.now, step=step, visit=visit, outcome=outcome, **more)
    )


def test_a_call_is_commanded_until_its_time_is_over() -> None:
    walk = Walk(call(retry_for="2h"), wait())
    assert walk.command == Call(step="crm", visit=1, until=NOW + 2 * HOUR)
    walk.pass_(3 * HOUR)
    walk.seq += 1
    walk.give(TimeReached(seq=walk.seq, at=walk.now))  # meant for something else
    assert walk.at == "crm"


def test_what_a_call_kept_is_known_afterwards() -> None:
    walk = Walk(call(keep={"points": "points"}), wait())
    told = returned(walk, status=200, kept={"points": 7}, missing=("name",))
    assert told[0] == Trace(what="called", step="crm", data={"status": 200, "missing": ["name"]})
    assert walk.at == "rest"
    assert walk.state.told == {"crm": {"points": 7, "outcome": "done"}}


def test_a_call_that_failed_goes_its_own_way_and_joins_again() -> None:
    steps = call(on_error=[wait("sorry")]), wait()
    walk = Walk(*steps)
    told = returned(walk, "failed", status=404, reason="refused")
    assert told[0].data == {"status": 404, "reason": "refused", "arm": "on_error"}
    assert walk.at == "sorry"
    walk.wait()
    assert walk.at == "rest"
    walk = Walk(*steps)
    returned(walk)
    assert walk.at == "rest"


def test_without_steps_for_it_a_failed_call_goes_on() -> None:
    walk = Walk(call(), wait())
    returned(walk, "failed", reason="not_reached")
    assert walk.at == "rest"
    assert walk.state.outcomes["crm"] == "failed"


def test_a_result_that_comes_late_changes_nothing() -> None:
    walk = Walk(call(), wait(), exits=[{"on": {"event": "Bought"}, "reason": "bought"}])
    assert [trace.what for trace in returned(walk, visit=2)] == ["call_late"]
    assert walk.at == "crm"
    walk.happens("Bought")
    assert walk.command == Exit(reason="bought")
    before = walk.state
    assert [trace.what for trace in returned(walk, kept={"points": 7})] == ["call_late"]
    assert walk.state == before


def have_done(**more: Any) -> dict[str, Any]:
    return {"id": "points", "type": "activity", "activity": "add_points", **more}


def test_an_activity_is_a_call_on_the_terms_that_it_declares() -> None:
    walk = Walk(have_done())
    assert walk.command == Call(
        step="points", visit=1, until=NOW + DAY,
        errand=Errand(
            call=f"{RUN}.1.points", activity="add_points", queue="parcours-custom", timeout=10.0
        ),
    )  # fmt: skip
    declared = ActivityType.model_validate(
        {"name": "add_points", "title": "x", "queue": "tills", "timeout": "3s", "retry_for": "2h"}
    )
    walk = Walk(have_done(), activities={"add_points": declared})
    assert isinstance(walk.command, Call)
    assert walk.command.until == NOW + 2 * HOUR
    assert walk.command.errand == Errand(
        call=f"{RUN}.1.points", activity="add_points", queue="tills", timeout=3.0
    )
    own = have_done(queue="other", timeout="1m", retry_for="0s")
    walk = Walk(own, activities={"add_points": declared})
    assert isinstance(walk.command, Call)
    assert walk.command.errand is not None
    assert (walk.command.until, walk.command.errand.queue) == (NOW, "other")
    assert walk.command.errand.timeout == 60.0


def test_conditions_ask_for_what_an_activity_kept() -> None:
    rich = {"result": {"step": "points", "name": "balance"}, "gte": 100}
    tier = {"not": {"result": {"step": "points", "name": "card.tier"}, "eq": "gold"}}
    arms = [{"id": "rich", "if": {"all": [rich, tier]}, "then": [wait("high")]}]
    branch = {"id": "b", "type": "branch", "arms": arms}
    for balance, tier_, at in (
        (100, "silver", "high"),
        (99, "silver", "last"),
        (100, "gold", "last"),
    ):
        walk = Walk(have_done(), branch)
        returned(walk, step="points", kept={"balance": balance, "card": {"tier": tier_}})
        assert walk.at == at
    walk = Walk(have_done(), branch)
    told = returned(walk, "failed", step="points", reason="gave_up")
    assert walk.at == "last"
    assert next(one for one in told if one.what == "chose").data["seen"] == {
        "result points balance": None
    }
