"""The machine: repeats, changes of the customer, other journeys."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from engine.run.assignment import message_id
from engine.run.changes import updated
from engine.run.state import Advanced, Deliver, Enter, Exit, Input, Trace, Update, Wait
from tests.unit.test_machine import DAY, HOUR, RUN
from tests.unit.test_machine import Walk as Plain

MAIL = {"id": "mail", "type": "send", "channel": "email", "template": "t"}
REST = {"id": "day", "type": "wait", "for": "1d"}
GOLD = {"trait": "tier", "eq": "gold"}


class Walk(Plain):
    """One customer's way, on which updates are carried out."""

    def __init__(self, *steps: dict[str, Any], **more: Any) -> None:
        self.done: list[Update | Enter] = []
        super().__init__(*steps, **more)

    def give(self, given: Input) -> list[Trace]:
        advanced: Advanced = self.machine.advance(self.state, given, self.world())
        self.state, self.command = advanced.state, advanced.command
        for effect in advanced.effects:
            match effect:
                case Trace():
                    self.trace.append(effect)
                case Update():
                    self.customer = updated(self.world(), effect)
                    self.done.append(effect)
                case Enter():
                    self.done.append(effect)
        return [effect for effect in advanced.effects if isinstance(effect, Trace)]


def repeat(*steps: dict[str, Any], id: str = "loop", times: int = 3, **more: Any) -> dict[str, Any]:
    return {"id": id, "type": "repeat", "times": times, "steps": list(steps), **more}


def branch(condition: dict[str, Any], then: list[dict[str, Any]]) -> dict[str, Any]:
    return {"id": "fork", "type": "branch", "arms": [{"id": "yes", "if": condition, "then": then}]}


def rounds(walk: Walk, step: str = "loop") -> list[tuple[str, Any]]:
    told = [
        (t.what, t.data.get("round", t.data.get("outcome"))) for t in walk.trace if t.step == step
    ]
    return [one for one in told if one[0] in {"round", "repeated"}]


def test_each_round_sends_a_message_of_its_own() -> None:
    walk = Walk(repeat(MAIL, REST))
    sent = []
    for _ in range(3):
        assert isinstance(walk.command, Deliver)
        sent.append(message_id(RUN, "mail", walk.command.visit))
        walk.settle()
        assert walk.at == "day"
        walk.wait()
    assert len(set(sent)) == 3
    assert walk.at == "last"
    assert rounds(walk) == [("round", 1), ("round", 2), ("round", 3), ("repeated", "done")]
    assert walk.state.outcomes["loop"] == "done"
    assert walk.state.visits == {"loop": 1, "mail": 3, "day": 3, "last": 1}


def test_what_ends_the_rounds_is_asked_before_each() -> None:
    until = {"event": "Order Completed"}
    walk = Walk(repeat(REST, until=until))
    walk.happens("Order Completed")
    assert walk.at == "day"  # not in the middle of a round
    walk.wait()
    assert walk.at == "last"
    assert rounds(walk) == [("round", 1), ("repeated", "stopped")]
    assert walk.state.outcomes["loop"] == "stopped"
    assert Walk(repeat(REST, until={"not": until})).at == "last"


def test_any_of_its_messages_may_be_the_one_that_was_opened() -> None:
    walk = Walk(repeat(MAIL, REST, until={"event": "Message Opened", "message": "mail"}))
    walk.settle()
    walk.wait()
    walk.settle()
    walk.happens("Message Opened", message=str(message_id(RUN, "mail", 1)))
    walk.wait()
    assert rounds(walk) == [("round", 1), ("round", 2), ("repeated", "stopped")]


def test_a_repeat_within_a_repeat_begins_anew() -> None:
    walk = Walk(repeat(repeat(REST, id="inner", times=2), {**REST, "id": "night"}, times=2))
    came = []
    while isinstance(walk.command, Wait) and walk.at != "last":
        came.append(walk.at)
        walk.wait()
    assert came == ["day", "day", "night"] * 2
    assert [n for what, n in rounds(walk, "inner") if what == "round"] == [1, 2, 1, 2]
    assert walk.state.rounds == {}


def test_who_stays_in_a_test_stays_in_every_round() -> None:
    ways = [{"id": "a", "weight": 50}, {"id": "b", "weight": 50}]
    mail = {**MAIL, "variants": ways}
    walk = Walk(repeat({"id": "coin", "type": "split", "arms": ways}, mail, REST))
    for _ in range(3):
        walk.settle()
        walk.wait()
    drawn = {(t.step, t.data["arm"]) for t in walk.trace if t.what == "drew"}
    assert len(drawn) == 2


