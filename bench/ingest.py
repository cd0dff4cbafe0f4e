"""Events per second through the HTTP interface, and how long an event takes to a message.

Starts the embedded set as `parcours up` does and speaks to it over HTTP. First batches of 100
events, then single calls on 16 connections, both of events that start nothing; then, at a steady
rate, events that each open a journey which sends at once: from just before the call to the
instant at which the message is recorded as sent.

    python bench/ingest.py [--events 20000] [--rate 20] [--seconds 30] [--quick] [--json]
"""

import argparse
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from _product import Client, product
from _stack import machine, report

JOURNEY = {
    "id": "bench", "name": "Bench", "topic": "offers", "entry": {"on": {"event": "Go"}},
    "steps": [{"id": "mail", "type": "send", "channel": "email", "template": "hello"}],
}  # fmt: skip
TEMPLATE = {
    "id": "hello", "name": "Hello", "channel": "email",
    "locales": {"en": {"subject": "Hello", "body": "<p>Hello {{ customer.first_name }}</p>"}},
}  # fmt: skip
CONNECTIONS = 16
BATCH = 100


def _event(n: int) -> dict[str, Any]:
    return {
        "type": "track", "userId": f"u{n % 5000}", "messageId": f"m-{time.time_ns()}-{n}",
        "event": "Product Viewed", "properties": {"sku": f"s{n % 97}", "price": 10 + n % 50},
    }  # fmt: skip


def batches(port: int, key: str, events: int) -> float:
    """Return events per second in batches of 100, on two connections."""

    def send(part: int) -> None:
        client = Client(port, key, source=True)
        for start in range(part * BATCH, events, 2 * BATCH):
            client.call("POST", "/v1/batch", {"batch": [_event(start + n) for n in range(BATCH)]})

    return _per_second(send, 2, events)


def singles(port: int, key: str, events: int) -> float:
    """Return events per second, one a call, on 16 connections."""

    def send(part: int) -> None:
        client = Client(port, key, source=True)
        for n in range(part, events, CONNECTIONS):
            client.call("POST", "/v1/track", _event(n))

    return _per_second(send, CONNECTIONS, events)


def _per_second(send: Any, parts: int, events: int) -> float:
    with ThreadPoolExecutor(parts) as threads:
        started = time.perf_counter()
        list(threads.map(send, range(parts)))
        return events / (time.perf_counter() - started)


def to_message(port: int, source: str, key: str, rate: float, seconds: float) -> list[float]:
    """Return the milliseconds from each event to its message, at a steady rate."""
    client, admin = Client(port, source, source=True), Client(port, key)
    n = int(rate * seconds)
    people = [
        {"type": "identify", "userId": f"p{i}", "messageId": f"i{i}",
         "traits": {"email": f"p{i}@example.com", "first_name": f"P{i}"}}
        for i in range(n)
    ]  # fmt: skip
    for start in range(0, n, BATCH):
        client.call("POST", "/v1/batch", {"batch": people[start : start + BATCH]})
    called: dict[str, float] = {}
    begin = time.time()
    for i in range(n):
        time.sleep(max(0, begin + i / rate - time.time()))
        called[f"p{i}@example.com"] = time.time()
        client.call("POST", "/v1/track", {"userId": f"p{i}", "event": "Go", "messageId": f"g{i}"})
    sent: dict[str, float] = {}
    give_up = time.monotonic() + 60
    while len(sent) < n and time.monotonic() < give_up:
        time.sleep(1)
        sent = dict(_sent(admin))
    if len(sent) < n:
        raise SystemExit(f"only {len(sent)} of {n} messages were sent")
    return [(sent[to] - at) * 1000 for to, at in called.items()]


def _sent(admin: Client) -> Iterator[tuple[str, float]]:
    cursor = ""
    while True:
        page = admin.call("GET", f"/v1/messages?journey=bench&result=sent&limit=1000{cursor}")
        for item in page["items"]:
            yield item["to"], datetime.fromisoformat(item["sent_at"]).timestamp()
        if not page["next"]:
            return
        cursor = f"&cursor={page['next']}"


def measure(events: int, rate: float, seconds: float) -> dict[str, Any]:
    """Measure all three on one product."""
    with product() as it:
        port, source, key = it.port, it.source, it.key
        admin = Client(port, key)
        admin.call("PUT", "/v1/templates/hello", TEMPLATE)
        admin.call("PUT", "/v1/journeys/bench", JOURNEY)
        admin.call("POST", "/v1/journeys/bench/publish")
        batches(port, source, 1000)  # a warm-up, which also makes customers
        batch = batches(port, source, events)
        single = singles(port, source, events // 4)
        took = sorted(to_message(port, source, key, rate, seconds))
    return {
        "machine": machine(),
        "events": events,
        "batch_events_per_second": round(batch),
        "track_events_per_second": round(single),
        "steady_rate": rate,
        "event_to_message_p50_ms": round(statistics.median(took), 1),
        "event_to_message_p99_ms": round(took[int(len(took) * 0.99) - 1], 1),
    }


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--rate", type=float, default=20)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--quick", action="store_true", help="under a minute")
    parser.add_argument("--json", action="store_true", help="the figures as the last line")
    given = parser.parse_args()
    if given.quick:
        figures = measure(4000, given.rate, 10)
    else:
        figures = measure(given.events, given.rate, given.seconds)
    report(figures, as_json=given.json)


if __name__ == "__main__":
    main()
