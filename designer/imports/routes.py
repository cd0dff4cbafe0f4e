"""Imports: the list, a file that is brought, its columns, its check, and how far it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, cast
from uuid import UUID

from fastapi import APIRouter, Form
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from designer.imports import views
from designer.imports.receiving import receive
from designer.login.permits import STREAMED, WRITE_CUSTOMERS
from designer.pages import Sent, actor, database, pages
from engine.errors import Conflict, InvalidInput, NotFound, ParcoursError, TooLarge, said
from engine.flow import importing
from engine.flow.importing import Folder
from engine.flow.imports import upload
from engine.flow.imports.kinds import KINDS
from engine.flow.imports.mapping import About, Assigned, Column, assigned, faults
from engine.flow.imports.reading import READINGS
from engine.store import imports
from engine.store.imports import Job

router = APIRouter(prefix="/imports", dependencies=[WRITE_CUSTOMERS])

_SHOWN = 5
"""Rows of a file that its page shows."""

MAPPABLE = ("new", "checked", "failed")
"""States in which the columns can still be told."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with the columns: of each by its place, of the whole, of the event."""

    columns: Mapping[int, str] = field(default_factory=dict)
    whole: list[str] = field(default_factory=list)
    event: str = ""


def folder(request: Request) -> Folder:
    """Return where the files of imports are."""
    return Folder(request.app.state.settings.data_dir / "imports")


@router.get("")
def listed(request: Request) -> Response:
    """List the newest imports, and ask for a file."""
    words = pages(request).words(request)
    with database(request).read() as connection:
        found = imports.listed(connection)
    return pages(request).render(
        request,
        "imports/list.html",
        words=words,
        jobs=[views.shown(job, words) for job in found],
        kinds=[(name, words.gettext(title), words.gettext(what))
               for name, (title, what) in views.KINDS.items()],
        limit=upload.LIMIT,
        gigabytes=upload.LIMIT // 10**9,
        days=views.days(),
    )  # fmt: skip


@router.post("", dependencies=[STREAMED])
async def bring(request: Request, kind: str = "", name: str = "") -> Response:
    """Take a file, which is the request's body; answer where its page is, or what is wrong."""
    words = pages(request).words(request)
    if kind not in KINDS:
        return _plain(words.gettext("Choose what the file is about."), 422)
    try:
        given = await receive(request, folder(request))
        job = await run_in_threadpool(_begin, request, given, kind, name)
    except (InvalidInput, TooLarge) as error:
        return _plain(words.said(error.said), error.status)
    return Response(status_code=201, headers={"Location": f"/imports/{job.id}"})


def _begin(request: Request, given: Path, kind: str, name: str) -> Job:
    return importing.begin(
        database(request),
        folder(request),
        given,
        KINDS[kind].about,
        name.replace("\0", "").strip() or "file",
        actor=actor(request),
    )


@router.get("/{job}")
def one(request: Request, job: UUID, *, columns: bool = False) -> Response:
    """Show an import: its columns, its check, or how far it is."""
    found = _job(request, job)
    there = folder(request).file(job).exists()
    if there and (found.state == "new" or (columns and found.state in MAPPABLE)):
        return _columns(request, found, assigned(found.mapping) if found.mapping else None)
    return _page(request, found)


@router.post("/{job}/columns")
def assign(request: Request, job: UUID, form: Sent) -> Response:
    """Say what the columns are, and have the file checked."""
    found = _job(request, job)
    if found.state not in MAPPABLE or not folder(request).file(job).exists():
        return _page(request, found, Conflict(said("The columns cannot be changed any more.")))
    mapping = _mapping(found, form) if found.mapping is not None else None
    words = pages(request).words(request)
    if mapping is not None and (wrong := faults(KINDS[found.kind].about, mapping)):
        by_column = {one.column: words.said(one.said) for one in wrong if one.column is not None}
        whole = [words.said(one.said) for one in wrong if one.column is None and not one.event]
        of_event = next((words.said(one.said) for one in wrong if one.event), "")
        return _columns(request, found, mapping, Wrong(by_column, whole, of_event))
    return _moved(request, job, lambda: importing.assign(
        database(request), folder(request), job, mapping, actor=actor(request)
    ))  # fmt: skip


