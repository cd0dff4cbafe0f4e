"""Sending a template to an address to try it: at once, as a test, and not into the ledger."""

from collections import deque
from dataclasses import replace
from datetime import timedelta
from threading import Lock
from typing import Final
from uuid import uuid4

from activities.rendering import Text
from activities.transport import (
    Letter,
    OutcomeUnknownError,
    Transport,
    TransportError,
    clock,
)
from designer.words import N_, Words
from engine.errors import InvalidInput
from engine.flow.customers import email_address, phone_number
from engine.model.base import Channel
from engine.names import TRANSPORT_TIMEOUT

MOST: Final = 10
PER: Final = timedelta(minutes=10)

_MARK: Final = N_("[Test] ")


class Pace:
    """So many tests in so long a time, for everybody together."""

    def __init__(self) -> None:
        self._sent: deque[float] = deque(maxlen=MOST)
        self._lock = Lock()

    def admits(self, now: float) -> bool:
        """Whether one more test may be sent, which then counts. `now` is in seconds."""
        with self._lock:
            if len(self._sent) == MOST and now - self._sent[0] < PER.total_seconds():
                return False
            self._sent.append(now)
            return True


def address(channel: Channel, given: str) -> str:
    """Return an address as it is written to; raise `InvalidInput` when it is none."""
    match channel:
        case "email":
            return email_address(given.strip())
        case "sms" | "whatsapp":
            return phone_number(given.strip())
        case "push":
            if not given.strip():
                raise InvalidInput("Paste the push address of a device.")
            return given.strip()


def send(transport: Transport, channel: Channel, to: str, text: Text, words: Words) -> str | None:
    """Hand a test over; return why it was not taken, or None when it was."""
    mark = words.gettext(_MARK)
    marked = replace(
        text,
        subject=mark + (text.subject or "") if channel in {"email", "push"} else text.subject,
        body=text.body if channel in {"email", "push"} else mark + text.body,
    )
    letter = Letter(
        id=uuid4(),
        channel=channel,
        to=to,
        from_=None,
        subject=marked.subject,
        body=marked.body,
        text=marked.text,
        deadline=clock() + TRANSPORT_TIMEOUT.total_seconds(),
        class_="transactional",
        link=marked.link,
        image=marked.image,
        approved=marked.approved,
        fields=marked.fields,
    )
    try:
        transport.send(letter)
    except TransportError as error:
        return error.reason
    except OutcomeUnknownError:
        return words.gettext("it was handed over, and no answer came")
    return None
