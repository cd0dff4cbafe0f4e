"""Inputs, results and names of the activities: all that a workflow needs to know of them."""

from engine.names import (
    ACTIVITY_TIMEOUT,
    ADVANCE,
    CHANNEL_QUEUES,
    RUNS_QUEUE,
    SEND,
    WAKE,
    AdvanceRequest,
    Answer,
    Cause,
    Command,
    RunStart,
    SendRequest,
)

__all__ = [
    "ACTIVITY_TIMEOUT",
    "ADVANCE",
    "CHANNEL_QUEUES",
    "RUNS_QUEUE",
    "SEND",
    "WAKE",
    "AdvanceRequest",
    "Answer",
    "Cause",
    "Command",
    "RunStart",
    "SendRequest",
]
