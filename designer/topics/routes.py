"""The list of topics, and one topic's form."""

from dataclasses import dataclass, field, replace
from typing import Annotated

from fastapi import APIRouter, Form
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from designer.login.permits import PUBLISH, READ
from designer.pages import actor, database, pages
from designer.words import N_, Words
from engine.errors import Conflict, NotFound
from engine.flow.topics import delete_topic, put_topic
from engine.model.topic import Topic
from engine.store import consent, documents

router = APIRouter(dependencies=[READ])

Text = Annotated[str, Form()]

_MENDS = {
    "id": N_(
        "Use letters, digits, “_”, “.” and “-”, beginning with a letter or digit; at most 63."
    ),
    "name": N_("Give it a name that customers understand, of at most 200 characters."),
    "description": N_("At most 1000 characters."),
}


@dataclass(frozen=True, slots=True)
class Editor:
    """A topic's form: what stands in it, and what is wrong, by field."""

    id: str = ""
    name: str = ""
    description: str = ""
    subscribed: bool = True
    double_opt_in: bool = False
    new: bool = True
    wrong: dict[str, str] = field(default_factory=dict)


@router.get("/topics")
def topics(request: Request) -> Response:
    """List the topics with how many customers want them."""
    with database(request).read() as connection:
        listed = documents.topics(connection)
        counts = consent.counts(connection)
    return pages(request).render(
        request, "topics/list.html", topics=list(listed.values()), counts=counts
    )


@router.get("/topics/new", dependencies=[PUBLISH])
def new(request: Request) -> Response:
    """Show an empty form."""
    return _form(request, Editor())


@router.get("/topics/{topic_id}")
def edit(request: Request, topic_id: str) -> Response:
    """Show a topic's form."""
    return _form(request, _editor(_topic(request, topic_id)))


@router.post("/topics/new", dependencies=[PUBLISH])
def create(
    request: Request,
    id: Text = "",
    name: Text = "",
    description: Text = "",
    default: Text = "unsubscribed",
    double_opt_in: Text = "no",
) -> Response:
    """Save a new topic."""
    editor = Editor(id.strip(), name.strip(), description, default == "subscribed",
                    double_opt_in == "yes")  # fmt: skip
    with database(request).read() as connection:
        taken = editor.id in documents.topics(connection)
    if taken:
        words = pages(request).words(request)
        wrong = {"id": words.gettext("There is a topic with this id already.")}
        return _form(request, replace(editor, wrong=wrong), 409)
    return _saved(request, editor, None)


@router.post("/topics/{topic_id}", dependencies=[PUBLISH])
def save(
    request: Request,
    topic_id: str,
    name: Text = "",
    description: Text = "",
    default: Text = "unsubscribed",
    double_opt_in: Text = "no",
) -> Response:
    """Save a topic."""
    before = _topic(request, topic_id)
    editor = Editor(topic_id, name.strip(), description, default == "subscribed",
                    double_opt_in == "yes", new=False)  # fmt: skip
    return _saved(request, editor, before)


@router.post("/topics/{topic_id}/delete", dependencies=[PUBLISH])
def remove(request: Request, topic_id: str) -> Response:
    """Delete a topic that no live journey sends."""
    try:
        delete_topic(database(request), topic_id, actor=actor(request))
    except Conflict:
        words = pages(request).words(request)
        why = words.gettext(
            "Not deleted: a published journey sends messages about it. Give them another topic "
            "first."
        )
        editor = _editor(_topic(request, topic_id))
        return _form(request, replace(editor, wrong={"delete": why}), 409)
    return RedirectResponse("/topics", 303)


def _topic(request: Request, topic_id: str) -> Topic:
    with database(request).read() as connection:
        found = documents.topics(connection).get(topic_id)
    if found is None:
        raise NotFound(f"There is no topic {topic_id!r}.")
    return found


def _editor(topic: Topic) -> Editor:
    subscribed = topic.default == "subscribed"
    return Editor(
        topic.id, topic.name, topic.description, subscribed, topic.double_opt_in, new=False
    )


def _saved(request: Request, editor: Editor, before: Topic | None) -> Response:
    words = pages(request).words(request)
    kept = before.document() if before is not None else {}
    try:
        topic = Topic.model_validate({
            **kept,
            "id": editor.id,
            "name": editor.name,
            "description": editor.description,
            "default": "subscribed" if editor.subscribed else "unsubscribed",
            "double_opt_in": editor.double_opt_in,
        })  # fmt: skip
    except ValidationError as error:
        return _form(request, replace(editor, wrong=_wrong(error, words)), 422)
    put_topic(database(request), topic, actor=actor(request))
    return RedirectResponse("/topics", 303)


def _wrong(error: ValidationError, words: Words) -> dict[str, str]:
    fields = [str(mistake["loc"][0]) for mistake in error.errors()]
    return {field: words.gettext(_MENDS.get(field, N_("This is not valid."))) for field in fields}


def _form(request: Request, editor: Editor, status: int = 200) -> Response:
    return pages(request).render(request, "topics/topic.html", status=status, editor=editor)
