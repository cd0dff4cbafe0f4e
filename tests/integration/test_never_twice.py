"""Workers are killed while a provider has their message: nobody is written to twice.

`PARCOURS_TEST_TRIALS=200` kills so many workers for each class and provider.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from temporalio.exceptions import ApplicationError

from activities import delivery as deliveries
from activities.delivery import Delivery
from engine.flow import claim as claims
from engine.flow import settle
from engine.model.template import Template
from engine.store import documents, tables
from engine.store.session import Database
from tests.doubles.sendgrid import SendGrid
from tests.doubles.server import cut_unread, slow
from tests.integration.handing_over import LEASE, sender
from tests.integration.test_claim import Story

TRIALS = int(os.environ.get("PARCOURS_TEST_TRIALS", "8"))
AT_ONCE = 4
SEED = int(os.environ.get("PARCOURS_TEST_SEED", "5"))


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "LEASE", LEASE)
    monkeypatch.setattr(settle, "ASK_AFTER", timedelta(seconds=0.1))
    monkeypatch.setattr(settle, "ASKED_FOR", timedelta(seconds=2))


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    database = Database(database_url, pool_size=AT_ONCE * 2)
    yield Story(database)
    database.close()


def furnish(story: Story, class_: str) -> None:
    """Let so many messages of this class be to be sent."""
    story.set_up(**{"class": class_})
    locales = {"en": {"subject": "For you", "body": "x"}}
    document = {"id": "t", "name": "t", "channel": "email", "locales": locales}
    story.put(lambda c: documents.put_template(c, Template.model_validate(document)))
    for n in range(TRIALS):
        story.go(n)


class Workers:
    """Forks workers and kills them."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._one_at_a_time = threading.Lock()

    def start(self, run: UUID, revision: int) -> int:
        """Start a worker that sends this run's message; return its number."""
        with self._one_at_a_time:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write(f"{run} {revision}\n")
            self._process.stdin.flush()
            return int(self._process.stdout.readline())


@contextmanager
def forking(url: str, double: SendGrid, settling: str) -> Iterator[Workers]:
    """Run the process that forks workers."""
    command = [sys.executable, "-m", "tests.integration.handing_over", url, double.url, settling]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield Workers(process)
    finally:
        process.kill()
        process.communicate()


@dataclass
class Tally:
    """What became of the messages whose workers were killed."""

    killed: int = 0
    twice: int = 0
    lost: int = 0
    rightly: int = 0


@pytest.mark.parametrize("settling", ["ask", "class"])
@pytest.mark.parametrize("class_", ["marketing", "transactional"])
def test_a_worker_is_killed_while_the_provider_has_its_message(
    story: Story, database_url: str, class_: str, settling: str, capsys: Any
) -> None:
    furnish(story, class_)
    tally = Tally()
    with SendGrid(activity=settling == "ask") as double:
        with forking(database_url, double, settling) as workers:
            double.always = slow(60)  # accepted at once, and never answered in time
            with ThreadPoolExecutor(AT_ONCE) as threads:
                list(threads.map(lambda n: kill(story, double, workers, n), range(TRIALS)))
            tally.killed = TRIALS
        double.always = None
        delivery = sender(story.database, double.url, activity=settling == "ask")
        with ThreadPoolExecutor(AT_ONCE) as threads:
            list(threads.map(lambda n: settled(story, delivery, n), range(TRIALS)))
        counted = double.counted()
    for row in story.rows(tables.message):
        accepted = counted[str(row.id)]
        tally.twice += accepted > 1
        tally.lost += accepted == 0
        tally.rightly += row.state == "sent"
    with capsys.disabled():
        sys.stdout.write(
            f"\n{class_}, settled by {settling}: {tally.killed} workers killed, {tally.twice} "
            f"messages twice, {tally.lost} lost, {tally.rightly} known to be sent in the end\n"
        )
    assert tally.lost == 0, "the provider had accepted each of them"
    if settling == "ask":
        assert (tally.twice, tally.rightly) == (0, TRIALS)
    elif class_ == "marketing":
        assert (tally.twice, tally.rightly) == (0, 0), "left as unknown, and not sent again"
    else:
        assert tally.rightly == TRIALS


def kill(story: Story, double: SendGrid, workers: Workers, n: int) -> None:
    """Kill a worker once the provider has its message, and has not answered."""
    message = str(story.message(n).id)
    number = workers.start(story.run_row(n).id, story.revision(n))
    give_up = time.monotonic() + 20
    while double.counted()[message] == 0:
        assert time.monotonic() < give_up, "the provider never got it"
        time.sleep(0.005)
    os.kill(number, signal.SIGKILL)


def settled(story: Story, delivery: Delivery, n: int) -> None:
    """Try again as Temporal does, until it is settled what became of the message."""
    run = story.run_row(n).id
    give_up = time.monotonic() + 20
    while story.run_row(n).command["kind"] == "deliver":
        assert time.monotonic() < give_up, "it was never settled"
        with suppress(ApplicationError):  # not yet
            delivery.send(run, story.revision(n))
        time.sleep(0.02)


def test_what_never_reached_the_provider_is_told_from_what_did(
    story: Story, database_url: str
) -> None:
    """Its caller cannot know: the connection is cut before the provider has read the message."""
    furnish(story, "transactional")
    with SendGrid() as double:
        delivery = sender(story.database, double.url, activity=True)
        for n in range(TRIALS):
            double.order(cut_unread())
            delivery.send(story.run_row(n).id, story.revision(n))
        with ThreadPoolExecutor(AT_ONCE) as threads:
            list(threads.map(lambda n: settled(story, delivery, n), range(TRIALS)))
        counted = double.counted()
    assert all(counted[str(row.id)] == 1 for row in story.rows(tables.message))


@pytest.mark.parametrize("class_", ["marketing", "transactional"])
def test_a_slow_attempt_that_its_retry_has_overtaken_does_not_send(
    story: Story, class_: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = Random(SEED)
    monkeypatch.setattr(deliveries, "LEASE", LEASE)
    monkeypatch.setattr(deliveries, "TRANSPORT_TIMEOUT", LEASE / 2)
    original = deliveries._attempt
    held: set[str] = set()

    def attempt(transport: Any, letter: Any) -> Any:
        if str(letter.id) not in held:  # the first attempt is slow, on either side of its deadline
            held.add(str(letter.id))
            time.sleep(chance.uniform(0, 2) * LEASE.total_seconds())
        return original(transport, letter)

    monkeypatch.setattr(deliveries, "_attempt", attempt)
    furnish(story, class_)
    with SendGrid() as double:
        delivery = sender(story.database, double.url, activity=False)

        def race(n: int) -> None:
            retry = threading.Thread(target=settled, args=(story, delivery, n))
            retry.start()
            settled(story, delivery, n)
            retry.join()

        with ThreadPoolExecutor(AT_ONCE) as threads:
            list(threads.map(race, range(TRIALS)))
        counted = double.counted()
    times = [counted[str(row.id)] for row in story.rows(tables.message)]
    assert max(times) <= 1
    if class_ == "transactional":
        assert min(times) == 1
