"""Who of a customer's messages waits for a slot, and who goes first; within her turn."""

from datetime import datetime
from uuid import UUID

from engine.flow.turn import Turn
from engine.model.base import Channel
from engine.run import caps, reach
from engine.run.caps import Candidate, Slot
from engine.run.hours import OpenHours, hours_for
from engine.run.law import country_of
from engine.store import messages
from engine.store.messages import Message


def barred(turn: Turn, message: Message, channel: Channel) -> str | None:
    """Return why she must not, or cannot, be written to on a channel; None when she can."""
    topic = turn.catalogue.topic(message.topic) if message.topic is not None else None
    transactional = message.class_ == "transactional"
    return reach.barred(turn.customer, channel, topic, transactional=transactional)


def candidate(turn: Turn, message: Message, channel: Channel) -> Candidate:
    """Return what the rules have to know of a message."""
    return Candidate(
        id=message.id,
        customer=turn.customer.id,
        channel=channel,
        topic=message.topic,
        offer=message.offer,
        transactional=message.class_ == "transactional",
        decided_at=message.resumed_at or message.decided_at,
        priority=message.priority,
        first_deferred_at=message.first_deferred_at,
        on_full=message.on_full,
        hours=_hours(turn, message, channel),
    )


def _hours(turn: Turn, message: Message, channel: Channel) -> OpenHours:
    workspace = turn.catalogue.workspace
    reason, _, window = (message.hours or "").rpartition(" ")
    return hours_for(
        channel,
        zone=turn.zone,
        country=country_of(turn.customer.address("sms")) or workspace.country,
        workspace=workspace,
        window=window or None,
        window_reason="best_hour" if reason == "best_hour" else "window",
        transactional=message.class_ == "transactional",
    )


def standing(turn: Turn, *, but: UUID | None = None) -> tuple[list[Slot], list[Candidate]]:
    """Return the slots that are held, and the waiting messages that may be sent as for the rest.

    Who is throttled by a provider, must not be written to, or is of a paused journey, waits for
    something else.
    """
    since = caps.longest(turn.catalogue.caps, turn.now, turn.zone)
    if since is None:
        return [], []
    slots, waiting = messages.counted(turn.connection, turn.customer.id, since)
    return slots, [
        candidate(turn, message, message.channel)
        for message in waiting
        if message.id != but
        and barred(turn, message, message.channel) is None
        and not _throttled(message, turn.now)
        and not turn.catalogue.holds(message.journey)
    ]


def _throttled(message: Message, now: datetime) -> bool:
    until = message.deferred_until
    return message.reason == "throttled" and until is not None and until > now
