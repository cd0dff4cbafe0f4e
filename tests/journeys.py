"""Random journeys, customers and events, from a seed."""

from random import Random
from typing import Any

from engine.model.journey import Journey

EVENTS = ("Product Viewed", "Product Added", "Checkout Started", "Order Completed", "Ping")
TIERS = ("gold", "silver")
SEGMENTS = {
    "vip": {
        "any": [{"trait": "tier", "eq": "gold"}, {"event": "Order Completed", "count": {"gte": 2}}]
    },
    "busy": {"event": "Ping", "count": {"gte": 2}, "within": "2d"},
}


class JourneyMaker:
    """Makes journeys that `check` accepts; `waits` are short enough to be walked through."""

    def __init__(self, rng: Random, id: str, *, updates: bool = True) -> None:
        self.rng = rng
        self.updates = updates
        self.id = id
        self.steps = 0
        self.sends: list[str] = []

    def journey(self) -> Journey:
        rng = self.rng
        mode = rng.choice(["once", "after_exit", "after_exit", "per_key"])
        reentry: dict[str, Any] = {"mode": mode}
        if mode == "per_key":
            reentry["key"] = "key"
        if rng.random() < 0.3:
            reentry["cooldown"] = rng.choice(["1h", "2d"])
        entry: dict[str, Any] = {"on": {"event": rng.choice(EVENTS[:3])}, "reentry": reentry}
        if rng.random() < 0.4:
            entry["if"] = self.condition(2, steps=False)
        document: dict[str, Any] = {
            "id": self.id, "name": self.id, "priority": rng.randrange(101), "entry": entry,
            "topic": rng.choice(["offers", "news"]),
            "goal": {"event": "Order Completed", "within": rng.choice(["1h", "7d"]), "revenue": "total"},
            "holdout": rng.choice(["0%", "0%", "20%"]),
        }  # fmt: skip
        if rng.random() < 0.5:
            on = {"event": rng.choice(["Order Completed", "Ping"])}
            if rng.random() < 0.5:
                on["where"] = self.where()
            document["exits"] = [{"on": on, "reason": "left"}]
        document["steps"] = [self.send(), *self.several(rng.randrange(2, 6), 2)]
        return Journey.model_validate(document)

    def several(self, n: int, depth: int) -> list[dict[str, Any]]:
        steps = [self.step(depth) for _ in range(n)]
        end = next((at for at, step in enumerate(steps) if _ends([step])), n)
        steps = steps[: end + 1]
        if end == n and self.rng.random() < 0.15:
            steps.append({"id": self.name(), "type": "exit", "reason": "done"})
        return steps

    def name(self) -> str:
        self.steps += 1
        return f"s{self.steps}"

    def step(self, depth: int) -> dict[str, Any]:
        kinds = ["send", "send", "wait", "wait_for", "webhook", *(["update"] * self.updates)]
        if depth:
            kinds += ["branch", "split", "wait_for", "repeat"]
        return getattr(self, self.rng.choice(kinds))(depth)

    def send(self, _depth: int = 0) -> dict[str, Any]:
        rng = self.rng
        step: dict[str, Any] = {"id": self.name(), "type": "send", "template": "hello"}
        step["channel"] = rng.choice(["email", "email", ["push", "sms"], ["email", "sms"]])
        if "email" not in step["channel"]:
            step["template"] = "short"
        if rng.random() < 0.2:
            step["class"] = "transactional"
        if rng.random() < 0.3:
            step["variants"] = [{"id": "a", "weight": 30}, {"id": "b", "weight": 70}]
        if rng.random() < 0.3:
            step["on_full"] = rng.choice(["defer", "skip"])
        self.sends.append(step["id"])
        return step

    def wait(self, _depth: int) -> dict[str, Any]:
        rng = self.rng
        step: dict[str, Any] = {"id": self.name(), "type": "wait"}
        kind = rng.randrange(4)
        if kind == 0:
            step["for"] = rng.choice(["10m", "1h", "2d"])
        elif kind == 1:
            step["until"] = {"time": "10:00", "days": ["mon", "wed"]}
        elif kind == 2:
            step["until"] = {
                "trait": "birth_date",
                "offset": "-7d",
                "time": "09:00",
                "yearly": True,
            }
        else:
            step["until"] = {"property": "due", "offset": "1h"}
        return step

    def wait_for(self, depth: int) -> dict[str, Any]:
        rng = self.rng
        step: dict[str, Any] = {
            "id": self.name(),
            "type": "wait_for",
            "timeout": rng.choice(["1h", "3d"]),
        }
        if self.sends and rng.random() < 0.6:
            step["since"] = self.sends[-1] if rng.random() < 0.8 else self.sends[0]
        if step.get("since") not in self.sends:
            step.pop("since", None)
        events = []
        for name in rng.sample(EVENTS, rng.randrange(1, 3)):
            on: dict[str, Any] = {"event": name}
            if rng.random() < 0.4:
                on["where"] = self.where()
            events.append({"on": on, "then": self.inner(depth)})
        step["events"] = events
        step["else"] = self.inner(depth)
        return step

    def webhook(self, depth: int) -> dict[str, Any]:
        step: dict[str, Any] = {
            "id": self.name(), "type": "webhook", "url": "https://crm.example.com/{{ customer.id }}",
            "body": {"key": "{{ event.key }}"}, "keep": {"points": "data.points"},
            "retry_for": self.rng.choice(["0s", "1d"]),
        }  # fmt: skip
        if self.rng.random() < 0.5:
            step["on_error"] = self.inner(depth)
        return step

    def update(self, _depth: int) -> dict[str, Any]:
        step: dict[str, Any] = {"id": self.name(), "type": "update"}
        step["set"] = {"tier": self.rng.choice([*TIERS, None]), "last": {"property": "key"}}
        if self.rng.random() < 0.3:
            step[self.rng.choice(["subscribe", "unsubscribe"])] = ["news"]
        return step

    def repeat(self, depth: int) -> dict[str, Any]:
        step: dict[str, Any] = {"id": self.name(), "type": "repeat"}
        step["times"] = self.rng.randrange(1, 4)
        step["steps"] = [{"id": self.name(), "type": "wait", "for": "10m"}]
        before = list(self.sends)
        if self.rng.random() < 0.5:
            step["steps"].append(self.send())
        step["steps"] += self.inner(depth)
        self.sends = before
        if self.rng.random() < 0.5:
            step["until"] = self.condition(2)
        return step

    def inner(self, depth: int) -> list[dict[str, Any]]:
        if not depth:
            return []
        before = list(self.sends)
        steps = self.several(self.rng.randrange(3), depth - 1)
        self.sends = before  # a step of one arm is no step before those of another
        return [step for step in steps if step["type"] != "exit" or step is steps[-1]]

    def branch(self, depth: int) -> dict[str, Any]:
        step: dict[str, Any] = {"id": self.name(), "type": "branch"}
        step["arms"] = [
            {"id": f"arm{n}", "if": self.condition(2), "then": self.inner(depth)}
            for n in range(self.rng.randrange(1, 3))
        ]
        step["else"] = []
        return step

    def split(self, depth: int) -> dict[str, Any]:
        return {
            "id": self.name(), "type": "split",
            "arms": [{"id": "x", "weight": 40, "then": self.inner(depth)},
                     {"id": "y", "weight": 60, "then": []}],
        }  # fmt: skip

    def where(self) -> dict[str, Any]:
        return self.rng.choice([
            {"property": "total", "gte": 50}, {"property": "total", "lt": 50},
            {"property": "key", "in": ["a", "b"]}, {"not": {"property": "key", "eq": "a"}},
        ])  # fmt: skip

    def condition(self, depth: int, *, steps: bool = True) -> dict[str, Any]:
        rng = self.rng
        kind = rng.randrange(10 if depth else 7)
        if kind == 0:
            return {
                "trait": "tier",
                **rng.choice([{"eq": "gold"}, {"ne": "gold"}, {"exists": True}]),
            }
        if kind == 1:
            return {
                "event": rng.choice(EVENTS),
                "count": {"gte": rng.randrange(1, 4)},
                "within": "1d",
            }
        if kind == 2:
            return {"event": rng.choice(EVENTS), "where": self.where()}
        if kind == 3:
            return {"reachable": rng.choice(["email", "sms", "push"])}
        if kind == 4 and steps and self.sends:
            return {"step": rng.choice(self.sends), "is": rng.choice(["sent", "skipped"])}
        if kind == 5:
            channel = rng.choice([{}, {"channel": "email"}, {"channel": "push"}])
            return {"subscribed": rng.choice(["offers", "news"]), **channel}
        if kind in {4, 6}:
            return {"segment": rng.choice(sorted(SEGMENTS))}
        inner = [self.condition(depth - 1, steps=steps) for _ in range(rng.randrange(1, 3))]
        return {"not": inner[0]} if kind == 7 else {"all" if kind == 8 else "any": inner}


