"""Web, dispatcher and two workers, started one by one on servers of their own."""

import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import shop
from tests.faults.product import ThreeRoles, Unit
from tests.faults.reckoning import Figures, reckon, wait_for_the_end
from tests.faults.sink import Sink, open_sink


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    with open_sink() as opened:
        yield opened


@pytest.fixture(scope="module")
def roles(sink: Sink) -> Iterator[ThreeRoles]:
    with tempfile.TemporaryDirectory(prefix="parcours-test-") as name:
        directory = Path(name)
        directory.chmod(0o711)  # PostgreSQL runs as a user of its own
        with ThreeRoles(directory, sink.url).running() as running:
            yield running


def stop(unit: Unit) -> int:
    """Ask a role to end, as systemd does; returns its exit code."""
    unit.wanted = False
    unit.process.send_signal(signal.SIGTERM)
    return unit.process.wait(15)


def test_each_worker_carries_customers_and_every_role_ends_when_asked(
    roles: ThreeRoles, sink: Sink
) -> None:
    key = shop.furnish(roles.database_url, shop.NEWS.format(wait=1), shop.RECEIPT.format(wait=1))
    first, second = roles.of("worker")
    play(roles, sink, key, "both")
    assert stop(first) == 0
    play(roles, sink, key, "second")
    first.wanted = True
    assert stop(second) == 0
    play(roles, sink, key, "first")
    for part in ("worker", "dispatcher", "web"):
        for unit in roles.of(part):
            if unit.process.poll() is None:
                assert stop(unit) == 0, part
    assert "Traceback" not in roles.log()


def play(roles: ThreeRoles, sink: Sink, key: str, name: str) -> None:
    """Let some customers through both journeys, and see that each got what was meant for her."""
    before = len(sink.mails)
    users = tuple(f"{name}-{n}" for n in range(6))
    events = ("Parcel Ordered", "Parcel Sent")
    plan = shop.Plan(
        users, frozenset(), tuple((0.0, user, events[n % 2]) for n, user in enumerate(users))
    )
    with shop.open_source(roles.url, key, servers=1) as source:
        shop.introduce(source, users)
        shop.act(source, plan)
    assert wait_for_the_end(roles.database_url, f"{name}-", len(users), 60)
    sink.settle()
    figures = Figures(name)
    reckon(
        figures,
        roles.database_url,
        roles.temporal_address,
        f"{name}-",
        plan,
        sink.mails[before:],
    )
    assert figures.problems == []
    assert (figures.mails, figures.unknown) == (2 * len(users), 0)
