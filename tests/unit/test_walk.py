"""Walking through a journey: who is let in, what can be chosen where, and what that leads to."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

import journeys as library
from engine.compile.compiler import compile as compile_journey
from engine.compile.plan import Plan
from engine.model.condition import AnyCondition, Condition
from engine.model.customer import Customer
from engine.model.document import parse_journey
from engine.model.event import Event
from engine.model.journey import Journey
from engine.model.topic import Topic
from engine.run.entry import Opened, PastRuns, Refused
from engine.run.likely import Likely, events_asked, likely, likely_properties
from engine.run.machine import Machine
from engine.run.state import Trace
from engine.run.walk import walk
from engine.run.walked import (
    Answered,
    CanAnswer,
    CanHappen,
    CanPass,
    CanSend,
    Choice,
    Handed,
    Happens,
    Opening,
    Passes,
    Start,
    Walked,
)
from tests.journeys import SEGMENTS, JourneyMaker, properties
from tests.journeys import traits as traits_of

NOW = datetime(2026, 5, 4, 10, tzinfo=UTC)
ZONE = "Europe/Zurich"
HOUR = timedelta(hours=1)
READER: TypeAdapter[AnyCondition] = TypeAdapter(Condition)
RULES = {name: READER.validate_python(rule) for name, rule in SEGMENTS.items()}
ADA = Customer(id=UUID(int=9), addresses={"email": "ada@example.com"})

MAIL = {"id": "mail", "type": "send", "channel": "email", "template": "t"}
CART: list[dict[str, Any]] = [
    {"id": "cool-off", "type": "wait", "for": "1h"},
    MAIL,
    {"id": "opened", "type": "wait_for", "since": "mail", "timeout": "24h",
     "events": [{"on": {"event": "Message Opened", "message": "mail"},
                 "then": [{"id": "done", "type": "exit", "reason": "reached"}]}]},
    {"id": "nudge", "type": "send", "channel": ["push", "sms"], "template": "t"},
]  # fmt: skip
BOUGHT = {"on": {"event": "Order Completed"}, "reason": "purchased"}


def plan(*steps: Mapping[str, Any], **more: Any) -> Plan:
    document = {"id": "j", "name": "j", "topic": "offers", "entry": {"on": {"event": "Go"}},
                "steps": steps, **more}  # fmt: skip
    return compile_journey(Journey.model_validate(document))


def start(**more: Any) -> Start:
    return Start(**{"customer": ADA, "zone": ZONE, "at": NOW, **more})


def told(walked: Walked) -> list[tuple[str, str | None]]:
    return [(line.trace.what, line.trace.step) for line in walked.lines]


def one(walked: Walked, kind: type[Opening]) -> Any:
    (found,) = [opening for opening in walked.open if isinstance(opening, kind)]
    return found


SENT = Handed(step="mail", outcome="sent")


def test_an_abandoned_cart_is_walked_to_its_end() -> None:
    cart = plan(*CART, exits=[BOUGHT], goal={"event": "Order Completed", "within": "7d"})
    begun = walk(cart, start())
    assert isinstance(begun.entry, Opened)
    assert begun.here == "cool-off"
    assert begun.open[0] == CanPass(step="cool-off", until=NOW + HOUR)
    assert [o.role for o in begun.open if isinstance(o, CanHappen)] == ["exit", "goal"]
    waited = walk(cart, start(), [Passes(step="cool-off")])
    assert waited.now == NOW + HOUR
    assert waited.open == (CanSend(step="mail", channel="email", barred=None),)
    sent = walk(cart, start(), [Passes(step="cool-off"), SENT])
    assert sent.here == "opened"
    awaited = next(o for o in sent.open if isinstance(o, CanHappen))
    assert (awaited.role, awaited.match.event, awaited.until) == (
        "awaited", "Message Opened", NOW + 25 * HOUR,
    )  # fmt: skip
    opens = Happens(step="opened", event="Message Opened", message="mail", after=600)
    ended = walk(cart, start(), [Passes(step="cool-off"), SENT, opens])
    assert ended.state is not None
    assert ended.state.ended == "reached"
    assert ended.now == NOW + HOUR + timedelta(minutes=10)
    assert ended.here is None
    assert ended.steps == {"cool-off", "mail", "opened", "done"}
    assert ended.arms == {("opened", "event-0")}
    assert told(ended)[-3:] == [("received", "opened"), ("reached", "done"), ("ended", "done")]


def test_nothing_happens_in_time_and_the_other_way_is_taken() -> None:
    choices: list[Choice] = [Passes(step="cool-off"), SENT, Passes(step="opened")]
    walked = walk(plan(*CART), start(), choices)
    assert ("opened", "else") in walked.arms
    assert one(walked, CanSend) == CanSend(step="nudge", channel="push", barred="no_address")


def test_a_purchase_takes_her_out_and_counts_for_the_goal() -> None:
    cart = plan(
        *CART, exits=[BOUGHT], goal={"event": "Order Completed", "within": "7d", "revenue": "total"}
    )
    buys = Happens(step="cool-off", event="Order Completed", properties={"total": 90}, after=60)
    walked = walk(cart, start(), [buys])
    assert [what for what, _ in told(walked)][-2:] == ["goal", "ended"]
    assert walked.open == ()


def test_after_the_end_the_goal_can_still_be_reached() -> None:
    goal = {"event": "Order Completed", "within": "7d", "where": {"property": "total", "gte": 50}}
    walked = walk(plan({"id": "out", "type": "exit"}, goal=goal), start())
    assert walked.here is None
    assert one(walked, CanHappen).role == "goal"
    late = Happens(event="Order Completed", properties={"total": 60}, after=8 * 86400)
    assert walk(plan({"id": "out", "type": "exit"}, goal=goal), start(), [late]).open == ()


def test_who_cannot_be_reached_is_skipped_with_the_reason() -> None:
    def can(customer: Customer, **more: Any) -> Any:
        return one(walk(plan(MAIL), start(customer=customer, **more)), CanSend)

    assert can(Customer(id=ADA.id)).barred == "no_address"
    assert can(replace(ADA, consent={"offers": {"email": "unsubscribed"}})).barred == (
        "not_subscribed"
    )
    asking = Topic(id="offers", name="Offers", default="unsubscribed")
    assert can(ADA, topics={"offers": asking}).barred == "not_subscribed"
    bounced = {"email": {"address": "ada@example.com", "reason": "bounced"}}
    assert can(replace(ADA, suppressed=bounced)).barred == "suppressed"
    skipped = walk(
        plan(MAIL), start(customer=Customer(id=ADA.id)), [Handed(step="mail", outcome="skipped")]
    )
    line = next(line for line in skipped.lines if line.trace.what == "skipped")
    assert line.trace.data == {"reason": "no_address"}


def test_the_next_channel_is_told_when_the_first_is_barred() -> None:
    both = {**MAIL, "channel": ["email", "sms"]}
    ada = Customer(
        id=ADA.id,
        addresses={"email": "ada@example.com", "phone": "+41790000000"},
        consent={"offers": {"email": "unsubscribed"}},
    )
    assert one(walk(plan(both), start(customer=ada)), CanSend).channel == "sms"
    lines = walk(plan(both), start(customer=ada), [SENT]).lines
    moved = next(line.trace for line in lines if line.trace.what == "moved")
    assert moved.data == {"from": "email", "to": "sms", "reason": "not_subscribed"}


GOLD = {"trait": "tier", "eq": "gold"}


@pytest.mark.parametrize(
    ("more", "entry", "reason"),
    [
        ({}, {"on": {"event": "Go"}, "if": GOLD}, "condition"),
        ({"properties": {"value": 20}},
         {"on": {"event": "Go", "where": {"property": "value", "gte": 30}}}, "other_event"),
        ({}, {"on": {"event": "Go"}, "reentry": {"mode": "per_key", "key": "cart"}}, "no_key"),
        ({"past": PastRuns(running=True)}, {"on": {"event": "Go"}}, "running"),
        ({"past": PastRuns(last_ended=NOW - HOUR)},
         {"on": {"event": "Go"}, "reentry": {"mode": "once"}}, "once"),
    ],
)  # fmt: skip
def test_who_would_not_enter_is_told_why_and_may_be_let_in(
    more: dict[str, Any], entry: dict[str, Any], reason: str
) -> None:
    refused = walk(plan(MAIL, entry=entry), start(**more))
    assert isinstance(refused.entry, Refused)
    assert refused.entry.reason == reason
    assert (refused.open, refused.lines, refused.state) == ((), (), None)
    let_in = walk(plan(MAIL, entry=entry), start(**more, anyway=True))
    assert isinstance(let_in.entry, Refused)
    assert let_in.here == "mail"


def test_an_entry_by_the_shops_systems_needs_no_event() -> None:
    asked = {"on": {"api": True}, "reentry": {"mode": "per_key", "key": "order"}}
    walked = walk(plan(MAIL, entry=asked), start(properties={"order": "7"}))
    assert isinstance(walked.entry, Opened)
    assert walked.state is not None
    assert walked.state.entry == {"order": "7"}


def test_what_the_entry_saw_is_told() -> None:
    rule = {"on": {"event": "Go", "where": {"property": "value", "gte": 30}}, "if": GOLD}
    walked = walk(plan(MAIL, entry=rule), start(properties={"value": 40}))
    assert walked.seen == {"property value": 40, "trait tier": None}


def test_nobody_is_held_out_of_a_walk() -> None:
    held = plan(MAIL, holdout="100%", goal={"event": "Order Completed", "within": "7d"})
    walked = walk(held, start())
    assert walked.entry == Opened(held_out=True)
    assert walked.here == "mail"


def test_a_draw_can_be_given() -> None:
    arms = [{"id": "x", "weight": 50, "then": [MAIL]}, {"id": "y", "weight": 50}]
    coin = plan({"id": "coin", "type": "split", "arms": arms})
    for arm in ("x", "y"):
        assert ("coin", arm) in walk(coin, start(arms={"coin": arm})).arms


def test_what_is_changed_on_the_way_is_known_afterwards() -> None:
    journey = plan(
        {"id": "up", "type": "update", "set": {"tier": "gold"}, "unsubscribe": ["offers"]},
        {"id": "vip", "type": "branch", "arms": [{"id": "gold", "if": GOLD, "then": [MAIL]}]},
    )
    walked = walk(journey, start())
    assert ("vip", "gold") in walked.arms
    assert one(walked, CanSend).barred == "not_subscribed"
    assert ADA.traits == {}


def test_another_journey_is_told_and_not_entered() -> None:
    walked = walk(plan({"id": "next", "type": "enter", "journey": "other"}), start())
    assert ("started", "next") in told(walked)


def test_what_a_call_keeps_decides_later() -> None:
    journey = plan(
        {"id": "crm", "type": "webhook", "url": "https://crm.example.com", "keep": {"points": "p"},
         "on_error": [{"id": "sorry", "type": "exit", "reason": "sorry"}]},
        {"id": "rich", "type": "branch",
         "arms": [{"id": "yes", "if": {"result": {"step": "crm", "name": "points"}, "gte": 100}}]},
    )  # fmt: skip
    assert one(walk(journey, start()), CanAnswer) == CanAnswer(step="crm", kept=("points",))
    done = Answered(step="crm", outcome="done", kept={"points": 120})
    assert walk(journey, start(), [done]).arms == {("crm", "done"), ("rich", "yes")}
    failed = walk(journey, start(), [Answered(step="crm", outcome="failed")])
    assert failed.state is not None
    assert failed.state.ended == "sorry"


def test_an_event_that_is_another_one_is_told_with_what_was_seen() -> None:
    wait = {"id": "buys", "type": "wait_for", "timeout": "2d",
            "events": [{"on": {"event": "Order Completed", "where": {"property": "total", "gte": 50}}}]}  # fmt: skip
    small = Happens(step="buys", event="Order Completed", properties={"total": 20}, after=60)
    walked = walk(plan(wait), start(), [small])
    assert walked.here == "buys"
    last = walked.lines[-1]
    assert (last.at, last.choice) == (NOW + timedelta(minutes=1), 0)
    assert last.trace == Trace(
        what="happened", step="buys",
        data={"event": "Order Completed", "seen": {"property total": 20}},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("choice", "why"),
    [
        (Passes(step="mail"), "elsewhere"),
        (Handed(step="cool-off", outcome="sent"), "elsewhere"),
        (Answered(step="cool-off", outcome="done"), "elsewhere"),
        (Happens(step="cool-off", event="Order Completed", after=3600), "too_late"),
        (Happens(step="cool-off", event="Order Completed", after=10**12), "too_late"),
        (Happens(step="cool-off", event="Message Opened", message="mail"), "not_sent"),
    ],
)
def test_a_choice_that_does_not_fit_ends_the_walk_there(choice: Choice, why: str) -> None:
    walked = walk(plan(*CART), start(), [choice, Passes(step="cool-off")])
    assert (walked.taken, walked.unfit) == (0, why)
    assert walked.here == "cool-off"


def choose(rng: Random, opening: Opening) -> Choice:
    match opening:
        case CanPass(step=step):
            return Passes(step=step)
        case CanSend(step=step, barred=reason):
            return Handed(
                step=step, outcome="skipped" if reason else rng.choice(["sent", "failed"])
            )
        case CanAnswer(step=step):
            kept = {"points": rng.randrange(100)}
            return Answered(step=step, outcome=rng.choice(["done", "failed"]), kept=kept)
        case CanHappen(step=step, match=match):
            return Happens(
                step=step, event=match.event, properties=properties(rng), message=match.message,
                after=rng.choice([0, 60, 10**6]),
            )  # fmt: skip


def walker(rng: Random) -> tuple[Plan, Start]:
    made = compile_journey(JourneyMaker(rng, "j").journey())
    told = traits_of(rng)
    customer = Customer(
        id=UUID(int=rng.getrandbits(128)), traits=told, time_zone=ZONE,
        addresses={"email": told.get("email"), "phone": told.get("phone")},
    )  # fmt: skip
    return made, start(
        customer=customer, at=NOW + timedelta(minutes=rng.randrange(500_000)),
        properties=properties(rng), segments=RULES, anyway=rng.random() < 0.5,
    )  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32))
def test_a_walk_ends_or_offers_a_choice_and_tells_what_the_machine_tells(seed: int) -> None:
    rng = Random(seed)
    made, begin = walker(rng)
    choices: list[Choice] = []
    for _ in range(25):
        walked = walk(made, begin, choices)
        if walked.state is None:
            assert isinstance(walked.entry, Refused)
            assert not begin.anyway
            assert not walked.open
            break
        if walked.unfit is not None:
            assert walked.unfit == "too_late"
            assert walked.taken == len(choices) - 1
            choices.pop()
            continue
        assert walked.taken == len(choices)
        assert walked.open or walked.state.ended is not None
        _is_of_the_machine(made, walked)
        if not walked.open:
            break
        choices.append(choose(rng, rng.choice(walked.open)))


def _is_of_the_machine(made: Plan, walked: Walked) -> None:
    machine, said = Machine(made), []
    for turn, following in zip(walked.turns, [*walked.turns[1:], None], strict=True):
        advanced = machine.advance(turn.before, turn.given, turn.world)
        assert advanced == turn.after
        said += [effect for effect in advanced.effects if isinstance(effect, Trace)]
        assert advanced.state == (following.before if following is not None else walked.state)
    beside = {"moved", "happened", "started"}
    assert [line.trace for line in walked.lines if line.trace.what not in beside] == said
    assert [line.at for line in walked.lines] == sorted(line.at for line in walked.lines)


# Who would enter


def guess(journey: Mapping[str, Any]) -> tuple[Plan, Likely]:
    made = plan(MAIL, **journey)
    return made, likely(made.journey, RULES, NOW, ZONE)


@pytest.mark.parametrize(
    "condition",
    [
        {"trait": "tier", "in": ["gold", "silver"]},
        {"trait": "age", "gt": 30, "lte": 31},
        {"trait": "name", "starts_with": "A"},
        {"trait": "likes", "contains": "shoes"},
        {"trait": "seen_at", "within": "2d"},
        {"trait": "seen_at", "older_than": "90d"},
        {"trait": "seen_at", "older_than": {"trait": "interval", "times": 2}},
        {"trait": "born", "before": "2000-01-01"},
        {"trait": "vip", "eq": True},
        {"not": {"trait": "tier", "exists": True}},
        {"anniversary": "birth_date", "within": "7d"},
        {"all": [{"reachable": "sms"}, {"not": {"event": "Order Completed", "within": "1d"}}]},
        {"any": [{"segment": "vip"}, {"trait": "tier", "eq": "silver"}]},
        {"segment": "busy"},
        {"event": "Order Completed", "where": {"property": "total", "gte": 80}, "count": {"gte": 3}},
        {"event": "Order Completed", "sum": "total", "gte": 500, "within": "1y"},
        {"property": "value", "gte": 30},
        {"subscribed": "news"},
    ],
)  # fmt: skip
def test_somebody_is_made_up_who_enters(condition: dict[str, Any]) -> None:
    made, found = guess({"entry": {"on": {"event": "Go"}, "if": condition}})
    assert isinstance(walk(made, started(found)).entry, Opened)


def started(found: Likely) -> Start:
    """Return the start of a walk of the one who was made up."""
    addresses = {"email": "somebody@example.com", "phone": "+41790000000"}
    known = {
        k: v
        for k, v in addresses.items()
        if {"email": "email", "phone": "sms"}[k] in found.channels
    }
    history = [
        Event(id=UUID(int=n), seq=n, name=did.event, properties=dict(did.properties),
              occurred_at=did.ago.before(NOW, ZONE), received_at=did.ago.before(NOW, ZONE))
        for n, did in enumerate((d for d in found.before for _ in range(d.times)), 1)
    ]  # fmt: skip
    customer = Customer(
        id=ADA.id, traits={k: v for k, v in found.traits.items() if v is not None},
        addresses=known,
        consent={t: {"email": "subscribed" if yes else "unsubscribed"} for t, yes in found.topics.items()},
    )  # fmt: skip
    return start(customer=customer, properties=found.properties, history=history, segments=RULES)


@pytest.mark.parametrize("name", library.names())
def test_somebody_is_made_up_who_enters_each_journey_of_the_library(name: str) -> None:
    journey = parse_journey(library.text(name))
    found = likely(journey, {}, NOW, ZONE)
    walked = walk(compile_journey(journey), replace(started(found), segments={}))
    assert isinstance(walked.entry, Opened)
    assert walked.open


def test_what_the_journey_asks_later_is_named_and_left_open() -> None:
    _, found = guess({
        "entry": {"on": {"event": "Go", "where": {"property": "value", "gte": 30}},
                  "reentry": {"mode": "per_key", "key": "cart"}},
        "steps": [
            {"id": "vip", "type": "branch", "arms": [
                {"id": "gold", "if": {"all": [GOLD, {"property": "kind", "eq": "a"}]}, "then": [
                    {"id": "day", "type": "wait", "until": {"trait": "birth_date", "yearly": True}},
                    {"id": "due", "type": "wait", "until": {"property": "delivery"}}]}]},
            {"id": "text", "type": "send", "channel": "sms", "template": "t", "topic": "news"},
        ],
    })  # fmt: skip
    assert found.properties == {"value": 30, "cart": "1", "kind": "a", "delivery": "2026-05-07"}
    assert found.traits == {"tier": None, "birth_date": "1996-05-14"}
    assert found.channels == ("email", "sms")
    assert found.topics == {"offers": True, "news": True}


def test_what_is_taken_for_a_date_or_an_address_is_one() -> None:
    known = {"all": [{"trait": "birth_date", "exists": True}, {"property": "cart_url", "exists": True},
                     {"trait": "nickname", "exists": True}]}  # fmt: skip
    eve = {"id": "eve", "type": "wait", "until": {"trait": "birth_date", "yearly": True}}
    _, found = guess({"entry": {"on": {"event": "Go"}, "if": known}, "steps": [eve]})
    assert found.traits == {"birth_date": "1996-05-14", "nickname": "yes"}
    assert found.properties == {"cart_url": "https://example.com/"}


def test_the_properties_of_an_event_that_would_be_heard() -> None:
    where = READER.validate_python({"all": [{"property": "total", "gte": 50}, {"property": "key", "ne": "a"}]})  # fmt: skip
    assert likely_properties(where, NOW, ZONE)["total"] == 50
    assert likely_properties(where, NOW, ZONE)["key"] != "a"
    assert likely_properties(None, NOW, ZONE) == {}


def test_the_events_that_decisions_ask_for_are_named() -> None:
    made = plan(*CART, entry={"on": {"event": "Go"}, "if": {"not": {"event": "Order Completed"}}})
    assert events_asked(made.journey, RULES) == {"Message Opened", "Order Completed", "Ping"}


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32))
def test_somebody_can_be_made_up_for_any_journey(seed: int) -> None:
    journey = JourneyMaker(Random(seed), "j").journey()
    found = likely(journey, RULES, NOW, ZONE)
    walked = walk(compile_journey(journey), replace(started(found), anyway=True))
    assert walked.state is not None
