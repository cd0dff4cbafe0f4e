"""Segment's HTTP API: its own client libraries work with this host and a `source` key.

Plain routes: what FastAPI does for a route costs more here than everything else together.
"""

import zlib
from base64 import b64decode
from datetime import UTC, datetime
from typing import Any, Final

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from designer.api import access
from designer.api.admission import Admission
from designer.api.metrics import EVENTS, count
from designer.api.problems import Malformed, TooLarge, Unauthorized, answer
from designer.api.reading import read_body
from engine.flow.event_names import Kind
from engine.flow.intake import Incoming
from engine.flow.segment_events import BATCH_LIMIT, EVENT_LIMIT, events_of, parse
from engine.store.keys import Key

_SUCCESS: Final = b'{"success":true}'

SUMMARIES: Final[dict[Kind | None, tuple[str, str]]] = {
    "track": ("Something that a customer did", "An event, with its name and properties."),
    "identify": ("Who a customer is", "What is known of her: her traits."),
    "page": ("A page that a customer saw", "A view of a page of the shop's site."),
    "screen": ("A screen that a customer saw", "A view of a screen of the shop's app."),
    "alias": ("A customer's new id", "The customer known by `previousId` is `userId`."),
    "group": ("A group that a customer joined", "A company, a household, a club."),
    None: ("Several calls at once", "Up to 2,500, each with its `type`: all of them, or none."),
}
"""What each call is for; a batch has no kind of its own."""


def path_of(kind: Kind | None) -> str:
    """Return the address of a kind of call; None is a batch."""
    return f"/v1/{kind or 'batch'}"


class Call:
    """The endpoint of one kind of call, or of batches."""

    def __init__(self, kind: Kind | None) -> None:
        self.kind = kind
        self.path = path_of(kind)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer success when the events are durable, else a problem."""
        request = Request(scope, receive)
        try:
            await self._take_in(request)
            response = Response(_SUCCESS, media_type="application/json")
        except Exception as error:  # noqa: BLE001 - the last one who can answer
            response = answer(request, error)
        # A write key may stand in a shop's page, which wants to know how it went.
        response.headers["Access-Control-Allow-Origin"] = "*"
        count(request, response.status_code)
        await response(scope, receive, send)

    async def _take_in(self, request: Request) -> None:
        admission: Admission = request.app.state.admission
        admission.check()
        body = await read_body(request, BATCH_LIMIT)
        received_at = datetime.now(UTC)
        secret = _key_in_header(request)
        key = access.remembered(request, secret) if secret else None
        if key is not None and len(body) <= EVENT_LIMIT and not _is_packed(request):
            access.require(key, "send events")
            events = events_of(self.kind, parse(body), body, str(key.id), received_at)
        else:  # this may ask the database, or take a while
            events = await anyio.to_thread.run_sync(
                _read, request, self.kind, secret, body, received_at
            )
        if events:
            await admission.store(events)
            EVENTS.inc(len(events))


def _read(
    request: Request, kind: Kind | None, secret: str | None, body: bytes, received_at: datetime
) -> list[Incoming]:
    # The key first: whoever has none is told nothing else.
    key = _source(request, secret)
    body = _unpacked(request, body)
    document = parse(body)
    key = key or _source(request, document.get("writeKey"))
    if key is None:
        raise Unauthorized("Send the source's write key as the user name of basic authentication.")
    return events_of(kind, document, body, str(key.id), received_at)


def _source(request: Request, secret: Any) -> Key | None:
    """Return the key, whose id is the source within which message ids are unique."""
    if not isinstance(secret, str) or not secret:
        return None
    key = access.find(request, secret)
    if key is None:
        raise Unauthorized("The write key is not known; it may have been revoked.")
    access.require(key, "send events")
    return key


def _key_in_header(request: Request) -> str | None:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return access.bearer(request)
    try:
        return b64decode(value, validate=True).decode().partition(":")[0]
    except ValueError:
        raise Unauthorized("The Authorization header is not basic authentication.") from None


def _is_packed(request: Request) -> bool:
    return "content-encoding" in request.headers


def _unpacked(request: Request, body: bytes) -> bytes:
    """Unpack a compressed body, and no further than its limit."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding == "identity":
        return body
    if encoding != "gzip":
        raise Malformed(f"The content encoding {encoding!r} is not known; send gzip or none.")
    try:
        unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        plain = unpacking.decompress(body, BATCH_LIMIT + 1)
    except zlib.error:
        raise Malformed("The body is not gzip, as its content encoding says.") from None
    if len(plain) > BATCH_LIMIT:
        raise TooLarge(f"The request is larger than {BATCH_LIMIT:,} bytes.")
    if not unpacking.eof:
        raise Malformed("The body is not gzip to its end.")
    return plain


ROUTES: Final = [Route(path_of(kind), Call(kind), methods=["POST"]) for kind in SUMMARIES]
