"""What a builder says as it is being filled, and of how many customers that holds."""

from starlette.requests import Request
from starlette.responses import Response

from designer.canvas import meaning
from designer.canvas.conditions import ConditionWords
from designer.canvas.forms.builders import Builder, builders
from designer.canvas.forms.raw import Raw
from designer.canvas.meaning import Meaning
from designer.pages import database, may, pages
from designer.views import customer_name
from designer.words import Words
from engine.errors import InvalidInput
from engine.flow.sampling import sample, unknowable


def builder_at(kind: str, raw: Raw, at: str) -> Builder:
    """Return the builder at a field of a form."""
    found = next((one for one in builders(kind, raw) if one.field == at), None)
    if found is None:
        raise InvalidInput(f"The form has no part {at!r}.")
    return found


def answer(
    request: Request,
    builder: Builder,
    said: ConditionWords,
    words: Words,
    template: str = "canvas/forms/_says.html",
) -> Response:
    """Say what a builder says now, and of how many customers it holds."""
    whole = meaning.complete(builder.group)
    told = whole or meaning.filled(builder.group)
    count, found = "", None
    # About the properties of an event there is nobody to count.
    if whole is not None and builder.event is None and may(request, "read customers"):
        if unknowable(whole):
            count = words.gettext(
                "How many customers these are cannot be known beforehand: it asks for what happens "
                "in the journey."
            )
        else:
            found = sample(database(request), whole)
            count = meaning.counted(found, words)
    response = pages(request).render(
        request,
        template,
        words=words,
        meaning=Meaning(
            sentence=meaning.sentence(told, builder, said, words) if told is not None else "",
            open=whole is None,
            count=count,
            examples=[
                (str(one.id), customer_name(one.traits, one.addresses, words))
                for one in (found.examples if found is not None else ())
            ],
        ),
    )
    response.headers["X-Part"] = "condition"
    return response
