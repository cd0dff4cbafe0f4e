"""Journeys as YAML files: download a draft or a version, bring a file back."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Query
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from designer.document.differences import Change, differences
from designer.document.views import Checked, checked
from designer.login.permits import READ, WRITE_DRAFTS
from designer.pages import actor, database, pages
from designer.words import Words
from engine.errors import Conflict, InvalidDocument, NotFound
from engine.flow.publish import known, save_journey
from engine.model.document import journey_of, written
from engine.model.journey import Journey
from engine.store import drafts, versions

router = APIRouter()

Text = Annotated[str, Form()]


@router.get("/journeys/{journey_id}/file", dependencies=[READ])
def file(
    request: Request,
    journey_id: str,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
) -> Response:
    """Download the draft, or a version, as YAML."""
    with database(request).read() as connection:
        found = drafts.journey(connection, journey_id)
        if version is None:
            name, text = journey_id, written(found.draft, found.source)
        else:
            name = f"{journey_id}-{version}"
            text = written(versions.document(connection, journey_id, version), None)
    return Response(
        text,
        media_type="application/yaml; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.yaml"'},
    )


@dataclass(frozen=True, slots=True)
class Import:
    """The page on which a file is brought: its text, and what is to be said of it.

    `replaces` is the journey whose draft it would become, at the state `rev`.
    """

    text: str = ""
    checked: Checked | None = None
    replaces: str = ""
    name: str = ""
    rev: str = ""
    changes: list[Change] | None = None
    refusal: str = ""


@router.get("/import", dependencies=[WRITE_DRAFTS])
def ask(request: Request) -> Response:
    """Ask for a file, or its text."""
    return _page(request, Import())


def _page(request: Request, page: Import, status: int = 200) -> Response:
    return pages(request).render(request, "files/import.html", status=status, page=page)


@router.post("/import", dependencies=[WRITE_DRAFTS])
def bring(request: Request, text: Text = "", rev: Text = "") -> Response:
    """Save the text as a draft: of a new journey, or, once that was looked at, of one there is."""
    words, text = pages(request).words(request), text.replace("\r\n", "\n")
    with database(request).read() as connection:
        read = checked(text, known(connection))
        found = _found(connection, read.journey) if read.journey else None
        names = drafts.names(connection)
    if read.journey is None:
        refusal = words.gettext("Not imported: put right what is marked first.")
        if not text.strip():
            refusal = words.gettext("Choose a file, or paste the text of one.")
            read = Checked(None, [])
        return _page(request, Import(text, read, refusal=refusal), 422)
    if found is None:
        save_journey(database(request), read.journey, text, actor=actor(request))
    elif rev != found.updated_at.isoformat():
        changes = _changes(read.journey, found, names, words)
        stale = words.gettext("Somebody else changed the draft meanwhile: look at it once more.")
        page = Import(
            text,
            read,
            replaces=found.id,
            name=str(found.draft.get("name", found.id)),
            rev=found.updated_at.isoformat(),
            changes=changes,
            refusal=stale if rev else "",
        )
        return _page(request, page, 409 if rev else 200)
    else:
        try:
            save_journey(
                database(request), read.journey, text, actor=actor(request), seen=found.updated_at
            )
        except Conflict:  # just now
            return bring(request, text, rev)
    return RedirectResponse(f"/journeys/{read.journey.id}/document?saved=yes", 303)


def _found(connection: Connection, journey: Journey) -> drafts.Found | None:
    try:
        return drafts.journey(connection, journey.id)
    except NotFound:
        return None


def _changes(
    journey: Journey, found: drafts.Found, names: drafts.Names, words: Words
) -> list[Change] | None:
    """Say what would be different in the draft; nothing is said of one that cannot be read."""
    try:
        before = journey_of(found.draft)
    except InvalidDocument:
        return None
    return differences(journey, before, names=names, words=words)
