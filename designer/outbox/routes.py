"""The outbox: a list, a message, and its HTML by itself for a frame."""

from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from designer.framed import framed
from designer.login.permits import READ, READ_CUSTOMERS
from designer.outbox import views
from designer.pages import database, pages
from engine.errors import NotFound
from engine.store import ledger, search
from engine.store import outbox as stored
from engine.store.versions import journey_names

router = APIRouter(dependencies=[READ, READ_CUSTOMERS])

_PAGE = 40


@router.get("/outbox")
def outbox(request: Request, q: str = "", channel: str = "", cursor: str = "") -> Response:
    """List what was sent to the outbox."""
    return _page(request, None, q, channel, cursor)


@router.get("/outbox/{message_id}")
def read(
    request: Request, message_id: UUID, q: str = "", channel: str = "", cursor: str = ""
) -> Response:
    """Show one message beside the list."""
    return _page(request, message_id, q, channel, cursor)


@router.get("/outbox/{message_id}/body")
def body(request: Request, message_id: UUID) -> Response:
    """Answer with a message's HTML, to be shown in a frame that may do nothing."""
    with database(request).read() as connection:
        message = _taken(ledger.message(connection, message_id))
    return framed(str(message["body"] or ""))


def _taken(message: dict[str, object]) -> dict[str, object]:
    if message["provider"] != "outbox":
        raise NotFound("The outbox holds no such message.")
    return message


def _page(request: Request, message_id: UUID | None, q: str, channel: str, cursor: str) -> Response:
    words = pages(request).words(request)
    reading = None
    with database(request).read() as connection:
        found = stored.messages(
            connection, q=q, channel=channel, cursor=cursor or None, limit=_PAGE
        )
        if message_id is not None:
            message = _taken(ledger.message(connection, message_id))
            customer = search.customer(connection, UUID(str(message["customer"])))
            called = journey_names(connection)
            name = called.get(str(message["journey"]), str(message["journey"]))
            reading = views.reading(message, customer, name, words)
    return pages(request).render(
        request,
        "outbox/outbox.html",
        words=words,
        items=views.items(found.items, words),
        filters=views.filters(words),
        next=found.next,
        reading=reading,
        q=q,
        channel=channel,
        cursor=cursor,
    )
