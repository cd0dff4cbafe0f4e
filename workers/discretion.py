"""Keeps errors' own words out of histories."""

from typing import Any

from temporalio.exceptions import ApplicationError, FailureError
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
)


class Discreet(Interceptor):
    """Lets only an error's kind and place into a history, and into the log.

    A database, a template or a developer's own code may quote a customer's data in an error.
    What an activity means to say, it says by raising an `ApplicationError`.
    """

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        """Wrap every activity."""
        return _Careful(next)


class _Careful(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        try:
            return await self.next.execute_activity(input)
        except FailureError as error:
            said: Exception = error
        except Exception as error:  # noqa: BLE001 - its kind and place are told
            kind = type(error).__name__
            said = ApplicationError(kind, type=kind).with_traceback(error.__traceback__)
        said.__cause__, said.__suppress_context__ = None, True
        raise said
