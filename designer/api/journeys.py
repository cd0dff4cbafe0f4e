"""Journeys: their drafts, publishing, counters, and entries asked for by the shop's systems."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import AwareDatetime

from designer.api.access import Needs, actor
from designer.api.answers import (
    Cursor,
    Limit,
    emptied,
    json_response,
    put_response,
)
from designer.api.problems import Malformed, ProblemRoute, as_json
from designer.api.reading import check_storable, document_body, named, parse_object
from engine.errors import InvalidDocument, InvalidInput
from engine.flow import archive, publish
from engine.model.document import journey_of, parse_journey
from engine.model.journey import Journey
from engine.store import counters, documents
from engine.store.documents import StoredJourney
from engine.store.session import Database

JourneyId = Annotated[str, Path(description="the journey's id")]

READ_ONLY: Final = ("state", "version", "problems")
"""What a read adds to the document and a write passes over."""

router = APIRouter(prefix="/v1/journeys", tags=["journeys"], route_class=ProblemRoute)


def _resource(stored: StoredJourney) -> dict[str, Any]:
    return {**stored.draft, "state": stored.state, "version": stored.version}


def _read(database: Database, journey_id: str) -> dict[str, Any]:
    with database.read() as connection:
        return _resource(documents.journey(connection, journey_id))


@router.get("", summary="List journeys", dependencies=[Depends(Needs("read"))])
def list_journeys(request: Request, limit: Limit = 100, cursor: Cursor = None) -> Response:
    """List the journeys' drafts by id, each with its state and live version."""
    database: Database = request.app.state.database
    with database.read() as connection:
        stored, following = documents.journeys(connection, limit=limit, cursor=cursor)
    return json_response({"items": [_resource(one) for one in stored], "next": following})


@router.get("/{journey}", summary="One journey", dependencies=[Depends(Needs("read"))])
def read_journey(request: Request, journey: JourneyId) -> Response:
    """Return a journey's draft, its state and its live version."""
    return json_response(_read(request.app.state.database, journey))


@router.put(
    "/{journey}",
    summary="Create or replace a journey's draft",
    dependencies=[Depends(Needs("write drafts"))],
)
def write_journey(
    request: Request, journey: JourneyId, body: Annotated[bytes, Depends(document_body)]
) -> Response:
    """Save a draft, in JSON or YAML by its content type; what is live stays as it is.

    The answer's `problems` are what publishing would refuse or warn of.
    """
    database: Database = request.app.state.database
    document, text = _document(body, journey, request.headers.get("content-type", ""))
    saved = publish.save_journey(database, document, text, actor=actor(request))
    content = _read(database, journey)
    content["problems"] = [as_json(problem) for problem in saved.problems]
    return put_response(content, created=saved.created)


def _document(body: bytes, journey_id: str, content_type: str) -> tuple[Journey, str | None]:
    if "yaml" not in content_type.lower():
        return _from_json(body, journey_id), None  # YAML has to say so: JSON errors are clearer
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise Malformed("The body is not UTF-8.") from None
    journey = parse_journey(text)
    check_storable(journey.document())
    named({"id": journey.id}, journey_id, "journey")
    return journey, text


def _from_json(body: bytes, journey_id: str) -> Journey:
    document = named(parse_object(body), journey_id, "journey")
    for field in READ_ONLY:
        document.pop(field, None)
    try:
        return journey_of(document)
    except InvalidDocument as error:
        raise _with_lines(body, error) from None


def _with_lines(body: bytes, error: InvalidDocument) -> InvalidDocument:
    """Say on which lines the mistakes are, which only the text can tell."""
    try:
        parse_journey(body.decode())
    except InvalidDocument as told:
        lines = {problem.path: problem for problem in told.problems}
        return InvalidDocument(error.what, [lines.get(one.path, one) for one in error.problems])
    except (RecursionError, UnicodeDecodeError):
        pass
    return error


@router.delete(
    "/{journey}",
    summary="Delete a journey that was never published",
    dependencies=[Depends(Needs("write drafts"))],
)
def delete_journey(request: Request, journey: JourneyId) -> Response:
    """Delete a draft; a published journey's record is kept, and this refused."""
    publish.delete_journey(request.app.state.database, journey, actor=actor(request))
    return emptied()


@router.post(
    "/{journey}/publish", summary="Publish the draft", dependencies=[Depends(Needs("publish"))]
)
def publish_journey(request: Request, journey: JourneyId) -> Response:
    """Make the draft the live version, or list every mistake that stands against it."""
    publish.publish(request.app.state.database, journey, actor=actor(request))
    return json_response(_read(request.app.state.database, journey))


@router.post("/{journey}/pause", summary="Pause", dependencies=[Depends(Needs("publish"))])
def pause_journey(request: Request, journey: JourneyId) -> Response:
    """Let nobody enter, and hold what is due, until the journey is resumed."""
    publish.pause(request.app.state.database, journey, actor=actor(request))
    return json_response(_read(request.app.state.database, journey))


@router.post("/{journey}/resume", summary="Resume", dependencies=[Depends(Needs("publish"))])
def resume_journey(request: Request, journey: JourneyId) -> Response:
    """Let customers enter again, and what is held go on, a few customers at a time."""
    publish.resume(request.app.state.database, journey, actor=actor(request))
    return json_response(_read(request.app.state.database, journey))


@router.post("/{journey}/archive", summary="Archive", dependencies=[Depends(Needs("publish"))])
def archive_journey(
    request: Request,
    journey: JourneyId,
    inside: Annotated[
        archive.Inside | None,
        Query(description="what becomes of those inside: they `end` there, or `finish`"),
    ] = None,
) -> Response:
    """Put a journey away: nobody enters it any more. With customers inside, say `inside`."""
    archive.archive(request.app.state.database, journey, actor=actor(request), inside=inside)
    return json_response(_read(request.app.state.database, journey))


@router.post(
    "/{journey}/restore",
    summary="Take out of the archive",
    dependencies=[Depends(Needs("publish"))],
)
def restore_journey(request: Request, journey: JourneyId) -> Response:
    """Restore an archived journey as paused, or as a draft when it was never published."""
    archive.restore(request.app.state.database, journey, actor=actor(request))
    return json_response(_read(request.app.state.database, journey))


@router.get("/{journey}/counters", summary="Counters", dependencies=[Depends(Needs("read"))])
def read_counters(
    request: Request,
    journey: JourneyId,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    since: Annotated[
        AwareDatetime | None, Query(alias="from", description="count from this instant on")
    ] = None,
    until: Annotated[
        AwareDatetime | None, Query(alias="to", description="count until just before this instant")
    ] = None,
) -> Response:
    """Count who entered, where they stand and what became of the messages.

    With `from` or `to`, what began in that time: who entered the journey or came to a step, and
    what became of the messages that were decided then. `active`, `waiting` and `held` say how
    things stand now, whatever the period.
    """
    if since is not None and until is not None and since > until:
        raise InvalidInput("`from` lies after `to`: name the earlier instant in `from`.")
    database: Database = request.app.state.database
    with database.read() as connection:
        documents.journey(connection, journey)
        return json_response(
            counters.counters(connection, journey, version, since=since, until=until)
        )
