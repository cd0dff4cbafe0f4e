"""Sending a template to an address to try it: at once, as a test, and not into the ledger."""

from collections import deque
from collections.abc import Callable, Mapping
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
from engine.model.addresses import email_address, phone_number
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


_MENDS: Final[Mapping[Channel, str]] = {
    "email": N_("Write an address like ada@example.com."),
    "sms": N_("Write a number with its country, like +41 44 668 18 00."),
    "whatsapp": N_("Write a number with its country, like +41 44 668 18 00."),
    "push": N_("Paste the push address of a device."),
}


_READERS: Final[Mapping[Channel, Callable[[str], str]]] = {
    "email": email_address,
    "sms": phone_number,
    "whatsapp": phone_number,
    "push": str,
}


def address(channel: Channel, given: str, words: Words) -> str:
    """Return an address as it is written to; raise `InvalidInput`, in her words, when it is none."""
    try:
        read = _READERS[channel](given.strip())
    except InvalidInput:
        read = ""
    if not read:
        raise InvalidInput(words.gettext(_MENDS[channel]))
    return read


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
