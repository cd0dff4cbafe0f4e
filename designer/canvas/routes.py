"""A journey's page: its canvas, the panel of a step, and the stream of its counters."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from designer.canvas import views
from designer.canvas.sentences import Sentences
from designer.canvas.tree import Drawing, texts
from designer.login.permits import READ
from designer.pages import database, pages
from designer.streams import Streams, event_stream
from designer.views import journey_mark
from designer.words import Words
from engine.compile.compiler import compile as compile_journey
from engine.compile.validate import check
from engine.errors import InvalidDocument, NotFound, Problem
from engine.flow.publish import known
from engine.model.document import journey_of
from engine.model.journey import Journey, walk
from engine.store import drafts
from engine.store.counters import counters
from engine.store.drafts import Names
from engine.store.session import Database

router = APIRouter(dependencies=[READ])

EVERY = 1.5
"""Seconds between two looks at the counters of a journey that somebody watches."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One journey as somebody looks at it."""

    found: drafts.Found
    journey: Journey
    names: Names
    counted: dict[str, Any]
    problems: list[Problem]
    changed: bool


def look(database_: Database, journey_id: str, *, draft: bool) -> Shown:
    """Read a journey: what is live, or else (or when asked for) the draft."""
    with database_.read() as connection:
        found = drafts.journey(connection, journey_id)
        document = found.draft if draft or found.live is None else found.live
        names = drafts.names(connection)
        counted = counters(connection, journey_id)
        problems: list[Problem] = []
        try:
            newest = journey_of(found.draft)
            changed = found.hash is not None and compile_journey(newest).hash != found.hash
        except InvalidDocument:  # a draft of an earlier release
            changed = True
        journey = journey_of(document)
        if document is found.draft:
            problems = check(journey, known(connection))
    return Shown(found, journey, names, counted, problems, changed)


@router.get("/journeys/{journey_id}")
def journey(
    request: Request,
    journey_id: str,
    show: str = "",
    step: str = "",
    view: str = "",
    published: str = "",
) -> Response:
    """Show a journey; `published` tells that this was its last step."""
    shown = look(database(request), journey_id, draft=show == "draft")
    words = pages(request).words(request)
    sentences = Sentences(words, shown.journey, shown.names)
    drawing = Drawing(sentences, shown.counted["steps"], shown.problems)
    steps = {one.id: one for one in walk(shown.journey.steps)}
    return pages(request).render(
        request,
        "canvas/journey.html",
        words=words,
        found=shown.found,
        mark=journey_mark(shown.found.state, words),
        name=shown.journey.name,
        tree=drawing.tree(shown.journey.steps),
        top=views.top(shown.journey, sentences),
        totals=views.totals(shown.counted, shown.journey, words),
        facts=views.entry_facts(shown.journey, sentences),
        panel=views.panel(steps[step], shown.counted["steps"].get(step, {}), sentences)
        if step in steps
        else None,
        draft=shown.found.live is None or show == "draft",
        changed=shown.changed,
        problems=shown.problems,
        outline=view == "outline",
        show=show,
        view=view,
        chosen=step,
        published=published,
    )


@router.get("/journeys/{journey_id}/panel")
def panel(
    request: Request, journey_id: str, step: str = "", show: str = "", view: str = ""
) -> Response:
    """Answer with the panel of one step, or of the journey as a whole."""
    shown = look(database(request), journey_id, draft=show == "draft")
    words = pages(request).words(request)
    sentences = Sentences(words, shown.journey, shown.names)
    chosen = next((one for one in walk(shown.journey.steps) if one.id == step), None)
    if step and chosen is None:
        raise NotFound(f"The journey has no step {step!r}.")
    response = pages(request).render(
        request,
        "canvas/_panel.html",
        words=words,
        found=shown.found,
        show=show,
        view=view,
        totals=views.totals(shown.counted, shown.journey, words),
        facts=views.entry_facts(shown.journey, sentences),
        panel=views.panel(chosen, shown.counted["steps"].get(step, {}), sentences)
        if chosen
        else None,
    )
    response.headers["X-Part"] = "panel"
    chosen_now = {"show": show, "view": view, "step": step}
    query = urlencode({key: value for key, value in chosen_now.items() if value})
    response.headers["HX-Replace-Url"] = f"/journeys/{journey_id}" + (f"?{query}" if query else "")
    return response


@router.get("/journeys/{journey_id}/counters/stream")
async def stream(request: Request, journey_id: str, show: str = "") -> Response:
    """Send the figures of the page whenever one of them changes."""
    database_: Database = database(request)
    shown = await run_in_threadpool(look, database_, journey_id, draft=show == "draft")
    words = await run_in_threadpool(pages(request).words, request)
    streams: Streams = request.app.state.streams

    def fetch() -> dict[str, Any]:
        with database_.read() as connection:
            return counters(connection, journey_id)

    async def parts() -> AsyncIterator[str | None]:
        told: dict[str, str] = {}
        async for counted in streams.watch(("counters", journey_id), fetch, EVERY):
            if counted is None:
                yield None
                continue
            figures = _figures(shown.journey, counted, words)
            new = {key: text for key, text in figures.items() if told.get(key) != text}
            told = figures
            if new:
                yield "\n".join(_partial(key, text) for key, text in new.items())

    return event_stream(parts())


def _figures(journey: Journey, counted: dict[str, Any], words: Words) -> dict[str, str]:
    totals = {figure.id: figure.value for figure in views.totals(counted, journey, words)}
    return {**totals, **texts(journey.steps, counted["steps"], words)}


def _partial(place: str, text: str) -> str:
    return f'<hx-partial id="{escape(place)}" hx-swap="innerHTML">{escape(text)}</hx-partial>'
