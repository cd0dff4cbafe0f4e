"""Names and shapes on which the database's side and Temporal's side agree.

Everything here may stand in a Temporal history: ids only, nothing personal.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

RUNS_QUEUE: Final = "parcours"
"""Task queue of the runs' workflows and of `advance`."""

CHANNEL_QUEUES: Final = {
    "email": "parcours-email",
    "sms": "parcours-sms",
    "whatsapp": "parcours-whatsapp",
    "push": "parcours-push",
}
"""Task queue of each channel's activity."""

SEND: Final = {
    "email": "send_email",
    "sms": "send_sms",
    "whatsapp": "send_whatsapp",
    "push": "send_push",
}
"""Activity that carries one message, by channel."""

CALL: Final = "call_webhook"
"""Activity that makes the call of a `webhook` step."""

CALL_QUEUE: Final = "parcours-webhook"
"""Task queue of the calls."""

CUSTOM_QUEUE: Final = "parcours-custom"
"""Task queue of developers' activities that name no other."""

CALL_TIMEOUT: Final = timedelta(seconds=100)
"""The longest that one attempt of a call may take: its own 60 s, the look-up, the record."""

ADVANCE: Final = "advance"
WAKE: Final = "wake"

JOURNEY_ID: Final = "JourneyId"
VERSION: Final = "Version"
ENTRY_SOURCE: Final = "EntrySource"

TRANSPORT_TIMEOUT: Final = timedelta(seconds=10)
LEASE: Final = timedelta(seconds=20)
ACTIVITY_TIMEOUT: Final = timedelta(seconds=30)
"""transport < lease < activity: a retry never overtakes an attempt that may still send."""

Cause = Literal["look", "time_reached", "call_ended", "call_failed"]
"""Why `advance` is called: to ask for the command, or because the awaited instant has come.

Or a developer's activity has ended, or has failed for good; if the run still stands at its call
then, it has left no result.
"""


@dataclass(frozen=True, slots=True)
class Errand:
    """A developer's activity that carries out a call: `until` when it is tried again, at most.

    `call` is all that it is given. `timeout` is in seconds, `until` in seconds since 1970.
    """

    call: str
    activity: str
    queue: str
    timeout: float
    until: float


@dataclass(frozen=True, slots=True)
class Command:
    """What a run's workflow has to do. `at` is in seconds since 1970: wait, or send no earlier."""

    kind: Literal["deliver", "call", "wait", "exit"]
    step: str = ""
    channel: str = ""
    at: float | None = None
    errand: Errand | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A run's command, with the revision that rises whenever it is replaced."""

    revision: int
    command: Command


@dataclass(frozen=True, slots=True)
class RunStart:
    """The input of a run's workflow; `answer` is set when it continues as new."""

    run: str
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class AdvanceRequest:
    """The input of `advance`."""

    run: str
    revision: int
    cause: Cause


@dataclass(frozen=True, slots=True)
class SendRequest:
    """The input of every sending activity."""

    run: str
    revision: int


@dataclass(frozen=True, slots=True)
class CallRequest:
    """The input of the calling activity."""

    run: str
    revision: int


@dataclass(frozen=True, slots=True)
class Wake:
    """A run whose workflow has to be told of a newer command.

    Without `answer` the workflow asks: only the process that committed knows it for sure.
    """

    run: str
    revision: int
    journey: str
    version: int
    source: str
    answer: Answer | None = None
