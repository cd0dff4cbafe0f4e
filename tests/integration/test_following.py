"""What a journey does besides sending: changes of the customer, other journeys, and what follows."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from engine.flow import following, topics
from engine.flow.advance import advance
from engine.flow.consent import suppress
from engine.flow.intake import Incoming, receive
from engine.flow.publish import pause, publish, save_journey
from engine.model.actor import COMMAND_LINE
from engine.model.hook import Hook
from engine.model.journey import Journey
from engine.model.topic import Topic
from engine.run.links import Links
from engine.store import hooks, tables
from engine.store.session import Database, RaceLost

REST = {"id": "rest", "type": "wait", "for": "30d"}
GOLD = {"trait": "tier", "eq": "gold"}


class Shop:
    """Journeys and one customer."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def live(self, id: str, *steps: dict[str, Any], **more: Any) -> None:
        """Publish a journey that opens on an event of its own name."""
        document = {
            "id": id,
            "name": id,
            "entry": {"on": {"event": id}},
            **more,
            "steps": list(steps),
        }
        save_journey(self.database, Journey.model_validate(document), actor=COMMAND_LINE)
        publish(self.database, id, actor=COMMAND_LINE)

    def track(self, *names: str, **told: Any) -> list[Any]:
        """Take in events of hers, in one transaction."""
        some = [
            Incoming(source="t", message_id=uuid4().hex, kind="track", name=name, user_id="ada",
                     properties=told)
            for name in names
        ]  # fmt: skip
        return receive(self.database, some)

    def rows(self, table: Any) -> list[Any]:
        """Return a table's rows, in the order of their keys."""
        with self.database.read() as connection:
            query = table.select().order_by(*table.primary_key.columns)
            return list(connection.execute(query).all())

    @property
    def ada(self) -> Any:
        """Return her row."""
        return self.rows(tables.customer)[0]

    def runs(self) -> dict[str, list[tuple[str | None, str | None]]]:
        """Return where her runs stand, or how they ended, by journey."""
        found: dict[str, list[tuple[str | None, str | None]]] = {}
        for run in self.rows(tables.run):
            found.setdefault(run.journey_id, []).append((run.step, run.end_reason))
        return found

    def traced(self, journey: str) -> list[tuple[str, dict[str, Any]]]:
        """Return what her runs of a journey tell, but where they came by."""
        told = [row for row in self.rows(tables.run_trace) if row.journey_id == journey]
        return [(row.what, row.data) for row in told if row.what != "reached"]

    def refusals(self) -> list[tuple[str, str]]:
        """Return the refused entries."""
        return [(row.journey_id, row.reason) for row in self.rows(tables.entry_refusal)]


@pytest.fixture
def shop(database_url: str) -> Iterator[Shop]:
    """An empty shop."""
    database = Database(database_url)
    yield Shop(database)
    database.close()


def update(id: str = "up", **told: Any) -> dict[str, Any]:
    return {"id": id, "type": "update", **told}


def enter(journey: str, id: str = "next", **told: Any) -> dict[str, Any]:
    return {"id": id, "type": "enter", "journey": journey, **told}


def branch(condition: dict[str, Any]) -> dict[str, Any]:
    arms = [
        {
            "id": "yes",
            "if": condition,
            "then": [{"id": "yes-it-is", "type": "exit", "reason": "yes"}],
        }
    ]
    return {"id": "fork", "type": "branch", "arms": arms}  # fmt: skip


def test_traits_are_hers_at_once_and_for_everybody(shop: Shop) -> None:
    told = {"tier": "gold", "city": {"property": "city"}, "old": None, "lost": {"property": "lost"}}
    shop.live("Go", update(set=told), branch(GOLD))
    shop.live("z", branch(GOLD), entry={"on": {"event": "Go"}, "if": GOLD})
    receive(shop.database, [Incoming(source="t", message_id="1", kind="identify", name="x",
                                     user_id="ada", traits={"old": 1, "lost": 2})])  # fmt: skip
    shop.track("Go", city="Bern")
    assert shop.ada.traits == {"tier": "gold", "city": "Bern", "lost": 2}
    # The journey after it in the same transaction sees them as well.
    assert shop.runs() == {"Go": [(None, "yes")], "z": [(None, "yes")]}


