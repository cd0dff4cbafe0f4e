"""Customers who may be one: pairs to decide on, merging from a customer's page, and undoing."""

from collections.abc import Sequence
from typing import Annotated, Any, Final, get_args
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Form
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from designer.customers import views as people
from designer.duplicates import views
from designer.login.permits import READ_CUSTOMERS, WRITE_CUSTOMERS
from designer.pages import actor, database, may, pages
from designer.words import N_, Words
from engine.errors import Conflict, InvalidInput
from engine.flow import merging, suspecting
from engine.flow.suspecting import Decision
from engine.names import Wake
from engine.store import merges, search, suggestions
from engine.store.suggestions import REASONS, State, Wanted

router = APIRouter(dependencies=[READ_CUSTOMERS])

Text = Annotated[str, Form()]

_PAGE: Final = 10
_FOUND: Final = 20
_STATES: Final[tuple[tuple[State, str], ...]] = (
    ("open", N_("To decide")), ("later", N_("Later")), ("different", N_("Two people")),
)  # fmt: skip
_SAID: Final = {
    "different": N_("Kept as two people. They are not suggested again."),
    "later": N_("Put aside: you find them under “Later”."),
    "undone": N_("Undone: they are two customers again."),
}


@router.get("/duplicates")
def duplicates(
    request: Request,
    state: str = "open",
    reason: str = "",
    cursor: str = "",
    merged: str = "",
    said: str = "",
) -> Response:
    """List pairs; `merged` is a merge that was made just now, `said` what else was done."""
    return _list(request, state, reason, cursor, merged=merged, said=said)


def _list(
    request: Request, state: str, reason: str, cursor: str = "", *, merged: str = "",
    said: str = "", refusal: str = "",
) -> Response:  # fmt: skip
    words = pages(request).words(request)
    wanted = Wanted(
        state=next((one for one, _name in _STATES if one == state), "open"),
        reason=next((one for one in REASONS if one == reason), None),
    )
    with database(request).read() as connection:
        found = suggestions.listed(connection, wanted, limit=_PAGE, cursor=cursor or None)
        return pages(request).render(
            request,
            "duplicates/list.html",
            status=409 if refusal else 200,
            words=words,
            pairs=views.pairs(connection, found.items, words),
            next=found.next,
            cursor=cursor,
            state=wanted.state,
            states=[(one, words.gettext(name)) for one, name in _STATES],
            reason=wanted.reason or "",
            reasons=views.reasons(words),
            done=_done(connection, merged, words),
            said=words.gettext(_SAID[said]) if said in _SAID else "",
            refusal=refusal,
            open=suggestions.count(connection),
            back=_with("/duplicates", state=wanted.state, reason=wanted.reason or ""),
        )


def _done(connection: Connection, merge: str, words: Words) -> views.Merge | None:
    """Return a merge that was made just now, to be undone where it was made."""
    try:
        found = merges.listed_one(connection, UUID(merge))
    except ValueError:
        return None
    return views.merges([found], words)[0] if found is not None and found["undoable"] else None


@router.post("/duplicates/merge", dependencies=[WRITE_CUSTOMERS])
def merge(request: Request, pair: Text = "", back: Text = "") -> Response:
    """Make one customer of two, of whom the first is kept; go back to where that was decided."""
    two = _ids(request, *pair.split(" "))
    try:
        done, wakes = merging.merge(database(request), *two, actor=actor(request))
    except Conflict as conflict:
        return _list(request, "open", "", refusal=_words(request, conflict))
    _tell(request, wakes)
    if back.startswith("/customers/"):
        return RedirectResponse(f"/customers/{done.customer}", 303)
    return RedirectResponse(_with(back, merged=str(done.id)), 303)


