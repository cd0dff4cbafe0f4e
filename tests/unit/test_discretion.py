"""What an error may tell a history."""

import asyncio
from typing import Any

import pytest
from temporalio.api.failure.v1 import Failure
from temporalio.converter import DefaultFailureConverter, DefaultPayloadConverter
from temporalio.exceptions import ApplicationError
from temporalio.worker import ActivityInboundInterceptor

from workers.discretion import Discreet

ADA = "ada@example.com"


class Failing(ActivityInboundInterceptor):
    """Stands for an activity."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def execute_activity(self, input: Any) -> Any:  # noqa: A002, ARG002
        raise self.error from KeyError(ADA)


def told(error: Exception) -> Failure:
    interceptor = Discreet().intercept_activity(Failing(error))
    failure = Failure()
    with pytest.raises(Exception) as raised:  # noqa: PT011 - what it is, is looked at
        asyncio.run(interceptor.execute_activity(None))  # type: ignore[arg-type]
    DefaultFailureConverter().to_failure(raised.value, DefaultPayloadConverter(), failure)
    return failure


def test_an_errors_words_stay_out_of_histories() -> None:
    failure = told(ValueError(f"Key (value)=({ADA}) already exists"))
    assert ADA not in str(failure)
    assert failure.message == "ValueError"
    assert failure.application_failure_info.type == "ValueError"
    assert "test_discretion.py" in failure.stack_trace


def test_what_an_activity_says_on_purpose_is_told() -> None:
    failure = told(ApplicationError("smtp: the mail server answered 421", type="Refused"))
    assert failure.message == "smtp: the mail server answered 421"
    assert failure.application_failure_info.type == "Refused"
    assert ADA not in str(failure)
