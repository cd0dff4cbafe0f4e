"""Imports of files, for programs: brought, checked unless that is not wanted, carried out."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse

from designer.api.access import Needs, actor
from designer.api.answers import json_response
from designer.api.problems import ProblemRoute
from designer.imports.receiving import receive, receive_form
from engine.errors import InvalidInput, NotFound, Said
from engine.flow import importing
from engine.flow.importing import Folder
from engine.flow.imports.kinds import KINDS
from engine.flow.imports.mapping import Assigned, assigned, faults
from engine.store import imports
from engine.store.imports import Job
from engine.store.session import Database

WRITE: Final = [Depends(Needs("write customers"))]

router = APIRouter(prefix="/v1/imports", tags=["imports"], route_class=ProblemRoute)


@router.post("", summary="Import a file", status_code=202, dependencies=WRITE)
async def begin_import(
    request: Request,
    kind: Annotated[str, Query(description="customers or events")],
    name: Annotated[str, Query(description="the file's name, which tells its format")] = "file",
    event: Annotated[
        str, Query(description="the event that every row is, without such a column", max_length=200)
    ] = "",
    *,
    run: Annotated[bool, Query(description="false: check it, and store nothing")] = True,
    start_journeys: Annotated[bool, Query(description="let events start journeys")] = False,
) -> Response:
    """Take a file, CSV or JSON lines: the request's body, or the part `file` of a form.

    Columns are what a file with the same ones was told to have last, else what their names say.
    Ask for the import until its state is `done`, or `checked` when it is not to run.
    """  # fmt: skip
    if kind not in KINDS:
        raise InvalidInput(f"kind: there are {' and '.join(KINDS)}.")
    form = request.headers.get("content-type", "").startswith("multipart/form-data")
    given = await (receive_form if form else receive)(request, _folder(request))
    options = {"event": event, "run": run, "start_journeys": start_journeys}
    job = await run_in_threadpool(_begin, request, given, kind, name, options)
    return json_response(_shown(request, job), 202)


@router.get("/{job}", summary="One import", dependencies=WRITE)
def read_import(request: Request, job: UUID) -> Response:
    """Return how far an import is, its counts, and why rows were rejected."""
    return json_response(_shown(request, _job(request, job)))


@router.get("/{job}/rejects", summary="Its rejected rows", dependencies=WRITE)
def read_rejects(request: Request, job: UUID) -> Response:
    """Return the rejected rows as JSON lines, each with its `line`, `reason` and `text`."""
    file = _folder(request).rejects(_job(request, job).id)
    if not file.exists():
        raise NotFound("There are no rejected rows, or they are not kept any more.")
    return FileResponse(file, media_type="application/jsonl")


@router.post("/{job}/start", summary="Run a checked import", status_code=202, dependencies=WRITE)
def start_import(
    request: Request,
    job: UUID,
    *,
    start_journeys: Annotated[bool, Query(description="let events start journeys")] = False,
) -> Response:
    """Carry out an import that was checked."""
    importing.start(
        _database(request), _folder(request), job,
        start_journeys=start_journeys, actor=actor(request),
    )  # fmt: skip
    return json_response(_shown(request, _job(request, job)), 202)


@router.post("/{job}/cancel", summary="Cancel an import", dependencies=WRITE)
def cancel_import(request: Request, job: UUID) -> Response:
    """Leave the rest of a file out; what is stored stays."""
    importing.cancel(_database(request), _folder(request), job, actor=actor(request))
    return json_response(_shown(request, _job(request, job)))


def _begin(request: Request, given: Path, kind: str, name: str, options: dict[str, Any]) -> Job:
    database, folder, who = _database(request), _folder(request), actor(request)
    about = KINDS[kind].about
    job = importing.begin(database, folder, given, about, name.replace("\0", ""), actor=who)
    mapping = assigned(job.mapping) if job.mapping is not None else None
    if mapping is not None and options["event"]:
        mapping = replace(mapping, event=options["event"])
    if mapping is not None and (wrong := faults(about, mapping)):
        importing.cancel(database, folder, job.id, actor=who)
        raise InvalidInput(" ".join(_sentence(one.said, mapping, one.column) for one in wrong))
    importing.assign(
        database, folder, job.id, mapping, actor=who,
        unchecked=options["run"], start_journeys=options["start_journeys"],
    )  # fmt: skip
    return _job(request, job.id)


def _sentence(said: Said, mapping: Assigned, column: int | None) -> str:
    return str(said) if column is None else f"{mapping.columns[column].name}: {said}"


def _shown(request: Request, job: Job) -> dict[str, Any]:
    rejects = job.rejected and _folder(request).rejects(job.id).exists()
    return {
        "id": str(job.id),
        "kind": job.kind,
        "name": job.name,
        "state": job.state,
        "size": job.size,
        "done": job.offset,
        "accepted": job.accepted,
        "known": job.known,
        "rejected": job.rejected,
        "reasons": [
            {"reason": reason, "rows": count, "first_line": line}
            for reason, (count, line) in sorted(job.reasons.items())
        ],
        "checked": job.checked,
        "start_journeys": job.start_journeys,
        "error": job.error,
        "rejects": f"/v1/imports/{job.id}/rejects" if rejects else None,
        "created_at": job.created_at,
        "ended_at": job.ended_at,
    }


def _job(request: Request, job: UUID) -> Job:
    with _database(request).read() as connection:
        return imports.get(connection, job)


def _database(request: Request) -> Database:
    found: Database = request.app.state.database
    return found


def _folder(request: Request) -> Folder:
    return Folder(request.app.state.settings.data_dir / "imports")