@router.post("/{job}/start")
def start(
    request: Request, job: UUID, *, start_journeys: Annotated[bool, Form()] = False
) -> Response:
    """Carry out what was checked."""
    return _moved(request, job, lambda: importing.start(
        database(request), folder(request), job,
        start_journeys=start_journeys, actor=actor(request),
    ))  # fmt: skip


@router.post("/{job}/again")
def again(request: Request, job: UUID) -> Response:
    """Go on with what was interrupted."""
    return _moved(
        request, job, lambda: importing.try_again(database(request), job, actor=actor(request))
    )


@router.post("/{job}/cancel")
def cancel(request: Request, job: UUID) -> Response:
    """Leave the rest of the file out."""
    return _moved(request, job, lambda: importing.cancel(
        database(request), folder(request), job, actor=actor(request)
    ))  # fmt: skip


@router.get("/{job}/rejects")
def rejects(request: Request, job: UUID) -> Response:
    """Download the lines that were rejected, with their reasons."""
    found = _job(request, job)
    file = folder(request).rejects(job)
    if not file.exists():
        raise NotFound("There are no rejected lines, or they are not kept any more.")
    name = f"{Path(found.name).stem or 'import'}.rejected.jsonl"
    return FileResponse(file, media_type="application/jsonl", filename=name)


def _job(request: Request, job: UUID) -> Job:
    with database(request).read() as connection:
        return imports.get(connection, job)


def _moved(request: Request, job: UUID, move: Any) -> Response:
    try:
        move()
    except Conflict as error:
        return _page(request, _job(request, job), error)
    return RedirectResponse(f"/imports/{job}", 303)


def _mapping(job: Job, form: FormData) -> Assigned:
    columns = []
    for index, name in enumerate(job.columns):
        target, called, reading = (
            str(form.get(f"{field}.{index}", "")).strip() for field in ("to", "name", "as")
        )
        to = f"{target}:{called}" if target in {"trait", "property", "id"} else target
        known = reading if reading in READINGS else "auto"
        columns.append(Column(name, to or "ignore", known))
    event = str(form.get("event", "")).replace("\0", "").strip()[:200]
    return Assigned(tuple(columns), event)


def _columns(
    request: Request,
    job: Job,
    mapping: Assigned | None,
    wrong: Wrong | None = None,
) -> Response:
    words, about = pages(request).words(request), cast("About", job.kind)
    records = upload.shown(folder(request).file(job.id), job.format, 20)
    names = [column.name for column in mapping.columns] if mapping else job.columns
    return pages(request).render(
        request,
        "imports/columns.html",
        status=422 if wrong else 200,
        words=words,
        shown=views.shown(job, words),
        rows=views.rows(mapping, records, wrong.columns if wrong else {}, words) if mapping else [],
        event=mapping.event if mapping else "",
        wrong=wrong or Wrong(),
        names=names,
        preview=[[views.cut(record.get(name), words) for name in names]
                 for record in records[:_SHOWN]],
        targets=views.targets(about, words),
        readings=views.readings(words),
        named=views.named(),
    )  # fmt: skip


def _page(request: Request, job: Job, refused: ParcoursError | None = None) -> Response:
    words = pages(request).words(request)
    shown = views.shown(job, words, folder(request))
    return pages(request).render(
        request,
        "imports/job.html",
        status=409 if refused else 200,
        words=words,
        shown=shown,
        counts=views.counts(job.checked, cast("About", job.kind), words) if job.checked else [],
        refused=words.said(refused.said) if refused else "",
        days=views.days(),
        mappable=job.state in MAPPABLE and folder(request).file(job.id).exists(),
    )


def _plain(sentence: str, status: int) -> Response:
    return Response(sentence, status, media_type="text/plain; charset=utf-8")
