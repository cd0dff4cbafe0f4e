"""Imports of files: begun on a page, checked and carried out by the dispatcher, in portions.

What a portion stores and how far the import is are one transaction: whoever goes on after a crash
goes on exactly there.
"""

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Connection
from uuid_utils.compat import uuid7

from engine.errors import Conflict, InvalidInput, Unavailable, said, without_words
from engine.flow.audited import record
from engine.flow.imports import upload
from engine.flow.imports.kinds import KINDS, Kind, Way
from engine.flow.imports.lines import Place as At
from engine.flow.imports.lines import Record, records
from engine.flow.imports.mapped import Place
from engine.flow.imports.mapping import About, Assigned, assigned, faults, guessed
from engine.flow.imports.portions import AT_ONCE, Refused, Rejects, portions, sort_out
from engine.flow.imports.reading import EXAMPLES
from engine.flow.imports.seen import Seen
from engine.model.actor import Actor
from engine.store import customers, documents, imports
from engine.store.imports import Job, State
from engine.store.memberships import build_imported
from engine.store.session import Database

_log = logging.getLogger(__name__)

KEPT_FOR: Final = timedelta(days=7)
"""How long rejected lines, and files of imports that were not carried out, are kept."""

GONE: Final = "The file is not where the dispatcher looks for it: give web and dispatcher the same data directory."
BROKEN: Final = "Something went wrong here; the log says where."

_REASONS: Final = 50
"""Kinds of reasons that are told apart; the others are counted together."""
OTHERS: Final = "other reasons"

