"""Unsubscribes and claims at the same instant: none is granted once the answer was given.

`PARCOURS_TEST_CLAIMS=10000` makes it that many trials.
"""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from engine.flow.claim import Claimed, Rendered, claim
from engine.flow.consent import Proof, say
from engine.flow.intake import Incoming, receive
from engine.store import tables
from engine.store.session import Database
from tests.integration.test_claim import Story

TRIALS = int(os.environ.get("PARCOURS_TEST_CLAIMS", "120"))
TOGETHER = 4
AT_ONCE = 500

_TO_SEND = text("""
SELECT run.id, run.revision, run.customer_id, identity.value AS name
FROM run JOIN identity USING (customer_id)
WHERE identity.namespace = 'external_id' AND identity.value LIKE :batch
""")
_GRANTED_AFTER = text("""
SELECT count(*) FROM message_transition t JOIN consent c USING (customer_id)
WHERE t.to = 'claimed' AND c.state = 'unsubscribed' AND t.at > c.at
""")


@dataclass(frozen=True)
class Trial:
    """What happened to one customer: was a claim granted, and what was named as under way."""

    granted: UUID | None
    granted_after: bool
    under_way: list[UUID]


def customers(story: Story, batch: int, size: int) -> list[Any]:
    """Let so many customers reach their message; return their runs."""
    for n in range(size):
        name = f"{batch}-{n}"
        told: dict[str, Any] = {"source": "t", "user_id": name}
        known = {"email": f"{name}@example.com"}
        receive(story.database, [
            Incoming(**told, message_id=f"{name}i", kind="identify", name="I", traits=known),
            Incoming(**told, message_id=f"{name}g", kind="track", name="Go", properties={"n": name}),
        ])  # fmt: skip
    with story.database.read() as connection:
        return list(connection.execute(_TO_SEND, {"batch": f"{batch}-%"}).all())


def race(database: Database, run: Any, chance: Random) -> Trial:
    """Claim and unsubscribe at the same time, and claim again once that was answered."""
    ready = Rendered(to=f"{run.name}@example.com", subject="s", body="b")
    start = threading.Barrier(2)
    waits = chance.random() * 0.004, chance.random() * 0.004
    said: list[list[UUID]] = []

    def unsubscribe() -> None:
        start.wait()
        threading.Event().wait(waits[0])
        changes: Any = {("offers", "email"): "unsubscribed"}
        said.append(say(database, run.customer_id, changes, Proof(how="link"))[0])

    other = threading.Thread(target=unsubscribe)
    other.start()
    start.wait()
    threading.Event().wait(waits[1])
    first, _ = claim(database, run.id, run.revision, ready)
    other.join()
    revision = run.revision
    with database.read() as connection:
        asked = tables.run.select().where(tables.run.c.id == run.id)
        revision = connection.execute(asked).one().revision
    again, _ = claim(database, run.id, revision, ready)
    granted = first.message if isinstance(first, Claimed) else None
    return Trial(granted, isinstance(again, Claimed), said[0])


@pytest.mark.parametrize("seed", [1])
def test_no_claim_is_granted_after_the_answer(database_url: str, seed: int) -> None:
    database = Database(database_url, pool_size=2 * TOGETHER + 2)
    story = Story(database)
    story.set_up()
    chance = Random(seed)
    trials: list[Trial] = []
    for batch, start in enumerate(range(0, TRIALS, AT_ONCE)):
        runs = customers(story, batch, min(AT_ONCE, TRIALS - start))
        with ThreadPoolExecutor(TOGETHER) as pool:
            seeds = [Random(chance.random()) for _ in runs]
            trials += pool.map(lambda run, own: race(database, run, own), runs, seeds)
    with database.read() as connection:
        assert connection.execute(_GRANTED_AFTER).scalar_one() == 0
    database.close()
    assert len(trials) == TRIALS
    assert not any(trial.granted_after for trial in trials)
    for trial in trials:  # what was in a provider's hands is named, and nothing else
        assert trial.under_way == ([trial.granted] if trial.granted else [])
    granted = sum(trial.granted is not None for trial in trials)
    print(f"{TRIALS} trials: {granted} claimed before, {TRIALS - granted} declined")  # noqa: T201
    assert 0 < granted < TRIALS
