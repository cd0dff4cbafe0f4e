"""The customers behind a journey's figures: the list, its export, ending and moving on."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Form
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from designer.canvas.sentences import Sentences
from designer.inside import views
from designer.inside.filters import Filters, Offered, filters
from designer.login.permits import PUBLISH, READ, READ_CUSTOMERS
from designer.pages import Sent, actor, database, pages
from designer.period import choices
from designer.sheet import download
from designer.words import Words
from engine.errors import InvalidDocument, InvalidInput
from engine.flow import intervening
from engine.model.document import journey_of
from engine.model.journey import AnyStep, Journey, walk
from engine.store import audit, drafts, inside, interventions, versions
from engine.store.drafts import Found
from engine.store.inside import Asked
from engine.store.interventions import Action
from engine.store.paging import MOST
from engine.store.session import Database

router = APIRouter(dependencies=[READ, READ_CUSTOMERS])

_PAGE: Final = 50
AT_ONCE: Final = 20
"""How many customers have their turn before the answer; the dispatcher goes on with the others."""
LONGEST_REASON: Final = 80

_Text = Annotated[str, Form()]


@router.get("/journeys/{journey_id}/customers")
def customers(request: Request, journey_id: str, cursor: str = "") -> Response:
    """List the customers behind a figure of the journey, or of one of its steps."""
    words = pages(request).words(request)
    chosen = filters(journey_id, request.query_params, words)
    return _list(request, chosen, words, cursor=cursor)


def _list(
    request: Request, chosen: Filters, words: Words, *, cursor: str = "", wrong: str = ""
) -> Response:
    with database(request).read() as connection:
        found = drafts.journey(connection, chosen.journey)
        listed = inside.customers(connection, chosen.asked(), limit=_PAGE, cursor=cursor or None)
        count = inside.count(connection, chosen.asked())
        names = drafts.names(connection)
        passed = {(chosen.journey, one["version"]) for one in listed.items}
        journeys = versions.versions(connection, passed)
    offered = Offered(chosen, _steps(found), Sentences(words, _journey(found), names))
    rows = views.Rows(chosen.journey, journeys, names, words).rows(listed.items)
    return pages(request).render(
        request,
        "inside/list.html",
        status=422 if wrong or chosen.period.wrong else 200,
        words=words,
        found=found,
        name=str(found.draft.get("name", chosen.journey)),
        chosen=chosen,
        choices=offered.choices(),
        heading=offered.heading(),
        when=offered.when(),
        time=chosen.period.name(words),
        periods=choices(words),
        rows=rows,
        choosable=any(row.inside for row in rows),
        count=count,
        next=listed.next,
        cursor=cursor,
        wrong=wrong,
    )


def _journey(found: Found) -> Journey | None:
    try:
        return journey_of(found.live or found.draft)
    except InvalidDocument:  # of an earlier release
        return None


def _steps(found: Found) -> dict[str, AnyStep]:
    steps: dict[str, AnyStep] = {}
    for document in (found.draft, found.live):
        try:
            steps |= (
                {step.id: step for step in walk(journey_of(document).steps)} if document else {}
            )
        except InvalidDocument:
            continue
    return steps


@router.post("/journeys/{journey_id}/customers/export")
def export(request: Request, journey_id: str, sent: Sent) -> Response:
    """Answer with the whole list as a file, and record that somebody took it."""
    words = pages(request).words(request)
    chosen = filters(journey_id, _texts(sent), words)
    if chosen.period.wrong:
        return _list(request, chosen, words)
    who = actor(request)

    def record(connection: Connection) -> None:
        drafts.journey(connection, journey_id)
        asked = {name: value for name, value in chosen.query().items() if name not in {"q", "sort"}}
        told = {**asked, "customers": inside.count(connection, chosen.asked())}
        audit.add(connection, who, "export customers", "journey", journey_id, None, told)

    database(request).transact(record)
    listed = _every(database(request), chosen.asked())
    return download(f"{journey_id}-customers", views.table(listed, words))


def _every(database: Database, asked: Asked) -> Iterator[list[dict[str, Any]]]:
    """Yield the list a page at a time; between two of them no connection is held."""
    cursor: str | None = None
    while True:
        with database.read() as connection:
            found = inside.customers(connection, asked, limit=MOST, cursor=cursor)
        yield found.items
        cursor = found.next
        if cursor is None:
            return


def _texts(sent: Mapping[str, Any]) -> dict[str, str]:
    return {name: value for name, value in sent.items() if isinstance(value, str)}


@router.post("/journeys/{journey_id}/customers", dependencies=[PUBLISH])
def ask(request: Request, journey_id: str, sent: Sent) -> Response:
    """Keep whom somebody has chosen, and lead to the page that asks whether it is meant."""
    words = pages(request).words(request)
    given = _texts(sent)
    chosen = filters(journey_id, given, words)
    action: Action = "move" if given.get("action") == "move" else "end"
    only = None if given.get("all") else _runs(sent.getlist("run"), words)
    with database(request).read() as connection:
        drafts.journey(connection, journey_id)
        found = inside.count(connection, chosen.asked()) if only is None else len(only)
    if not found or chosen.period.wrong:
        said = words.gettext("Nobody is chosen: tick customers in the list, or choose all of them.")
        return _list(request, chosen, words, wrong=said)
    id = intervening.ask(database(request), action, chosen.asked(), only, actor=actor(request))
    return RedirectResponse(f"/journeys/{journey_id}/interventions/{id}", 303)


def _runs(given: list[Any], words: Words) -> list[UUID]:
    try:
        return [UUID(str(one)) for one in given]
    except ValueError:
        raise InvalidInput(
            words.gettext("One of the chosen customers is not of this list: open it again.")
        ) from None


@router.get("/journeys/{journey_id}/interventions/{intervention}")
def intervention(request: Request, journey_id: str, intervention: UUID) -> Response:
    """Ask whether it is meant, or show how far it is and what became of it."""
    return _intervention(request, journey_id, intervention)


def _intervention(
    request: Request, journey_id: str, id: UUID, *, reason: str = "", wrong: str = ""
) -> Response:
    words = pages(request).words(request)
    with database(request).read() as connection:
        found = interventions.one(connection, journey_id, id)
        journey = drafts.journey(connection, journey_id)
    return pages(request).render(
        request,
        "inside/intervention.html",
        status=422 if wrong else 200,
        words=words,
        found=found,
        state=journey.state,
        name=str(journey.draft.get("name", journey_id)),
        passed=views.passed(found, words),
        reason=reason,
        wrong=wrong,
        longest=LONGEST_REASON,
    )


@router.post("/journeys/{journey_id}/interventions/{intervention}", dependencies=[PUBLISH])
def confirm(request: Request, journey_id: str, intervention: UUID, reason: _Text = "") -> Response:
    """Begin: the first few have their turn at once. Confirming twice is as good as once."""
    words, said = pages(request).words(request), " ".join(reason.replace("\0", "").split())
    with database(request).read() as connection:
        found = interventions.one(connection, journey_id, intervention)
    if found.action == "end" and not said:
        wrong = words.gettext("Say why they are ended: it stands in their record.")
        return _intervention(request, journey_id, intervention, wrong=wrong)
    if len(said) > LONGEST_REASON:
        wrong = words.gettext(
            "That is too long: %(n)s characters at most.", n=words.number(LONGEST_REASON)
        )
        return _intervention(request, journey_id, intervention, reason=said, wrong=wrong)
    begun = intervening.confirm(
        database(request), journey_id, intervention, said, actor=actor(request)
    )
    if begun:
        told = intervening.carry_out(database(request), only=intervention, limit=AT_ONCE)
        if request.app.state.gateway is not None:
            request.app.state.gateway.tell_soon(told)
    return RedirectResponse(f"/journeys/{journey_id}/interventions/{intervention}", 303)


@router.post("/journeys/{journey_id}/interventions/{intervention}/cancel", dependencies=[PUBLISH])
def cancel(request: Request, journey_id: str, intervention: UUID) -> Response:
    """Leave alone whoever has not had her turn yet."""
    with database(request).read() as connection:
        interventions.one(connection, journey_id, intervention)
    intervening.cancel(database(request), journey_id, intervention, actor=actor(request))
    intervening.carry_out(database(request), only=intervention, limit=1)
    return RedirectResponse(f"/journeys/{journey_id}/interventions/{intervention}", 303)
