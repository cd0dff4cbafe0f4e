"""Starts: a journey for everybody in a segment, or for all customers."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import Field, ValidationError
from uuid_utils.compat import uuid7

from designer.api.access import Needs, actor
from designer.api.answers import Cursor, Limit, json_response
from designer.api.journeys import JourneyId
from designer.api.problems import ProblemRoute
from designer.api.reading import document_body, parse_object
from engine.errors import InvalidDocument
from engine.flow import starting
from engine.model.base import Frozen, Slug
from engine.model.mistakes import problems_of
from engine.model.opening import Pace
from engine.store import documents, starts
from engine.store.session import Database

StartId = Annotated[UUID, Path(description="the start's id")]

SHOWN: Final = (
    "id", "journey", "segment", "pace", "source", "state", "reason", "total", "entered", "refused",
    "failed", "due_at", "created_at", "begun_at", "ended_at",
)  # fmt: skip

router = APIRouter(prefix="/v1/journeys", tags=["journeys"], route_class=ProblemRoute)


class Start(Frozen):
    """For whom a journey is to be started, and how fast."""

    segment: Slug | None = Field(default=None, description="all customers when left out")
    pace: Pace | None = Field(default=None, description="else the journey's, else 3000/min")


def _resource(start: starts.Start) -> dict[str, Any]:
    return {name: getattr(start, name) for name in SHOWN}


@router.post(
    "/{journey}/starts",
    summary="Start it for many",
    status_code=201,
    dependencies=[Depends(Needs("publish"))],
)
def start_journey(
    request: Request, journey: JourneyId, body: Annotated[bytes, Depends(document_body)]
) -> Response:
    """Let everybody in a segment enter, or all customers, at a pace; the journey's rules hold."""
    document = parse_object(body)
    try:
        asked = Start.model_validate(document)
    except ValidationError as error:
        raise InvalidDocument("The start has mistakes", problems_of(document, error)) from None
    database: Database = request.app.state.database
    begun = starting.begin(
        database, uuid7(), journey, asked.segment, asked.pace, actor=actor(request)
    )
    return json_response(_resource(begun), 201)


@router.get("/{journey}/starts", summary="Its starts", dependencies=[Depends(Needs("read"))])
def list_starts(
    request: Request, journey: JourneyId, limit: Limit = 100, cursor: Cursor = None
) -> Response:
    """List the starts of a journey, the newest first, with how far each is."""
    database: Database = request.app.state.database
    with database.read() as connection:
        documents.journey(connection, journey)
        found, page = starts.listed(connection, journey, limit=limit, cursor=cursor)
    return json_response({"items": [_resource(one) for one in found], "next": page.next})


@router.get("/{journey}/starts/{start}", summary="One start", dependencies=[Depends(Needs("read"))])
def read_start(request: Request, journey: JourneyId, start: StartId) -> Response:
    """Return how far a start is; its state is running, done or stopped (`reason` says why)."""
    database: Database = request.app.state.database
    with database.read() as connection:
        return json_response(_resource(starts.one(connection, journey, start)))


@router.post(
    "/{journey}/starts/{start}/stop",
    summary="Stop a start",
    dependencies=[Depends(Needs("publish"))],
)
def stop_start(request: Request, journey: JourneyId, start: StartId) -> Response:
    """Let nobody more in; who has entered stays."""
    database: Database = request.app.state.database
    return json_response(_resource(starting.stop(database, journey, start, actor=actor(request))))
