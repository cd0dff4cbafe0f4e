"""What every transport is: one class with one method."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from engine.model.base import Channel


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
    """A rendered message. `deadline` is the monotonic instant after which it must not go out."""

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
