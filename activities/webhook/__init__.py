"""The activity of a `webhook` step: renders the call, makes it, and tells the run."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.contracts import CALL, Answer, CallRequest
from activities.outward import NotAllowed, NotAnswered, NotReached, call
from activities.rendering import TemplateError
from activities.webhook.answer import Again, judge
from activities.webhook.request import SecretMissingError, request_of
from engine.flow.call import Outgoing, Result, prepare_call, put_off, returned
from engine.store.session import Database

_LONGEST_PAUSE: Final = 300.0
"""Seconds between two attempts, unless the other side asks for more."""


class Webhook:
    """Makes the calls of journeys. The same call may be made again: its key stays the same.

    An exception's words could quote what a customer's data made of a text: what goes into
    Temporal's history is the kind of failure alone, and the rest into the run's trace.
    """

    def __init__(
        self, database: Database, secrets: Mapping[str, str], *, allow_private: bool = False
    ) -> None:
        self._database = database
        self._secrets = secrets
        self._allow_private = allow_private

    @activity.defn(name=CALL, no_thread_cancel_exception=True)
    def call_webhook(self, request: CallRequest) -> Answer:
        """Make the call that the run is at."""
        run = UUID(request.run)
        outgoing = prepare_call(self._database, run, request.revision)
        if isinstance(outgoing, Answer):
            return outgoing
        came = self._attempt(outgoing)
        if isinstance(came, Again):
            self._try_again(run, request.revision, outgoing, came)
            came = came.given_up
        return returned(self._database, run, outgoing, came)

    def _attempt(self, outgoing: Outgoing) -> Result | Again:
        try:
            request = request_of(outgoing, self._secrets)
            answered = call(
                outgoing.step.method,
                request.url,
                request.headers,
                request.body,
                outgoing.step.timeout.at_most.total_seconds(),
                allow_private=self._allow_private,
            )
        except SecretMissingError as error:
            return Again(reason="secret_missing", detail=str(error))
        except TemplateError as error:
            return Result(outcome="failed", reason="template_error", detail=str(error))
        except NotAllowed as error:
            return Result(outcome="failed", reason="not_allowed", detail=str(error))
        except NotReached as error:
            return Again(reason="not_reached", detail=str(error))
        except NotAnswered as error:
            return Again(reason="not_answered", detail=str(error))
        return judge(answered, outgoing.step.keep, datetime.now(UTC))

    def _try_again(self, run: UUID, revision: int, outgoing: Outgoing, came: Again) -> None:
        """Have Temporal try again, as long as the step allows it."""
        left = (outgoing.until - datetime.now(UTC)).total_seconds()
        if left <= 0:
            return
        pause = float(min(2 ** min(activity.info().attempt - 1, 20), _LONGEST_PAUSE))
        pause = min(max(pause, came.retry_after or 0.0), left)
        put_off(self._database, run, revision, pause)
        raise ApplicationError(
            came.reason,
            type="CallFailed",
            category=ApplicationErrorCategory.BENIGN,
            next_retry_delay=timedelta(seconds=pause),
        )
