"""Logging in by a link, out by a button, and the two choices a reader has."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from designer.login.links import is_valid
from designer.pages import THEMES, pages
from designer.words import LANGUAGES

router = APIRouter()

_YEAR = 365 * 24 * 3600


def local(address: str) -> str:
    """Return the address if it is one of this site's pages, else the first page."""
    parts = urlsplit(address)
    inside = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if inside and not parts.netloc and not parts.scheme else "/"


@router.get("/login")
def login(request: Request, token: str = "", next: str = "/") -> Response:  # noqa: A002 - the address's name for it
    """Open a session for a valid link; else say how to get one."""
    if token and is_valid(request.app.state.settings.signing_key(), token):
        response = RedirectResponse(local(next), 303)
        request.app.state.sessions.open(response)
        return response
    if request.state.session is not None:
        return RedirectResponse(local(next), 303)
    status = 403 if token else 200
    return pages(request).render(request, "login/login.html", status=status, refused=bool(token))


@router.post("/logout")
def logout(request: Request) -> Response:
    """End the session."""
    response = RedirectResponse("/login", 303)
    request.app.state.sessions.close(response)
    return response


@router.post("/preferences")
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
    return response
