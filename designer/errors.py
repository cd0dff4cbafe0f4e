"""What is shown instead of a page when there is none: a sentence, and a way on."""

import logging
from typing import Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from designer.login.gate import HEADERS, is_public
from designer.pages import pages
from designer.words import N_
from engine.errors import NotFound, ParcoursError, Unavailable

_log = logging.getLogger(__name__)

SENTENCES: Final[dict[int, tuple[str, str]]] = {
    401: (N_("You are logged out"), N_("Log in again, then repeat what you did.")),
    403: (
        N_("This page has grown too old"),
        N_("Go back, reload the page and send the form again: nothing was changed."),
    ),
    404: (N_("There is nothing here"), N_("It was moved or deleted, or its address is mistyped.")),
    405: (N_("There is nothing here"), N_("This address is not a page.")),
    413: (N_("This is too much at once"), N_("What you sent is too large: nothing was changed.")),
    422: (
        N_("This cannot be understood"),
        N_("Something in the address or the form is not valid."),
    ),
    500: (
        N_("Something went wrong on our side"),
        N_("It was noted in the log. Try again; if it happens once more, tell your operator."),
    ),
    503: (
        N_("The database does not answer"),
        N_(
            "Nothing is lost: customers go on where they stand once it is back. Reload in a moment."
        ),
    ),
}


_ROLE: Final = (
    N_("Your role does not allow this"),
    N_("Nothing was changed. An administrator can give you another role, under Settings, People."),
)


def refusal(request: Request, status: int, why: str = "") -> Response:
    """Answer for the gate; `why` is `role` when that is what is missing."""
    if why != "role":
        return page_for(request, status)
    words = pages(request).words(request)
    title, sentence = _ROLE
    return page_for(request, status, words.gettext(sentence), words.gettext(title))


def page_for(request: Request, status: int, detail: str = "", heading: str = "") -> Response:
    """Answer with the finished page for an error; `detail` and `heading` replace its sentences."""
    title, sentence = SENTENCES.get(status, SENTENCES[500 if status >= 500 else 404])
    words = pages(request).words(request, shop=status != 503)
    response = pages(request).render(
        request,
        "error.html",
        status=status,
        words=words,
        title=heading or words.gettext(title),
        sentence=detail or words.gettext(sentence),
        code=status,
    )
    for name, value in HEADERS.items():  # answers to unforeseen errors pass no middleware
        response.headers.setdefault(name, value)
    if status == 503:
        response.headers["Retry-After"] = "5"
    return response


def _known(request: Request, error: Exception) -> Response:
    if isinstance(error, Unavailable):
        _log.warning("%s", error)
        return page_for(request, 503)
    if isinstance(error, NotFound):
        return page_for(request, 404)
    assert isinstance(error, ParcoursError)  # noqa: S101 - registered for no other
    words = pages(request).words(request, shop=False)
    return page_for(request, error.status, words.said(error.said))


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for no other
    return page_for(request, error.status_code)


def _unfit(request: Request, error: Exception) -> Response:
    return page_for(request, 422)


def _unforeseen(request: Request, error: Exception) -> Response:
    return page_for(request, 500)


def add_error_pages(app: FastAPI) -> None:
    """Answer pages' errors with pages; what lies under the programs' interface keeps its own."""
    ours = {
        ParcoursError: _known,
        HTTPException: _http,
        RequestValidationError: _unfit,
        Exception: _unforeseen,
    }
    for kind, handler in ours.items():
        theirs = app.exception_handlers.get(kind)

        async def answer(
            request: Request,
            error: Exception,
            handler: object = handler,
            theirs: object = theirs,
        ) -> Response:
            chosen = theirs if theirs and _is_interface(request) else handler
            assert callable(chosen)  # noqa: S101 - both are handlers
            found = chosen(request, error)
            response: Response = await found if hasattr(found, "__await__") else found
            return response

        app.add_exception_handler(kind, answer)


_PAGES: Final = ("/login", "/password", "/static", "/u/", "/c/", "/preferences/")
"""What is open to anyone and yet for people."""


def _is_interface(request: Request) -> bool:
    return is_public(request.url.path) and not request.url.path.startswith(_PAGES)
