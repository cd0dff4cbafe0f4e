"""Logging in by a link or a password, setting one, out by a button, and a reader's two choices."""

from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from designer.login import passwords
from designer.login.links import PasswordLink, is_valid, read_password_link
from designer.login.permits import LOGGED_IN
from designer.pages import THEMES, actor, database, pages, reader
from designer.words import LANGUAGES, N_, Words
from engine.errors import NotFound
from engine.flow import people
from engine.flow.people import NoEntry
from engine.store import users
from engine.store.users import User

router = APIRouter()

_YEAR = 365 * 24 * 3600


def local(address: str) -> str:
    """Return the address if it is one of this site's pages, else the first page."""
    parts = urlsplit(address)
    inside = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if inside and not parts.netloc and not parts.scheme else "/"


Text = Annotated[str, Form()]

_WRONG: Final = {
    "wrong": (422, N_("This address and password do not go together. Try again.")),
    "too often": (
        429,
        N_("Too many attempts. Wait a quarter of an hour, or ask an administrator for a link."),
    ),
    "elsewhere": (403, N_("This form was sent from another page. Try again here.")),
}


@router.get("/login")
def login(request: Request, token: str = "", next: str = "/") -> Response:  # noqa: A002 - the address's name for it
    """Open a session for a valid link; else ask for a password, or say how to get a link."""
    if token and is_valid(request.app.state.settings.signing_key(), token):
        response = RedirectResponse(local(next), 303)
        request.app.state.sessions.open(request, response)
        return response
    if request.state.session is not None:
        return RedirectResponse(local(next), 303)
    return _login(request, 403 if token else 200, next=next, refused=bool(token))


@router.post("/login")
def log_in(
    request: Request,
    email: Text = "",
    password: Text = "",
    next: Text = "/",  # noqa: A002 - like the one above
) -> Response:
    """Open a session for somebody with her password."""
    if not _is_from_here(request):
        return _wrong(request, "elsewhere", email, next)
    found = passwords.check(database(request), email, password, _address(request))
    if not isinstance(found, User):
        return _wrong(request, found, email, next)
    response = RedirectResponse(local(next), 303)
    request.app.state.sessions.open(request, response, found.id)
    return response


def _wrong(request: Request, why: str, email: str, wanted: str) -> Response:
    status, sentence = _WRONG[why]
    said = pages(request).words(request).gettext(sentence)
    return _login(request, status, next=wanted, email=email, said=said)


def _login(request: Request, status: int, **values: Any) -> Response:
    known = {"next": "/", "email": "", "said": "", "refused": False}
    return pages(request).render(request, "login/login.html", status=status, **{**known, **values})


@router.get("/password")
def ask_password(request: Request, token: str = "") -> Response:
    """Ask somebody who has opened her link for a new password."""
    found = _invited(request, token)
    return _gone(request) if found is None else _password(request, found[1], token)


@router.post("/password")
def set_password(
    request: Request, token: Text = "", password: Text = "", again: Text = ""
) -> Response:
    """Keep the password of somebody who has opened her link, and let her in."""
    found = _invited(request, token)
    if found is None:
        return _gone(request)
    link, user = found
    if wrong := password_faults(password, again, pages(request).words(request)):
        return _password(request, user, token, wrong)
    try:
        people.set_password(database(request), user.id, passwords.hashed(password), link.holds)
    except NoEntry:
        return _gone(request)
    request.app.state.sessions.forget()
    response = RedirectResponse("/", 303)
    request.app.state.sessions.open(request, response, user.id)
    return response


def password_faults(password: str, again: str, words: Words) -> dict[str, str]:
    """Return what is wrong with a new password, by field."""
    if not passwords.is_fit(password):
        return {
            "password": words.gettext(
                "Use %(shortest)s to %(longest)s characters: a few words in a row are good.",
                shortest=passwords.SHORTEST,
                longest=passwords.LONGEST,
            )
        }
    if password != again:
        return {"again": words.gettext("This is not the same as above.")}
    return {}


def _invited(request: Request, token: str) -> tuple[PasswordLink, User] | None:
    link = read_password_link(request.app.state.settings.signing_key(), token)
    if link is None:
        return None
    with database(request).read() as connection:
        try:
            user = users.one(connection, link.user)
        except NotFound:
            return None
    return (link, user) if user.disabled_at is None and link.holds(user) else None


def _password(
    request: Request, user: User, token: str, wrong: dict[str, str] | None = None
) -> Response:
    return pages(request).render(
        request,
        "login/password.html",
        status=422 if wrong else 200,
        user=user,
        token=token,
        wrong=wrong or {},
        shortest=passwords.SHORTEST,
        longest=passwords.LONGEST,
    )


def _gone(request: Request) -> Response:
    return pages(request).render(request, "login/gone.html", status=410)


def _is_from_here(request: Request) -> bool:
    """Whether a form was sent from one of our pages, as far as the browser tells."""
    if site := request.headers.get("Sec-Fetch-Site"):
        return site in {"same-origin", "none"}
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    ours = {request.headers.get("Host"), urlsplit(request.app.state.settings.url).netloc}
    return urlsplit(origin).netloc in ours


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


@router.post("/logout", dependencies=[LOGGED_IN])
def logout(request: Request) -> Response:
    """End the session."""
    response = RedirectResponse("/login", 303)
    request.app.state.sessions.close(request, response)
    return response


@router.post("/preferences", dependencies=[LOGGED_IN])
def preferences(
    request: Request,
    back: Annotated[str, Form()] = "/",
    theme: Annotated[str | None, Form()] = None,
    lang: Annotated[str | None, Form()] = None,
) -> Response:
    """Keep the reader's choice of light or dark, and of language."""
    response = RedirectResponse(local(back), 303)
    secure = request.app.state.settings.url.startswith("https:")
    if theme in THEMES:
        response.set_cookie("theme", theme, max_age=_YEAR, samesite="lax", secure=secure)
    elif theme is not None:
        response.delete_cookie("theme")
    if lang in LANGUAGES:
        response.set_cookie("lang", lang, max_age=_YEAR, samesite="lax", secure=secure)
        _speak(request, lang)
    return response


def _speak(request: Request, language: str) -> None:
    """Keep the language with the reader's account too, when she has one."""
    login = reader(request)
    if login.user is not None:
        with database(request).read() as connection:
            user = users.one(connection, login.user)
        people.describe(database(request), user.id, user.name, language, actor=actor(request))
        request.app.state.sessions.forget()
