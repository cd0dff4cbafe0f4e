"""How soon customers are in their segments, and their journeys under way, at a steady rate.

Starts the embedded set as `parcours up` does, with fifty live segments. Events come in one a call; a
few of a hundred let a customer into a segment on which a journey stands that sends at once. A call is
answered when the event is stored and she is in the segment; measured are that, and the time from just
before the call to the instant at which the journey has her run, and its message is recorded as sent.

    python bench/moving.py [--rate 100] [--seconds 60] [--share 3] [--quick] [--json]
"""

import argparse
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from _product import Client, product
from _stack import machine, report
from ingest import TEMPLATE
from segments import rules

JOURNEY = {
    "id": "bench", "name": "Bench", "topic": "offers", "entry": {"on": {"segment_entered": "fond"}},
    "steps": [{"id": "mail", "type": "send", "channel": "email", "template": "hello"}],
}  # fmt: skip
FOND = {"event": "Product Added", "where": {"property": "price", "gte": 100}}
CONNECTIONS = 12


def furnish(admin: Client) -> None:
    """Bring fifty segments, of which forty are about what is bought or looked at, and a journey."""
    some = dict(list(rules(25).items())[:49])
    for name, rule in {**some, "fond": FOND}.items():
        admin.call("PUT", f"/v1/segments/{name}", {"id": name, "name": name, "rule": rule})
    admin.call("PUT", "/v1/templates/hello", TEMPLATE)
    admin.call("PUT", "/v1/journeys/bench", JOURNEY)
    admin.call("POST", "/v1/journeys/bench/publish")
    give_up = time.monotonic() + 120
    while any(
        one["state"] != "ready" for one in admin.call("GET", "/v1/segments?limit=100")["items"]
    ):
        if time.monotonic() > give_up:
            raise SystemExit("the segments were not built")
        time.sleep(0.5)


def people(client: Client, n: int) -> None:
    """Bring customers, with addresses."""
    some = [
        {"type": "identify", "userId": f"p{i}", "messageId": f"i{i}",
         "traits": {"email": f"p{i}@example.com", "first_name": f"P{i}", "tier": "gold"}}
        for i in range(n)
    ]  # fmt: skip
    for start in range(0, n, 100):
        client.call("POST", "/v1/batch", {"batch": some[start : start + 100]})


def events(rate: float, seconds: float, share: int) -> list[dict[str, Any]]:
    """Return what is sent: each hundred events have `share` that open a journey."""
    every = 100 // share
    made: list[dict[str, Any]] = []
    for n in range(int(rate * seconds)):
        if n % every == every - 1:
            what = {"userId": f"p{n}", "event": "Product Added", "properties": {"price": 120}}
        elif n % 5 == 0:
            what = {"userId": f"p{n * 7 % 3000}", "event": "Order Completed",
                    "properties": {"total": 10 + n % 90}}  # fmt: skip
        else:
            what = {"userId": f"p{n * 11 % 3000}", "event": "Product Viewed",
                    "properties": {"price": n % 90}}  # fmt: skip
        made.append({**what, "messageId": f"g{n}"})
    return made


def send(port: int, key: str, some: list[dict[str, Any]], rate: float) -> list[tuple[float, float]]:
    """Send at the rate; return for each event when it was called, and when it was answered."""
    begin = time.time() + 0.5

    def part(which: int) -> list[tuple[int, float, float]]:
        client, told = Client(port, key, source=True), []
        for n in range(which, len(some), CONNECTIONS):
            time.sleep(max(0.0, begin + n / rate - time.time()))
            # What waited for its connection has been waiting, too.
            called = begin + n / rate
            client.call("POST", "/v1/track", some[n])
            told.append((n, called, time.time()))
        return told

    with ThreadPoolExecutor(CONNECTIONS) as threads:
        found = sorted(one for told in threads.map(part, range(CONNECTIONS)) for one in told)
    return [(called, answered) for _, called, answered in found]


def measure(rate: float, seconds: float, share: int) -> dict[str, Any]:
    """Measure on one product."""
    some = events(rate, seconds, share)
    with product() as it:
        admin = Client(it.port, it.key)
        people(Client(it.port, it.source, source=True), max(3000, len(some)))
        furnish(admin)
        send(it.port, it.source, [{**e, "messageId": f"w{n}", "event": "Warm"} for n, e in
                                  enumerate(some[:300])], rate)  # fmt: skip
        times = send(it.port, it.source, some, rate)
        opened = {f"{e['userId']}@example.com": called for e, (called, _) in
                  zip(some, times, strict=True) if e["event"] == "Product Added"}  # fmt: skip
        give_up, sent = time.monotonic() + 60, {}
        while len(sent) < len(opened) and time.monotonic() < give_up:
            time.sleep(1)
            sent = messages(admin)
    if missing := opened.keys() - sent.keys():
        raise SystemExit(f"{len(missing)} of {len(opened)} customers got no message")
    return {
        "machine": machine(),
        "rate": rate,
        "events": len(some),
        "journeys": len(opened),
        **spread("event_to_membership", [answered - called for called, answered in times]),
        **spread("event_to_run", [sent[to][0] - at for to, at in opened.items()]),
        **spread("event_to_message", [sent[to][1] - at for to, at in opened.items()]),
    }


def messages(admin: Client) -> dict[str, tuple[float, float]]:
    """Return when each address's message was decided, as its run began, and when it was sent."""
    found: dict[str, tuple[float, float]] = {}
    cursor = ""
    while True:
        page = admin.call("GET", f"/v1/messages?journey=bench&result=sent&limit=1000{cursor}")
        for item in page["items"]:
            instants = (item["decided_at"], item["sent_at"])
            decided, sent = (datetime.fromisoformat(at).timestamp() for at in instants)
            found[item["to"]] = decided, sent
        if not page["next"]:
            return found
        cursor = f"&cursor={page['next']}"


def spread(name: str, seconds: list[float]) -> dict[str, float]:
    """Return the median and the 99th percentile, in milliseconds."""
    told = sorted(seconds)
    return {
        f"{name}_p50_ms": round(statistics.median(told) * 1000, 1),
        f"{name}_p99_ms": round(told[int(len(told) * 0.99) - 1] * 1000, 1),
    }


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=100)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--share", type=int, default=3, help="of a hundred events open a journey")
    parser.add_argument("--quick", action="store_true", help="under a minute")
    parser.add_argument("--json", action="store_true", help="the figures as the last line")
    given = parser.parse_args()
    seconds = 10 if given.quick else given.seconds
    report(measure(given.rate, seconds, given.share), as_json=given.json)


if __name__ == "__main__":
    main()
