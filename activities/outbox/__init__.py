"""The transport of a new machine: keeps what would have been sent, for the outbox page."""

from activities.transport import Found, Letter, Settling, Sought


class OutboxTransport:
    """Takes every message; the ledger holds its text, which the outbox page shows."""

    name = "outbox"
    settling: Settling = "repeat"

    def send(self, letter: Letter) -> str | None:
        """Accept the message."""
        return f"outbox-{letter.id}"

    def find(self, sought: Sought) -> Found | None:  # noqa: ARG002 - the protocol's
        """Nothing is asked: handing a message over again changes nothing."""
        return None
