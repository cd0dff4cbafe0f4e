"""Writing a journey's document, saving it as a draft, and publishing."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Form
from sqlalchemy import Connection
from sqlalchemy import text as sql
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from designer.document import views
from designer.document.skeleton import skeleton
from designer.login.permits import PUBLISH, READ, WRITE_DRAFTS
from designer.pages import actor, database, pages
from designer.words import Words
from engine.errors import Conflict, InvalidDocument, NotFound
from engine.flow.publish import known, publish, save_journey
from engine.model.document import journey_of, written
from engine.model.opening import OnSegmentEntered
from engine.store import drafts, starts
from engine.store.counters import counters
from engine.store.session import Database

router = APIRouter()

Text = Annotated[str, Form()]

_LAST = sql("SELECT coalesce(max(version), 0) FROM journey_version WHERE journey_id = :id")


@dataclass(frozen=True, slots=True)
class Editor:
    """An editor's page: the text, whose it is, and what is to be said of it."""

    text: str
    checked: views.Checked
    id: str = ""
    name: str = ""
    rev: str = ""
    refusal: str = ""
    saved: bool = False


def _editor(request: Request, editor: Editor, words: Words, status: int = 200) -> Response:
    return pages(request).render(
        request, "document/editor.html", status=status, words=words, editor=editor
    )


def _check(database_: Database, text: str, id_: str | None = None) -> views.Checked:
    with database_.read() as connection:
        return views.checked(text, known(connection), id_=id_)


def _lines(text: str) -> str:
    """Return a form's text with the line ends of files."""
    return text.replace("\r\n", "\n")


@router.get("/new/document", dependencies=[WRITE_DRAFTS])
def new(request: Request) -> Response:
    """Show an editor with the commented beginning of a journey."""
    words = pages(request).words(request)
    with database(request).read() as connection:
        known_ = known(connection)
    text = skeleton(words, known_.templates)
    return _editor(request, Editor(text, views.checked(text, known_)), words)


@router.post("/new/document", dependencies=[WRITE_DRAFTS])
def create(request: Request, text: Text = "") -> Response:
    """Save a new journey's draft."""
    words, text = pages(request).words(request), _lines(text)
    checked = _check(database(request), text)
    if checked.journey is None:
        refusal = words.gettext("Not saved: put right what is marked first.")
        return _editor(request, Editor(text, checked, refusal=refusal), words, 422)
    journey = checked.journey
    if _exists(database(request), journey.id):
        refusal = words.gettext(
            "There is a journey with the id %(id)s already: choose another id.", id=journey.id
        )
        return _editor(request, Editor(text, checked, refusal=refusal), words, 409)
    save_journey(database(request), journey, text, actor=actor(request))
    return RedirectResponse(f"/journeys/{journey.id}/document?saved=yes", 303)


def _exists(database_: Database, journey_id: str) -> bool:
    with database_.read() as connection:
        try:
            drafts.journey(connection, journey_id)
        except NotFound:
            return False
    return True


@router.get("/journeys/{journey_id}/document", dependencies=[READ])
def document(request: Request, journey_id: str, saved: str = "") -> Response:
    """Show the journey's document in an editor."""
    words = pages(request).words(request)
    with database(request).read() as connection:
        found = drafts.journey(connection, journey_id)
    text = written(found.draft, found.source)
    editor = Editor(
        text,
        _check(database(request), text, journey_id),
        id=journey_id,
        name=str(found.draft.get("name", journey_id)),
        rev=found.updated_at.isoformat(),
        saved=bool(saved),
    )
    return _editor(request, editor, words)


@router.post("/documents/check", dependencies=[READ])
def check_text(request: Request, text: Text = "", id: Text = "") -> Response:
    """Answer with what the checks say of a text that is being written."""
    checked = _check(database(request), _lines(text), id or None)
    response = pages(request).render(request, "document/_checks.html", checked=checked)
    response.headers["X-Part"] = "checks"
    return response


