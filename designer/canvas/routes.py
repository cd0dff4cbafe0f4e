"""A journey's page: its canvas, edits of it, the panel of a step, and the stream of its counters."""

from collections.abc import AsyncIterator
from functools import partial
from html import escape
from secrets import token_urlsafe
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from pydantic import TypeAdapter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from designer.canvas import edits, panels, settings, views
from designer.canvas.figures import Reading, reading
from designer.canvas.forms.raw import Raw, read
from designer.canvas.lexicon import lexicon
from designer.canvas.look import Shown, look
from designer.canvas.palette import palette
from designer.canvas.tree import texts
from designer.framed import frames_messages
from designer.login.permits import READ, WRITE_DRAFTS
from designer.pages import Sent, actor, database, may, pages
from designer.period import choices
from designer.streams import Streams, event_stream
from designer.views import journey_mark
from designer.words import Words
from engine.compile.known import Known
from engine.errors import Conflict, InvalidInput, NotFound, Stale
from engine.flow.drafting import Draft
from engine.model.activity import ActivityType
from engine.model.journey import AnyStep, Journey, Step
from engine.store.counters import counters
from engine.store.session import Database

router = APIRouter(dependencies=[READ])

EVERY = 1.5
"""Seconds between two looks at the counters of a journey that somebody watches."""

_STEP: TypeAdapter[AnyStep] = TypeAdapter(Step)


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
    words, nonce = pages(request).words(request), token_urlsafe(12)
    shown = _look(request, journey_id, words, draft=show == "draft", fresh=True)
    response = pages(request).render(
        request,
        "canvas/journey.html",
        status=422 if shown.reading.period.wrong else 200,
        words=words,
        nonce=nonce,
        vocabulary=shown.around.words,
        lexicon=lexicon(shown.around.words),
        **_canvas(shown, words),
        **panels.context(shown, step, words),
        mark=journey_mark(shown.found.state, words),
        name=shown.journey.name,
        changed=shown.changed,
        outline=view == "outline",
        show=show,
        view=view,
        published=published,
        groups=palette(words, _own_activities(shown.around.known)),
        periods=choices(words),
    )
    if shown.editing:  # a message's panel shows it
        frames_messages(response, nonce)
    return response


def _own_activities(known: Known) -> list[ActivityType]:
    return sorted(known.activities.values(), key=lambda one: one.title.casefold())


def _look(
    request: Request, journey_id: str, words: Words, *, draft: bool, fresh: bool = False
) -> Shown:
    """Read a journey as the page's reader looks at it."""
    return look(
        database(request),
        request.app.state.lately,
        journey_id,
        draft=draft,
        writes=may(request, "write drafts"),
        fresh=fresh,
        reading=reading(request, words),
    )


def _canvas(shown: Shown, words: Words) -> dict[str, Any]:
    """Return what the canvas and the part of the toolbar that edits change are drawn from."""
    sentences = shown.sentences(words)
    return {
        "found": shown.found,
        "tree": shown.drawing(sentences).tree(shown.journey.steps),
        "top": views.top(shown.journey, sentences),
        "editing": shown.editing,
        "folds": True,
        "problems": shown.problems,
        "undo": edits.named(shown.near.undo, words),
        "redo": edits.named(shown.near.redo, words),
    }


@router.get("/journeys/{journey_id}/panel")
def panel(
    request: Request, journey_id: str, step: str = "", show: str = "", view: str = ""
) -> Response:
    """Answer with the panel of one step, or of the journey as a whole."""
    words = pages(request).words(request)
    shown = _look(request, journey_id, words, draft=show == "draft")
    if step and shown.step(step) is None:
        raise NotFound(f"The journey has no step {step!r}.")
    response = pages(request).render(
        request,
        "canvas/_panel.html",
        words=words,
        found=shown.found,
        editing=shown.editing,
        show=show,
        view=view,
        **panels.context(shown, step, words),
    )
    response.headers["X-Part"] = "panel"
    chosen_now = {"show": show, "view": view, "step": step, **shown.reading.query()}
    query = urlencode({key: value for key, value in chosen_now.items() if value})
    response.headers["HX-Replace-Url"] = f"/journeys/{journey_id}" + (f"?{query}" if query else "")
    return response


@router.post("/journeys/{journey_id}/ops", dependencies=[WRITE_DRAFTS])
def ops(request: Request, journey_id: str, sent: Sent) -> Response:
    """Edit the draft: answers with the tree, the toolbar and the panel as they are now.

    A stale edit is answered with 409, one that cannot be with 422, both with the draft as it is.
    """
    words = pages(request).words(request)
    asked = edits.asked(sent)
    title = partial(_title, words=words)
    try:
        outcome = edits.carry_out(
            database(request), journey_id, asked, title, words, actor=actor(request)
        )
    except Conflict as conflict:
        said = words.gettext(
            "Somebody else changed this journey meanwhile; this is how it looks now. Nothing of "
            "yours was overwritten: do it again if it still fits."
        )
        return edited(request, journey_id, asked.step, _reason(said, conflict, words), 409)
    except InvalidInput as refusal:
        return edited(request, journey_id, asked.step, words.said(refusal.said), 422)
    return edited(request, journey_id, outcome.step, outcome.said)


