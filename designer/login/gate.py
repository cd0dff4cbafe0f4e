"""The one place that decides who passes: no session, no page; no permission, no page; no token,
no change.
"""  # noqa: D205 - one sentence

import logging
from collections.abc import Callable
from typing import Final, Literal
from urllib.parse import parse_qs, quote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from designer.login.permits import Doors
from designer.login.sessions import COOKIE, Sessions
from engine.errors import Unavailable
from engine.store.sessions import Login

PUBLIC: Final = frozenset(
    {"/login", "/password", "/healthz", "/readyz", "/metrics", "/openapi.json", "/favicon.ico"}
)
"""Open to anyone."""
PUBLIC_UNDER: Final = (
    "/static/",
    "/v1/",
    "/l/",
    "/hooks/",
    "/push/",
    "/u/",
    "/c/",
    "/preferences/",
)
"""Assets, and what asks for keys or signatures of its own."""

_GREETS: Final = frozenset({"/login", "/password"})
"""Open to anyone, and yet different for who is logged in."""

_log = logging.getLogger(__name__)

Refusal = Callable[[Request, int, Literal["", "role"]], Response]
"""Makes the page for a status; `role` tells that the reader's role is what is missing."""

FORM_LIMIT: Final = 4_000_000
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})

HEADERS: Final = {
    # Styles in attributes are the canvas's column widths: integers, all of them.
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; "
        "img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "private, no-cache",
}
"""On every answer, unless the route has set its own."""


def is_public(path: str) -> bool:
    """Whether a path is served without a session."""
    return path in PUBLIC or path.startswith(PUBLIC_UNDER)


class Gate:
    """Refuses by default, and puts the session in `request.state.session`."""

    def __init__(self, app: ASGIApp, *, sessions: Sessions, doors: Doors, refusal: Refusal) -> None:
        self._app = app
        self._sessions = sessions
        self._doors = doors
        self._refusal = refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request pass, or answer why not."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def careful(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        request = Request(scope, receive)
        request.state.session = None
        path = request.url.path
        try:
            if not is_public(path) or path in _GREETS:
                request.state.session = await self._session(request)
        except Unavailable as error:
            _log.warning("%s", error)
            answer: ASGIApp = await self._refused(request, 503)
        else:
            answer = self._app
            if not is_public(path):
                answer, receive = await self._asked(request, receive)
        await answer(scope, receive, careful)

    async def _session(self, request: Request) -> Login | None:
        token = request.cookies.get(COOKIE)
        if (known := self._sessions.remembered(token)) is not None:
            return known
        return await run_in_threadpool(self._sessions.find, token)

    async def _asked(self, request: Request, receive: Receive) -> tuple[ASGIApp, Receive]:
        """Return what answers a request for a page, and from where it reads the request."""
        session: Login | None = request.state.session
        if session is None:
            return await run_in_threadpool(self._to_login, request), receive
        door, other_method = self._doors.at(request.scope)
        if door is None:
            return await self._refused(request, 405 if other_method else 404), receive
        if not door.asks:
            _log.error("The route %s says nothing of who may pass.", door.route.path)
        if not door.opens_to(session.role):
            return await self._refused(request, 403, "role"), receive
        if request.method in SAFE:
            return self._app, receive
        if door.streamed:
            if not self._sessions.accepts(session, request.headers.get("X-CSRF-Token", "")):
                return await self._refused(request, 403), receive
            return self._app, receive
        if (body := await _body(request)) is None:
            return await self._refused(request, 413), receive
        if not self._sessions.accepts(session, _token(request, body)):
            return await self._refused(request, 403), receive
        return self._app, _again(body, receive)

    async def _refused(
        self, request: Request, status: int, why: Literal["", "role"] = ""
    ) -> Response:
        return await run_in_threadpool(self._refusal, request, status, why)

    def _to_login(self, request: Request) -> Response:
        if request.headers.get("HX-Request"):
            return Response(status_code=401, headers={"HX-Redirect": "/login"})
        if request.method not in SAFE:
            return self._refusal(request, 401, "")
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse("/login" if wanted == "/" else f"/login?next={quote(wanted)}", 303)


async def _body(request: Request) -> bytes | None:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > FORM_LIMIT:
            return None
    return bytes(body)


def _token(request: Request, body: bytes) -> str:
    if sent := request.headers.get("X-CSRF-Token"):
        return sent
    if not request.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
        return ""
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=1000)
    except ValueError:
        return ""
    return fields.get("csrf", [""])[0]


def _again(body: bytes, receive: Receive) -> Receive:
    """Give the body that has been read once more, then whatever else comes."""
    given = False

    async def receive_again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again
