"""The transport of a new machine: keeps what would have been sent, for the outbox page."""

from activities.transport import Letter


class OutboxTransport:
    """Takes every message; the ledger holds its text, which the outbox page shows."""

    name = "outbox"

    def send(self, letter: Letter) -> str | None:
        """Accept the message."""
        return f"outbox-{letter.id}"
