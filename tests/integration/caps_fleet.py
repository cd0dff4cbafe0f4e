"""A process that enters, claims and records at random on one database; run as a script.

Time is the customer's: a player may let the instant come for which a message waits. Whoever
started it kills it whenever he likes.
"""

import sys
import time
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text

from engine.flow import claim as claims
from engine.flow import settle
from engine.flow.claim import Ask, Busy, Claimed, Rendered, claim
from engine.flow.intake import Incoming, receive
from engine.flow.prepare import prepare
from engine.flow.record import (
    Outcome,
    record,
    record_found,
    record_not_found,
    settle_expired,
)
from engine.names import Answer
from engine.store.session import Database

LEASE = timedelta(seconds=0.2)
JOURNEYS = 20
OUTCOMES = ("sent", "sent", "sent", "sent", "sent", "refused", "released", "throttled", "unknown",
            "died")  # fmt: skip

_OPEN = text("""
SELECT r.id, r.customer_id, r.revision, r.command, r.lease_until FROM run r
JOIN identity i ON i.customer_id = r.customer_id
WHERE i.namespace = 'external_id' AND i.value = :user AND r.ended_at IS NULL
""")


class Player:
    """Does one random thing after the other."""

    def __init__(self, database: Database, rng: Random, customers: int) -> None:
        self.database, self.rng, self.customers = database, rng, customers

    def deed(self) -> None:
        """Do one thing."""
        user = f"u{self.rng.randrange(self.customers)}"
        open_runs = self.open_runs(user)
        if len(open_runs) < 8 and self.rng.random() < 0.5:
            self.enter(user)
        elif self.rng.random() < 0.02:
            self.track(user, f"Stop {self.rng.randrange(JOURNEYS)}")
        for row in self.rng.sample(open_runs, min(3, len(open_runs))):
            self.play(row)

    def open_runs(self, user: str) -> list[Any]:
        """Return a customer's open runs."""
        with self.database.read() as connection:
            return list(connection.execute(_OPEN, {"user": user}).all())

    def enter(self, user: str) -> None:
        """Let her enter up to three journeys."""
        for number in self.rng.sample(range(JOURNEYS), self.rng.choice([1, 2, 3])):
            self.track(user, f"Go {number}")

    def track(self, user: str, name: str) -> None:
        """Take in an event."""
        event = Incoming(
            source="fleet", message_id=uuid4().hex, kind="track", name=name, user_id=user,
            properties={"n": uuid4().hex},
        )  # fmt: skip
        receive(self.database, [event])

    def play(self, row: Any, *, patient: bool = False) -> None:
        """Carry on a run, letting time pass when `patient`, else now and then."""
        if row.lease_until is not None and self.rng.random() < 0.3:
            settle_expired(self.database, row.id)
        elif row.command["kind"] == "deliver":
            not_before = row.command["not_before"]
            if not_before is not None:
                if not patient and self.rng.random() < 0.4:
                    return
                self.let_pass(row.customer_id, datetime.fromisoformat(not_before))
            self.deliver(row.id, row.revision)

    def let_pass(self, customer: UUID, until: datetime) -> None:
        """Let the customer's clock reach an instant."""
        statement = text("UPDATE customer SET last_at = greatest(last_at, :at) WHERE id = :id")
        self.database.transact(
            lambda connection: connection.execute(statement, {"at": until, "id": customer})
        )

    def deliver(self, run: UUID, revision: int) -> None:
        """Render, claim, record as the activity does."""
        draft = prepare(self.database, run, revision)
        if isinstance(draft, Answer):
            return
        settling = self.rng.choice(["class", "class", "repeat", "ask"])
        rendered = Rendered(to=draft.to, subject="s", body="b", settling=settling)
        given, _ = claim(self.database, run, revision, rendered)
        match given:
            case Busy(seconds=seconds):
                time.sleep(min(seconds, 0.02))
            case Ask(message=message):
                if self.rng.random() < 0.5:
                    record_found(self.database, run, message, "test", provider_id="1")
                else:
                    record_not_found(self.database, run, message)
            case Claimed():
                self.record(run, given)
            case _:
                pass

    def record(self, run: UUID, claimed: Claimed) -> None:
        """Record what came of it, too late now and then, or not at all."""
        what: Any = self.rng.choice(OUTCOMES)
        retry_after = None
        if what == "died":
            if self.rng.random() < 0.5:
                return
            time.sleep(LEASE.total_seconds() * 1.1)
            what = "sent"
        if what == "throttled":
            what, retry_after = "released", 600.0
        outcome = Outcome(
            what=what, provider="test", provider_id="1", reason=what, retry_after=retry_after
        )
        record(self.database, run, claimed.message, claimed.token, outcome)


def main(url: str, seed: int, customers: int, seconds: float) -> None:
    """Play for so long, unless killed before."""
    claims.LEASE = LEASE
    settle.ASKED_FOR = timedelta(seconds=0.5)
    settle.ASK_AFTER = timedelta(seconds=0.01)
    database = Database(url, pool_size=1)
    player = Player(database, Random(seed), customers)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        player.deed()
    database.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
