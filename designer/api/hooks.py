"""Webhooks: the shop's web addresses that are told of what happens here."""

from typing import Annotated

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
from engine.flow import outgoing
from engine.model.hook import Hook
from engine.store import hooks
from engine.store.session import Database

Body = Annotated[bytes, Depends(document_body)]
Id = Annotated[str, Path(description="its id")]

ADMINISTER = [Depends(Needs("administer"))]
"""Reading too: whoever knows such an address may post to it."""

router = APIRouter(prefix="/v1", route_class=ProblemRoute, dependencies=ADMINISTER)


@router.get("/webhooks", tags=["webhooks"], summary="List webhooks")
def list_webhooks(request: Request, limit: Limit = 100, cursor: Cursor = None) -> Response:
    """List the webhooks by id."""
    database: Database = request.app.state.database
    with database.read() as connection:
        return page_response(hooks.listed(connection, limit=limit, cursor=cursor))


@router.get("/webhooks/{webhook}", tags=["webhooks"], summary="One webhook")
def read_webhook(request: Request, webhook: Id) -> Response:
    """Return where a webhook posts, and what it is told; not its secret."""
    database: Database = request.app.state.database
    with database.read() as connection:
        return json_response(hooks.get(connection, webhook))


@router.put("/webhooks/{webhook}", tags=["webhooks"], summary="Create or replace a webhook")
def write_webhook(request: Request, webhook: Id, body: Body) -> Response:
    """Post these events to a web address, signed as Standard Webhooks says.

    `events` holds names such as `Message Sent`, or `*` for all. A new webhook is answered with its
    `secret`, which is not shown again; whoever has lost it deletes the webhook and makes it anew.
    """
    database: Database = request.app.state.database
    model = validated(Hook, named(parse_object(body), webhook, "webhook"), f"webhook {webhook}")
    secret = outgoing.new_secret()
    created = outgoing.put(database, model, secret, actor=actor(request))
    document = model.model_dump(mode="json")
    return put_response(document | ({"secret": secret} if created else {}), created=created)


@router.delete("/webhooks/{webhook}", tags=["webhooks"], summary="Delete a webhook")
def delete_webhook(request: Request, webhook: Id) -> Response:
    """Delete a webhook; what it was not told yet, it will not be told."""
    database: Database = request.app.state.database
    outgoing.remove(database, webhook, actor=actor(request))
    return emptied()


@router.get("/webhooks/{webhook}/deliveries", tags=["webhooks"], summary="What a webhook was told")
def list_deliveries(
    request: Request, webhook: Id, limit: Limit = 100, cursor: Cursor = None
) -> Response:
    """List what was posted in the last 14 days or is to be, the newest first, with its problem."""
    database: Database = request.app.state.database
    with database.read() as connection:
        return page_response(hooks.deliveries(connection, webhook, limit=limit, cursor=cursor))
