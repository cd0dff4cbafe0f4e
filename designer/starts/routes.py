"""Who enters a journey when, and starting it for many customers by hand."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from uuid_utils.compat import uuid7

from designer.canvas.openings import pace_in_words
from designer.canvas.sentences import Sentences
from designer.login.permits import PUBLISH, READ
from designer.pages import actor, database, pages
from designer.starts import views
from designer.views import journey_mark
from designer.words import Words
from engine.errors import Conflict, InvalidInput
from engine.flow import starting
from engine.model.document import stored_journey
from engine.model.journey import Journey
from engine.model.opening import DEFAULT_PACE, OnDate, OnSchedule, Pace
from engine.store import drafts, starts, timed
from engine.store.drafts import Found, Names
from engine.store.starts import Start

router = APIRouter()

_Text = Annotated[str, Form()]
_PACE: TypeAdapter[Pace] = TypeAdapter(Pace)
SHOWN = 50


@router.get("/journeys/{journey_id}/starts", dependencies=[READ])
def listed(request: Request, journey_id: str) -> Response:
    """Show who enters when, what was started, and the form to start it."""
    return _page(request, journey_id)


def _page(
    request: Request,
    journey_id: str,
    *,
    segment: str = "",
    n: str = "",
    unit: str = "min",
    wrong: str = "",
    status: int = 200,
) -> Response:
    words, now = pages(request).words(request), datetime.now(UTC)
    with database(request).read() as connection:
        found = drafts.journey(connection, journey_id)
        names = drafts.names(connection)
        some = starts.listed(connection, journey_id, limit=SHOWN)[0]
        rows = [_row(connection, found, one, names, words) for one in some]
        journey = stored_journey(found.live) if found.live else None
        ahead = _ahead(connection, journey, words, now) if journey is not None else {}
    return pages(request).render(
        request,
        "starts/list.html",
        status=status,
        words=words,
        now=now,
        found=found,
        mark=journey_mark(found.state, words),
        name=str(found.draft.get("name", journey_id)),
        opens=_opens(journey, names, words),
        pace=pace_in_words(starting.pace_of(journey) if journey else DEFAULT_PACE, words),
        segments=sorted(names.segments.items(), key=lambda one: one[1].casefold()),
        rows=rows,
        chosen=segment,
        n=n,
        unit=unit,
        wrong=wrong,
        startable=journey is not None and found.state in {"live", "paused"},
        **{"calendar": None, "coming": [], **ahead},
    )


def _opens(journey: Journey | None, names: Names, words: Words) -> str:
    return Sentences(words, journey, names).opens(journey.entry) if journey is not None else ""


def _ahead(connection: Connection, journey: Journey, words: Words, now: datetime) -> dict[str, Any]:
    """Return what is known of who will enter: by dates, or by a schedule."""
    on = journey.entry.on
    match on:
        case OnDate():
            first = words.local(now).date()
            counted = timed.days(connection, journey.id, first, views.last_day(first))
            complete = timed.is_filled(connection, journey.id)
            return {"calendar": views.calendar(counted, first, words, complete=complete)}
        case OnSchedule():
            return {"coming": views.coming(on, on.zone or words.shop.zone, now)}
        case _:
            return {}


def _row(
    connection: Connection, found: Found, start: Start, names: Names, words: Words
) -> views.Row:
    ready = start.segment is None or starts.is_ready(connection, start.segment) is not False
    return views.row(start, names.segments, words, ready=ready, paused=found.state == "paused")


@router.get("/journeys/{journey_id}/starts/new", dependencies=[PUBLISH])
def ask(
    request: Request, journey_id: str, segment: str = "", n: str = "", unit: str = "min"
) -> Response:
    """Say for how many it would be, and ask whether it is meant."""
    words = pages(request).words(request)
    try:
        pace = _pace(n, unit, words)
        with database(request).read() as connection:
            journey = starting.check(connection, journey_id, segment or None)
            names = drafts.names(connection)
            ready = starts.is_ready(connection, segment) if segment else True
            size = starts.size(connection, segment or None)[0]
    except (Conflict, InvalidInput) as error:
        given = {"segment": segment, "n": n, "unit": unit}
        return _page(request, journey_id, wrong=words.said(error.said), status=422, **given)
    chosen = pace or starting.pace_of(journey)
    return pages(request).render(
        request,
        "starts/ask.html",
        words=words,
        journey=journey,
        whom=names.segments.get(segment, segment),
        segment=segment,
        size=size,
        ready=ready,
        pace=pace_in_words(chosen, words),
        takes=_takes(size, chosen, words),
        n=n,
        unit=unit,
        id=uuid7(),
        again=Sentences(words, journey, names).again(journey.entry),
        who=Sentences(words, journey, names).who(journey.entry),
    )


def _pace(n: str, unit: str, words: Words) -> Pace | None:
    if not n.strip():
        return None
    try:
        return _PACE.validate_python(f"{n.strip()}/{unit}")
    except ValidationError:
        raise InvalidInput(
            words.gettext("Write how fast as a whole number of customers, from 1 to 999,999.")
        ) from None


def _takes(size: int, pace: Pace, words: Words) -> str:
    """Say how long that takes, about."""
    minutes = size / pace.per_second / 60
    if minutes < 1:
        return words.gettext("less than a minute")
    if minutes < 120:
        return words.ngettext("about %(n)s minute", "about %(n)s minutes", round(minutes))
    return words.ngettext("about %(n)s hour", "about %(n)s hours", round(minutes / 60))


@router.post("/journeys/{journey_id}/starts", dependencies=[PUBLISH])
def start(
    request: Request,
    journey_id: str,
    id: _Text = "",
    segment: _Text = "",
    n: _Text = "",
    unit: _Text = "min",
) -> Response:
    """Begin; asking twice from the same page is as good as once."""
    words = pages(request).words(request)
    try:
        number = UUID(id)
    except ValueError:
        raise InvalidInput(words.gettext("Open the page again, and start from there.")) from None
    try:
        pace = _pace(n, unit, words)
        starting.begin(
            database(request), number, journey_id, segment or None, pace, actor=actor(request)
        )
    except (Conflict, InvalidInput) as error:
        given = {"segment": segment, "n": n, "unit": unit}
        return _page(request, journey_id, wrong=words.said(error.said), status=422, **given)
    return RedirectResponse(f"/journeys/{journey_id}/starts/{number}", 303)


@router.get("/journeys/{journey_id}/starts/now", dependencies=[READ])
def now(request: Request, journey_id: str) -> Response:
    """Answer with the part of the journey's panel that tells of a start under way."""
    words = pages(request).words(request)
    with database(request).read() as connection:
        found = drafts.journey(connection, journey_id)
        names = drafts.names(connection)
        some = starts.listed(connection, journey_id, limit=1)[0]
        rows = [_row(connection, found, one, names, words) for one in some]
    response = pages(request).render(
        request, "starts/_now.html", words=words, found=found, running=rows
    )
    response.headers["X-Part"] = "starts"
    return response


@router.get("/journeys/{journey_id}/starts/{start_id}", dependencies=[READ])
def progress(request: Request, journey_id: str, start_id: UUID) -> Response:
    """Show how far a start is, and what became of whom."""
    words = pages(request).words(request)
    with database(request).read() as connection:
        found = drafts.journey(connection, journey_id)
        names = drafts.names(connection)
        shown = _row(connection, found, starts.one(connection, journey_id, start_id), names, words)
    return pages(request).render(
        request,
        "starts/start.html",
        words=words,
        found=found,
        name=str(found.draft.get("name", journey_id)),
        row=shown,
    )


@router.post("/journeys/{journey_id}/starts/{start_id}/stop", dependencies=[PUBLISH])
def stop(request: Request, journey_id: str, start_id: UUID) -> Response:
    """Let nobody more in."""
    starting.stop(database(request), journey_id, start_id, actor=actor(request))
    return RedirectResponse(f"/journeys/{journey_id}/starts/{start_id}", 303)
