"""A call as it is handed to whoever carries it out: rendered, and as its schema wants it."""

from dataclasses import asdict
from typing import Any

from activities.custom.declaring import Call, Customer, RefusedError, kept
from activities.filling import filled
from activities.rendering import TemplateError
from engine.flow.activity import Asked, settle
from engine.flow.call import Result
from engine.model.activity import ActivityType
from engine.model.schema import conform
from engine.run.calls import CallId
from engine.store.session import Database


class RefusedCall(Exception):
    """A call cannot be made as it stands, and has been settled so; the text says why."""


def parameters_of(database: Database, asked: Asked) -> dict[str, Any]:
    """Render the parameters.

    Raises:
        RefusedCall: they cannot be rendered; the call has failed.
    """
    try:
        return {name: filled(one, asked.variables) for name, one in asked.step.parameters.items()}
    except TemplateError as error:
        raise refused(database, asked.call, "template_error", str(error)) from None


def refused(database: Database, call: CallId, reason: str, detail: str) -> RefusedCall:
    """Settle a call that failed for good; return what tells of it."""
    settle(database, call, Result(outcome="failed", reason=reason, detail=detail))
    return RefusedCall(f"The call has failed: {detail}.")


def customer_of(asked: Asked) -> Customer:
    """Return the customer as activities know her."""
    customer = asked.customer
    return Customer(
        id=customer.id,
        external_id=asked.external_id,
        traits=dict(customer.known),
        addresses=dict(customer.addresses),
        locale=customer.locale,
        time_zone=customer.time_zone,
    )


def call_of(asked: Asked) -> Call:
    """Return the call as activities know it."""
    return Call(key=asked.key, journey=asked.journey, step=asked.call.step)


def document_of(database: Database, asked: Asked) -> dict[str, Any]:
    """Return the call for a worker in another language.

    Raises:
        RefusedCall: its parameters cannot be rendered, or are not what the activity's schema says.
    """
    parameters = parameters_of(database, asked)
    if asked.type is not None:
        parameters, mistakes = conform(parameters, asked.type.parameters)
        if mistakes:
            raise refused(database, asked.call, "bad_parameters", "; ".join(mistakes))
    return {
        "id": str(asked.call),
        "activity": asked.step.activity,
        "until": asked.until,
        **asdict(call_of(asked)),
        "parameters": parameters,
        "customer": asdict(customer_of(asked)),
    }


def result_of(
    database: Database, call: CallId, known: ActivityType | None, result: dict[str, Any]
) -> Result:
    """Return the result of a worker in another language.

    Raises:
        RefusedCall: it is not what the activity's schema says, or cannot be kept; the call has
            failed.
    """
    read, mistakes = conform(result, known.result if known is not None else {})
    if mistakes:
        raise refused(database, call, "bad_result", "; ".join(mistakes))
    try:
        return Result(outcome="done", kept=kept(read))
    except RefusedError as error:
        raise refused(database, call, "bad_result", str(error)) from None
