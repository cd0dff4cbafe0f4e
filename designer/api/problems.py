"""Errors as problem documents (RFC 9457): a sentence, and never a traceback."""

import logging
import traceback
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, Final

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from sqlalchemy.exc import DataError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from designer.api.metrics import count, route_of
from engine.errors import InvalidDocument, ParcoursError, Problem, Unavailable
from engine.errors import Malformed as Malformed  # noqa: PLC0414 - one of the answers here, too
from engine.errors import TooLarge as TooLarge  # noqa: PLC0414

_log = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"

AGAIN_AFTER: Final = "2"
"""After how many seconds a client should ask again when something was away or too busy."""


class Unauthorized(ParcoursError):
    """The request carries no key, or an unknown one."""

    status = 401


class Forbidden(ParcoursError):
    """The key's role does not permit this."""

    status = 403


class Overloaded(ParcoursError):
    """Too much is waiting already."""

    status = 429


class ProblemRoute(APIRoute):
    """A route whose every error is answered as a problem."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the handler."""
        handler = super().get_route_handler()

        async def careful(request: Request) -> Response:
            try:
                response = await handler(request)
            except Exception as error:  # noqa: BLE001 - the last one who can answer
                response = answer(request, error)
            count(request, response.status_code)
            return response

        return careful


def add_handlers(app: FastAPI) -> None:
    """Answer errors that reach no route of ours (an unknown path, a wrong method) likewise."""
    for kind in (ParcoursError, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, _answer_later)


async def _answer_later(request: Request, error: Exception) -> Response:
    return answer(request, error)


def answer(request: Request, error: Exception) -> Response:
    """Return the problem document for an error."""
    match error:
        case InvalidDocument():
            problems = [as_json(problem) for problem in error.problems]
            return problem_response(error.status, str(error), problems=problems)
        case Unavailable() | PoolExhausted():
            _log.warning("%s: not available: %s", _place(request), type(error).__name__)
            return problem_response(
                503, "The database does not answer. Send the request again in a moment."
            )
        case ParcoursError():
            return problem_response(error.status, str(error))
        case RequestValidationError():
            return problem_response(422, "; ".join(_parameter(one) for one in error.errors()))
        case HTTPException():
            sentence = {
                404: "There is nothing at this address.",
                405: "This address does not take this method.",
            }.get(error.status_code, str(error.detail))
            return problem_response(error.status_code, sentence, headers=error.headers)
        case DataError():
            return problem_response(400, "The request holds a value that cannot be stored.")
        case ClientDisconnect():
            return problem_response(400, "The request ended before its body did.")
        case RecursionError():
            return problem_response(400, "The document is nested too deeply.")
        case _:
            # The frames tell where; the error's own words might hold a customer's data.
            frames = "".join(traceback.format_tb(error.__traceback__))
            _log.error("%s failed: %s\n%s", _place(request), type(error).__name__, frames)
            return problem_response(500, "Something went wrong here; the log says where.")


def problem_response(status: int, detail: str, *, headers: Any = None, **members: Any) -> Response:
    """Return one problem document."""
    content = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        **members,
    }
    response = Response(orjson.dumps(content), status, headers, MEDIA_TYPE)
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer, Basic"
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        response.headers["Retry-After"] = AGAIN_AFTER
    return response


def as_json(problem: Problem) -> dict[str, Any]:
    """Return one mistake of a document as JSON."""
    return {
        "message": problem.message,
        "step": problem.step,
        "path": list(problem.path),
        "line": problem.line,
        "severity": problem.severity,
    }


def _place(request: Request) -> str:
    return f"{request.method} {route_of(request)}"


def _parameter(mistake: Any) -> str:
    message: str = mistake["msg"]
    return f"{mistake['loc'][-1]}: {message[:1].lower()}{message[1:]}"