def _ends(steps: list[dict[str, Any]]) -> bool:
    """Whether nobody gets beyond these steps."""
    if not steps:
        return False
    last = steps[-1]
    ways = [way.get("then", []) for way in last.get("arms", last.get("events", []))]
    if last["type"] in {"branch", "wait_for"}:
        ways.append(last.get("else", []))
    if last["type"] == "repeat" and "until" not in last:
        ways.append(last["steps"])
    return last["type"] == "exit" or (bool(ways) and all(_ends(way) for way in ways))


def journeys(seed: int, n: int, *, updates: bool = True) -> list[Journey]:
    """Return journeys that depend on the seed alone; without `updates` they change no customer."""
    rng = Random(seed)
    return [JourneyMaker(rng, f"j{index}", updates=updates).journey() for index in range(n)]


def traits(rng: Random) -> dict[str, Any]:
    """Return what an identify call may tell."""
    told: dict[str, Any] = {"tier": rng.choice([*TIERS, None]), "birth_date": "1990-02-28"}
    if rng.random() < 0.8:
        told["email"] = f"c{rng.randrange(10**6)}@example.com"
    if rng.random() < 0.5:
        told["phone"] = "+41790000000"
    return told


def properties(rng: Random) -> dict[str, Any]:
    """Return the properties of an event."""
    return {"total": rng.randrange(100), "key": rng.choice("abc"), "due": "2027-03-28T02:30:00"}