def test_an_address_among_the_traits_can_be_written_to_unless_it_is_suppressed(shop: Shop) -> None:
    suppress(shop.database, "email", "ada@example.com", "bounced")
    shop.live("Go", update(set={"email": {"property": "email"}, "phone": "none"}), REST)
    shop.track("Go", email="Ada@example.com")
    assert shop.ada.addresses == {"email": "Ada@example.com"}
    assert shop.ada.suppressed["email"]["reason"] == "bounced"
    assert shop.ada.traits["phone"] == "none"


def test_topics_are_begun_and_ended_with_proof(shop: Shop) -> None:
    shop.live(
        "Go", update(subscribe=["news"], unsubscribe=["offers"], channel=["email", "sms"]), REST
    )
    shop.live("Subscribed", REST, entry={"on": {"event": "Subscribed"}})
    shop.database.transact(lambda c: hooks.put(c, Hook.model_validate(
        {"id": "h", "url": "https://shop.example/h", "events": ["Unsubscribed"]}), "whsec_x"))  # fmt: skip
    shop.track("Go", "Ping")
    both = dict.fromkeys(("email", "sms"))
    assert shop.ada.consent == {
        "news": both | dict.fromkeys(both, "subscribed"),
        "offers": dict.fromkeys(both, "unsubscribed"),
    }
    said = {
        (row.topic, row.channel, row.state, row.how, row.source)
        for row in shop.rows(tables.consent)
    }
    assert said == {
        (topic, channel, state, "journey", "Go/up")
        for topic, state in (("news", "subscribed"), ("offers", "unsubscribed")) for channel in both
    }  # fmt: skip
    # They are events like others: they open journeys, and the shop's systems are told.
    assert shop.runs() == {"Go": [("rest", None)], "Subscribed": [("rest", None)]}
    assert shop.refusals() == [("Subscribed", "running")]
    assert [row.event for row in shop.rows(tables.hook_delivery)] == ["Unsubscribed"] * 2
    names = [row.name for row in sorted(shop.rows(tables.event), key=lambda row: row.seq)]
    assert names == ["Go", *["Subscribed"] * 2, *["Unsubscribed"] * 2, "Ping"]
    # What she has said already is not said again.
    shop.live("Again", update(subscribe=["news"], channel="email"))
    shop.track("Again")
    assert len(shop.rows(tables.consent)) == 4


def test_a_topic_with_double_opt_in_is_asked_for_with_a_link(shop: Shop) -> None:
    topics.put_topic(
        shop.database, Topic(id="news", name="News", double_opt_in=True), actor=COMMAND_LINE
    )
    shop.database.links = Links(base="https://shop.example", keys=("k" * 40,))
    shop.live(
        "Go",
        update(subscribe=["news"], channel="email"),
        branch({"subscribed": "news", "channel": "email"}),
        REST,
    )
    shop.track("Go")
    assert shop.ada.consent == {"news": {"email": "pending"}}
    assert shop.runs() == {"Go": [("rest", None)]}
    asked = next(row for row in shop.rows(tables.event) if row.name == "Subscription Requested")
    assert asked.properties["confirm_url"].startswith("https://shop.example/c/")


def test_an_update_may_end_its_own_run(shop: Shop) -> None:
    exits = [{"on": {"event": "Unsubscribed"}, "reason": "declined"}]
    shop.live(
        "Go",
        {"id": "w", "type": "wait", "for": "0s"},
        update(unsubscribe=["news"]),
        REST,
        exits=exits,
    )
    shop.live(
        "Later",
        {"id": "w", "type": "wait", "for": "1h"},
        update(unsubscribe=["offers"]),
        REST,
        exits=exits,
    )
    shop.track("Go")
    assert shop.runs() == {"Go": [(None, "declined")]}
    shop.track("Later")
    run = shop.rows(tables.run)[1]
    answer = advance(shop.database, run.id, run.revision, "time_reached")
    # The workflow is answered what holds after everything that followed.
    assert answer.command.kind == "exit"
    assert answer.revision == shop.rows(tables.run)[1].revision


