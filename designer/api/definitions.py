"""Computed traits and scores."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from designer.api.access import actor
from designer.api.answers import Cursor, Limit, emptied, json_response, page_response, put_response
from designer.api.materials import DRAFT, READ, Body, Id
from designer.api.problems import ProblemRoute
from designer.api.reading import named, parse_object, validated
from engine.errors import InvalidDocument
from engine.flow import definitions as defining
from engine.model.mistakes import problems_of
from engine.model.trait import AnyTrait, Score, TraitDocument
from engine.store import documents, trait_builds
from engine.store.documents import Kind
from engine.store.session import Database
from engine.store.trait_builds import Build

READ_ONLY: Final = frozenset({"state", "progress", "warnings"})
"""What a read shows and a write passes over, so that what was read can be put back."""

router = APIRouter(prefix="/v1", route_class=ProblemRoute)


def _whole(document: dict[str, Any], building: Mapping[str, Build]) -> dict[str, Any]:
    """Return a definition with how far it is computed for everybody."""
    build = building.get(document["id"])
    state: dict[str, Any] = {"state": "ready" if build is None else "building"}
    if build is not None:
        state["progress"] = {"done": build.done, "total": build.total}
    return {**document, **state}


def _one(request: Request, kind: Kind, name: str) -> dict[str, Any]:
    database: Database = request.app.state.database
    with database.read() as connection:
        found = documents.get(connection, kind, name)
        return _whole(found, trait_builds.unfinished(connection))


def _listed(request: Request, kind: Kind, limit: int, cursor: str | None) -> Response:
    database: Database = request.app.state.database
    with database.read() as connection:
        page = documents.listed(connection, kind, limit=limit, cursor=cursor)
        building = trait_builds.unfinished(connection)
    page.items[:] = [_whole(item, building) for item in page.items]
    return page_response(page)


def _put(request: Request, kind: Kind, model: AnyTrait | Score, *, created: bool) -> Response:
    """Answer with what was saved, and a warning for each event that nobody has sent lately."""
    database: Database = request.app.state.database
    with database.read() as connection:
        unseen = defining.unseen(connection, model)
    saved = _one(request, kind, model.id)
    if unseen:
        saved["warnings"] = [f"No event called {name!r} has come lately." for name in unseen]
    return put_response(saved, created=created)


def _told(body: bytes, name: str, what: str) -> dict[str, Any]:
    """Return the document as it was sent, without what only a read shows."""
    document = named(parse_object(body), name, what)
    return {key: value for key, value in document.items() if key not in READ_ONLY}


def _trait(document: dict[str, Any]) -> AnyTrait:
    try:
        return TraitDocument.read(document)
    except ValidationError as error:
        problems = problems_of({"trait": document}, error)
        raise InvalidDocument(
            f"The computed trait {document['id']} has mistakes", problems
        ) from None


@router.get("/traits", tags=["traits"], summary="List computed traits", dependencies=READ)
def list_traits(request: Request, limit: Limit = 100, cursor: Cursor = None) -> Response:
    """List the computed traits by id."""
    return _listed(request, "trait", limit, cursor)


@router.get("/traits/{trait}", tags=["traits"], summary="One computed trait", dependencies=READ)
def read_trait(request: Request, trait: Id) -> Response:
    """Return a computed trait's definition, and whether it is computed for everybody."""
    return json_response(_one(request, "trait", trait))


@router.put(
    "/traits/{trait}",
    tags=["traits"],
    summary="Create or replace a computed trait",
    dependencies=DRAFT,
)
def write_trait(request: Request, trait: Id, body: Body) -> Response:
    """Save what is computed of each customer; everybody is computed in the background."""
    model = _trait(_told(body, trait, "computed trait"))
    created = defining.put_trait(request.app.state.database, model, actor=actor(request))
    return _put(request, "trait", model, created=created)


@router.delete(
    "/traits/{trait}", tags=["traits"], summary="Delete a computed trait", dependencies=DRAFT
)
def delete_trait(request: Request, trait: Id) -> Response:
    """Delete a computed trait that no other one, no segment, journey or template uses."""
    defining.delete_trait(request.app.state.database, trait, actor=actor(request))
    return emptied()


@router.get("/scores", tags=["scores"], summary="List scores", dependencies=READ)
def list_scores(request: Request, limit: Limit = 100, cursor: Cursor = None) -> Response:
    """List the scores by id."""
    return _listed(request, "score", limit, cursor)


@router.get("/scores/{score}", tags=["scores"], summary="One score", dependencies=READ)
def read_score(request: Request, score: Id) -> Response:
    """Return a score's rules, and whether it is added up for everybody."""
    return json_response(_one(request, "score", score))


@router.put(
    "/scores/{score}", tags=["scores"], summary="Create or replace a score", dependencies=DRAFT
)
def write_score(request: Request, score: Id, body: Body) -> Response:
    """Save the rules of a score; it is added up for everybody in the background."""
    model = validated(Score, _told(body, score, "score"), f"score {score}")
    created = defining.put_score(request.app.state.database, model, actor=actor(request))
    return _put(request, "score", model, created=created)


@router.delete("/scores/{score}", tags=["scores"], summary="Delete a score", dependencies=DRAFT)
def delete_score(request: Request, score: Id) -> Response:
    """Delete a score that no trait, no segment, journey or template uses."""
    defining.delete_score(request.app.state.database, score, actor=actor(request))
    return emptied()
