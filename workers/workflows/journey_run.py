"""The workflow of one run: carries out the command it has, looks for a newer one, repeats.

It knows no plan and no customer. What a run does next is decided in the database, so this
definition stays as it is while journeys, step types and plans change.
"""

from collections.abc import Sequence
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RawValue, RetryPolicy
from temporalio.exceptions import ActivityError, is_cancelled_exception

from activities.contracts import (
    ACTIVITY_TIMEOUT,
    ADVANCE,
    CALL,
    CALL_QUEUE,
    CALL_TIMEOUT,
    CHANNEL_QUEUES,
    SEND,
    WAKE,
    AdvanceRequest,
    Answer,
    CallRequest,
    Cause,
    Command,
    Errand,
    RunStart,
    SendRequest,
)

_PATIENT = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2,
    maximum_interval=timedelta(minutes=1),
)
_QUICK = RetryPolicy(
    initial_interval=timedelta(milliseconds=200),
    backoff_coefficient=2,
    maximum_interval=timedelta(seconds=10),
)


_SLACK = 5.0
"""Seconds that an errand's attempt has to fetch what it is about, and to tell what became of it."""
_AT_LEAST = 60.0
"""Seconds that an errand waits for a worker that is free, even if it is not to be tried again."""

_LONGEST_TIMER = timedelta(days=365).total_seconds()
"""A wait for longer takes several: Temporal counts in nanoseconds, up to 292 years."""


@workflow.defn(dynamic=True)
class JourneyRun:
    """Serves every journey: the workflow's type is the journey's id, its id the run's."""

    def __init__(self) -> None:
        self._hint: Answer | None = None
        self._asked = False

    @workflow.signal(name=WAKE)
    def wake(self, hint: Answer | None) -> None:
        """Take a newer command; without one, ask for it."""
        if hint is None:
            self._asked = True
        elif self._hint is None or hint.revision > self._hint.revision:
            self._hint = hint

    @workflow.run
    async def run(self, args: Sequence[RawValue]) -> None:
        """Go on until the command is to exit."""
        start: RunStart = workflow.payload_converter().from_payload(args[0].payload, RunStart)
        answer = self._newest(start.answer) or await self._look(start.run)
        while answer.command.kind != "exit":
            if workflow.info().is_continue_as_new_suggested():
                newest = self._newest(answer)
                # What it was asked to ask, the next execution asks first of all.
                workflow.continue_as_new(RunStart(start.run, None if self._asked else newest))
            given = await self._carry_out(start.run, answer)
            answer = self._newest(given) or given

    async def _carry_out(self, run: str, answer: Answer) -> Answer:
        """Carry out one command and return what the run was then answered."""
        command = answer.command
        workflow.set_current_details(command.step)
        if await self._woken_before(command, answer.revision):
            if not self._asked:
                return answer
            self._asked = False
            return await self._look(run)
        if command.kind == "wait":
            return await self._advance(run, answer.revision, "time_reached")
        if command.errand is not None:
            return await self._have_done(run, answer, command.errand)
        if command.kind == "call":
            return await self._call(run, answer)
        sent: Answer = await workflow.execute_activity(
            SEND[command.channel],
            SendRequest(run, answer.revision),
            result_type=Answer,
            task_queue=CHANNEL_QUEUES[command.channel],
            start_to_close_timeout=ACTIVITY_TIMEOUT,
            retry_policy=_PATIENT,
            summary=command.step,
        )
        return sent

    async def _call(self, run: str, answer: Answer) -> Answer:
        called: Answer = await workflow.execute_activity(
            CALL,
            CallRequest(run, answer.revision),
            result_type=Answer,
            task_queue=CALL_QUEUE,
            start_to_close_timeout=CALL_TIMEOUT,
            retry_policy=_PATIENT,
            summary=answer.command.step,
        )
        return called

    async def _have_done(self, run: str, answer: Answer, errand: Errand) -> Answer:
        """Have a developer's activity done, on its own queue and in whatever language.

        What it found out is in the database by then; whatever it returns is left alone.
        """
        attempt = errand.timeout + _SLACK
        left = max(errand.until - workflow.now().timestamp(), _AT_LEAST)
        ended: Cause = "call_ended"
        try:
            await workflow.execute_activity(
                errand.activity,
                errand.call,
                result_type=RawValue,
                task_queue=errand.queue,
                start_to_close_timeout=timedelta(seconds=attempt),
                schedule_to_close_timeout=timedelta(seconds=left + attempt),
                retry_policy=_PATIENT,
                summary=answer.command.step,
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            ended = "call_failed"
        return await self._advance(run, answer.revision, ended)

    async def _woken_before(self, command: Command, revision: int) -> bool:
        """Wait until the command's time; return whether something newer came first."""

        def news() -> bool:
            return self._asked or (self._hint is not None and self._hint.revision > revision)

        if news():
            return True
        while (left := (command.at or 0) - workflow.now().timestamp()) > 0:
            try:
                await workflow.wait_condition(
                    news, timeout=min(left, _LONGEST_TIMER), timeout_summary=command.step or None
                )
            except TimeoutError:
                continue
            return True
        return False

    def _newest(self, answer: Answer | None) -> Answer | None:
        """Use up the hint: it counts only where it is newer than what the database answered."""
        hint, self._hint = self._hint, None
        if hint is not None and (answer is None or hint.revision > answer.revision):
            return hint
        return answer

    async def _look(self, run: str) -> Answer:
        return await self._advance(run, 0, "look")

    async def _advance(self, run: str, revision: int, cause: Cause) -> Answer:
        answer: Answer = await workflow.execute_local_activity(
            ADVANCE,
            AdvanceRequest(run, revision, cause),
            result_type=Answer,
            start_to_close_timeout=timedelta(seconds=20),
            retry_policy=_QUICK,
        )
        return answer
