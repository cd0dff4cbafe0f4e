"""Carrying out developers' activities that are written in Python, in this process."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from threading import Lock, Thread
from typing import Any, Final

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.custom.declaring import Activity, GiveUp, RefusedError
from activities.custom.opening import RefusedCall, call_of, customer_of, parameters_of, refused
from engine.errors import NotFound, without_words
from engine.flow.activity import Asked, CallOver, prepare, put_off, settle
from engine.flow.call import Result
from engine.run.calls import CallId
from engine.store.session import Database

_log = logging.getLogger(__name__)

_LONGEST_PAUSE: Final = 300.0
"""Seconds between two attempts, unless the activity asks for more."""


class Runner:
    """Carries out activities. All that stands in Temporal's history is the call's id.

    An async function runs in a loop of its own thread, because one that blocks must not hold up
    the worker; they all share that loop, so that their clients may be shared too.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def registered(self, one: Activity[Any, Any]) -> Callable[[str], None]:
        """Return what a worker registers for an activity."""

        @activity.defn(name=one.declared.name, no_thread_cancel_exception=True)
        def carry_out(call: str) -> None:
            self.carry_out(one, call)

        return carry_out

    def close(self) -> None:
        """End the loop of the async functions."""
        with self._lock:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._loop.stop)
                self._loop = None

    def carry_out(self, one: Activity[Any, Any], call: str) -> None:
        """Carry out one attempt of a call; one that is over is left alone."""
        named = CallId.read(call)
        if named is None:
            raise ApplicationError("no call", type="NoCall", non_retryable=True)
        try:
            asked = prepare(self._database, named)
        except (CallOver, NotFound):
            return
        try:
            result = self._attempt(one, asked)
        except RefusedCall as error:
            _log.warning("The activity %s: %s", one.declared.name, error)
        else:
            settle(self._database, asked.call, Result(outcome="done", kept=result))

    def _attempt(self, one: Activity[Any, Any], asked: Asked) -> dict[str, Any]:
        given = parameters_of(self._database, asked)
        try:
            parameters = one.parameters(given)
        except RefusedError as error:
            raise refused(self._database, asked.call, "bad_parameters", str(error)) from None
        try:
            returned = one.ask(parameters, customer_of(asked), call_of(asked))
            if one.is_async:
                returned = self._awaited(returned, asked.timeout)
        except GiveUp as error:
            raise refused(self._database, asked.call, "gave_up", str(error)) from None
        except Exception as error:  # noqa: BLE001 - a developer's own code may raise anything
            if isinstance(error, ApplicationError) and error.non_retryable:
                raise refused(self._database, asked.call, "gave_up", error.message) from None
            _log.error("The activity %s: %s", one.declared.name, without_words(error))
            self._try_again(asked, error)
            raise refused(self._database, asked.call, "raised", type(error).__name__) from None
        try:
            return one.result(returned)
        except RefusedError as error:
            raise refused(self._database, asked.call, "bad_result", str(error)) from None

    def _try_again(self, asked: Asked, error: Exception) -> None:
        """Have Temporal try again, as long as the step allows it."""
        left = (asked.until - datetime.now(UTC)).total_seconds()
        if left <= 0:
            return
        wanted = error.next_retry_delay if isinstance(error, ApplicationError) else None
        pause = float(min(2 ** min(activity.info().attempt - 1, 20), _LONGEST_PAUSE))
        pause = min(max(pause, wanted.total_seconds() if wanted else 0.0), left)
        put_off(self._database, asked, pause)
        kind = type(error).__name__
        raise ApplicationError(
            kind,
            type=kind,
            category=ApplicationErrorCategory.BENIGN,
            next_retry_delay=timedelta(seconds=pause),
        ) from None

    def _awaited(self, work: Coroutine[Any, Any, Any], seconds: float) -> Any:
        bounded = asyncio.wait_for(work, seconds)
        return asyncio.run_coroutine_threadsafe(bounded, self._running()).result()

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                Thread(
                    target=_run, args=(self._loop,), name="async activities", daemon=True
                ).start()
            return self._loop


def _run(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()
