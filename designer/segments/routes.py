"""The list of segments, and one's page: how large it is, who is in it, what uses it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, cast

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from designer.login.permits import READ, READ_CUSTOMERS, WRITE_DRAFTS
from designer.pages import actor, database, pages
from designer.segments import views
from designer.segments.charts import chart
from designer.segments.editing import sentence
from designer.segments.uses import Uses, uses
from designer.sheet import download, sheet
from designer.words import Words
from engine.errors import Conflict
from engine.flow import materials
from engine.model.segment import Segment
from engine.store import audit, documents, drafts, populations, samples
from engine.store.paging import MOST
from engine.store.populations import Population, Sort
from engine.store.session import Database

router = APIRouter(dependencies=[READ, READ_CUSTOMERS])

_PAGE: Final = 50
_AHEAD: Final = timedelta(days=7)
"""How far the page looks ahead, and back to who has entered and left."""


@router.get("/segments")
def segments(request: Request, q: str = "", sort: str = "name") -> Response:
    """List the segments."""
    words, today = pages(request).words(request), datetime.now(UTC).date()
    chosen = cast("Sort", sort if sort in views.SORTS else "name")
    with database(request).read() as connection:
        found = populations.populations(connection, today, q=q, sort=chosen)
        every = documents.segments(connection)
        readers = populations.journeys(connection)
        names = drafts.names(connection)
        total = samples.total(connection)
    rows = [
        views.row(
            one,
            total,
            sentence(every[one.id], names, words),
            uses(one.id, readers, every, words),
            words,
        )
        for one in found
        if one.id in every
    ]
    return pages(request).render(
        request,
        "segments/list.html",
        words=words,
        rows=rows,
        any_segment=bool(every),
        q=q,
        sort=chosen,
        sorts=[(key, words.gettext(name)) for key, name in views.SORTS.items()],
        building_any=any(row.progress for row in rows),
    )


@router.get("/segments/{segment_id}")
def segment(
    request: Request,
    segment_id: str,
    period: str = "30d",
    q: str = "",
    cursor: str = "",
    saved: str = "",
) -> Response:
    """Show a segment: its size, now and over time, who is in it, and what uses it."""
    words, now = pages(request).words(request), datetime.now(UTC)
    today, span = now.date(), period if period in views.SPANS else "30d"
    with database(request).read() as connection:
        found = populations.population(connection, segment_id, today)
        rule, used = _rule(connection, found, words)
        total = samples.total(connection)
        sizes = populations.sizes(connection, segment_id, views.begins(span, today))
        inside = populations.members(connection, segment_id, q, limit=_PAGE, cursor=cursor or None)
        n_expected, expected = populations.expected(connection, segment_id, now + _AHEAD)
    overlap = populations.overlap(database(request), segment_id)
    lately = populations.lately(database(request), segment_id, now - _AHEAD)
    series = [*(one for one in sizes if one[0] != today), (today, found.size)]
    return pages(request).render(
        request,
        "segments/segment.html",
        words=words,
        found=found,
        rule=rule,
        uses=used,
        mark=views.mark(found, words),
        progress=views.progress(found, words),
        figures=views.figures(found, total, words),
        chart=chart(series, views.begins(span, today), today, words),
        spans=[(key, words.gettext(name)) for key, (_, name) in views.SPANS.items()],
        span=span,
        bars=None if overlap is None else views.bars(overlap, found.size, words),
        lately=None if lately is None else views.moves(lately, words),
        expected=views.to_come(expected, words),
        n_expected=n_expected,
        people=views.people(inside.items, words),
        next=inside.next,
        q=q,
        cursor=cursor,
        saved=saved,
    )


def _rule(connection: Connection, found: Population, words: Words) -> tuple[str, Uses]:
    """Say a segment's rule, and what uses it."""
    own = Segment.model_validate({"id": found.id, "name": found.name, "rule": found.rule})
    every, readers = documents.segments(connection), populations.journeys(connection)
    said = sentence(own, drafts.names(connection), words)
    return said, uses(found.id, readers, every, words)


@router.post("/segments/{segment_id}/customers/export")
def export(request: Request, segment_id: str) -> Response:
    """Answer with everybody who is inside as a file, and record that somebody took it."""
    words, who = pages(request).words(request), actor(request)

    def record(connection: Connection) -> None:
        documents.get(connection, "segment", segment_id)
        size = populations.figures(connection, [segment_id])[segment_id]["size"]
        told = {"customers": size}
        audit.add(connection, who, "export customers", "segment", segment_id, None, told)

    database(request).transact(record)
    listed = (views.cells(items, words) for items in _every(database(request), segment_id))
    return download(f"{segment_id}-customers", sheet(views.COLUMNS, listed))


def _every(database_: Database, segment_id: str) -> Iterator[list[dict[str, object]]]:
    """Yield who is inside a page at a time; between two of them no connection is held."""
    cursor: str | None = None
    while True:
        with database_.read() as connection:
            found = populations.members(connection, segment_id, limit=MOST, cursor=cursor)
        yield found.items
        cursor = found.next
        if cursor is None:
            return


@router.get("/segments/{segment_id}/delete", dependencies=[WRITE_DRAFTS])
def ask(request: Request, segment_id: str) -> Response:
    """Say what uses the segment, and ask whether to delete it."""
    return _ask(request, segment_id)


def _ask(request: Request, segment_id: str, refusal: str = "", status: int = 200) -> Response:
    words = pages(request).words(request)
    with database(request).read() as connection:
        found = populations.population(connection, segment_id, datetime.now(UTC).date())
        rule, used = _rule(connection, found, words)
    return pages(request).render(
        request,
        "segments/delete.html",
        status=status,
        words=words,
        found=found,
        rule=rule,
        uses=used,
        size=words.number(found.size),
        refusal=refusal,
    )


@router.post("/segments/{segment_id}/delete", dependencies=[WRITE_DRAFTS])
def remove(request: Request, segment_id: str) -> Response:
    """Delete a segment that no published journey and no other segment uses."""
    try:
        materials.delete(database(request), "segment", segment_id, actor=actor(request))
    except Conflict as conflict:
        words = pages(request).words(request)
        refusal = words.gettext("Not deleted: %(reason)s", reason=words.said(conflict.said))
        return _ask(request, segment_id, refusal, 409)
    return RedirectResponse("/segments", 303)
