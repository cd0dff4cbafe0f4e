"""What becomes of messages, as providers, links and customers tell it.

Each word is one transaction under the customer's lock: it is taken in once, however often it is
told; it sets the message's first such instant, in whatever order words arrive; and it is an event
of hers that journeys can wait for. What a machine did is told apart, and is not counted.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from engine.errors import NotFound, Unavailable, without_words
from engine.flow import consent, record
from engine.flow.internal import happen, in_turn_of_customer
from engine.flow.turn import Turn
from engine.model.base import Channel
from engine.names import Wake
from engine.run.bots import is_machine
from engine.run.stop_words import reads_as
from engine.store import events, feedback, runs
from engine.store.feedback import About
from engine.store.session import Database

_log = logging.getLogger(__name__)

What = Literal[
    "taken", "delivered", "opened", "clicked", "bounced", "complained", "unsubscribed", "replied"
]
"""`taken`: the provider has the message, which is no event. All others prove that too."""

_OPEN: Final = frozenset({"claimed", "unknown", "decided"})
"""The states in which a message may be with its provider although no answer was recorded."""

_TOGETHER: Final = timedelta(seconds=1)
"""Nobody follows two links of a message in so short a time."""

_EVENTS: Final[Mapping[What, str]] = {
    "delivered": "Message Delivered",
    "opened": "Message Opened",
    "clicked": "Message Clicked",
    "bounced": "Message Bounced",
    "complained": "Message Complained",
    "replied": "Message Replied",
}
"""The event that each is stored as; to unsubscribe is the event "Unsubscribed"."""

_BY_MACHINE: Final = " By Machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What somebody (`source`) tells of one message, which is named by our id or the provider's.

    `key` is the same whenever this is told again; None for what is never told twice. `at` is when
    it happened, now when None. `ends` is why the address must not be written to any more.
    `more` goes into the event's properties. The rest tells a machine from a person.
    """

    what: What
    source: str
    key: str | None
    message: UUID | None = None
    provider_id: str | None = None
    at: datetime | None = None
    ends: Literal["bounced", "complained", "unsubscribed", "stop"] | None = None
    url: str | None = None
    more: Mapping[str, Any] | None = None
    user_agent: str | None = None
    ip: str | None = None
    method: str = "GET"
    marked: bool = False
    together: int = 1


def hear(database: Database, word: Word) -> list[Wake]:
    """Take in what is told of one message; return the runs to tell Temporal about.

    Of a message that is not ours nothing is kept, and what was heard before changes nothing.
    """
    with database.read() as connection:
        about = feedback.find(connection, word.message, word.provider_id)
        if about is None:
            return []
        if word.key is not None and feedback.known(connection, word.source, word.key):
            return []
    if word.ends is not None and about.to is not None:
        # Others may have the same address: it takes their locks, before the word counts as heard.
        consent.suppress(
            database, about.channel, about.to, word.ends, source=word.source, message=about.id
        )
    try:
        _, wakes = in_turn_of_customer(
            database, about.customer, lambda turn: _take_in(turn, about, word)
        )
    except NotFound:  # she has been erased meanwhile
        return []
    return wakes


def hear_all(database: Database, words: Sequence[Word]) -> list[Wake]:
    """Take in words in their order; one that fails holds up no other, and is raised at the end.

    So the provider tells all of them again, of which only those count that were not heard.
    """
    told: list[Wake] = []
    failed: Exception | None = None
    for word in words:
        try:
            told += hear(database, replace(word, together=_beside(word, words)))
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - raised once the others were heard
            _log.error("What %s tells was not taken in: %s", word.source, without_words(error))
            failed = error
    if failed is not None:
        raise failed
    return told


def clicked(
    database: Database,
    message: UUID,
    url: str,
    user_agent: str | None,
    at: datetime,
    *,
    ip: str | None = None,
    method: str = "GET",
) -> list[Wake]:
    """Take in that a tracked link of ours was followed; return the runs to tell about."""
    return hear(
        database,
        Word(
            what="clicked",
            source="links",
            key=None,
            message=message,
            at=at,
            url=url,
            user_agent=user_agent,
            ip=ip,
            method=method,
        ),
    )