@router.post("/journeys/{journey_id}/document", dependencies=[WRITE_DRAFTS])
def save(request: Request, journey_id: str, text: Text = "", rev: Text = "") -> Response:
    """Save the draft, unless it has mistakes of form or somebody else saved meanwhile."""
    words, text = pages(request).words(request), _lines(text)
    checked = _check(database(request), text, journey_id)
    with database(request).read() as connection:
        found = drafts.journey(connection, journey_id)
    try:
        _check_newest(rev, found)
        if checked.journey is not None and checked.journey.id == journey_id:
            save_journey(
                database(request),
                checked.journey,
                text,
                actor=actor(request),
                seen=found.updated_at,
            )
            return RedirectResponse(f"/journeys/{journey_id}/document?saved=yes", 303)
        status, refusal = 422, words.gettext("Not saved: put right what is marked first.")
    except Conflict:
        status = 409
        refusal = words.gettext(
            "Not saved: somebody else changed this journey meanwhile. Your text is still here: "
            "copy what you need, then open the newest draft."
        )
    name = str(found.draft.get("name", journey_id))
    editor = Editor(text, checked, id=journey_id, name=name, rev=rev, refusal=refusal)
    return _editor(request, editor, words, status)


@router.get("/journeys/{journey_id}/publish", dependencies=[PUBLISH])
def confirm(request: Request, journey_id: str) -> Response:
    """Say what publishing would do, and ask."""
    return _confirm(request, journey_id)


@router.post("/journeys/{journey_id}/publish", dependencies=[PUBLISH])
def publish_now(request: Request, journey_id: str, rev: Text = "", inside: Text = "") -> Response:
    """Publish the draft that was looked at."""
    words = pages(request).words(request)
    with database(request).read() as connection:
        found = drafts.journey(connection, journey_id)
    try:
        _check_newest(rev, found)
        version = publish(
            database(request),
            journey_id,
            actor=actor(request),
            seen=found.updated_at,
            also_inside=inside == "start",
        )
    except Conflict:
        if found.state == "archived":
            refusal = words.gettext("Not published: the journey is archived. Restore it first.")
            return _confirm(request, journey_id, refusal, 409)
        refusal = words.gettext(
            "Not published: the draft was changed after you opened this page. Here is the newest."
        )
        return _confirm(request, journey_id, refusal, 409)
    except InvalidDocument:
        refusal = words.gettext("Not published: put right what is marked first.")
        return _confirm(request, journey_id, refusal, 422)
    return RedirectResponse(f"/journeys/{journey_id}?published={version}", 303)


def _check_newest(rev: str, found: drafts.Found) -> None:
    if rev != found.updated_at.isoformat():
        raise Conflict("An older draft was looked at.")


def _confirm(request: Request, journey_id: str, refusal: str = "", status: int = 200) -> Response:
    words = pages(request).words(request)
    with database(request).read() as connection:
        found = drafts.journey(connection, journey_id)
        counted = counters(connection, journey_id)
        last = connection.execute(_LAST, {"id": journey_id}).scalar_one()
        standing = counters(connection, journey_id, found.version)["steps"]
        text = written(found.draft, found.source)
        checked = views.checked(text, known(connection), id_=journey_id)
        names = drafts.names(connection)
        already = _already(connection, checked, names)
    plan = None
    if checked.journey is not None:
        live = journey_of(found.live) if found.live else None
        plan = views.plan(
            checked.journey, live, last, found.hash, names=names, words=words, standing=standing
        )
    return pages(request).render(
        request,
        "document/publish.html",
        status=status,
        words=words,
        found=found,
        name=str(found.draft.get("name", journey_id)),
        rev=found.updated_at.isoformat(),
        checked=checked,
        plan=plan,
        inside=counted["active"],
        held=counted["held"],
        already=already,
        refusal=refusal,
    )


def _already(
    connection: Connection, checked: views.Checked, names: drafts.Names
) -> dict[str, Any] | None:
    """Return who is in the segment that opens the journey on coming into it; `n` when known."""
    on = checked.journey.entry.on if checked.journey is not None else None
    if not isinstance(on, OnSegmentEntered):
        return None
    segment = on.segment_entered
    ready = starts.is_ready(connection, segment)
    n = starts.size(connection, segment)[0] if ready else None
    return {"n": n, "segment": names.segments.get(segment, segment)}
