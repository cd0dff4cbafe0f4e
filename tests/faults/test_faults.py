"""Parts are killed at random moments: nobody is lost, nobody is written to twice.

`make faults ROUNDS=10 RUNS=1000`. The seed is printed, and PARCOURS_TEST_SEED repeats it. A
single round is played with all layouts at the same time; several, one layout after the other.
PARCOURS_TEST_KEEP names a directory where the logs of a failure are kept.
"""

import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults import shop
from tests.faults.product import EmbeddedSet, Product, ThreeRoles, parcours, wait_until
from tests.faults.reckoning import Figures, ended, reckon, table, wait_for_the_end
from tests.faults.sink import Sink, open_sink
from tests.faults.storm import Storm

ROUNDS = int(os.environ.get("PARCOURS_TEST_ROUNDS", "1"))
RUNS = int(os.environ.get("PARCOURS_TEST_RUNS", "100"))
SEED = int(os.environ.get("PARCOURS_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)

GAP = 3.5
"""Seconds between two kills, on average."""
SLOWNESS = 0.3
"""Seconds that the mail server takes before and after it has a mail, at most."""
LIMIT = 400.0
"""Seconds after the storm within which every run has ended."""
LONG_WAIT = 12

LAYOUTS = ("up, split", "up, one process", "three roles")


def _say(text: str) -> None:
    sys.stdout.write(f"\n{text}\n")
    sys.stdout.flush()


@pytest.fixture(scope="module")
def played(request: pytest.FixtureRequest) -> Iterator[Callable[[str], list[Figures]]]:
    """Plays each of the chosen tests' layouts; gives what came of it."""
    chosen = [
        item.callspec.params["layout"]
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.path == request.path
    ]
    if ROUNDS > 1:
        yield _play
        return
    with ThreadPoolExecutor(len(chosen)) as threads:
        playing: dict[str, Future[list[Figures]]] = {
            layout: threads.submit(_play, layout) for layout in chosen
        }
        yield lambda layout: playing[layout].result()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_nobody_is_lost_and_nobody_is_written_to_twice(
    layout: str, played: Callable[[str], list[Figures]]
) -> None:
    assert [problem for one in played(layout) for problem in one.problems] == []


def _play(layout: str) -> list[Figures]:
    _say(f"{layout}: {ROUNDS} rounds of {RUNS} runs, seed {SEED}")
    rounds = []
    with open_sink(SLOWNESS) as sink, _running(layout, sink) as product:
        key = shop.furnish(
            product.database_url, shop.NEWS.format(wait=3), shop.RECEIPT.format(wait=4)
        )
        for number in range(1, ROUNDS + 1):
            rounds.append(_stormy_round(f"{layout} {number}", number, product, sink, key))
            _say(table(rounds))
            if rounds[-1].problems:
                _keep_logs(product)
                return rounds
        rounds.append(_round_without_temporal(f"{layout}, lost", product, sink))
        _say(table(rounds))
        if rounds[-1].problems:
            _keep_logs(product)
    return rounds


@contextmanager
def _running(layout: str, sink: Sink) -> Iterator[Product]:
    with tempfile.TemporaryDirectory(prefix="parcours-faults-") as name:
        directory = Path(name)
        product: EmbeddedSet | ThreeRoles
        if layout == "three roles":
            directory.chmod(0o711)  # PostgreSQL runs as a user of its own
            product = ThreeRoles(directory, sink.url, SEED)
        else:
            product = EmbeddedSet(directory, sink.url, "split" if "split" in layout else "1")
        try:
            with product.running():
                yield product
        except BaseException:
            _keep_logs(product)
            raise


def _keep_logs(product: Product) -> None:
    if kept := os.environ.get("PARCOURS_TEST_KEEP"):
        target = Path(kept, f"{SEED}")
        target.mkdir(parents=True, exist_ok=True)
        target.joinpath(f"{type(product).__name__}-{time.time():.0f}.log").write_text(
            product.log(), encoding="utf-8"
        )


def _stormy_round(name: str, number: int, product: Product, sink: Sink, key: str) -> Figures:
    rng = random.Random(f"{SEED} {name}")
    figures = Figures(name)
    prefix = f"round{number}-"
    before = len(sink.mails)
    seconds = 32 + RUNS / 15
    plan = shop.plan(rng, f"round{number}", RUNS, seconds - 5)
    storm = Storm(product, rng, seconds=seconds, gap=GAP)
    began = time.monotonic()
    with shop.open_source(product.url, key) as source:
        shop.introduce(source, plan.users)
        with storm.raging():
            shop.act(source, plan)
        figures.kills = storm.kills
        calm = time.monotonic()
        wait_for_the_end(product.database_url, prefix, RUNS, LIMIT)
        figures.settling = time.monotonic() - calm
        figures.problems += [f"the library gave up: {what}" for what in source.given_up]
    figures.seconds = time.monotonic() - began
    sink.settle()
    reckon(
        figures, product.database_url, product.temporal_address, prefix, plan, sink.mails[before:]
    )
    return figures


def _round_without_temporal(name: str, product: Product, sink: Sink) -> Figures:
    """Temporal loses everything while customers wait; `runs recover` brings them back."""
    runs = min(RUNS, 300)
    figures = Figures(name)
    before = len(sink.mails)
    key = shop.furnish(
        product.database_url,
        shop.NEWS.format(wait=LONG_WAIT),
        shop.RECEIPT.format(wait=LONG_WAIT),
    )
    plan = shop.plan(random.Random(f"{SEED} {name}"), "lost", runs, 3)
    began = time.monotonic()
    wait_until(lambda: product.is_ready, 60, "readiness")
    with shop.open_source(product.url, key) as source:
        shop.introduce(source, plan.users)
        shop.act(source, plan)
    wait_until(lambda: len(sink.mails) - before > runs * 0.6, 60, "most of the first mails")
    if ended(product.database_url, "lost-")[1] > runs / 2:
        figures.problems.append("too few wait when Temporal is lost: the round shows nothing")
    product.lose_temporal()
    calm = time.monotonic()
    done = parcours(product, "runs", "recover")
    figures.problems += [f"recovery failed: {done.stderr}"] if done.returncode else []
    wait_for_the_end(product.database_url, "lost-", runs, LIMIT)
    figures.settling = time.monotonic() - calm
    figures.seconds = time.monotonic() - began
    figures.kills["Temporal"] = 1
    sink.settle()
    reckon(
        figures, product.database_url, product.temporal_address, "lost-", plan, sink.mails[before:]
    )
    return figures