def _reason(said: str, conflict: Conflict, words: Words) -> str:
    return said if isinstance(conflict, Stale) else words.said(conflict.said)


def edited(request: Request, journey_id: str, step: str, said: str, status: int = 200) -> Response:
    """Answer with what an edit has changed; the panel only when the edit took effect."""
    if not request.headers.get("HX-Request"):
        return RedirectResponse(f"/journeys/{journey_id}?show=draft&step={step}", 303)
    words = pages(request).words(request)
    shown = _look(request, journey_id, words, draft=True)
    chosen = step if shown.step(step) else ""
    response = pages(request).render(
        request,
        "canvas/_edited.html",
        status=status,
        words=words,
        said=said,
        with_panel=status == 200,
        show="draft",
        view="",
        **_canvas(shown, words),
        **panels.context(shown, chosen, words),
    )
    response.headers["X-Part"] = "edited"
    return response


@router.post("/journeys/{journey_id}/panel", dependencies=[WRITE_DRAFTS])
def rearrange(request: Request, journey_id: str, sent: Sent) -> Response:
    """Answer with the panel's form as it was sent, with a row more, less or of another kind."""
    raw, what = read(sent), str(sent.get("what") or "")
    if what == "template":
        words = pages(request).words(request)
        raw["template"] = settings.new_template(database(request), raw, words, actor=actor(request))
        what = "show"
    shown = _look(request, journey_id, pages(request).words(request), draft=True)
    step = str(sent.get("chosen") or "")
    return _panel(request, shown, step, settings.rearranged(raw, what))


def _panel(
    request: Request,
    shown: Shown,
    step: str,
    raw: Raw,
    mistakes: dict[str, str] | None = None,
) -> Response:
    words = pages(request).words(request)
    response = pages(request).render(
        request,
        "canvas/_panel.html",
        status=422 if mistakes else 200,
        words=words,
        found=shown.found,
        editing=True,
        show="draft",
        view="",
        **panels.context(shown, step, words, raw, mistakes),
    )
    response.headers["X-Part"] = "panel"
    return response


@router.post("/journeys/{journey_id}/settings", dependencies=[WRITE_DRAFTS])
def save_settings(request: Request, journey_id: str, sent: Sent) -> Response:
    """Save the settings of a step, or of the journey; with mistakes, the form comes back."""
    words, raw = pages(request).words(request), read(sent)
    step = str(sent.get("chosen") or "")
    rev = edits.asked(sent).rev
    try:
        label = settings.save(
            database(request),
            journey_id,
            rev,
            step,
            raw,
            partial(_title, words=words),
            actor=actor(request),
        )
    except settings.Unfit as unfit:
        shown = _look(request, journey_id, words, draft=True)
        if step and shown.step(step) is None:
            return edited(request, journey_id, "", words.gettext("That step is gone."), 409)
        mistakes = {place: words.said(mistake) for place, mistake in unfit.mistakes.items()}
        return _panel(request, shown, step, raw, mistakes)
    except Conflict as conflict:
        said = words.gettext(
            "Somebody else changed this journey meanwhile; this is how it looks now. What you "
            "typed is still here: look whether it still fits, then save again."
        )
        return edited(request, journey_id, step, _reason(said, conflict, words), 409)
    return edited(request, journey_id, step, edits.done(label, words))


def _title(step: Draft, words: Words) -> str:
    return views.title_of(_STEP.validate_python(step), words)


@router.get("/journeys/{journey_id}/counters/stream")
async def stream(request: Request, journey_id: str, show: str = "") -> Response:
    """Send the figures of the page whenever one of them changes."""
    database_: Database = database(request)
    words = await run_in_threadpool(pages(request).words, request)
    looked = partial(_look, request, journey_id, words, draft=show == "draft")
    shown = await run_in_threadpool(looked)
    streams: Streams = request.app.state.streams
    read_as = shown.reading

    def fetch() -> dict[str, Any]:
        # Asked anew each time: at midnight, today is another day.
        period = reading(request, words).period
        with database_.read() as connection:
            return counters(connection, journey_id, since=period.since, until=period.until)

    async def parts() -> AsyncIterator[str | None]:
        told: dict[str, str] = {}
        key = ("counters", journey_id, words.shop.zone, *sorted(read_as.period.query().items()))
        async for counted in streams.watch(key, fetch, EVERY):
            if counted is None:
                yield None
                continue
            figures = _figures(shown.journey, counted, words, read_as)
            new = {key: text for key, text in figures.items() if told.get(key) != text}
            told = figures
            if new:
                yield "\n".join(_partial(key, text) for key, text in new.items())

    return event_stream(parts())


def _figures(
    journey: Journey, counted: dict[str, Any], words: Words, reading: Reading
) -> dict[str, str]:
    found = views.totals(counted, journey, words, reading)
    totals = {one.id: one.value for one in found}
    return {**totals, **texts(journey.steps, counted, words, reading)}


def _partial(place: str, text: str) -> str:
    return f'<hx-partial id="{escape(place)}" hx-swap="innerHTML">{escape(text)}</hx-partial>'
