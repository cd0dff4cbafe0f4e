import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from starlette.datastructures import State

from designer.api.admission import TOGETHER, Admission
from designer.api.problems import Overloaded
from engine.errors import Unavailable
from engine.flow.intake import Incoming


def event(name: str) -> Incoming:
    return Incoming(source="s", message_id=name, kind="track", name=name, user_id="1")


class Store:
    """Stands for the database: slow at first, so that requests gather."""

    def __init__(self, fail: Callable[[list[str]], Exception | None] = lambda _: None) -> None:
        self.transactions: list[list[str]] = []
        self.go = threading.Event()
        self.fail = fail

    def receive(self, _: Any, events: Sequence[Incoming]) -> list[str]:
        self.go.wait(5)
        names = [one.name for one in events]
        if (error := self.fail(names)) is not None:
            raise error
        self.transactions.append(names)
        return []

    def names(self) -> list[str]:
        return [name for transaction in self.transactions for name in transaction]


def store_all(
    store: Store, requests: list[list[str]], monkeypatch: pytest.MonkeyPatch, waiting: int = 500
) -> list[Any]:
    monkeypatch.setattr("engine.flow.intake.receive", store.receive)

    async def main() -> list[Any]:
        admission = Admission(
            State({"database": None, "gateway": None}), at_once=1, waiting=waiting
        )
        coming = []
        for names in requests:
            events = [event(name) for name in names]
            coming.append(asyncio.ensure_future(admission.store(events)))
            await asyncio.sleep(0.01)  # the first is on its way before the others come
        store.go.set()
        return await asyncio.gather(*coming, return_exceptions=True)

    return asyncio.run(main())


def test_what_arrives_meanwhile_is_stored_together(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store()
    assert store_all(store, [["a"], ["b", "c"], ["d"]], monkeypatch) == [None] * 3
    assert store.names() == ["a", "b", "c", "d"]
    assert len(store.transactions) == 2


def test_a_group_has_its_limit_and_a_batch_is_never_divided(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = Store()
    large = [str(number) for number in range(TOGETHER + 50)]
    assert store_all(store, [["a"], ["b"], large, ["c"]], monkeypatch) == [None] * 4
    assert store.transactions[-2:] == [large, ["c"]]


def test_a_fault_is_its_own_requests_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(lambda names: ValueError("c") if "c" in names else None)
    answers = store_all(store, [["a"], ["b"], ["c"], ["d"]], monkeypatch)
    assert [type(answer) for answer in answers] == [type(None), type(None), ValueError, type(None)]
    assert sorted(store.names()) == ["a", "b", "d"]


def test_when_the_database_is_away_everybody_hears_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried: list[list[str]] = []

    def away(names: list[str]) -> Exception:
        tried.append(names)
        return Unavailable("away")

    answers = store_all(Store(away), [["a"], ["b"], ["c"]], monkeypatch)
    assert [type(answer) for answer in answers] == [Unavailable] * 3
    assert len(tried) == 2


def test_those_who_come_too_late_are_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store()
    answers = store_all(store, [["a"], ["b"], ["c"], ["d"]], monkeypatch, waiting=2)
    assert [type(answer) for answer in answers].count(Overloaded) == 1
    assert len(store.names()) == 3
