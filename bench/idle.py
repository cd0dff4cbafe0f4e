"""What the embedded set costs while it waits: CPU and memory with many runs waiting.

python bench/idle.py [--runs 1000] [--seconds 60] [--quick] [--json]
"""

import argparse
import time
from typing import Any

import psutil
from _product import Client, Product, product
from _stack import machine, report

JOURNEY = {
    "id": "patient", "name": "Patient", "topic": "offers", "entry": {"on": {"event": "Go"}},
    "steps": [
        {"id": "wait", "type": "wait_for", "timeout": "30d", "events": [{"on": {"event": "Come"}}]}
    ],
}  # fmt: skip
BATCH = 100
REST = 45
"""Seconds until Temporal has started every workflow, and nothing is left to do."""


def wait_there(it: Product, runs: int) -> None:
    """Bring so many customers to the waiting step, and Temporal to know of each."""
    admin, client = Client(it.port, it.key), Client(it.port, it.source, source=True)
    admin.call("PUT", "/v1/journeys/patient", JOURNEY)
    admin.call("POST", "/v1/journeys/patient/publish")
    for start in range(0, runs, BATCH):
        events = [
            {
                "type": "track",
                "userId": f"u{start + n}",
                "event": "Go",
                "messageId": f"g{start + n}",
            }
            for n in range(BATCH)
        ]
        client.call("POST", "/v1/batch", {"batch": events})
    while True:
        counters = admin.call("GET", "/v1/journeys/patient/counters")
        if counters["active"] >= runs:
            return
        time.sleep(0.5)


def processes(it: Product) -> list[psutil.Process]:
    """Return the supervisor and everything that it started."""
    supervisor = psutil.Process(it.pid)
    return [supervisor, *supervisor.children(recursive=True)]


def cpu(it: Product) -> dict[str, float]:
    """Return CPU seconds so far, by program."""
    used: dict[str, float] = {}
    for process in processes(it):
        times = process.cpu_times()
        name = process.name()
        used[name] = used.get(name, 0) + times.user + times.system
    return used


def memory(it: Product) -> float:
    """Return MiB of memory, what processes share counted once (proportional set size)."""
    return sum(process.memory_full_info().pss for process in processes(it)) / 2**20


def measure(runs: int, seconds: float) -> dict[str, Any]:
    """Measure after the set has come to rest."""
    with product() as it:
        wait_there(it, runs)
        time.sleep(REST)
        before = cpu(it)
        time.sleep(seconds)
        used = {name: after - before.get(name, 0) for name, after in cpu(it).items()}
        return {
            "machine": machine(),
            "runs_waiting": runs,
            "seconds": seconds,
            "cpu_percent_of_one_core": round(sum(used.values()) / seconds * 100, 2),
            "cpu_percent_by_program": {
                name: round(value / seconds * 100, 2) for name, value in used.items() if value
            },
            "memory_mib": round(memory(it)),
            "resident_mib": round(sum(p.memory_info().rss for p in processes(it)) / 2**20),
        }


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--quick", action="store_true", help="about a minute")
    parser.add_argument("--json", action="store_true", help="the figures as the last line")
    given = parser.parse_args()
    runs, seconds = (200, 15) if given.quick else (given.runs, given.seconds)
    report(measure(runs, seconds), as_json=given.json)


if __name__ == "__main__":
    main()
