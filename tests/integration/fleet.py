"""Processes that play web, workflows and workers on one database, at random; run as a script.

Time is the customer's: when a run waits, a player may let the instant come. A player dies at
random between a claim and its record, so leases end and outcomes stay unknown.
"""

import sys
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text

from engine.flow import claim as claims
from engine.flow.advance import advance
from engine.flow.call import Result, prepare_call, put_off, returned
from engine.flow.claim import Busy, Claimed, Rendered, claim
from engine.flow.intake import Incoming, receive
from engine.flow.prepare import prepare
from engine.flow.record import Outcome, record, settle_expired
from engine.names import Answer
from engine.store.session import Database
from tests import journeys as made

LEASE = timedelta(seconds=0.15)
OUTCOMES = ("sent", "sent", "sent", "sent", "refused", "released", "unknown", "died")


@dataclass
class Player:
    """One process's random deeds."""

    database: Database
    rng: Random
    customers: int
    claimed: int = 0

    def deed(self) -> None:
        """Do one thing."""
        if self.rng.random() < 0.3:
            self.send_events()
        else:
            self.play_run()

    def send_events(self) -> None:
        some = []
        for _ in range(self.rng.choice([1, 1, 1, 3])):
            user = f"u{self.rng.randrange(self.customers)}"
            if self.rng.random() < 0.15:
                name, kind, traits = "Customer Identified", "identify", made.traits(self.rng)
            else:
                name, kind, traits = self.rng.choice(made.EVENTS), "track", {}
            some.append(
                Incoming(
                    source="fleet", message_id=uuid4().hex, kind=kind, name=name, user_id=user,  # type: ignore[arg-type]
                    properties=made.properties(self.rng), traits=traits,
                )
            )  # fmt: skip
        receive(self.database, some)

    def play_run(self) -> None:
        with self.database.read() as connection:
            rows = connection.execute(
                text(
                    "SELECT r.id, r.customer_id, revision, command, lease_until FROM run r "
                    "JOIN identity i ON i.customer_id = r.customer_id "
                    "WHERE i.value = :user AND ended_at IS NULL"
                ),
                {"user": f"u{self.rng.randrange(self.customers)}"},
            ).all()
        for row in self.rng.sample(rows, min(2, len(rows))):
            kind = row.command["kind"]
            if row.lease_until is not None and self.rng.random() < 0.5:
                settle_expired(self.database, row.id)
            elif kind == "deliver":
                not_before = row.command["not_before"]
                if not_before is not None and self.rng.random() < 0.7:
                    self.let_pass(row.customer_id, datetime.fromisoformat(not_before))
                self.deliver(row.id, row.revision)
            elif kind == "call":
                self.call(row.id, row.revision)
            elif kind == "wait":
                # Now and then too late, for a command that was replaced meanwhile.
                old = self.rng.random() < 0.1
                advance(self.database, row.id, row.revision - old, "time_reached")

    def let_pass(self, customer: UUID, until: datetime) -> None:
        """Let the customer's clock reach an instant."""
        self.database.transact(
            lambda connection: connection.execute(
                text("UPDATE customer SET last_at = greatest(last_at, :at) WHERE id = :id"),
                {"at": until, "id": customer},
            )
        )

    def call(self, run: UUID, revision: int) -> None:
        outgoing = prepare_call(self.database, run, revision)
        if isinstance(outgoing, Answer):
            return
        if self.rng.random() < 0.3:
            time.sleep(self.rng.random() * 0.02)
        what = self.rng.choice(["done", "done", "failed", "died", "again"])
        if what == "again":
            put_off(self.database, run, revision, 1)
        elif what != "died":
            kept = {"points": 7} if what == "done" else {}
            result = Result(outcome=what, status=200, kept=kept)  # type: ignore[arg-type]
            returned(self.database, run, outgoing, result)
            if self.rng.random() < 0.1:  # a second attempt was under way too
                returned(self.database, run, outgoing, result)

    def deliver(self, run: UUID, revision: int) -> None:
        draft = prepare(self.database, run, revision)
        if isinstance(draft, Answer):
            return
        rendered = Rendered(to=draft.to, subject="s", body="b")
        given, _ = claim(self.database, run, revision, rendered)
        if isinstance(given, Busy):
            time.sleep(min(given.seconds, LEASE.total_seconds()) * self.rng.random())
        if not isinstance(given, Claimed):
            return
        self.claimed += 1
        if self.rng.random() < 0.3:
            time.sleep(self.rng.random() * 0.02)
        what: Any = self.rng.choice(OUTCOMES)
        if what == "died":
            if self.rng.random() < 0.5:
                time.sleep(LEASE.total_seconds() * 1.1)  # late, after the lease
                what = "sent"
            else:
                return
        outcome = Outcome(what=what, provider="test", provider_id="1", reason=what)
        record(self.database, run, given.message, given.token, outcome)


def main(url: str, seed: int, customers: int, wanted: int) -> None:
    """Play until so many messages were claimed."""
    claims.LEASE = LEASE
    database = Database(url, pool_size=2)
    player = Player(database, Random(seed), customers)
    while player.claimed < wanted:
        player.deed()
    database.close()


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]))
