"""Segments, templates, caps and the shop's settings."""

from dataclasses import replace
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
from engine.flow import materials
from engine.model.cap import Cap
from engine.model.segment import Segment
from engine.model.template import Template
from engine.model.workspace import Workspace
from engine.store import documents, populations
from engine.store.documents import Kind
from engine.store.session import Database

Body = Annotated[bytes, Depends(document_body)]
Id = Annotated[str, Path(description="its id")]

READ = [Depends(Needs("read"))]
DRAFT = [Depends(Needs("write drafts"))]
PUBLISH = [Depends(Needs("publish"))]
ADMINISTER = [Depends(Needs("administer"))]

router = APIRouter(prefix="/v1", route_class=ProblemRoute)


def listed(request: Request, kind: Kind, limit: int, cursor: str | None) -> Response:
    """Answer a page of the documents of a kind."""
    database: Database = request.app.state.database
    with database.read() as connection:
        return page_response(documents.listed(connection, kind, limit=limit, cursor=cursor))


def one(request: Request, kind: Kind, document_id: str) -> dict[str, Any]:
    """Return one document of a kind."""
    database: Database = request.app.state.database
    with database.read() as connection:
        return documents.get(connection, kind, document_id)


@router.get("/segments", tags=["segments"], summary="List segments", dependencies=READ)
def list_segments(request: Request, limit: Limit = 100, cursor: Cursor = None) -> Response:
    """List the segments by id, each with its `size` and `state` (ready or building)."""
    database: Database = request.app.state.database
    with database.read() as connection:
        found = documents.listed(connection, "segment", limit=limit, cursor=cursor)
        told = populations.figures(connection, [one["id"] for one in found.items])
    items = [{**one, **told.get(one["id"], {})} for one in found.items]
    return page_response(replace(found, items=items))


@router.get("/segments/{segment}", tags=["segments"], summary="One segment", dependencies=READ)
def read_segment(request: Request, segment: Id) -> Response:
    """Return a segment's name and rule, with its `size` and `state` (ready or building)."""
    return json_response(_segment(request, segment))


def _segment(request: Request, segment: str) -> dict[str, Any]:
    database: Database = request.app.state.database
    with database.read() as connection:
        document = documents.get(connection, "segment", segment)
        return {**document, **populations.figures(connection, [segment]).get(segment, {})}


@router.get(
    "/segments/{segment}/customers",
    tags=["segments"],
    summary="The customers of a segment",
    dependencies=[*READ, Depends(Needs("read customers"))],
)
def list_members(
    request: Request, segment: Id, limit: Limit = 100, cursor: Cursor = None
) -> Response:
    """List who is in a segment now, the newest customers first.

    Each is a whole customer, with `since` when she is inside, and `next_change_at`: when time alone
    may take her out.
    """
    database: Database = request.app.state.database
    with database.read() as connection:
        documents.get(connection, "segment", segment)
        found = populations.members(connection, segment, limit=limit, cursor=cursor)
    return page_response(found)


@router.put(
    "/segments/{segment}",
    tags=["segments"],
    summary="Create or replace a segment",
    dependencies=DRAFT,
)
def write_segment(request: Request, segment: Id, body: Body) -> Response:
    """Save a rule that says which customers are meant; then everybody is looked at anew."""
    document = named(parse_object(body), segment, "segment")
    for told in ("size", "state"):
        document.pop(told, None)  # an answer may be put back as it was read
    model = validated(Segment, document, f"segment {segment}")
    created = materials.put_segment(request.app.state.database, model, actor=actor(request))
    return put_response(_segment(request, segment), created=created)


@router.delete(
    "/segments/{segment}", tags=["segments"], summary="Delete a segment", dependencies=DRAFT
)
def delete_segment(request: Request, segment: Id) -> Response:
    """Delete a segment that no published journey and no other segment uses."""
    materials.delete(request.app.state.database, "segment", segment, actor=actor(request))
    return emptied()


@router.get("/templates", tags=["templates"], summary="List templates", dependencies=READ)
def list_templates(request: Request, limit: Limit = 100, cursor: Cursor = None) -> Response:
    """List the templates by id."""
    return listed(request, "template", limit, cursor)


@router.get("/templates/{template}", tags=["templates"], summary="One template", dependencies=READ)
def read_template(request: Request, template: Id) -> Response:
    """Return a template with its content per locale."""
    return json_response(one(request, "template", template))


@router.put(
    "/templates/{template}",
    tags=["templates"],
    summary="Create or replace a template",
    dependencies=DRAFT,
)
def write_template(request: Request, template: Id, body: Body) -> Response:
    """Save what messages are made from; a published journey's next message uses it."""
    document = named(parse_object(body), template, "template")
    model = validated(Template, document, f"template {template}")
    created = materials.put_template(request.app.state.database, model, actor=actor(request))
    return put_response(one(request, "template", template), created=created)


@router.delete(
    "/templates/{template}", tags=["templates"], summary="Delete a template", dependencies=DRAFT
)
def delete_template(request: Request, template: Id) -> Response:
    """Delete a template that no published journey uses."""
    materials.delete(request.app.state.database, "template", template, actor=actor(request))
    return emptied()


@router.get("/caps", tags=["caps"], summary="List frequency caps", dependencies=READ)
def list_caps(request: Request, limit: Limit = 100, cursor: Cursor = None) -> Response:
    """List the frequency caps by id."""
    return listed(request, "cap", limit, cursor)


@router.get("/caps/{cap}", tags=["caps"], summary="One frequency cap", dependencies=READ)
def read_cap(request: Request, cap: Id) -> Response:
    """Return a frequency cap."""
    return json_response(one(request, "cap", cap))


@router.put(
    "/caps/{cap}", tags=["caps"], summary="Create or replace a frequency cap", dependencies=PUBLISH
)
def write_cap(request: Request, cap: Id, body: Body) -> Response:
    """Save how many messages a customer may get in how long; it holds from the next claim on."""
    model = validated(Cap, named(parse_object(body), cap, "cap"), f"cap {cap}")
    created = materials.put_cap(request.app.state.database, model, actor=actor(request))
    return put_response(one(request, "cap", cap), created=created)


@router.delete("/caps/{cap}", tags=["caps"], summary="Delete a frequency cap", dependencies=PUBLISH)
def delete_cap(request: Request, cap: Id) -> Response:
    """Delete a frequency cap."""
    materials.delete(request.app.state.database, "cap", cap, actor=actor(request))
    return emptied()


@router.get("/workspace", tags=["workspace"], summary="The shop's settings", dependencies=READ)
def read_workspace(request: Request) -> Response:
    """Return the shop's settings, defaults included."""
    database: Database = request.app.state.database
    with database.read() as connection:
        settings = documents.workspace(connection)
    return json_response(settings.model_dump(mode="json", by_alias=True))


@router.put(
    "/workspace", tags=["workspace"], summary="Replace the settings", dependencies=ADMINISTER
)
def write_workspace(request: Request, body: Body) -> Response:
    """Replace the shop's settings; what is left out takes its default."""
    settings = validated(Workspace, parse_object(body), "workspace")
    materials.put_workspace(request.app.state.database, settings, actor=actor(request))
    return read_workspace(request)
