"""What templates share: snippets, and pools of coupon codes."""

from typing import Any

from fastapi import APIRouter, Request, Response

from designer.api.access import actor
from designer.api.answers import Cursor, Limit, emptied, json_response, put_response
from designer.api.materials import DRAFT, PUBLISH, READ, Body, Id, listed, one
from designer.api.problems import ProblemRoute
from designer.api.reading import named, parse_object, validated
from engine.flow import coupons as giving
from engine.flow import materials
from engine.model.coupon import Codes, CouponPool
from engine.model.snippet import Snippet
from engine.store import coupons, documents
from engine.store.session import Database

router = APIRouter(prefix="/v1", route_class=ProblemRoute)


@router.get("/snippets", tags=["snippets"], summary="List snippets", dependencies=READ)
def list_snippets(request: Request, limit: Limit = 100, cursor: Cursor = None) -> Response:
    """List the snippets by id."""
    return listed(request, "snippet", limit, cursor)


@router.get("/snippets/{snippet}", tags=["snippets"], summary="One snippet", dependencies=READ)
def read_snippet(request: Request, snippet: Id) -> Response:
    """Return a snippet with its text per locale."""
    return json_response(one(request, "snippet", snippet))


@router.put(
    "/snippets/{snippet}",
    tags=["snippets"],
    summary="Create or replace a snippet",
    dependencies=DRAFT,
)
def write_snippet(request: Request, snippet: Id, body: Body) -> Response:
    """Save a piece that templates put in; a published journey's next message uses it."""
    document = named(parse_object(body), snippet, "snippet")
    model = validated(Snippet, document, f"snippet {snippet}")
    created = materials.put_snippet(request.app.state.database, model, actor=actor(request))
    return put_response(one(request, "snippet", snippet), created=created)


@router.delete(
    "/snippets/{snippet}", tags=["snippets"], summary="Delete a snippet", dependencies=DRAFT
)
def delete_snippet(request: Request, snippet: Id) -> Response:
    """Delete a snippet that no published journey's template uses."""
    materials.delete(request.app.state.database, "snippet", snippet, actor=actor(request))
    return emptied()


@router.get("/coupons", tags=["coupons"], summary="List coupon pools", dependencies=READ)
def list_pools(request: Request, limit: Limit = 100, cursor: Cursor = None) -> Response:
    """List the coupon pools by id."""
    return listed(request, "coupon_pool", limit, cursor)


@router.get("/coupons/{pool}", tags=["coupons"], summary="One coupon pool", dependencies=READ)
def read_pool(request: Request, pool: Id) -> Response:
    """Return a coupon pool, and how many of its codes are `given` out and `left`."""
    return json_response(_pool(request, pool))


@router.put(
    "/coupons/{pool}",
    tags=["coupons"],
    summary="Create or replace a coupon pool",
    dependencies=PUBLISH,
)
def write_pool(request: Request, pool: Id, body: Body) -> Response:
    """Save where codes come from; those that it holds stay."""
    document = named(parse_object(body), pool, "coupon pool")
    for told in ("given", "left"):
        document.pop(told, None)  # an answer may be put back as it was read
    model = validated(CouponPool, document, f"coupon pool {pool}")
    created = giving.put_pool(request.app.state.database, model, actor=actor(request))
    return put_response(_pool(request, pool), created=created)


@router.delete(
    "/coupons/{pool}", tags=["coupons"], summary="Delete a coupon pool", dependencies=PUBLISH
)
def delete_pool(request: Request, pool: Id) -> Response:
    """Delete a pool that no published journey's template uses, with its codes that are left."""
    giving.delete_pool(request.app.state.database, pool, actor=actor(request))
    return emptied()


@router.post(
    "/coupons/{pool}/codes", tags=["coupons"], summary="Add coupon codes", dependencies=PUBLISH
)
def add_codes(request: Request, pool: Id, body: Body) -> Response:
    """Add codes to a pool of given ones; those that it has already are passed over."""
    model = validated(Codes, parse_object(body), "list of codes")
    added = giving.add_codes(request.app.state.database, pool, model.codes, actor=actor(request))
    return json_response({"added": added, "known": len(set(model.codes)) - added})


def _pool(request: Request, pool: str) -> dict[str, Any]:
    database: Database = request.app.state.database
    with database.read() as connection:
        document = documents.get(connection, "coupon_pool", pool)
        counts = coupons.counts(connection, CouponPool.model_validate(document))
    return {**document, "given": counts.given, "left": counts.left}