def test_a_run_that_was_not_touched_yet_is_decided_once(shop: Shop) -> None:
    """What follows from one event, and the next event of the same request, meet the same run."""
    waits = {"id": "w", "type": "wait_for", "timeout": "9d",
             "events": [{"on": {"event": "Subscribed"}, "then": [
                 {"id": "x", "type": "wait_for", "timeout": "9d", "events": [{"on": {"event": "Ping"}}]}]}]}  # fmt: skip
    shop.live("Other", waits, REST)
    shop.live("Go", update(subscribe=["news"], channel="email"))
    shop.track("Other")
    shop.track("Go", "Ping")
    assert shop.runs()["Other"] == [("rest", None)]
    assert [what for what, _ in shop.traced("Other")].count("received") == 2


def test_another_journey_is_started_with_what_it_is_told(shop: Shop) -> None:
    shop.live(
        "other", branch({"property": "city", "eq": "Bern"}), REST, entry={"on": {"api": True}}
    )
    shop.live("Go", enter("other", properties={"city": {"property": "town"}, "n": 1}), REST)
    wakes = shop.track("Go", town="Bern")
    assert shop.runs() == {"Go": [("rest", None)], "other": [(None, "yes")]}
    entered = next(run for run in shop.rows(tables.run) if run.journey_id == "other")
    assert entered.entry_source == "journey"
    assert entered.state["entry"] == {"city": "Bern", "n": 1}
    assert ("started", {"journey": "other"}) in shop.traced("Go")
    assert {wake.journey for wake in wakes} == {"Go"}  # the other one has ended already


@pytest.mark.parametrize(
    ("case", "reason"), [("running", "running"), ("paused", "paused"), ("if", "condition")]
)
def test_why_another_journey_was_not_started_is_kept(shop: Shop, case: str, reason: str) -> None:
    rule = {"if": GOLD} if case == "if" else {}
    shop.live("other", REST, entry={"on": {"event": "other"}, **rule})
    shop.live("Go", enter("other"), REST)
    if case == "running":
        shop.track("other")
    if case == "paused":
        pause(shop.database, "other", actor=COMMAND_LINE)
    shop.track("Go")
    assert shop.refusals() == [("other", reason)]
    assert ("not_started", {"journey": "other", "reason": reason}) in shop.traced("Go")


def test_a_draft_is_not_started(shop: Shop) -> None:
    document = {"id": "other", "name": "o", "entry": {"on": {"api": True}}, "steps": [REST]}
    save_journey(shop.database, Journey.model_validate(document), actor=COMMAND_LINE)
    shop.live("Go", enter("other"), REST)
    shop.track("Go")
    assert shop.refusals() == [("other", "not_live")]


def test_what_follows_from_one_another_comes_to_an_end(shop: Shop) -> None:
    """A circle by way of events is not known before: it is cut, and told."""
    shop.live("b", update(unsubscribe=["news"], channel="email"), entry={"on": {"api": True}})
    shop.live("a", update(subscribe=["news"], channel="email"), enter("b"),
              entry={"on": {"event": "Subscribed"}})  # fmt: skip
    shop.live(
        "c", update(subscribe=["news"], channel="email"), entry={"on": {"event": "Unsubscribed"}}
    )
    shop.live("Go", update(subscribe=["news"], channel="email"))
    shop.track("Go")
    runs = shop.runs()
    assert {end for ends in runs.values() for _, end in ends} == {"completed"}
    assert 4 <= sum(map(len, runs.values())) <= 3 * following.DEEPEST
    told = [row.what for row in shop.rows(tables.run_trace)]
    assert told.count("too_deep") >= 1


def test_a_transaction_that_is_tried_again_does_nothing_twice(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.live("other", REST, entry={"on": {"api": True}})
    shop.live(
        "Go",
        update(subscribe=["news"], channel="email", set={"tier": "gold"}),
        enter("other"),
        REST,
    )
    carry_out, tries = following.carry_out, []

    def lose_once(turn: Any) -> None:
        carry_out(turn)
        if turn.writes.runs and not tries:
            tries.append(turn)
            raise RaceLost

    monkeypatch.setattr(following, "carry_out", lose_once)
    shop.track("Go")
    assert len(tries) == 1
    assert shop.runs() == {"Go": [("rest", None)], "other": [("rest", None)]}
    assert len(shop.rows(tables.consent)) == 1
    assert [row.name for row in shop.rows(tables.event)].count("Subscribed") == 1
