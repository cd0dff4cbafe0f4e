"""What the panel shows beside a form as it is being filled; nothing is saved here."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from designer.canvas import received, saying
from designer.canvas.forms import steps as step_forms
from designer.canvas.forms.raw import read
from designer.canvas.look import Shown, look
from designer.login.permits import READ, READ_CUSTOMERS, WRITE_DRAFTS
from designer.pages import Sent, database, pages
from engine.errors import InvalidInput, NotFound
from engine.model.journey import AnyStep, SendStep
from engine.model.opening import opening_event

router = APIRouter(dependencies=[READ, WRITE_DRAFTS])


@router.post("/journeys/{journey_id}/condition")
def condition(request: Request, journey_id: str, sent: Sent, at: str = "") -> Response:
    """Say what the builder at a field of the form says now, and of how many customers it holds."""
    shown = look(database(request), request.app.state.lately, journey_id, draft=True)
    words = pages(request).words(request)
    kind = step.type if (step := _step(shown, sent)) is not None else "journey"
    builder = saying.builder_at(kind, read(sent), at)
    return saying.answer(request, builder, shown.sentences(words).conditions, words)


@router.post("/journeys/{journey_id}/preview", dependencies=[READ_CUSTOMERS])
def preview(request: Request, journey_id: str, sent: Sent) -> Response:
    """Show the message of a sending step, as its form is now, as a customer would get it."""
    shown = look(database(request), request.app.state.lately, journey_id, draft=True)
    words = pages(request).words(request)
    step = _step(shown, sent)
    if not isinstance(step, SendStep):
        raise InvalidInput("Only a message can be shown.")
    document = step_forms.document_of(step.document(), read(sent))
    opening = opening_event(shown.journey.entry.on)
    asked = received.Asked(
        customer=str(sent.get("customer") or ""),
        locale=str(sent.get("locale") or ""),
        opening=(opening,) if opening is not None else (),
        nonce=str(sent.get("nonce") or ""),
    )
    with database(request).read() as connection:
        who, versions = received.versions(connection, document, asked, words)
    response = pages(request).render(
        request,
        "canvas/_received.html",
        words=words,
        who=who,
        versions=versions,
        turned=str(sent.get("turned") or ""),
    )
    response.headers["X-Part"] = "preview"
    return response


def _step(shown: Shown, sent: Mapping[str, Any]) -> AnyStep | None:
    chosen = str(sent.get("chosen") or "")
    step = shown.step(chosen)
    if step is None and chosen:
        raise NotFound("That step is gone.")
    return step
