"""What every transport is: one class with one method."""

import time
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from engine.model.base import Channel

_AWAKE_OR_ASLEEP: Final[int | None] = getattr(time, "CLOCK_BOOTTIME", None)


def clock() -> float:
    """Return the seconds of a clock that never goes back, nor stands while the machine sleeps."""
    if _AWAKE_OR_ASLEEP is None:
        return time.monotonic()
    return time.clock_gettime(_AWAKE_OR_ASLEEP)


class TransportError(Exception):
    """The provider did not take the message: for now, or `permanent`ly.

    `retry_after` is in seconds, when the provider says so. The text goes into the ledger, so it
    names no customer.
    """

    def __init__(self, reason: str, *, permanent: bool, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent
        self.retry_after = retry_after


class OutcomeUnknownError(Exception):
    """The message was handed over, and it is not known whether the provider took it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A rendered message. `deadline` is the instant by `clock` after which it must not go out."""

    id: UUID
    channel: Channel
    to: str
    from_: str | None
    subject: str | None
    body: str
    text: str | None
    deadline: float


class Transport(Protocol):
    """Hands one message to a provider. It retries nothing: Temporal does."""

    @property
    def name(self) -> str:
        """The provider, as the ledger names it."""
        ...

    def send(self, letter: Letter) -> str | None:
        """Hand the message over; return the provider's id for it, if it gives one.

        Raises `TransportError` when the provider surely did not take it, `OutcomeUnknownError`
        when that is not known.
        """
        ...