def test_an_awaited_event_is_counted_since_the_newest_visit() -> None:
    reacts = {"id": "w", "type": "wait_for", "since": "mail", "timeout": "1d",
              "events": [{"on": {"event": "Clicked"}}]}  # fmt: skip
    walk = Walk(repeat(MAIL, reacts, times=2))
    walk.settle()
    walk.happens("Clicked")
    walk.settle()
    assert walk.at == "w"  # the click was in the round before
    walk.wait()
    assert walk.at == "last"


def test_a_wait_for_the_clock_lasts_until_its_next_time_in_every_round() -> None:
    walk = Walk(repeat({"id": "ten", "type": "wait", "until": {"time": "10:00"}}))
    times = []
    while walk.at == "ten":
        assert isinstance(walk.command, Wait)
        times.append(walk.command.until)
        walk.wait()
    assert [after - before for before, after in pairwise(times)] == [DAY, DAY]


def test_an_exit_ends_a_repeat_as_everything() -> None:
    leaves = {"id": "bye", "type": "exit", "reason": "enough"}
    walk = Walk(repeat(REST, branch(GOLD, [leaves])), traits={"tier": "gold"})
    walk.wait()
    assert walk.command == Exit(reason="enough")


def test_later_conditions_see_what_was_changed() -> None:
    walk = Walk(
        {"id": "up", "type": "update", "set": {"tier": {"property": "level"}, "old": None, "n": 1},
         "subscribe": ["news"], "channel": "sms"},
        branch({"all": [GOLD, {"trait": "old", "exists": False}, {"subscribed": "news", "channel": "sms"}]},
               [{"id": "in", "type": "wait", "for": "1h"}]),
        entry={"level": "gold"}, traits={"old": 1},
    )  # fmt: skip
    assert walk.at == "in"
    (update,) = walk.done
    assert update == Update(
        step="up",
        traits={"tier": "gold", "old": None, "n": 1},
        topics={("news", "sms"): "subscribed"},
    )
    walk.wait()
    assert walk.customer.traits == {"tier": "gold", "n": 1}
    told = next(t for t in walk.trace if t.what == "updated")
    assert told.data == {"traits": {"tier": "gold", "old": None, "n": 1}}


def test_a_new_address_can_be_written_to_at_once() -> None:
    up = {"id": "up", "type": "update", "set": {"phone": {"property": "phone"}}}
    ask = branch({"reachable": "sms"}, [{"id": "in", "type": "wait", "for": "1h"}])
    assert Walk(up, ask, entry={"phone": "+41 44 668 18 00"}).at == "in"
    assert Walk(up, ask, entry={"phone": "soon"}).at == "last"
    assert Walk(up, ask).at == "last"


def test_a_property_that_is_missing_changes_nothing() -> None:
    up = {"id": "up", "type": "update", "set": {"tier": {"property": "a.b"}}}
    walk = Walk(up, traits={"tier": "gold"})
    assert walk.done == [Update(step="up")]
    assert walk.customer.traits == {"tier": "gold"}


@pytest.mark.parametrize(("channel", "n"), [(None, 4), ("email", 1), (["email", "push"], 2)])
def test_topics_are_meant_on_every_channel_unless_it_says_which(channel: Any, n: int) -> None:
    only = {"channel": channel} if channel is not None else {}
    (update,) = Walk({"id": "up", "type": "update", "unsubscribe": ["news"], **only}).done
    assert isinstance(update, Update)
    assert list(update.topics.values()) == ["unsubscribed"] * n


def test_another_journey_is_asked_for_and_this_one_goes_on() -> None:
    walk = Walk(
        {"id": "go", "type": "enter", "journey": "x",
         "properties": {"n": {"property": "n"}, "m": {"property": "m"}, "why": "so", "none": None}},
        entry={"n": 7},
    )  # fmt: skip
    assert walk.at == "last"
    assert walk.done == [
        Enter(step="go", journey="x", properties={"n": 7, "why": "so", "none": None})
    ]


def test_who_is_held_out_is_neither_changed_nor_sent_elsewhere() -> None:
    goal = {"event": "Bought", "within": "1d"}
    walk = Walk(
        {"id": "up", "type": "update", "set": {"tier": "gold"}},
        {"id": "go", "type": "enter", "journey": "x"}, goal=goal, held_out=True,
    )  # fmt: skip
    walk.pass_(timedelta(days=2) + HOUR)
    walk.wait()
    assert walk.done == []
