"""The first page: every journey with its figures."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from designer.journeys import views
from designer.login.permits import LOGGED_IN, PUBLISH, READ, permits
from designer.pages import actor, database, pages, reader
from engine.flow.publish import pause, resume
from engine.store import overview

router = APIRouter()


@router.get("/", dependencies=[LOGGED_IN])
def first(request: Request) -> Response:
    """Go to the journeys, or to what else the reader may see."""
    role = reader(request).role
    return RedirectResponse("/journeys" if permits(role, "read") else "/customers", 303)


@router.get("/journeys", dependencies=[READ])
def journeys(request: Request, q: str = "", state: str = "") -> Response:
    """List the journeys."""
    with database(request).read() as connection:
        listed = overview.journeys(connection, q=q, state=state)
    words = pages(request).words(request)
    return pages(request).render(
        request,
        "journeys/list.html",
        words=words,
        rows=views.rows(listed, words),
        filters=views.filters(listed, words),
        q=q,
        state=state,
    )


@router.post("/journeys/{journey_id}/pause", dependencies=[PUBLISH])
def pause_journey(request: Request, journey_id: str) -> Response:
    """Let nobody enter for now, and hold what is due."""
    pause(database(request), journey_id, actor=actor(request))
    return RedirectResponse(f"/journeys/{journey_id}", 303)


@router.post("/journeys/{journey_id}/resume", dependencies=[PUBLISH])
def resume_journey(request: Request, journey_id: str) -> Response:
    """Let customers enter again, and those who are held go on."""
    resume(database(request), journey_id, actor=actor(request))
    return RedirectResponse(f"/journeys/{journey_id}", 303)
