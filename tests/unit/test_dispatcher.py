"""What fails in the dispatcher holds up nothing else."""

import asyncio
import itertools
import threading
from typing import Any

import pytest

from engine.errors import Unavailable
from engine.flow import sweep
from engine.names import Wake
from workers.chores import Chore, do_chores
from workers.dispatcher import Dispatcher


class Gateway:
    """Stands for Temporal."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def tell(self, wake: Wake) -> None:
        """Remember."""
        self.told.append(wake.run)


@pytest.mark.parametrize("error", [Unavailable("away"), RuntimeError("ada@example.com")])
@pytest.mark.parametrize("failing", ["left", "overdue", "partitions"])
def test_a_failing_sweep(
    failing: str, error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    done: list[str] = []
    wake = Wake(run="r", revision=1, journey="j", version=1, source="event")
    answers = {"left": [wake], "overdue": 0, "partitions": None, "told": None}

    def sweeping(name: str) -> Any:
        def work(*_: Any) -> Any:
            if name == failing:
                raise error
            done.append(name)
            return answers.get(name)

        return work

    for name in answers:
        monkeypatch.setattr(sweep, name, sweeping(name))
    gateway: Any = Gateway()
    assert asyncio.run(Dispatcher(None, gateway).round(1.0)) is False  # type: ignore[arg-type]
    expected = {*answers} - {failing}
    assert set(done) == expected - ({"told"} if failing == "left" else set())
    assert gateway.told == ([] if failing == "left" else ["r"])
    assert "ada@" not in caplog.text


@pytest.mark.parametrize("error", [Unavailable("away"), RuntimeError("ada@example.com")])
def test_a_failing_chore_holds_up_no_other_and_is_done_again(error: Exception, caplog: Any) -> None:
    both_thrice = threading.Barrier(2, timeout=10)
    failed, done = itertools.count(1), itertools.count(1)
    reached = threading.Event()

    def fail(_: Any) -> None:
        if next(failed) == 3:
            both_thrice.wait()
        raise error

    def work(_: Any) -> bool:
        if next(done) == 3:
            both_thrice.wait()
            reached.set()
        return True

    async def for_a_while() -> None:
        some = (Chore(fail, every=0.01), Chore(work, every=60.0, busy=0.01))
        doing = asyncio.create_task(do_chores(None, some))  # type: ignore[arg-type]
        assert await asyncio.to_thread(reached.wait, 10)
        doing.cancel()

    asyncio.run(for_a_while())
    assert "ada@" not in caplog.text
