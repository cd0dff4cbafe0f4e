"""Segment's HTTP API: its own client libraries work with this host and a `source` key."""

import zlib
from base64 import b64decode
from datetime import UTC, datetime
from typing import Any, Final

import anyio.to_thread
from anyio import CapacityLimiter
from fastapi import APIRouter, Request, Response

from designer.api import access
from designer.api.metrics import EVENTS
from designer.api.problems import Malformed, Overloaded, ProblemRoute, TooLarge, Unauthorized
from designer.api.reading import read_body
from designer.api.segment_events import BATCH_LIMIT, events_of, parse
from engine.flow.event_names import Kind
from engine.flow.intake import receive

AT_ONCE: Final = 8
"""Requests taken in at the same time: as many as the database's pool keeps connections."""

WAITING: Final = 200
"""Requests that may wait for their turn; more are asked to come again."""

_SUCCESS: Final = b'{"success":true}'

router = APIRouter(tags=["events"], route_class=ProblemRoute)


class Admission:
    """How many requests are under way; one for each application."""

    def __init__(self, *, at_once: int = AT_ONCE, waiting: int = WAITING) -> None:
        self._limiter = CapacityLimiter(at_once)
        self._most = at_once + waiting
        self._inside = 0

    async def run(self, request: Request, kind: Kind | None) -> None:
        """Read the request and take its events in, or refuse when too many are waiting."""
        if self._inside >= self._most:
            raise Overloaded("Too many requests are waiting. Send this one again in a moment.")
        self._inside += 1
        try:
            body = await read_body(request, BATCH_LIMIT)
            await anyio.to_thread.run_sync(_take_in, request, kind, body, limiter=self._limiter)
        finally:
            self._inside -= 1


def _take_in(request: Request, kind: Kind | None, body: bytes) -> None:
    """Store the events; they are durable when this returns."""
    received_at = datetime.now(UTC)
    state = request.app.state
    # The key first: whoever has none is told nothing else.
    source = _source(request, _key_in_header(request))
    body = _plain(request, body)
    document = parse(body)
    source = source or _source(request, document.get("writeKey"))
    if source is None:
        raise Unauthorized("Send the source's write key as the user name of basic authentication.")
    events = events_of(kind, document, body, source, received_at)
    if events:
        wakes = receive(state.database, events)
        if wakes and state.gateway is not None:
            state.gateway.tell_soon(wakes)
        EVENTS.inc(len(events))


def _source(request: Request, secret: Any) -> str | None:
    """Return the name under which the events of this write key are deduplicated."""
    if not isinstance(secret, str) or not secret:
        return None
    key = access.find(request, secret)
    if key is None:
        raise Unauthorized("The write key is not known; it may have been revoked.")
    access.require(key, "send events")
    return str(key.id)


def _key_in_header(request: Request) -> str | None:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return access.bearer(request)
    try:
        return b64decode(value, validate=True).decode().partition(":")[0]
    except ValueError:
        raise Unauthorized("The Authorization header is not basic authentication.") from None


def _plain(request: Request, body: bytes) -> bytes:
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


async def _answer(request: Request, kind: Kind | None) -> Response:
    admission: Admission = request.app.state.admission
    await admission.run(request, kind)
    return Response(_SUCCESS, media_type="application/json")


@router.post("/v1/track", summary="Something that a customer did")
async def track(request: Request) -> Response:
    """Take in one event with its name and properties. 200 means that it is stored for good."""
    return await _answer(request, "track")


@router.post("/v1/identify", summary="Who a customer is")
async def identify(request: Request) -> Response:
    """Take in what is known of a customer: her traits."""
    return await _answer(request, "identify")


@router.post("/v1/page", summary="A page that a customer saw")
async def page(request: Request) -> Response:
    """Take in a view of a page of the shop's site."""
    return await _answer(request, "page")


@router.post("/v1/screen", summary="A screen that a customer saw")
async def screen(request: Request) -> Response:
    """Take in a view of a screen of the shop's app."""
    return await _answer(request, "screen")


@router.post("/v1/alias", summary="A customer's new id")
async def alias(request: Request) -> Response:
    """Take in that a customer known by `previousId` is `userId`."""
    return await _answer(request, "alias")


@router.post("/v1/group", summary="A group that a customer joined")
async def group(request: Request) -> Response:
    """Take in that a customer belongs to a group, a company or a household."""
    return await _answer(request, "group")


@router.post("/v1/batch", summary="Several calls at once")
async def batch(request: Request) -> Response:
    """Take in up to 2,500 calls, each with its `type`: all of them, or none on a fault."""
    return await _answer(request, None)
