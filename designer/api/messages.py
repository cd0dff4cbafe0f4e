"""The ledger: every message, whatever became of it."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from designer.api.access import Needs
from designer.api.answers import Cursor, Limit, page_response
from designer.api.problems import ProblemRoute
from engine.model.base import Channel
from engine.store import ledger, search
from engine.store.ledger import Result
from engine.store.session import Database

router = APIRouter(prefix="/v1/messages", tags=["messages"], route_class=ProblemRoute)


@router.get(
    "",
    summary="List messages",
    dependencies=[Depends(Needs("read")), Depends(Needs("read customers"))],
)
def list_messages(
    request: Request,
    customer: Annotated[str | None, Query(description="`external_id:42`, `email:…` or id")] = None,
    journey: str | None = None,
    step: str | None = None,
    result: Result | None = None,
    reason: Annotated[str | None, Query(description="why it is as it is, like `cap`")] = None,
    rule: Annotated[str | None, Query(description="the frequency cap that holds it back")] = None,
    topic: str | None = None,
    channel: Channel | None = None,
    provider: str | None = None,
    since: Annotated[datetime | None, Query(description="decided at or after")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """List messages, the last decided first, each with every change of its state."""
    if since is not None and since.tzinfo is None:
        since = since.replace(tzinfo=UTC)
    database: Database = request.app.state.database
    with database.read() as connection:
        page = ledger.messages(
            connection,
            customer=None if customer is None else search.find(connection, customer),
            journey=journey,
            step=step,
            result=result,
            reason=reason,
            rule=rule,
            topic=topic,
            channel=channel,
            provider=provider,
            since=since,
            limit=limit,
            cursor=cursor,
        )
    return page_response(page)
