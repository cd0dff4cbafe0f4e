"""Patience with a provider that asked for it."""

from collections.abc import Callable
from threading import Lock
from typing import Final

from activities.transport import Found, Letter, Settling, Sought, Transport, TransportError, clock

_SPREAD: Final = 0.25
"""Those who wait return over a quarter longer, so that they don't come back all at once."""

_KEPT: Final = 1_000
"""Lanes that are remembered; a Web Push transport may have one for each push service."""


class Paced:
    """A transport that leaves its provider alone for as long as that has asked.

    While it does, a message is put off before the provider is called. `lane` says which of the
    messages share a provider's limit: by default all of them.
    """

    def __init__(
        self, transport: Transport, lane: Callable[[Letter], str] = lambda letter: ""
    ) -> None:
        self._transport = transport
        self._lane = lane
        self._until: dict[str, float] = {}
        self._lock = Lock()

    @property
    def name(self) -> str:
        """The provider's name."""
        return self._transport.name

    @property
    def settling(self) -> Settling:
        """How the provider settles an unknown outcome."""
        return self._transport.settling

    def send(self, letter: Letter) -> str | None:
        """Hand the message over, unless the provider has asked to wait; see `Transport.send`."""
        lane = self._lane(letter)
        self._mind(lane, letter)
        try:
            return self._transport.send(letter)
        except TransportError as error:
            if not error.permanent and error.retry_after:
                self._note(lane, clock() + error.retry_after)
            raise

    def find(self, sought: Sought) -> Found | None:
        """Ask the provider; see `Transport.find`."""
        return self._transport.find(sought)

    def _mind(self, lane: str, letter: Letter) -> None:
        with self._lock:
            left = self._until.get(lane, 0.0) - clock()
        if left > 0:
            share = letter.id.int % 1000 / 1000
            raise TransportError(
                "the provider has asked to wait",
                permanent=False,
                retry_after=left * (1 + _SPREAD * share),
            )

    def _note(self, lane: str, until: float) -> None:
        with self._lock:
            if len(self._until) >= _KEPT:
                now = clock()
                self._until = {key: end for key, end in self._until.items() if end > now}
            self._until[lane] = max(until, self._until.get(lane, 0.0))
