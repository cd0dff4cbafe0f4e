"""Customers who may be one: pairs to decide on, merges, and their undoing."""

from typing import Annotated, Any, Final, get_args
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from designer.api.access import Needs, actor
from designer.api.answers import Cursor, Limit, emptied, json_response, page_response
from designer.api.problems import ProblemRoute
from designer.api.reading import document_body, parse_object
from engine.errors import InvalidInput
from engine.flow import merging, suspecting
from engine.flow.suspecting import Decision
from engine.names import Wake
from engine.store import merges, search, suggestions
from engine.store.session import Database
from engine.store.suggestions import Reason, State, Wanted

Reference = Annotated[
    str, Path(description="`external_id:42`, `email:…`, `phone:…`, or the internal id")
]

READ: Final = [Depends(Needs("read customers"))]
WRITE: Final = [Depends(Needs("write customers"))]

router = APIRouter(prefix="/v1", route_class=ProblemRoute)


@router.get("/duplicates", tags=["duplicates"], summary="List likely duplicates", dependencies=READ)
def list_duplicates(
    request: Request,
    state: Annotated[State, Query(description="what was decided about them")] = "open",
    reason: Annotated[Reason | None, Query(description="only pairs with this reason")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """List pairs of customers who may be one, those for which most speaks first."""
    database: Database = request.app.state.database
    with database.read() as connection:
        wanted = Wanted(state=state, reason=reason)
        return page_response(suggestions.listed(connection, wanted, limit=limit, cursor=cursor))


@router.put(
    "/duplicates/{one}/{other}",
    tags=["duplicates"],
    summary="Decide that two are not one",
    dependencies=WRITE,
)
def decide(
    request: Request, one: UUID, other: UUID, body: Annotated[bytes, Depends(document_body)]
) -> Response:
    """Say `{"state": "different"}`, and the pair is never suggested again, or `later`."""
    given = _only(parse_object(body), "state")
    decisions: tuple[Decision, ...] = get_args(Decision)
    decision = next((one for one in decisions if one == given), None)
    if decision is None:
        raise InvalidInput(f"`state` is {given!r}; it is different or later.")
    suspecting.decide(request.app.state.database, one, other, decision, actor=actor(request))
    return emptied()


@router.post(
    "/customers/{customer:path}/merge",
    tags=["customers"],
    summary="Merge another customer into this one",
    dependencies=WRITE,
)
def merge(
    request: Request, customer: Reference, body: Annotated[bytes, Depends(document_body)]
) -> Response:
    """Make one customer of this one, who is kept, and the one named by `with`.

    `{"with": "external_id:43"}`. What both have told differently stays as the kept one has it. The
    answer's `merge` is the number by which it is undone.
    """
    database: Database = request.app.state.database
    other = _only(parse_object(body), "with")
    with database.read() as connection:
        two = search.find(connection, customer), search.find(connection, other)
    done, wakes = merging.merge(database, *two, actor=actor(request))
    _tell(request, wakes)
    return json_response({"merge": str(done.id), "customer": str(done.customer)})


@router.get("/merges", tags=["duplicates"], summary="List merges", dependencies=READ)
def list_merges(request: Request, limit: Limit = 100, cursor: Cursor = None) -> Response:
    """List the merges, the last first: who is kept, whom that was before, and who did it."""
    database: Database = request.app.state.database
    with database.read() as connection:
        found = merges.merges(connection, limit=limit, cursor=cursor)
    for item in found.items:
        del item["shown"]
    return page_response(found)


@router.post(
    "/merges/{merge}/undo", tags=["duplicates"], summary="Undo a merge", dependencies=WRITE
)
def undo(request: Request, merge: UUID) -> Response:
    """Make two customers of one again: each has what she had, and what came by her names since."""
    customer, wakes = merging.undo(request.app.state.database, merge, actor=actor(request))
    _tell(request, wakes)
    return json_response({"customer": str(customer)})


def _only(document: dict[str, Any], field: str) -> str:
    if document.keys() != {field} or not isinstance(document[field], str):
        raise InvalidInput(f"Send a JSON object with `{field}`, a text, and nothing else.")
    return str(document[field])


def _tell(request: Request, wakes: list[Wake]) -> None:
    if wakes and request.app.state.gateway is not None:
        request.app.state.gateway.tell_soon(wakes)
