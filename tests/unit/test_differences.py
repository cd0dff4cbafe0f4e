"""What is different between two states of a journey, in sentences."""

import copy
from random import Random
from typing import Any

import pytest

from designer.document.differences import differences
from designer.words import Words
from engine.compile.compiler import content_hash
from engine.model.journey import Journey
from engine.store.drafts import Names
from tests.journeys import JourneyMaker, journeys

WORDS = Words("en", accepted="en-GB")
NAMES = Names({"hello": "Hello mail", "bye": "Farewell"}, {"vip": "VIP"}, {"offers": "Offers"})
LAST_RESORT = "The document says the same in another way"

OLD: dict[str, Any] = {
    "id": "j",
    "name": "Carts",
    "topic": "offers",
    "entry": {"on": {"event": "Product Added"}, "reentry": {"mode": "once"}},
    "goal": {"event": "Order Completed", "within": "7d"},
    "steps": [
        {"id": "cool-off", "name": "Cool-off", "type": "wait", "for": "1h"},
        {"id": "mail", "name": "First mail", "type": "send", "channel": "email",
         "template": "hello", "subject": "A",
         "variants": [{"id": "plain", "weight": 50},
                      {"id": "gift", "weight": 50, "set": {"discount": 5}}]},
        {"id": "tier", "name": "Tier", "type": "branch",
         "arms": [{"id": "gold", "label": "Gold", "if": {"trait": "tier", "eq": "gold"},
                   "then": [{"id": "thanks", "name": "Thanks", "type": "send",
                             "channel": "email", "template": "bye"}]}]},
        {"id": "last", "name": "Last", "type": "wait_for", "timeout": "2d",
         "events": [{"on": {"event": "Order Completed"}}]},
    ],
}  # fmt: skip


def told(change: Any) -> list[str]:
    new = copy.deepcopy(OLD)
    change(new)
    found = differences(
        Journey.model_validate(new), Journey.model_validate(OLD), names=NAMES, words=WORDS
    )
    return [one.text for one in found]


def step(document: dict[str, Any], n: int, **values: Any) -> None:
    document["steps"][n].update(values)


@pytest.mark.parametrize(
    ("change", "sentences"),
    [
        (lambda d: step(d, 1, subject="B"), ["First mail: subject was “A”, is “B”"]),
        (lambda d: step(d, 0, **{"for": "2h"}), ["Cool-off: waits 2 hours, was 1 hour"]),
        (
            lambda d: (d["steps"][0].pop("for"), step(d, 0, until={"time": "10:00"})),
            ["Cool-off: “Wait until 10:00” instead of “Wait 1 hour”"],
        ),
        (
            lambda d: step(d, 1, variants=[{"id": "plain", "weight": 40},
                                           {"id": "gift", "weight": 60, "set": {"discount": 7}}]),
            ["First mail: version plain: 40% instead of 50%",
             "First mail: version gift: 60% instead of 50%",
             "First mail: version gift: discount was 5, is 7"],
        ),
        (
            lambda d: d["steps"][1]["variants"].pop(),
            ["First mail: version gift is gone"],
        ),
        (
            lambda d: step(d, 1, template="bye"),
            ["First mail: template was “Hello mail”, is “Farewell”"],
        ),
        (
            lambda d: step(d, 1, channel=["push", "email"]),
            ["First mail: channel was Email, is Push, else Email"],
        ),
        (
            lambda d: step(d, 1, at={"window": "09:00-20:00"}),
            ["First mail: time of day was at any time, is between 09:00 and 20:00"],
        ),
        (lambda d: step(d, 1, preheader="P"), ["First mail: preview text is now “P”"]),
        (lambda d: d["steps"][1].pop("subject"), ["First mail: subject was “A”, is left out"]),
        (
            lambda d: d["steps"][2]["arms"][0].update({"if": {"segment": "vip"}}),
            ["Tier: way Gold: condition was tier is gold, is the customer is in “VIP”"],
        ),
        (
            lambda d: d["steps"].insert(2, d["steps"][2]["arms"][0]["then"].pop()),
            ["Step “Thanks” has moved: it comes after “First mail”"],
        ),
        (
            lambda d: d["steps"][2]["arms"][0]["then"].append(d["steps"].pop(0)),
            ["Step “Cool-off” has moved: it comes after “Thanks”, on the way “Gold” of “Tier”"],
        ),
        (
            lambda d: d["steps"].append(d["steps"].pop(0)),
            ["Step “Cool-off” has moved: it comes after “Last”"],
        ),
        (
            lambda d: d["steps"].insert(0, {"id": "x", "name": "New", "type": "wait", "for": "1h"}),
            ["Step “New” is new, at the beginning"],
        ),
        (lambda d: d["steps"].pop(0), ["Step “Cool-off” is gone"]),
        (
            lambda d: d["steps"].__setitem__(
                0, {"id": "cool-off", "name": "Cool-off", "type": "exit"}
            ),
            ["Cool-off: was Wait, is Exit"],
        ),
        (
            lambda d: d["steps"][3]["events"].append({"on": {"event": "Ping"}}),
            ["Last: waiting for “Ping” is new"],
        ),
        (lambda d: step(d, 3, timeout="3d"), ["Last: how long it waits was 2 days, is 3 days"]),
        (lambda d: step(d, 3, note="why"), ["Last: note is now “why”"]),
        (lambda d: step(d, 0, name="Rest"), ["Cool-off: name was “Cool-off”, is “Rest”"]),
        (
            lambda d: d["entry"].update({"if": {"reachable": "email"}}),
            ["Condition is now the customer can be reached by email"],
        ),
        (
            lambda d: d["entry"].update(reentry={"mode": "after_exit"}),
            ["Who comes back was Once in a lifetime, is Again after leaving"],
        ),
        (
            lambda d: d["entry"].update(on={"api": True}),
            ["What opens it was On “Product Added”, is When the shop's systems ask for it"],
        ),
        (lambda d: d["goal"].update(within="3d"), ["Goal: time for it was 7 days, is 3 days"]),
        (lambda d: d.pop("goal"), ["Goal was “Order Completed” within 7 days, is left out"]),
        (
            lambda d: d.update(exits=[{"on": {"event": "Order Completed"}}]),
            ["Leaving early on “Order Completed” is new"],
        ),
        (lambda d: d.update(holdout="5%"), ["Share held out was 0%, is 5%"]),
        (lambda d: d.update(priority=80), ["Priority was 50, is 80"]),
        (lambda d: d.update(topic="news"), ["Topic was “Offers”, is “news”"]),
        (lambda d: d.update(name="Baskets"), ["Name was “Carts”, is “Baskets”"]),
        (lambda d: d.update(note="n"), ["Note is now “n”"]),
        (lambda d: d.update(priority=50, exits=[]), []),
    ],
)  # fmt: skip
def test_a_difference_in_words(change: Any, sentences: list[str]) -> None:
    assert told(change) == sentences


