"""The one place that decides who passes: no session, no page; no token, no change."""

from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qs, quote

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from designer.login.sessions import COOKIE, Sessions

PUBLIC: Final = frozenset(
    {"/login", "/healthz", "/readyz", "/metrics", "/openapi.json", "/favicon.ico"}
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

    def __init__(
        self, app: ASGIApp, *, sessions: Sessions, refusal: Callable[[Request, int], Response]
    ) -> None:
        self._app = app
        self._sessions = sessions
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
        session = self._sessions.read(request.cookies.get(COOKIE))
        request.state.session = session
        if is_public(request.url.path):
            await self._app(scope, receive, careful)
        elif session is None:
            await self._to_login(request)(scope, receive, careful)
        elif request.method in SAFE:
            await self._app(scope, receive, careful)
        elif (body := await _body(request)) is None:
            await self._refusal(request, 413)(scope, receive, careful)
        elif not self._sessions.accepts(session, _token(request, body)):
            await self._refusal(request, 403)(scope, receive, careful)
        else:
            await self._app(scope, _again(body, receive), careful)

    def _to_login(self, request: Request) -> Response:
        if request.headers.get("HX-Request"):
            return Response(status_code=401, headers={"HX-Redirect": "/login"})
        if request.method not in SAFE:
            return self._refusal(request, 401)
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
