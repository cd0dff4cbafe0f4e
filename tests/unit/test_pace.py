"""A provider that asked to wait is left alone; others go on."""

from datetime import UTC, datetime
from typing import Any

import pytest

from activities import pace
from activities.pace import Paced
from activities.provider import patience
from activities.transport import Found, Letter, Settling, Sought, TransportError
from tests.doubles.letters import letter

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Playing:
    """Raises what it is given, once each, then takes everything."""

    name = "playing"
    settling: Settling = "class"

    def __init__(self, *errors: TransportError) -> None:
        self.errors = list(errors)
        self.calls = 0

    def send(self, letter: Letter) -> str | None:  # noqa: ARG002 - the protocol's
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return None

    def find(self, sought: Sought) -> Found | None:  # noqa: ARG002 - the protocol's
        return None


def throttled(seconds: float | None) -> TransportError:
    return TransportError("slow down", permanent=False, retry_after=seconds)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(pace, "clock", lambda: now[0])
    return now


def patience_of(paced: Paced, **changes: Any) -> float | None:
    with pytest.raises(TransportError) as caught:
        paced.send(letter(**changes))
    assert not caught.value.permanent
    return caught.value.retry_after


def test_nobody_calls_until_the_time_is_over(time: list[float]) -> None:
    playing = Playing(throttled(8))
    paced = Paced(playing)
    assert patience_of(paced) == 8
    time[0] += 3
    left = patience_of(paced)
    assert left is not None
    assert 5 <= left <= 6.25
    assert playing.calls == 1
    time[0] += 5
    paced.send(letter())
    assert playing.calls == 2


@pytest.mark.parametrize(
    "error", [throttled(None), TransportError("no such person", permanent=True, retry_after=9)]
)
def test_other_refusals_hold_nobody(time: list[float], error: TransportError) -> None:
    playing = Playing(error)
    paced = Paced(playing)
    with pytest.raises(TransportError):
        paced.send(letter())
    paced.send(letter())
    assert playing.calls == 2


def test_lanes_wait_apart(time: list[float]) -> None:
    paced = Paced(Playing(throttled(8)), lambda letter: letter.to[0])
    assert patience_of(paced, to="a1") == 8
    assert patience_of(paced, to="a2")
    paced.send(letter(to="b1"))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": " 0.5 "}, 0.5),
        ({"retry-after": "999999"}, 3600),
        ({"retry-after": "Sun, 22 Nov 2026 12:00:30 GMT"}, 30),
        ({"retry-after": "Sun, 22 Nov 2026 11:00:00 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "9" * 400}, None),
        ({"x-ratelimit-reset": str(int(NOW.timestamp()) + 20)}, 20),
        ({"x-ratelimit-reset": "later"}, None),
        ({}, None),
    ],
)
def test_how_long_a_provider_asks_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert patience(headers, NOW) == seconds
