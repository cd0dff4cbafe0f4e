"""Topics: what customers agree to get, or decline."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response

from designer.api.access import Needs, actor
from designer.api.answers import (
    Cursor,
    Limit,
    emptied,
    json_response,
    page_response,
    put_response,
)
from designer.api.problems import ProblemRoute
from designer.api.reading import document_body, named, parse_object, validated
from engine.flow import topics
from engine.model.topic import Topic
from engine.store import documents
from engine.store.session import Database

Id = Annotated[str, Path(description="its id")]

READ = [Depends(Needs("read"))]
PUBLISH = [Depends(Needs("publish"))]

router = APIRouter(prefix="/v1/topics", tags=["topics"], route_class=ProblemRoute)


def _whole(document: dict[str, Any]) -> dict[str, Any]:
    """Return a topic with its defaults, which the shop's pages need to know."""
    return Topic.model_validate(document).model_dump(mode="json")


def _one(request: Request, topic: str) -> dict[str, Any]:
    database: Database = request.app.state.database
    with database.read() as connection:
        return _whole(documents.get(connection, "topic", topic))


@router.get("", summary="List topics", dependencies=READ)
def list_topics(request: Request, limit: Limit = 100, cursor: Cursor = None) -> Response:
    """List the topics by id."""
    database: Database = request.app.state.database
    with database.read() as connection:
        page = documents.listed(connection, "topic", limit=limit, cursor=cursor)
    page.items[:] = [_whole(item) for item in page.items]
    return page_response(page)


@router.get("/{topic}", summary="One topic", dependencies=READ)
def read_topic(request: Request, topic: Id) -> Response:
    """Return a topic."""
    return json_response(_one(request, topic))


@router.put("/{topic}", summary="Create or replace a topic", dependencies=PUBLISH)
def write_topic(
    request: Request, topic: Id, body: Annotated[bytes, Depends(document_body)]
) -> Response:
    """Save what a topic is called, and what holds for customers who have said nothing of it."""
    model = validated(Topic, named(parse_object(body), topic, "topic"), f"topic {topic}")
    created = topics.put_topic(request.app.state.database, model, actor=actor(request))
    return put_response(_one(request, topic), created=created)


@router.delete("/{topic}", summary="Delete a topic", dependencies=PUBLISH)
def delete_topic(request: Request, topic: Id) -> Response:
    """Delete a topic that no published journey sends; the record of consent is kept."""
    topics.delete_topic(request.app.state.database, topic, actor=actor(request))
    return emptied()
