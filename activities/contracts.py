"""Inputs, results and names of the activities: all that a workflow needs to know of them."""

from engine.names import (
    ACTIVITY_TIMEOUT,
    ADVANCE,
    CALL,
    CALL_QUEUE,
    CALL_TIMEOUT,
    CHANNEL_QUEUES,
    RUNS_QUEUE,
    SEND,
    WAKE,
    AdvanceRequest,
    Answer,
    CallRequest,
    Cause,
    Command,
    RunStart,
    SendRequest,
)

__all__ = [
    "ACTIVITY_TIMEOUT",
    "ADVANCE",
    "CALL",
    "CALL_QUEUE",
    "CALL_TIMEOUT",
    "CHANNEL_QUEUES",
    "RUNS_QUEUE",
    "SEND",
    "WAKE",
    "AdvanceRequest",
    "Answer",
    "CallRequest",
    "Cause",
    "Command",
    "RunStart",
    "SendRequest",
]
