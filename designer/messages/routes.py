"""The ledger: the list with its filters, a message, and its HTML by itself for a frame."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from designer.framed import framed
from designer.login.permits import READ, READ_CUSTOMERS
from designer.messages.filters import Filters, choices, stopped_words
from designer.messages.reasons import ON_THE_WAY
from designer.messages.views import Ledger
from designer.pages import database, pages
from designer.views import customer_name
from designer.words import Words
from engine.errors import NotFound
from engine.store import drafts, ledger, search, versions

router = APIRouter(dependencies=[READ, READ_CUSTOMERS])

_PAGE = 50


def _filters(
    q: str = "",
    customer: str = "",
    journey: str = "",
    step: str = "",
    channel: str = "",
    result: str = "",
    reason: str = "",
    rule: str = "",
    topic: str = "",
    since: Annotated[str, Query(alias="from")] = "",
    until: Annotated[str, Query(alias="to")] = "",
    stopped: str = "",
) -> Filters:
    given = {name: value.replace("\0", "").strip() for name, value in locals().items()}
    if not given["journey"]:
        given["step"] = ""
    return Filters(**given)


Chosen = Annotated[Filters, Depends(_filters)]


@router.get("/messages")
def messages(request: Request, chosen: Chosen, cursor: str = "") -> Response:
    """List messages, the last decided first, each with what became of it and why."""
    words = pages(request).words(request)
    with database(request).read() as connection:
        asked = chosen.ledger(connection, words.shop.zone)
        found = ledger.messages(
            connection, **asked, limit=_PAGE, cursor=cursor or None, whole=False
        )
        whose = ledger.whose(connection, found.items)
        names, journey_names = drafts.names(connection), versions.journey_names(connection)
        form = choices(connection, chosen, names, journey_names, words)
        journeys = versions.versions(connection, _versions(found.items))
        customer = _name(connection, chosen.customer, words)
    shown = Ledger(words, names, journey_names, datetime.now(UTC))
    return pages(request).render(
        request,
        "messages/list.html",
        words=words,
        rows=shown.rows(found.items, whose, journeys),
        next=found.next,
        cursor=cursor,
        chosen=chosen,
        choices=form,
        wrong=chosen.wrong(words),
        customer=customer,
        stopped=stopped_words(chosen, names, words),
    )


@router.get("/messages/{message_id}")
def message(request: Request, message_id: UUID) -> Response:
    """Show one message: what became of it, step by step, and what it said."""
    words = pages(request).words(request)
    with database(request).read() as connection:
        found = ledger.message(connection, message_id)
        traced = ledger.traced(connection, message_id, ON_THE_WAY)
        customer = ledger.whose(connection, [found]).get(found["customer"])
        names, journey_names = drafts.names(connection), versions.journey_names(connection)
        journeys = versions.versions(connection, _versions([found]))
    shown = Ledger(words, names, journey_names, datetime.now(UTC))
    nobody: dict[str, Any] = {"traits": {}, "addresses": {}}
    return pages(request).render(
        request,
        "messages/message.html",
        words=words,
        message=shown.shown(found, customer or nobody, journeys, traced),
    )


@router.get("/messages/{message_id}/body")
def body(request: Request, message_id: UUID) -> Response:
    """Answer with a message's HTML, to be shown in a frame that may do nothing."""
    with database(request).read() as connection:
        return framed(ledger.message(connection, message_id)["body"] or "")


def _versions(items: list[dict[str, Any]]) -> set[tuple[str, int]]:
    return {(one["journey"], one["version"]) for one in items}


def _name(connection: Connection, reference: str, words: Words) -> str:
    """Return the name of the customer whose messages alone are shown, if one is."""
    if not reference:
        return ""
    try:
        found = search.customer(connection, search.find(connection, reference))
    except NotFound:
        return words.gettext("Unknown visitor")
    return customer_name(found["traits"], found["addresses"], words)
