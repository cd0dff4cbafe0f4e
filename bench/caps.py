"""What a claim costs: five rules, fifty past messages a customer, all claims granted.

The transaction alone, as the sending activity calls it, without rendering and provider. CPU is
that of this process and of PostgreSQL. The same claims without any rule show what the rules cost.

    python bench/caps.py [--claims 2000] [--rounds 3] [--quick] [--json]
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from _stack import cpu_by_process, machine, report, spent
from sqlalchemy import insert, select, text

from engine.flow.claim import Claimed, Rendered, claim
from engine.flow.intake import Incoming, receive
from engine.flow.publish import publish, save_journey
from engine.model.actor import COMMAND_LINE
from engine.model.cap import Cap
from engine.model.journey import Journey
from engine.model.template import Template
from engine.store import documents, tables
from engine.store.migrate import upgrade
from engine.store.session import Database
from parcours.embedded.postgres import Postgres

TEMPLATE = {"id": "t", "name": "t", "channel": "email", "locales": {"en": {"body": "x"}}}
JOURNEY = {
    "id": "bench", "name": "Bench", "topic": "offers", "entry": {"on": {"event": "Go"}},
    "steps": [{"id": "mail", "type": "send", "channel": "email", "template": "t"}],
}  # fmt: skip
RULES = [
    {"id": "month", "limit": 60, "per": "30d"},
    {"id": "day", "limit": 3, "per": "day", "channels": ["email"]},
    {"id": "week", "limit": 14, "per": "7d", "keep": {"slots": 1, "above_priority": 60}},
    {"id": "offers", "limit": 60, "per": "month", "topics": ["offers"]},
    {"id": "hours", "limit": 2, "per": "4h"},
]
PAST = 50
THREADS = 4


class Bench:
    """A shop whose customers have each had fifty messages."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._made = 0

    def furnish(self) -> None:
        """Publish the journey."""
        template = Template.model_validate(TEMPLATE)
        self.database.transact(lambda c: documents.put_template(c, template))
        save_journey(self.database, Journey.model_validate(JOURNEY), actor=COMMAND_LINE)
        publish(self.database, "bench", actor=COMMAND_LINE)

    def rules(self, rules: list[dict[str, Any]]) -> None:
        """Let these rules hold, and no others."""
        self.database.transact(lambda c: c.execute(text("DELETE FROM cap")))
        for rule in rules:
            cap = Cap.model_validate(rule)
            self.database.transact(lambda c, cap=cap: documents.put_cap(c, cap))
        self.database.transact(documents.touch)

    def waiting(self, n: int) -> list[tuple[UUID, int, str]]:
        """Return run, revision and address of new customers, each with a past and a message."""
        users = [f"u{self._made + k}" for k in range(n)]
        self._made += n
        for start in range(0, n, 50):
            some = users[start : start + 50]
            receive(
                self.database, [_event(user, "identify", f"{user}@example.com") for user in some]
            )
            receive(self.database, [_event(user, "track") for user in some])
        self.database.transact(self._give_past)
        with self.database.read() as connection:
            run, customer = tables.run.c, tables.customer.c
            query = select(run.id, run.revision, customer.addresses["email"].astext)
            query = query.join(tables.customer, customer.id == run.customer_id)
            rows = connection.execute(query.where(run.ended_at.is_(None)))
            return [(row[0], row[1], row[2]) for row in rows]

    def _give_past(self, connection: Any) -> None:
        message = tables.message
        new = connection.execute(
            select(message.c.customer_id, message.c.run_id).where(message.c.state == "decided")
        ).all()
        now = datetime.now(UTC)
        rows = [
            {
                "id": uuid4(), "customer_id": row.customer_id, "run_id": row.run_id,
                "journey_id": "bench", "version": 1, "step": "past", "visit": n,
                "channel": "email" if n % 3 else "sms", "class": "marketing", "topic": "offers",
                "priority": 50, "template": "t", "state": "sent",
                "decided_at": now - timedelta(hours=14 * n + 5),
                "claimed_at": now - timedelta(hours=14 * n + 5),
            }
            for row in new
            for n in range(PAST)
        ]  # fmt: skip
        for start in range(0, len(rows), 2000):
            connection.execute(insert(message), rows[start : start + 2000])

    def claim(self, waiting: list[tuple[UUID, int, str]]) -> int:
        """Claim a message of each; return how many were granted."""
        with ThreadPoolExecutor(THREADS) as threads:
            return sum(threads.map(self._claim, waiting))

    def _claim(self, waits: tuple[UUID, int, str]) -> bool:
        run, revision, to = waits
        rendered = Rendered(to=to, subject="s", body="b")
        given, _ = claim(self.database, run, revision, rendered)
        return isinstance(given, Claimed)


def _event(user: str, kind: Any, email: str | None = None) -> Incoming:
    return Incoming(
        source="bench", message_id=uuid4().hex, kind=kind,
        name="Go" if kind == "track" else "Customer Identified", user_id=user,
        traits={"email": email} if email else {},
    )  # fmt: skip


def measure(claims: int, rounds: int) -> dict[str, Any]:
    """Measure claims with and without rules, in turn."""
    with (
        tempfile.TemporaryDirectory(prefix="parcours-bench-") as name,
        Postgres(Path(name)).running() as url,
    ):
        upgrade(url)
        database = Database(url, pool_size=THREADS)
        bench = Bench(database)
        bench.furnish()
        variants: dict[str, Callable[[], None]] = {
            "five_rules": lambda: bench.rules(RULES),
            "no_rule": lambda: bench.rules([]),
        }
        seen: dict[str, list[dict[str, float]]] = {variant: [] for variant in variants}
        for turn in range(-1, rounds):
            for variant, prepare in variants.items():
                prepare()
                runs = bench.waiting(claims if turn >= 0 else 200)
                before, started = cpu_by_process(), time.perf_counter()
                granted = bench.claim(runs)
                took = time.perf_counter() - started
                used = spent(before, cpu_by_process())
                bench.database.transact(
                    lambda c: c.execute(text("UPDATE run SET ended_at = now()"))
                )
                if turn < 0:
                    continue
                told = {
                    "claims_per_second": len(runs) / took,
                    "cpu_ms_per_claim": sum(used.values()) / len(runs) * 1000,
                    "python_ms": used.get("python", 0.0) / len(runs) * 1000,
                    "postgres_ms": used.get("postgres", 0.0) / len(runs) * 1000,
                    "granted_share": granted / len(runs),
                }
                seen[variant].append(told)
                print(
                    f"round {turn}: {variant}: {told['cpu_ms_per_claim']:.2f} ms", file=sys.stderr
                )
        database.close()
    figures: dict[str, Any] = {"machine": machine(), "claims": claims, "rounds": rounds}
    for variant, some in seen.items():
        figures[variant] = {
            key: round(statistics.median(one[key] for one in some), 2) for key in some[0]
        }
    return figures


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--claims", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="under a minute")
    parser.add_argument("--json", action="store_true", help="the figures as the last line")
    given = parser.parse_args()
    claims, rounds = (400, 1) if given.quick else (given.claims, given.rounds)
    report(measure(claims, rounds), as_json=given.json)


if __name__ == "__main__":
    main()
