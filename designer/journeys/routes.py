"""The first page: every journey with its figures."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from designer.journeys import views
from designer.pages import database, pages
from engine.flow.publish import pause, resume
from engine.store import overview

router = APIRouter()


@router.get("/")
def first(request: Request) -> Response:
    """Go to the journeys."""
    return RedirectResponse("/journeys", 303)


@router.get("/journeys")
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


@router.post("/journeys/{journey_id}/pause")
def pause_journey(request: Request, journey_id: str) -> Response:
    """Let nobody enter for now, and hold what is due."""
    pause(database(request), journey_id)
    return RedirectResponse(f"/journeys/{journey_id}", 303)


@router.post("/journeys/{journey_id}/resume")
def resume_journey(request: Request, journey_id: str) -> Response:
    """Let customers enter again, and those who are held go on."""
    resume(database(request), journey_id)
    return RedirectResponse(f"/journeys/{journey_id}", 303)