def test_a_change_names_the_step_to_look_at() -> None:
    new = copy.deepcopy(OLD)
    step(new, 1, subject="B")
    new["steps"].pop(0)
    found = differences(
        Journey.model_validate(new), Journey.model_validate(OLD), names=NAMES, words=WORDS
    )
    assert [(one.icon, one.step) for one in found] == [("file-text", "mail"), ("minus", "cool-off")]


@pytest.mark.parametrize("seed", range(40))
def test_what_differs_is_said_and_what_does_not_is_not(seed: int) -> None:
    rng = Random(seed)
    old, other = journeys(seed, 2)
    for new in (other, *(_changed(rng, old) for _ in range(20))):
        texts = [one.text for one in differences(new, old, names=NAMES, words=WORDS)]
        assert bool(texts) == (content_hash(new) != content_hash(old)), new
        assert LAST_RESORT not in texts
    assert differences(old, old, names=NAMES, words=WORDS) == []


def _changed(rng: Random, journey: Journey) -> Journey:
    """Return the journey with one value or one place another."""
    while True:
        document = journey.document()
        _change(rng, document)
        try:
            return Journey.model_validate(document)
        except ValueError:
            continue


def _change(rng: Random, document: Any) -> None:
    """Change something at random: drop, put in other order, or replace by another journey's."""
    maker = JourneyMaker(rng, "other")
    maker.steps = 100
    spots = list(_spots(document))
    holder, key = rng.choice(spots)
    value = holder[key]
    if isinstance(holder, list) and len(holder) > 1 and rng.random() < 0.5:
        rng.shuffle(holder)
    elif isinstance(value, int) and not isinstance(value, bool):
        holder[key] = value + rng.randrange(1, 4)
    elif isinstance(value, str) and key not in {"id", "type"}:
        holder[key] = rng.choice([f"{value}x", "3h", "push", "defer", "event", value])
    elif isinstance(holder, list) and isinstance(value, dict) and "type" in value:
        holder[key] = maker.step(1)
    else:
        del holder[key]


def _spots(node: Any) -> Any:
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in list(items):
        yield node, key
        if isinstance(value, dict | list):
            yield from _spots(value)
