"""What every transport is: one class with one method."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, Protocol
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
    """A rendered message. `deadline` is the instant by `clock` after which it must not go out.

    `headers` are an email's own, such as `List-Unsubscribe`. `link` and `image` are a push
    message's. `approved` names a WhatsApp template that the provider knows, and `fields` fills it.
    """

    id: UUID
    channel: Channel
    to: str
    from_: str | None
    subject: str | None
    body: str
    text: str | None
    deadline: float
    class_: Literal["marketing", "transactional"] = "marketing"
    headers: Mapping[str, str] = field(default_factory=dict)
    link: str | None = None
    image: str | None = None
    approved: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """A message of which it is not known whether the provider took it, at or after `since`."""

    id: UUID
    channel: Channel
    to: str
    body: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The provider has the message, under this id."""

    provider_id: str | None


Settling = Literal["repeat", "ask", "class"]
"""How a provider lets an unknown outcome be settled.

`repeat`: it takes our id as an idempotency key, so the same message may be handed over again.
`ask`: it can be asked for a message by our id. `class`: neither, so the message's class decides.
"""


class Transport(Protocol):
    """Hands one message to a provider. It retries nothing: Temporal does."""

    @property
    def name(self) -> str:
        """The provider, as the ledger names it."""
        ...

    @property
    def settling(self) -> Settling:
        """How an unknown outcome is settled."""
        ...

    def send(self, letter: Letter) -> str | None:
        """Hand the message over; return the provider's id for it, if it gives one.

        Raises `TransportError` when the provider surely did not take it, `OutcomeUnknownError`
        when that is not known.
        """
        ...

    def find(self, sought: Sought) -> Found | None:
        """Ask the provider for a message; None when it has none such (yet).

        Called only where `settling` is `ask`. Raises `TransportError` when it cannot be asked now.
        """
        ...
