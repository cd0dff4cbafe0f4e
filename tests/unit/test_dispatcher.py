"""What fails in the dispatcher holds up nothing else."""

import asyncio
from typing import Any

import pytest

from engine.errors import Unavailable
from engine.flow import dates, holding, intervening, starting, sweep, timing
from engine.names import Wake
from workers.dispatcher import Dispatcher


class Gateway:
    """Stands for Temporal."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def tell(self, wake: Wake) -> None:
        """Remember."""
        self.told.append(wake.run)


@pytest.mark.parametrize("error", [Unavailable("away"), RuntimeError("ada@example.com")])
@pytest.mark.parametrize(
    "failing",
    [
        "left",
        "overdue",
        "partitions",
        "let_go",
        "end_inside",
        "carry_out",
        "keep_up",
        "begin_due",
        "fill",
        "come",
        "go_on",
    ],
)
def test_a_failing_sweep(
    failing: str, error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    done: list[str] = []
    wake = Wake(run="r", revision=1, journey="j", version=1, source="event")
    answers = {"left": [wake], "overdue": 0, "partitions": None, "told": None}
    each_second = {
        "let_go": holding, "end_inside": holding, "carry_out": intervening, "keep_up": timing,
        "begin_due": timing, "fill": dates, "come": dates, "go_on": starting,
    }  # fmt: skip

    def sweeping(name: str) -> Any:
        def work(*_: Any) -> Any:
            if name == failing:
                raise error
            done.append(name)
            return answers.get(name)

        return work

    for name, module in {**dict.fromkeys(answers, sweep), **each_second}.items():
        monkeypatch.setattr(module, name, sweeping(name))
    gateway: Any = Gateway()
    assert asyncio.run(Dispatcher(None, gateway).round(1.0)) is False  # type: ignore[arg-type]
    expected = {*answers, *each_second} - {failing}
    assert set(done) == expected - ({"told"} if failing == "left" else set())
    assert gateway.told == ([] if failing == "left" else ["r"])
    assert "ada@" not in caplog.text
