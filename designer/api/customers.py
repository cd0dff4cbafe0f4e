"""Customers: their profiles, and why each decision about them fell."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from designer.api import subscriptions
from designer.api.access import Needs
from designer.api.answers import Cursor, Limit, json_response, page_response, put_response
from designer.api.problems import ProblemRoute
from designer.api.reading import document_body, parse_object
from engine.errors import InvalidDocument, InvalidInput, NotFound, Problem
from engine.flow.customers import CustomerRecord, put_customer
from engine.store import search, timeline
from engine.store.keys import Key
from engine.store.session import Database

Reference = Annotated[
    str, Path(description="`external_id:42`, `email:…`, `phone:…`, or the internal id")
]

READ_ONLY: Final = frozenset({"id", "derived", "segments", "scores", "consents", "created_at"})
"""What a read shows and a write passes over, so that what was read can be put back."""

WRITABLE: Final = frozenset(
    {"identities", "traits", "addresses", "locale", "time_zone", "subscriptions"}
)

router = APIRouter(prefix="/v1/customers", tags=["customers"], route_class=ProblemRoute)


@router.get("", summary="List customers", dependencies=[Depends(Needs("read customers"))])
def list_customers(
    request: Request,
    query: Annotated[str, Query(description="how an id, address or name begins")] = "",
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """List customers, newest first."""
    database: Database = request.app.state.database
    with database.read() as connection:
        return page_response(search.customers(connection, query, limit=limit, cursor=cursor))


@router.get(
    "/{customer:path}/trace",
    summary="Why each decision fell",
    dependencies=[Depends(Needs("read customers"))],
)
def trace(
    request: Request,
    customer: Reference,
    run: Annotated[UUID | None, Query(description="only this run")] = None,
    limit: Limit = 1000,
    cursor: Cursor = None,
) -> Response:
    """List the decisions about a customer in the order they fell, refused entries included."""
    database: Database = request.app.state.database
    with database.read() as connection:
        found = search.find(connection, customer)
        return page_response(timeline.trace(connection, found, run, limit=limit, cursor=cursor))


@router.get(
    "/{customer:path}", summary="One customer", dependencies=[Depends(Needs("read customers"))]
)
def read_customer(request: Request, customer: Reference) -> Response:
    """Return a customer's profile."""
    database: Database = request.app.state.database
    with database.read() as connection:
        return json_response(search.customer(connection, search.find(connection, customer)))


@router.put(
    "/{customer:path}",
    summary="Create or replace a customer",
)
def write_customer(
    request: Request,
    customer: Reference,
    body: Annotated[bytes, Depends(document_body)],
    key: Annotated[Key, Depends(Needs("write customers"))],
) -> Response:
    """Replace traits, addresses, locale and time zone; identities are added to those she has.

    Of `subscriptions`, each `{topic, channel, state}` is what she has said; those left out stay.
    """
    database: Database = request.app.state.database
    document = parse_object(body)
    _check_id(database, customer, document.get("id"))
    record, changes = _record(document), subscriptions.changes_of(database, document)
    put = put_customer(database, customer, record)
    if put.wakes and request.app.state.gateway is not None:
        request.app.state.gateway.tell_soon(put.wakes)
    if changes:
        subscriptions.say(request, put.id, changes, key)
    with database.read() as connection:
        return put_response(search.customer(connection, put.id), created=put.created)


def _check_id(database: Database, reference: str, said: Any) -> None:
    if said is None or said == reference:
        return
    with database.read() as connection:
        try:
            agree = search.find(connection, str(said)) == search.find(connection, reference)
        except NotFound:
            agree = False
    if not agree:
        raise InvalidInput(
            f"The address names the customer {reference!r}, the document says {str(said)!r}: "
            "they must agree."
        )


def _record(document: dict[str, Any]) -> CustomerRecord:
    problems: list[Problem] = []

    def wrong(field: str, message: str) -> None:
        problems.append(Problem(message=f"{field}: {message}", path=(field,)))

    for field in document.keys() - WRITABLE - READ_ONLY:
        wrong(field, "this key is not known here")
    for field in ("traits", "addresses"):
        if not isinstance(document.get(field), dict | None):
            wrong(field, "a JSON object is needed")
    for field in ("locale", "time_zone"):
        if not isinstance(document.get(field, ""), str | None):
            wrong(field, "a text is needed")
    identities = [] if document.get("identities") is None else document["identities"]
    if not isinstance(identities, list) or not all(_is_identity(one) for one in identities):
        wrong("identities", 'a list is needed, each like {"namespace": "loyalty", "value": "7"}')
    if problems:
        raise InvalidDocument("The customer has mistakes", problems)
    return CustomerRecord(
        traits=document.get("traits") or {},
        addresses=document.get("addresses") or {},
        identities=tuple((one["namespace"], one["value"]) for one in identities),
        locale=document.get("locale") or None,
        time_zone=document.get("time_zone") or None,
    )


def _is_identity(one: Any) -> bool:
    return (
        isinstance(one, dict)
        and one.keys() == {"namespace", "value"}
        and all(isinstance(text, str) for text in one.values())
    )
