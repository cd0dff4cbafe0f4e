"""The sending activities: render, claim, hand over, record."""

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Literal
from uuid import UUID

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.composing import Composed, Composer
from activities.contracts import SEND, Answer, SendRequest
from activities.transport import (
    Letter,
    OutcomeUnknownError,
    Sought,
    Transport,
    TransportError,
    clock,
)
from engine.errors import Unavailable, without_words
from engine.flow.claim import Ask, Busy, Claimed, claim
from engine.flow.consent import suppress
from engine.flow.prepare import Draft, prepare
from engine.flow.record import Outcome, record, record_found, record_not_found
from engine.model.base import Channel
from engine.names import LEASE, TRANSPORT_TIMEOUT, Wake
from engine.store.session import Database

Tell = Callable[[list[Wake]], None]

_PATIENCE = 0.5
"""Seconds between attempts to record an outcome while the database does not answer."""


class Delivery:
    """Carries one message at a time; `tell` wakes other runs that a message made room for.

    A worker that shuts down waits for what is under way: an exception from outside, between the
    provider's answer and its record, would leave the outcome unknown.
    """

    def __init__(
        self,
        database: Database,
        composer: Composer,
        transports: Mapping[Channel, Transport],
        tell: Tell,
    ) -> None:
        self._database = database
        self._composer = composer
        self._transports = transports
        self._tell = tell

    @activity.defn(name=SEND["email"], no_thread_cancel_exception=True)
    def send_email(self, request: SendRequest) -> Answer:
        """Send the email that the run is at."""
        return self.send(UUID(request.run), request.revision)

    @activity.defn(name=SEND["sms"], no_thread_cancel_exception=True)
    def send_sms(self, request: SendRequest) -> Answer:
        """Send the SMS that the run is at."""
        return self.send(UUID(request.run), request.revision)

    @activity.defn(name=SEND["whatsapp"], no_thread_cancel_exception=True)
    def send_whatsapp(self, request: SendRequest) -> Answer:
        """Send the WhatsApp message that the run is at."""
        return self.send(UUID(request.run), request.revision)

    @activity.defn(name=SEND["push"], no_thread_cancel_exception=True)
    def send_push(self, request: SendRequest) -> Answer:
        """Send the push message that the run is at."""
        return self.send(UUID(request.run), request.revision)

    def send(self, run: UUID, revision: int) -> Answer:
        """Carry the message and answer the run's next command."""
        draft = prepare(self._database, run, revision)
        if isinstance(draft, Answer):
            return draft
        transport = self._transports[draft.channel]
        composed = self._composer.compose(draft, transport.settling)
        # Set before the claim: an attempt that is held up past it must not send any more,
        # because the lease may end before the provider answers.
        deadline = clock() + (LEASE - TRANSPORT_TIMEOUT).total_seconds()
        claimed, others = claim(self._database, run, revision, composed.rendered)
        self._tell(others)
        match claimed:
            case Answer():
                return claimed
            case Busy(seconds=seconds):
                raise ApplicationError(
                    "not yet",
                    type="Busy",
                    category=ApplicationErrorCategory.BENIGN,
                    next_retry_delay=timedelta(seconds=seconds),
                )
            case Ask():
                return self._ask(run, draft, transport, claimed)
            case Claimed():
                return self._hand_over(run, revision, draft, composed, claimed, deadline)

    def _ask(self, run: UUID, draft: Draft, transport: Transport, ask: Ask) -> Answer:
        """Ask the provider whether it has the message, of which nobody knows."""
        sought = Sought(
            id=draft.id, channel=draft.channel, to=ask.to, body=ask.body, since=ask.since
        )
        found, retry_after = None, 0.0
        try:
            found = transport.find(sought)
        except TransportError as error:
            activity.logger.warning("%s cannot be asked: %s", transport.name, error.reason)
            retry_after = error.retry_after or 0.0
        if found is None:
            answer, others = record_not_found(
                self._database, run, draft.id, retry_after=retry_after
            )
        else:
            answer, others = record_found(
                self._database, run, draft.id, transport.name, provider_id=found.provider_id
            )
        self._tell(others)
        return answer

    def _hand_over(
        self,
        run: UUID,
        revision: int,
        draft: Draft,
        composed: Composed,
        claimed: Claimed,
        deadline: float,
    ) -> Answer:
        transport, text = self._transports[draft.channel], composed.text
        if text is None or draft.to is None:
            raise AssertionError("only what can be sent is claimed")
        letter = Letter(
            id=draft.id,
            channel=draft.channel,
            to=draft.to,
            from_=draft.from_,
            subject=text.subject,
            body=text.body,
            text=text.text,
            deadline=deadline,
            class_=draft.class_,
            headers=composed.headers,
            link=text.link,
            image=text.image,
            approved=text.approved,
            fields=text.fields,
        )
        outcome = _attempt(transport, letter)
        answer, others = self._record(run, claimed, outcome, deadline)
        self._tell(others)
        if outcome.what == "refused" and outcome.reason == "unsubscribed":
            # She told the provider alone that she wants no more of this.
            suppress(
                self._database, draft.channel, draft.to, "stop",
                source=transport.name, message=draft.id,
            )  # fmt: skip
        if outcome.what == "released" and answer.revision == revision:
            raise ApplicationError(
                f"{transport.name}: {outcome.reason}",
                type="Refused",
                category=ApplicationErrorCategory.BENIGN,
            )
        return answer

    def _record(
        self, run: UUID, claimed: Claimed, outcome: Outcome, deadline: float
    ) -> tuple[Answer, list[Wake]]:
        """Record the outcome, insisting while the database is away for a moment.

        Given up, the outcome would be unknown although this process knows it.
        """
        while True:
            try:
                return record(self._database, run, claimed.message, claimed.token, outcome)
            except Unavailable:
                if clock() > deadline + TRANSPORT_TIMEOUT.total_seconds():
                    raise
                time.sleep(_PATIENCE)


def _attempt(transport: Transport, letter: Letter) -> Outcome:
    name = transport.name
    if clock() > letter.deadline:
        return Outcome(what="released", provider=name, reason="too late to hand it over")
    try:
        given = transport.send(letter)
    except TransportError as error:
        what: Literal["refused", "released"] = "refused" if error.permanent else "released"
        return Outcome(what=what, provider=name, reason=error.reason, retry_after=error.retry_after)
    except OutcomeUnknownError as error:
        return Outcome(what="unknown", provider=name, reason=str(error))
    except Exception as error:  # noqa: BLE001 - it has to be recorded
        # A mistake in the transport: nobody can tell how far the message got.
        activity.logger.error("The transport %s failed: %s", name, without_words(error))
        return Outcome(what="unknown", provider=name, reason=type(error).__name__)
    return Outcome(what="sent", provider=name, provider_id=given)
