"""Entries that the shop's own systems ask for."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import Connection
from uuid_utils.compat import uuid7

from designer.api.access import Needs
from designer.api.answers import json_response
from designer.api.journeys import JourneyId
from designer.api.problems import ProblemRoute
from designer.api.reading import document_body, parse_object
from engine.errors import Conflict, InvalidDocument, Problem
from engine.flow.event_names import ENTRY_REQUESTED
from engine.flow.intake import Incoming, receive
from engine.model.identity import LONGEST
from engine.store import documents, search
from engine.store.keys import Key
from engine.store.session import Database

FIELDS: Final[dict[str, type]] = {"customer": str, "key": str, "properties": dict, "messageId": str}

router = APIRouter(prefix="/v1/journeys", tags=["journeys"], route_class=ProblemRoute)


@router.post("/{journey}/entries", summary="Ask for an entry", status_code=202)
def request_entry(
    request: Request,
    journey: JourneyId,
    body: Annotated[bytes, Depends(document_body)],
    key: Annotated[Key, Depends(Needs("request entries"))],
) -> Response:
    """Let a customer enter a journey that is entered by API, once for each `messageId`.

    Whether she enters is decided by the journey's rules; her trace tells.
    """
    database: Database = request.app.state.database
    document = _fields(parse_object(body))
    with database.read() as connection:
        _check_journey(connection, journey)
        customer = search.find(connection, document["customer"])
    event = Incoming(
        source=str(key.id),
        message_id=document.get("messageId") or uuid7().hex,
        kind="entry",
        name=ENTRY_REQUESTED,
        customer=customer,
        properties=document.get("properties") or {},
        journey=journey,
        entry_key=document.get("key"),
    )
    wakes = receive(database, [event])
    if wakes and request.app.state.gateway is not None:
        request.app.state.gateway.tell_soon(wakes)
    return json_response({"customer": str(customer), "messageId": event.message_id}, 202)


def _fields(document: dict[str, Any]) -> dict[str, Any]:
    problems = [
        Problem(message=f"{field}: this key is not known here", path=(field,))
        for field in document.keys() - FIELDS.keys()
    ]
    for field, kind in FIELDS.items():
        value = document.get(field)
        if value is None and field != "customer":
            continue
        if not isinstance(value, kind):
            words = "a JSON object" if kind is dict else "a text"
            problems.append(Problem(message=f"{field}: {words} is needed", path=(field,)))
        elif isinstance(value, str) and not 0 < len(value) <= LONGEST:
            message = f"{field}: write 1 to {LONGEST} characters"
            problems.append(Problem(message=message, path=(field,)))
    if problems:
        raise InvalidDocument("The entry has mistakes", problems)
    return document


def _check_journey(connection: Connection, journey_id: str) -> None:
    stored = documents.journey(connection, journey_id)
    if stored.version is None:
        raise Conflict(f"The journey {journey_id} is not published: nobody can enter it.")
    if stored.state == "archived":
        raise Conflict(f"The journey {journey_id} is archived: nobody can enter it.")
