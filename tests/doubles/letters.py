"""Letters to hand to a transport, and the fate of one."""

from typing import Any
from uuid import UUID

from activities.transport import Letter, OutcomeUnknownError, Transport, TransportError, clock

ID = UUID(int=7)


def letter(seconds: float = 5, **changes: Any) -> Letter:
    """A letter that may go out for so many seconds."""
    given: dict[str, Any] = {
        "id": ID, "channel": "email", "to": "ada@example.com", "from_": None, "subject": "Hello",
        "body": "Hi Ada ✓", "text": None, "deadline": clock() + seconds, **changes,
    }  # fmt: skip
    return Letter(**given)


def fate(transport: Transport, **changes: Any) -> tuple[str, float | None]:
    """Return `sent`, `unknown`, `refused` for good or `released`, and how long to wait.

    What is told about it goes into the ledger: it must not name the recipient.
    """
    written = letter(**changes)
    told, patience = "", None
    try:
        transport.send(written)
    except OutcomeUnknownError as error:
        told, result = str(error), "unknown"
    except TransportError as error:
        told, result = error.reason, "refused" if error.permanent else "released"
        patience = error.retry_after
    else:
        result = "sent"
    assert not written.to or written.to not in told
    return result, patience