def answered(
    database: Database,
    channel: Channel,
    phone: str,
    body: str,
    *,
    source: str,
    key: str,
    asks: Literal["stop", "start", "help"] | None = None,
) -> list[Wake]:
    """Take in what somebody wrote to us: STOP and START are obeyed, an answer is an event.

    `asks` is what the provider took it for; None leaves that to the words. It answers the last
    message that went to that number on that channel, if there is one.
    """
    with database.read() as connection:
        if feedback.known(connection, source, key):
            return []
        message = feedback.last_to(connection, channel, phone)
    match asks or reads_as(body):
        case "stop":
            consent.stop(database, phone, channel, source=source, message=message)
        case "start":
            consent.start(database, phone, channel)
        case _:
            pass
    if message is None:
        database.transact(lambda connection: events.claim(connection, source, key))
        return []
    more = {"text": body[:1600]}
    return hear(database, Word(what="replied", source=source, key=key, message=message, more=more))


def _beside(word: Word, words: Sequence[Word]) -> int:
    """Return how many links of the message were followed within this second, by these words."""
    if word.what != "clicked" or word.at is None:
        return 1
    links = {
        other.url
        for other in words
        if other.what == "clicked"
        and (other.message, other.provider_id) == (word.message, word.provider_id)
        and other.at is not None
        and abs(other.at - word.at) <= _TOGETHER
    }
    return len(links)


def _take_in(turn: Turn, about: About, word: Word) -> None:
    if word.key is not None and not events.claim(turn.connection, word.source, word.key):
        return
    settle_by_callback(turn, about, word)
    at = min(word.at or turn.now, turn.now)
    properties = _properties(about, word)
    machine = _machine(turn, about, word, at)
    if machine is not None:
        name = _EVENTS[word.what] + _BY_MACHINE
        happen(turn, name, {**properties, "machine": machine}, word.source, occurred_at=at)
        return
    if word.what == "unsubscribed":
        _unsubscribe(turn, about, word)
    if word.what in _EVENTS:
        happen(turn, _EVENTS[word.what], properties, word.source, occurred_at=at)
    if word.what != "taken":
        feedback.mark(turn.connection, about.id, f"{word.what}_at", at)


def settle_by_callback(turn: Turn, about: About, word: Word) -> None:
    """Whatever is told of a message proves that its provider has it, also when no answer came.

    A link of our own proves it too, but does not know the provider's name for it.
    """
    run = runs.one(turn.connection, about.run) if about.state in _OPEN else None
    if run is not None and word.source != "links":
        record.taken(turn, run, about.id, word.source, word.provider_id)


def _properties(about: About, word: Word) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "message": str(about.id),
        "journey": about.journey,
        "step": about.step,
        "channel": about.channel,
        "template": about.template,
    }
    if about.topic is not None:
        properties["topic"] = about.topic
    if word.url is not None:
        properties["url"] = word.url
    return properties | dict(word.more or {})


def _machine(turn: Turn, about: About, word: Word, at: datetime) -> str | None:
    if word.what not in {"opened", "clicked"}:
        return None
    since = about.delivered_at or about.sent_at or about.claimed_at
    together = word.together
    if word.what == "clicked":
        before = feedback.links_followed(turn.connection, about, at, _TOGETHER)
        together = max(together, len(before | {word.url}))
    return is_machine(
        word.user_agent,
        word.ip,
        (at - since).total_seconds() if since is not None else None,
        "open" if word.what == "opened" else "click",
        method=word.method,
        marked=word.marked,
        together=together,
    )


def _unsubscribe(turn: Turn, about: About, word: Word) -> None:
    if about.topic is not None:
        proof = consent.Proof(how="link", source=word.source, message=about.id)
        consent.hear(turn, {(about.topic, about.channel): "unsubscribed"}, proof)
