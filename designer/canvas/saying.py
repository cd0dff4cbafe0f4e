"""What a builder says as it is being filled, and of how many customers that holds."""

from starlette.requests import Request
from starlette.responses import Response

from designer.canvas import meaning
from designer.canvas.conditions import ConditionWords
from designer.canvas.forms.builders import Builder, builders
from designer.canvas.forms.raw import Raw
from designer.canvas.meaning import Meaning
from designer.pages import database, may, pages
from designer.words import Words
from engine.errors import InvalidInput
from engine.flow.sampling import sample, unknowable
from engine.model.condition import AnyCondition


def builder_at(kind: str, raw: Raw, at: str) -> Builder:
    """Return the builder at a field of a form."""
    found = next((one for one in builders(kind, raw) if one.field == at), None)
    if found is None:
        raise InvalidInput(f"The form has no part {at!r}.")
    return found


def answer(request: Request, builder: Builder, said: ConditionWords, words: Words) -> Response:
    """Say what a builder says now, and of how many customers it holds."""
    whole = meaning.complete(builder.group)
    told = whole or meaning.filled(builder.group)
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
            "How many customers these are cannot be known beforehand: it asks for what happens "
            "in the journey."
        )
    return meaning.counted(sample(database(request), whole), words)
