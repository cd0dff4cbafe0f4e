"""A link in a message: notes that it was opened, and leads on."""

import logging
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from activities.content.links import PATH, Click, Tracker
from engine.errors import NotFound, ParcoursError
from engine.flow import feedback
from engine.settings import Settings

router = APIRouter()

_KEPT: Final = ":/%#?=@[]!$&'()*+,;~"
"""What may stand in an address; headers hold nothing beyond ASCII."""

_log = logging.getLogger(__name__)


@router.get(PATH + "{token:path}")
@router.head(PATH + "{token:path}")
def follow(request: Request, token: str) -> Response:
    """Lead on to exactly the address that was signed; whatever else is asked for is not there."""
    settings: Settings = request.app.state.settings
    click = Tracker(settings.signing_key(), settings.url).read(token)
    if click is None:
        raise NotFound("There is no such link.")
    try:
        note_click(request, click)
    except ParcoursError as error:  # the customer gets where she wants to go all the same
        _log.warning("A click was not noted: %s", error)
    headers = {
        "Location": quote(click.url, safe=_KEPT),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex",
    }
    return Response(status_code=302, headers=headers)


def note_click(request: Request, click: Click) -> None:
    """Note that a link was opened; whether by a person is judged by who asks, and how soon."""
    wakes = feedback.clicked(
        request.app.state.database,
        click.message,
        click.url,
        request.headers.get("user-agent"),
        datetime.now(UTC),
        ip=request.client.host if request.client is not None else None,
        method=request.method,
    )
    if wakes and request.app.state.gateway is not None:
        request.app.state.gateway.tell_soon(wakes)