@router.post("/duplicates/decide", dependencies=[WRITE_CUSTOMERS])
def decide(
    request: Request, first: Text = "", second: Text = "", decision: Text = "", back: Text = ""
) -> Response:
    """Keep that two are two people, or that it is to be decided later."""
    two = _ids(request, first, second)
    decisions: tuple[Decision, ...] = get_args(Decision)
    chosen = next((one for one in decisions if one == decision), None)
    if chosen is None:
        raise InvalidInput(pages(request).words(request).gettext("Choose what to do with them."))
    try:
        suspecting.decide(database(request), *two, chosen, actor=actor(request))
    except Conflict as conflict:
        return _list(request, "open", "", refusal=_words(request, conflict))
    return RedirectResponse(_with(back, said=chosen), 303)


@router.get("/merges")
def listed(request: Request, cursor: str = "", said: str = "") -> Response:
    """List the merges, the last first."""
    return _merges(request, cursor, said=said)


def _merges(request: Request, cursor: str = "", *, said: str = "", refusal: str = "") -> Response:
    words = pages(request).words(request)
    with database(request).read() as connection:
        found = merges.merges(connection, limit=50, cursor=cursor or None)
    return pages(request).render(
        request,
        "duplicates/merges.html",
        status=409 if refusal else 200,
        words=words,
        rows=views.merges(found.items, words),
        next=found.next,
        cursor=cursor,
        said=words.gettext(_SAID[said]) if said in _SAID else "",
        refusal=refusal,
    )


@router.post("/merges/{merge}/undo", dependencies=[WRITE_CUSTOMERS])
def undo(request: Request, merge: UUID, back: Text = "") -> Response:
    """Make two customers of one again."""
    try:
        _customer, wakes = merging.undo(database(request), merge, actor=actor(request))
    except Conflict as conflict:
        return _merges(request, refusal=_words(request, conflict))
    _tell(request, wakes)
    return RedirectResponse(_with(back or "/merges", said="undone"), 303)


@router.get("/customers/{reference}/merge", dependencies=[WRITE_CUSTOMERS])
def choose(request: Request, reference: str, q: str = "", other: str = "") -> Response:
    """Search for the one who is the same as this customer, and compare them."""
    words = pages(request).words(request)
    with database(request).read() as connection:
        id_ = search.find(connection, reference)
        her = search.customer(connection, id_)
        found: Sequence[dict[str, Any]] = ()
        if q.strip():
            found = search.customers(connection, q, limit=_FOUND).items
        two = search.find(connection, other) if other else None
        return pages(request).render(
            request,
            "duplicates/choose.html",
            words=words,
            her=people.profile(her, words),
            q=q,
            rows=people.rows([one for one in found if one["id"] != str(id_)], words),
            pair=views.pair(connection, id_, two, words) if two not in {None, id_} else None,
            same=two == id_,
            back=f"/customers/{id_}",
        )


def of_customer(
    request: Request, connection: Connection, id_: UUID, words: Words
) -> dict[str, Any]:
    """Return what a customer's page says: who may be her, and whom she was merged of."""
    doubts = suggestions.listed(connection, Wanted(customer=id_), limit=3).items
    return {
        "may_merge": may(request, "write customers"),
        "doubts": views.pairs(connection, doubts, words),
        "merges": views.merges(merges.merges(connection, customer=id_, limit=20).items, words),
    }


def _ids(request: Request, *given: str) -> tuple[UUID, UUID]:
    try:
        one, other = (UUID(id) for id in given)
    except ValueError:
        words = pages(request).words(request)
        raise InvalidInput(words.gettext("Choose two customers first.")) from None
    return one, other


def _words(request: Request, conflict: Conflict) -> str:
    words = pages(request).words(request)
    return words.said(conflict.said)


def _with(back: str, **more: str) -> str:
    """Return an address of ours with something said; whatever else was sent leads to the list."""
    path, _mark, given = back.partition("?")
    if path not in {"/duplicates", "/merges"} and not path.startswith("/customers/"):
        path, given = "/duplicates", ""
    said = urlencode({name: value for name, value in more.items() if value})
    return f"{path}?{given}&{said}" if given else f"{path}?{said}"


def _tell(request: Request, wakes: list[Wake]) -> None:
    if wakes and request.app.state.gateway is not None:
        request.app.state.gateway.tell_soon(wakes)
