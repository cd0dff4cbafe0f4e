"""A new journey: its name and what opens it, or one of the library's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

import journeys as library
from designer.canvas import views
from designer.canvas.sentences import Sentences
from designer.canvas.tree import Drawing, Tree
from designer.canvas.views import Top
from designer.ids import id_of
from designer.login.permits import WRITE_DRAFTS
from designer.pages import actor, database, pages
from designer.words import Words
from engine.errors import Conflict, NotFound
from engine.flow import drafting
from engine.model.document import parse_journey
from engine.model.journey import Journey
from engine.store import documents, vocabulary
from engine.store.drafts import Names
from journeys.bringing import bring, traits_used

router = APIRouter(dependencies=[WRITE_DRAFTS])

Text = Annotated[str, Form()]

USUAL: Final = ("Order Completed", "Product Added", "Product Viewed", "Signed Up")
"""Events that shops usually send, to choose from before any has arrived."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A journey of the library, drawn small; `segments` and `traits` are the names of those that it brings."""

    id: str
    name: str
    note: str
    tree: Tree
    top: Top
    segments: list[str]
    traits: list[str]


@dataclass(frozen=True, slots=True)
class Beginning:
    """The form of a new journey; `wrong` tells each field's mistake."""

    name: str = ""
    kind: str = "event"
    event: str = ""
    wrong: dict[str, str] = field(default_factory=dict)


@router.get("/new")
def new(request: Request) -> Response:
    """Ask for a name and what opens the journey, and show the library."""
    return _page(request, Beginning())


@router.post("/new")
def create(request: Request, name: Text = "", kind: Text = "event", event: Text = "") -> Response:
    """Make an empty journey, and open its canvas."""
    words = pages(request).words(request)
    begun = Beginning(name.strip()[:200], kind, event.strip()[:200])
    wrong = {}
    if not begun.name:
        wrong["name"] = words.gettext("Give it a name.")
    if kind == "event" and not begun.event:
        wrong["event"] = words.gettext("Say what the customer does.")
    if wrong:
        return _page(request, Beginning(begun.name, kind, begun.event, wrong), 422)
    on = {"event": begun.event} if kind == "event" else {"api": True}
    return _opened(request, {"name": begun.name, "entry": {"on": on}, "steps": []})


@router.post("/new/library/{ready}")
def take(request: Request, ready: str) -> Response:
    """Make a journey from one of the library's, with the templates and segments that it needs."""
    journey = parse_journey(library.text(ready))
    words = pages(request).words(request)
    language = str(words.locale)
    segments = {id: one.taken(language) for id, one in library.segments().items()}
    bring(
        database(request),
        journey,
        templates=library.templates(),
        segments=segments,
        actor=actor(request),
        named=words.gettext,
    )
    said = {"name": words.gettext(journey.name), "note": _note(journey, words)}
    return _opened(request, {**journey.document(), **said})


def _opened(request: Request, document: dict[str, Any]) -> Response:
    """Make the journey under an id that is free, and open it."""
    with database(request).read() as connection:
        taken = {stored.id for stored in documents.journeys(connection)[0]}
    wish = document.get("id") or document["name"]
    for _ in range(5):
        id_ = id_of(wish, taken, "journey")
        try:
            drafting.create(
                database(request), {**document, "format": 1, "id": id_}, actor=actor(request)
            )
        except Conflict:  # somebody was quicker
            taken.add(id_)
        else:
            return RedirectResponse(f"/journeys/{id_}?show=draft", 303)
    raise Conflict("Too many journeys are called so: choose another name.")


def _page(request: Request, begun: Beginning, status: int = 200) -> Response:
    words = pages(request).words(request)
    with database(request).read() as connection:
        events = vocabulary.vocabulary(connection).events
    shelf = _shelf(words)
    return pages(request).render(
        request,
        "start/new.html",
        status=status,
        words=words,
        begun=begun,
        events=[*events, *(event for event in USUAL if event not in events)],
        ready=[_ready(name, shelf, words) for name in library.names()],
        editing=False,
        chosen="-",
    )


@dataclass(frozen=True, slots=True)
class _Shelf:
    """What the library's journeys are made of, read once for all of them."""

    segments: Mapping[str, library.ReadySegment]
    names: Names


def _shelf(words: Words) -> _Shelf:
    segments = library.segments()
    called = {id: one.named(str(words.locale)) for id, one in segments.items()}
    templates = {one.id: one.name for one in library.templates().values()}
    return _Shelf(segments, Names(templates=templates, segments=called))


def _ready(name: str, shelf: _Shelf, words: Words) -> Ready:
    journey, called = parse_journey(library.text(name)), shelf.names.segments
    sentences = Sentences(words, journey, shelf.names)
    wanted = library.segments_used(journey, shelf.segments)
    asked = [shelf.segments[id] for id in wanted if id in shelf.segments]
    return Ready(
        id=name,
        name=words.gettext(journey.name),
        note=_note(journey, words),
        tree=Drawing(sentences, {}).tree(journey.steps),
        top=views.top(journey, sentences),
        segments=[words.quote(called[one.id]) for one in asked],
        traits=[words.quote(words.gettext(one.name)) for one in traits_used(journey, asked, "")],
    )


def _note(journey: Journey, words: Words) -> str:
    return words.gettext(journey.note) if journey.note else ""


@router.get("/new/library/{ready}")
def preview(request: Request, ready: str) -> Response:
    """Show one of the library's journeys large."""
    if ready not in library.names():
        raise NotFound(f"The library has no journey {ready!r}.")
    words = pages(request).words(request)
    return pages(request).render(
        request,
        "start/ready.html",
        words=words,
        one=_ready(ready, _shelf(words), words),
        editing=False,
        chosen="-",
    )
