"""Developers' activities: which there are, and their calls for workers in any language."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response

from activities.custom.opening import RefusedCall, document_of, result_of
from designer.api.access import Needs
from designer.api.answers import emptied, json_response
from designer.api.problems import Malformed, ProblemRoute
from designer.api.reading import document_body, parse_object, validated
from engine.errors import InvalidInput, NotFound
from engine.flow.activity import prepare, register, settle, type_of
from engine.flow.call import Result
from engine.model.activity import ActivityType
from engine.run.calls import CallId
from engine.store import activities
from engine.store.activities import Registered
from engine.store.session import Database

router = APIRouter(prefix="/v1", tags=["activities"], route_class=ProblemRoute)

Body = Annotated[bytes, Depends(document_body)]
Name = Annotated[str, Path(max_length=63)]
Call = Annotated[str, Path(description="what Temporal gave to the activity", max_length=200)]

SERVES = [Depends(Needs("serve activities"))]


@router.get("/activities", summary="List activities", dependencies=[Depends(Needs("read"))])
def list_activities(request: Request) -> Response:
    """List the activities that journeys may use, with when a worker last told of each."""
    database: Database = request.app.state.database
    with database.read() as connection:
        found = activities.listed(connection)
    return json_response({"items": [_shown(one) for one in found], "next": None})


@router.put("/activities/{activity}", summary="Tell of an activity", dependencies=SERVES)
def write_activity(request: Request, activity: Name, body: Body) -> Response:
    """Take down that a worker has this activity; to be repeated every few minutes."""
    document = parse_object(body)
    if document.get("name", activity) != activity:
        raise InvalidInput(
            f"The address names the activity {activity!r}, the document says "
            f"{str(document['name'])!r}: they must agree."
        )
    model = validated(ActivityType, {**document, "name": activity}, f"activity {activity}")
    register(request.app.state.database, [model])
    return json_response(model.model_dump(mode="json"))


@router.delete(
    "/activities/{activity}",
    summary="Forget an activity",
    dependencies=[Depends(Needs("publish"))],
)
def delete_activity(request: Request, activity: Name) -> Response:
    """Forget an activity that no worker has any more; one that has it tells of it again."""
    database: Database = request.app.state.database
    database.transact(lambda connection: activities.forget(connection, activity))
    return emptied()


@router.get("/calls/{call}", summary="What an activity is asked to do", dependencies=SERVES)
def read_call(request: Request, call: Call) -> Response:
    """Return the rendered parameters, the customer and the key of a call.

    410 when it is over: then nothing is left to do. 422 when its parameters are not what the
    activity wants: then the call has failed.
    """
    database: Database = request.app.state.database
    asked = prepare(database, _named(call))
    try:
        return json_response(document_of(database, asked))
    except RefusedCall as error:
        raise InvalidInput(str(error)) from None


@router.post("/calls/{call}", summary="Tell what became of a call", dependencies=SERVES)
def write_call(request: Request, call: Call, body: Body) -> Response:
    """Settle a call by its `result`, or by an `error`, after which it is not tried again.

    `counts` is false for a call that was over already: it is noted, and changes nothing. 422 when
    the result is not what the activity's schema says: then the call has failed.
    """
    database: Database = request.app.state.database
    named_ = _named(call)
    document = parse_object(body)
    known = type_of(database, named_)
    result = _failure(document)
    if result is None:
        try:
            result = result_of(database, named_, known, document["result"])
        except RefusedCall as error:
            raise InvalidInput(str(error)) from None
    return json_response({"counts": settle(database, named_, result)})


def _failure(document: dict[str, Any]) -> Result | None:
    """Read what a worker tells; None when it tells a result."""
    if set(document) == {"result"} and isinstance(document["result"], dict):
        return None
    if set(document) == {"error"} and isinstance(document["error"], str):
        return Result(outcome="failed", reason="gave_up", detail=document["error"][:2000])
    raise Malformed("Send either a `result`, which is a JSON object, or an `error`, a sentence.")


def _named(call: str) -> CallId:
    named_ = CallId.read(call)
    if named_ is None:
        raise NotFound(f"There is no call {call!r}.")
    return named_


def _shown(one: Registered) -> dict[str, Any]:
    document = one.type.model_dump(mode="json")
    return {**document, "seen_at": one.seen_at, "silent": one.silent}