_FRESH: Final[dict[str, Any]] = {
    "offset": 0, "line": 0, "accepted": 0, "known": 0, "rejected": 0, "rejects_size": 0,
    "customers_new": 0, "customers_known": 0, "reasons": {}, "mentions": [], "error": None,
    "failed_in": None,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Folder:
    """Where the files of imports are; only their owner may read them."""

    path: Path

    def __post_init__(self) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def file(self, job: UUID) -> Path:
        """The file itself."""
        return self.path / f"{job}.file"

    def rejects(self, job: UUID) -> Path:
        """Its lines that were rejected, with their reasons."""
        return self.path / f"{job}.rejected.jsonl"

    def seen(self, job: UUID) -> Path:
        """Whom a check has met."""
        return self.path / f"{job}.seen"


def begin(
    database: Database, folder: Folder, given: Path, about: About, name: str, *, actor: Actor
) -> Job:
    """Begin the import of a file that was brought, which becomes the folder's.

    Its columns are mapped as those of the last such file were, else by their names. Raises
    `InvalidInput` when nothing can be made of the file, which is deleted then.
    """
    id_ = uuid7()
    try:
        format_ = upload.format_of(name, given)
        upload.make_utf8(given, format_)
        looked = upload.look(given, format_, KINDS[about])
    except InvalidInput:
        given.unlink()
        raise
    given.replace(folder.file(id_))
    values = {
        "id": id_, "kind": about, "format": format_, "name": name[:200],
        "size": folder.file(id_).stat().st_size, "columns": looked.columns, "print": looked.print,
        "actor": actor.id, "actor_name": actor.name,
    }  # fmt: skip

    def work(connection: Connection) -> Job:
        mapping = None
        if not looked.native:
            mapping = imports.remembered(connection, about, looked.print)
            mapping = mapping or guessed(about, looked.columns, looked.samples).document()
        imports.add(connection, {**values, "mapping": mapping})
        documents.one_at_a_time(connection)
        _record(connection, actor, "upload", id_, None)
        return imports.get(connection, id_)

    return database.transact(work)


def assign(
    database: Database,
    folder: Folder,
    id_: UUID,
    mapping: Assigned | None,
    *,
    actor: Actor,
    unchecked: bool = False,
    start_journeys: bool = False,
) -> None:
    """Say what the columns are (nothing of a file that is written as imports are), and check it.

    With `unchecked` it is carried out at once; `start_journeys` is for that (see `start`).
    """

    def work(connection: Connection) -> None:
        job = imports.get(connection, id_, lock=True)
        _must(job, "new", "checked", "failed")
        if mapping is not None and faults(_about(job), mapping):
            raise InvalidInput("The columns are not assigned yet.")
        document = mapping.document() if mapping is not None else None
        more = {**_FRESH, "mapping": document, "checked": None}
        if unchecked:
            more["start_journeys"] = start_journeys and _may_start(job)
        _move(connection, job, "running" if unchecked else "checking", more, actor)

    _there(folder, id_)
    database.transact(work)


def start(
    database: Database, folder: Folder, id_: UUID, *, start_journeys: bool, actor: Actor
) -> None:
    """Carry out an import that was checked."""

    def work(connection: Connection) -> None:
        job = imports.get(connection, id_, lock=True)
        _must(job, "checked")
        starts = {"start_journeys": start_journeys and _may_start(job)}
        _move(connection, job, "running", {**_FRESH, **starts}, actor)

    _there(folder, id_)
    database.transact(work)


def try_again(database: Database, id_: UUID, *, actor: Actor) -> None:
    """Go on with an import that failed, from where it stood."""

    def work(connection: Connection) -> None:
        job = imports.get(connection, id_, lock=True)
        _must(job, "failed")
        more = {"error": None, "failed_in": None, "ended_at": None}
        _move(connection, job, job.failed_in or "checking", more, actor)

    database.transact(work)


def cancel(database: Database, folder: Folder, id_: UUID, *, actor: Actor) -> None:
    """Leave the rest of a file out; what is stored stays."""

    def work(connection: Connection) -> None:
        job = imports.get(connection, id_, lock=True)
        _must(job, "new", "checking", "checked", "running", "failed")
        _move(connection, job, "cancelled", {"ended_at": datetime.now(UTC)}, actor)
        if job.mentions:
            build_imported(connection, job.mentions)

    database.transact(work)
    _delete(folder, id_)


def portion(database: Database, folder: Folder) -> bool:
    """Carry out a portion of the import that is next; return whether there was one."""
    at: list[Job] = []
    try:
        job = database.transact(partial(_portion, database, folder, at))
    except Unavailable:
        raise
    except Exception as error:
        if not at:
            raise
        _log.error("The import %s failed: %s", at[-1].id, without_words(error))
        database.transact(partial(_fail, at[-1], BROKEN))
        return True
    if job is not None and job.state in {"done", "cancelled"}:
        _delete(folder, job.id)
    return job is not None


def sweep(database: Database, folder: Folder, now: datetime) -> None:
    """Delete the files of imports that nobody went on with, and those that nobody knows of."""
    with database.read() as connection:
        old = imports.kept(connection, before=now - KEPT_FOR)
        kept = {str(id_) for id_ in imports.kept(connection)}
    for id_ in old:
        for file in (folder.file(id_), folder.rejects(id_), folder.seen(id_)):
            file.unlink(missing_ok=True)
        database.transact(partial(imports.change, id_=id_, values={"kept": False}))
    for file in folder.path.iterdir():
        stale = now.timestamp() - file.stat().st_mtime > timedelta(days=1).total_seconds()
        if stale and file.name.partition(".")[0] not in kept:
            file.unlink(missing_ok=True)


def _portion(
    database: Database, folder: Folder, at: list[Job], connection: Connection
) -> Job | None:
    job = imports.take(connection)
    if job is None:
        return None
    at.append(job)
    kind = KINDS[job.kind]
    runs = job.state == "running"
    storing = kind.starting if job.start_journeys and kind.starting else kind.storing
    try:
        opened = folder.file(job.id).open("rb")
    except FileNotFoundError:
        _fail(job, GONE, connection)
        return job
    with opened:
        some = records(opened, job.format, At(offset=job.offset, line=job.line))
        found = next(portions(some, storing.at_once if runs else AT_ONCE), None)
    if found is None:
        return _end(connection, job)
    good, refused = sort_out(found, kind.reader(_way(connection, job)))
    changed = _so_far(job, found, good, refused)
    changed["rejects_size"] = Rejects(folder.rejects(job.id), job.rejects_size).write(refused)
    if runs:
        new = storing.store(database, good, connection) if good else 0
        changed["known"] = job.known + len(good) - new
        changed["mentions"] = sorted({*job.mentions, *kind.mentions(good)})
    elif good:
        changed |= _met(connection, folder, job, kind, good)
    imports.change(connection, job.id, changed)
    return job


def _so_far(
    job: Job, found: list[Record], good: list[Any], refused: list[Refused]
) -> dict[str, Any]:
    return {
        "offset": found[-1].end,
        "line": found[-1].last,
        "accepted": job.accepted + len(good),
        "rejected": job.rejected + len(refused),
        "reasons": _reasons(job.reasons, refused),
        "moved_at": datetime.now(UTC),
    }


def _met(
    connection: Connection, folder: Folder, job: Job, kind: Kind[Any], good: list[Any]
) -> dict[str, Any]:
    """Count, for a check, what would be new; nothing is stored."""
    whom = [kind.owners(one) for one in good]
    wanted = sorted({identity for identities in whom for identity in identities})
    owners = customers.identified(connection, wanted)
    new, known = Seen(folder.seen(job.id), job.offset).count(whom, owners)
    return {
        "customers_new": job.customers_new + new,
        "customers_known": job.customers_known + known,
        "known": job.known + kind.known(connection, good),
    }


def _end(connection: Connection, job: Job) -> Job:
    """End the check, or the import: then segments that mention what came in are built anew."""
    now = datetime.now(UTC)
    if job.state == "checking":
        counts = ("accepted", "known", "rejected", "customers_new", "customers_known")
        told = {name: getattr(job, name) for name in counts}
        changed = {"state": "checked", "checked": told, "moved_at": now}
    else:
        changed = {"state": "done", "moved_at": now, "ended_at": now}
        if job.mentions:
            build_imported(connection, job.mentions)
    imports.change(connection, job.id, changed)
    return imports.get(connection, job.id)


def _way(connection: Connection, job: Job) -> Way:
    workspace = documents.workspace(connection)
    return Way(
        format=job.format,
        mapping=assigned(job.mapping) if job.mapping is not None else None,
        place=Place(ZoneInfo(workspace.time_zone), workspace.country),
        now=datetime.now(UTC),
    )


def general(reason: str) -> str:
    """Return a reason without what is of one line alone: nothing of a customer's is in it."""
    return _OF_ONE_LINE.sub(lambda found: found[0] if found[0] in EXAMPLES else "…", reason)[:200]


_OF_ONE_LINE: Final = re.compile(r"'.*'|\".*\"|\d[\d,./-]*", re.DOTALL)


def _reasons(before: dict[str, list[int]], refused: Iterable[Refused]) -> dict[str, list[int]]:
    """Count reasons: how often, and on which line first."""
    found = {reason: list(counted) for reason, counted in before.items()}
    for rejected, reason in refused:
        key = general(reason)
        if key not in found and len(found) >= _REASONS:
            key = OTHERS
        found.setdefault(key, [0, rejected.line])[0] += 1
    return found


def _fail(job: Job, why: str, connection: Connection) -> None:
    now = datetime.now(UTC)
    changed = {"state": "failed", "error": why, "failed_in": job.state, "moved_at": now}
    imports.change(connection, job.id, changed)


def _may_start(job: Job) -> bool:
    return KINDS[job.kind].starting is not None


def _about(job: Job) -> About:
    return KINDS[job.kind].about


def _must(job: Job, *states: State) -> None:
    if job.state not in states:
        raise Conflict(said("This import has gone on meanwhile: look at how it is now."))


def _there(folder: Folder, id_: UUID) -> None:
    if not folder.file(id_).exists():
        raise Conflict(said("The file is not there any more: bring it once more."))


def _move(
    connection: Connection, job: Job, state: State, more: dict[str, Any], actor: Actor
) -> None:
    before = imports.recorded(connection, job.id)
    changed = {**more, "state": state, "moved_at": datetime.now(UTC)}
    imports.change(connection, job.id, changed)
    documents.one_at_a_time(connection)
    _record(connection, actor, _ACTIONS[state], job.id, before)


_ACTIONS: Final = {"checking": "check", "running": "start", "cancelled": "cancel"}


def _record(
    connection: Connection, actor: Actor, action: str, id_: UUID, before: dict[str, Any] | None
) -> None:
    after = imports.recorded(connection, id_)
    record(connection, actor, action, "import", str(id_), before, after)


def _delete(folder: Folder, id_: UUID) -> None:
    """Delete a file that is not needed any more; its rejected lines stay for a while."""
    folder.file(id_).unlink(missing_ok=True)
    folder.seen(id_).unlink(missing_ok=True)
