"""Trying an activity without a shop: for developers' own tests.

from activities.testing import run_activity

def test_points_are_added():
    ada = Customer(external_id="42", traits={"tier": "gold"})
    assert run_activity(add_points, {"points": "10"}, customer=ada).balance == 10
"""

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar, overload
from uuid import UUID

from activities.custom.declaring import (
    Activity,
    Call,
    Customer,
    GiveUp,
    RefusedError,
)

R = TypeVar("R")

__all__ = ["Call", "Customer", "GiveUp", "RefusedError", "run_activity"]

ADA = Customer(
    id=UUID("00000000-0000-8000-8000-00000000ada0"),
    external_id="ada",
    traits={"first_name": "Ada"},
    addresses={"email": "ada@example.com"},
    locale="en",
    time_zone="Europe/Zurich",
)
"""Whom an activity is done for when nobody else is named."""


@overload
def run_activity(
    activity: Activity[..., Coroutine[Any, Any, R]],
    parameters: Mapping[str, Any] | None = None,
    *,
    customer: Customer = ADA,
    call: Call | None = None,
) -> R: ...


@overload
def run_activity(
    activity: Activity[..., R],
    parameters: Mapping[str, Any] | None = None,
    *,
    customer: Customer = ADA,
    call: Call | None = None,
) -> R: ...


def run_activity(
    activity: Activity[..., Any],
    parameters: Mapping[str, Any] | None = None,
    *,
    customer: Customer = ADA,
    call: Call | None = None,
) -> Any:
    """Carry out an activity as a worker does, and return its result.

    The parameters are those of a step whose texts are rendered already. Parameters and result are
    checked as in production; `RefusedError` says the very sentence that the shop's people would
    read. What the activity raises, `GiveUp` included, comes through.
    """
    read = activity.parameters(parameters or {})
    returned = activity.ask(
        read, customer, call or Call(key=UUID(int=1), journey="test", step="test")
    )
    if activity.is_async:
        returned = asyncio.run(returned)
    activity.result(returned)
    return returned
