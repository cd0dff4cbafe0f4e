"""A journey's versions, and its way into the archive and out again."""

from typing import Annotated, Final

from fastapi import APIRouter, Form, Path, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from designer.canvas import views as canvas
from designer.canvas.sentences import Sentences
from designer.canvas.tree import Drawing
from designer.document.differences import differences
from designer.lifecycle import views
from designer.login.permits import PUBLISH, READ, WRITE_DRAFTS
from designer.pages import actor, database, pages
from designer.views import journey_mark
from engine.errors import Conflict, InvalidDocument
from engine.flow.archive import Inside, archive, restore
from engine.flow.publish import save_journey
from engine.model.document import journey_of
from engine.model.journey import Journey, walk
from engine.store import drafts, held
from engine.store import versions as published
from engine.store.counters import counters

router = APIRouter()

SHOWN: Final = 20
"""Versions on one page."""

Text = Annotated[str, Form()]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]


@router.get("/journeys/{journey_id}/versions", dependencies=[READ])
def versions(
    request: Request,
    journey_id: str,
    before: Annotated[int, Query(ge=1, le=2**31 - 1)] = 2**31 - 1,
    taken: str = "",
) -> Response:
    """List the published versions; `taken` is the one that has just become the draft again."""
    words = pages(request).words(request)
    with database(request).read() as connection:
        found = drafts.journey(connection, journey_id)
        some = published.published(connection, journey_id, before=before, limit=SHOWN + 1)
        names = drafts.names(connection)
        counted = counters(connection, journey_id) if found.state == "paused" else {}
    shown = views.versions(some, found.version, names, words)[:SHOWN]
    return pages(request).render(
        request,
        "lifecycle/versions.html",
        words=words,
        found=found,
        name=str(found.draft.get("name", journey_id)),
        mark=journey_mark(found.state, words),
        versions=shown,
        older=shown[-1].number if len(some) > SHOWN else None,
        taken=taken,
        held=counted.get("held", 0),
    )


@router.get("/journeys/{journey_id}/versions/{version}", dependencies=[READ])
def version(request: Request, journey_id: str, version: Number, step: str = "") -> Response:
    """Show one version on the canvas, as it was published."""
    return _version(request, journey_id, version, step)


def _version(
    request: Request, journey_id: str, version: int, step: str = "", status: int = 200
) -> Response:
    words = pages(request).words(request)
    with database(request).read() as connection:
        found = drafts.journey(connection, journey_id)
        journey = journey_of(published.document(connection, journey_id, version))
        names = drafts.names(connection)
        counted = counters(connection, journey_id, version)
    sentences = Sentences(words, journey, names)
    steps = {one.id: one for one in walk(journey.steps)}
    draft = _draft(found)
    return pages(request).render(
        request,
        "lifecycle/version.html",
        status=status,
        words=words,
        found=found,
        name=journey.name,
        version=version,
        rev=found.updated_at.isoformat(),
        tree=Drawing(sentences, counted).tree(journey.steps),
        top=canvas.top(journey, sentences),
        totals=canvas.totals(counted, journey, words),
        facts=canvas.entry_facts(journey, sentences),
        panel=canvas.panel(steps[step], counted["steps"].get(step, {}), sentences)
        if step in steps
        else None,
        chosen=step,
        same=draft == journey,
        lost=_lost(draft, found, sentences),
        stale=status == 409,
    )


def _draft(found: drafts.Found) -> Journey | None:
    try:
        return journey_of(found.draft)
    except InvalidDocument:  # of an earlier release
        return None


def _lost(draft: Journey | None, found: drafts.Found, sentences: Sentences) -> bool:
    """Whether the draft has changes that are in no version."""
    if draft is None or found.live is None:
        return True
    live = journey_of(found.live)
    return bool(differences(draft, live, names=sentences.names, words=sentences.words))


@router.post("/journeys/{journey_id}/versions/{version}/draft", dependencies=[WRITE_DRAFTS])
def take_again(request: Request, journey_id: str, version: Number, rev: Text = "") -> Response:
    """Make a version the draft again, unless somebody saved since the page was opened."""
    with database(request).read() as connection:
        found = drafts.journey(connection, journey_id)
        journey = journey_of(published.document(connection, journey_id, version))
    if rev != found.updated_at.isoformat():
        return _version(request, journey_id, version, status=409)
    try:
        save_journey(database(request), journey, actor=actor(request), seen=found.updated_at)
    except Conflict:
        return _version(request, journey_id, version, status=409)
    return RedirectResponse(f"/journeys/{journey_id}/versions?taken={version}", 303)


@router.get("/journeys/{journey_id}/archive", dependencies=[PUBLISH])
def ask(request: Request, journey_id: str) -> Response:
    """Say what archiving means, and ask what becomes of those inside."""
    return _ask(request, journey_id)


def _ask(request: Request, journey_id: str, *, wrong: bool = False) -> Response:
    words = pages(request).words(request)
    with database(request).read() as connection:
        found = drafts.journey(connection, journey_id)
        inside = held.inside(connection, journey_id)
    return pages(request).render(
        request,
        "lifecycle/archive.html",
        status=422 if wrong else 200,
        words=words,
        found=found,
        name=str(found.draft.get("name", journey_id)),
        inside=inside,
        wrong=wrong,
    )


@router.post("/journeys/{journey_id}/archive", dependencies=[PUBLISH])
def put_away(request: Request, journey_id: str, inside: Text = "") -> Response:
    """Archive the journey; those inside end or finish, as was chosen."""
    chosen: Inside | None = "end" if inside == "end" else "finish" if inside == "finish" else None
    try:
        archive(database(request), journey_id, actor=actor(request), inside=chosen)
    except Conflict:
        return _ask(request, journey_id, wrong=True)
    return RedirectResponse("/journeys?state=archived", 303)


@router.post("/journeys/{journey_id}/restore", dependencies=[PUBLISH])
def take_out(request: Request, journey_id: str) -> Response:
    """Take the journey out of the archive, paused."""
    restore(database(request), journey_id, actor=actor(request))
    return RedirectResponse(f"/journeys/{journey_id}", 303)
