"""My account: the form, the password, and the sessions."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from designer.account.browsers import browser_name
from designer.login import passwords
from designer.login.permits import LOGGED_IN
from designer.login.routes import password_faults
from designer.pages import actor, database, pages, reader
from designer.roles import role_name
from designer.words import LANGUAGES
from engine.errors import NotFound
from engine.flow import people
from engine.flow.people import NoEntry
from engine.store import sessions, users
from engine.store.users import User

router = APIRouter(dependencies=[LOGGED_IN])

Text = Annotated[str, Form()]


@router.get("/account")
def account(request: Request, saved: str = "") -> Response:
    """Show the reader's account."""
    return _account(request, saved=saved)


@router.post("/account")
def save(request: Request, name: Text = "", language: Text = "") -> Response:
    """Save the reader's name and language."""
    user = _reader(request)
    chosen = language if language in LANGUAGES else None
    people.describe(database(request), user.id, name, chosen, actor=actor(request))
    request.app.state.sessions.forget()
    return RedirectResponse("/account?saved=account", 303)


@router.post("/account/password")
def change_password(
    request: Request, current: Text = "", password: Text = "", again: Text = ""
) -> Response:
    """Change the reader's password, and end her sessions but a new one for this browser."""
    user, words = _reader(request), pages(request).words(request)
    wrong = password_faults(password, again, words)
    if wrong:
        return _account(request, wrong)
    address = request.client.host if request.client else ""
    found = passwords.check(database(request), user.email, current, address)
    if found == "too often":
        said = words.gettext("Too many attempts. Wait a quarter of an hour.")
        return _account(request, {"current": said}, status=429)
    if found == "wrong":
        return _account(request, {"current": words.gettext("This is not your password.")})
    seen = found.password_hash
    try:
        people.set_password(
            database(request),
            user.id,
            passwords.hashed(password),
            lambda now: now.password_hash == seen,
        )
    except NoEntry:
        said = words.gettext("It was changed meanwhile: reload the page.")
        return _account(request, {"current": said}, status=409)
    request.app.state.sessions.forget()
    response = RedirectResponse("/account?saved=password", 303)
    request.app.state.sessions.open(request, response, user.id)
    return response


@router.post("/account/sessions/{session}/end")
def end(request: Request, session: UUID) -> Response:
    """End one of the reader's sessions; her own of this browser leads to the login."""
    if not request.app.state.sessions.end(session, user=reader(request).user):
        raise NotFound("There is no such session.")
    here = session == reader(request).id
    return RedirectResponse("/login" if here else "/account?saved=ended", 303)


def _reader(request: Request) -> User:
    login = reader(request)
    if login.user is None:
        raise NotFound("The operator has no account.")
    with database(request).read() as connection:
        return users.one(connection, login.user)


def _account(
    request: Request, wrong: dict[str, str] | None = None, *, saved: str = "", status: int = 422
) -> Response:
    login, words = reader(request), pages(request).words(request)
    with database(request).read() as connection:
        user = users.one(connection, login.user) if login.user else None
        open_ = sessions.of(connection, login.user)
    return pages(request).render(
        request,
        "account/account.html",
        status=status if wrong else 200,
        words=words,
        user=user,
        role=role_name(login.role, words),
        sessions=[(one, browser_name(one.browser, words)) for one in open_],
        current=login.id,
        wrong=wrong or {},
        saved=saved,
        shortest=passwords.SHORTEST,
        longest=passwords.LONGEST,
    )
