"""The record of changes: the newest first, with filters."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from designer.changes import views
from designer.login.permits import READ_CHANGES
from designer.pages import database, pages
from engine.store import audit
from engine.store.audit import Asked

router = APIRouter(dependencies=[READ_CHANGES])

_PAGE = 50


@router.get("/settings/changes")
def changes(
    request: Request, actor: str = "", kind: str = "", thing: str = "", cursor: str = ""
) -> Response:
    """List what was changed, by whom, and what is different since."""
    words = pages(request).words(request)
    asked = Asked(actor=_plain(actor), kind=_plain(kind), thing=_plain(thing))
    with database(request).read() as connection:
        found = audit.listed(connection, asked, limit=_PAGE, cursor=cursor or None)
        actors = audit.actors(connection)
    return pages(request).render(
        request,
        "changes/changes.html",
        words=words,
        rows=views.rows(found.items, words),
        next=found.next,
        cursor=cursor,
        asked=asked,
        actors=views.actors(actors, words),
        kinds=views.kinds(words),
    )


def _plain(value: str) -> str:
    return value.replace("\0", "").strip()
