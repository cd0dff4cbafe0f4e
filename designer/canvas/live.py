"""What the panel shows beside a form as it is being filled; nothing is saved here."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from designer.canvas import meaning
from designer.canvas.forms.builders import Builder, builders
from designer.canvas.forms.raw import read
from designer.canvas.look import look
from designer.canvas.meaning import Meaning
from designer.login.permits import READ, WRITE_DRAFTS
from designer.pages import Sent, database, may, pages
from designer.words import Words
from engine.errors import InvalidInput, NotFound
from engine.flow.sampling import sample, unknowable
from engine.model.condition import AnyCondition

router = APIRouter(dependencies=[READ, WRITE_DRAFTS])


@router.post("/journeys/{journey_id}/condition")
def condition(request: Request, journey_id: str, sent: Sent, at: str = "") -> Response:
    """Say what the builder at a field of the form says now, and of how many customers it holds."""
    shown = look(database(request), journey_id, draft=True)
    words = pages(request).words(request)
    step = shown.step(str(sent.get("chosen") or ""))
    if step is None and sent.get("chosen"):
        raise NotFound("That step is gone.")
    kind = step.type if step is not None else "journey"
    builder = next((one for one in builders(kind, read(sent)) if one.field == at), None)
    if builder is None:
        raise InvalidInput(f"The form has no part {at!r}.")
    whole = meaning.complete(builder.group)
    told = whole or meaning.filled(builder.group)
    said = shown.sentences(words).conditions
    response = pages(request).render(
        request,
        "canvas/forms/_says.html",
        words=words,
        meaning=Meaning(
            sentence=meaning.sentence(told, builder, said, words) if told is not None else "",
            open=whole is None,
            count=_count(request, builder, whole, words) if whole is not None else "",
        ),
    )
    response.headers["X-Part"] = "condition"
    return response


def _count(request: Request, builder: Builder, whole: AnyCondition, words: Words) -> str:
    """Return of how many customers the condition holds, for who may read them."""
    if builder.event is not None or not may(request, "read customers"):
        return ""
    if unknowable(whole):
        return words.gettext(
            "Of how many customers cannot be known beforehand: it asks for what happens in the "
            "journey."
        )
    return meaning.counted(sample(database(request), whole), words)
